package client

import (
	"context"
	"io"
	"net/http"
	"time"
)

// stream calls an operation whose answer is read as it comes. Whoever calls closes its body.
func (c *Client) stream(ctx context.Context, r *request, options []CallOption) (*http.Response, error) {
	p, err := c.prepare(r, options)
	if err != nil {
		return nil, err
	}
	var response *http.Response
	err = c.retries.run(ctx, func() error {
		response, err = c.begin(ctx, p) //nolint:bodyclose // whoever calls closes it
		return err
	})
	return response, err
}

// begin waits no longer than a try may take for the answer to begin; then it may last.
func (c *Client) begin(ctx context.Context, p *prepared) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	limit := time.AfterFunc(c.timeout, func() { cancel(context.DeadlineExceeded) })
	response, err := c.open(ctx, p)
	if !limit.Stop() && err == nil {
		_ = response.Body.Close()
		err = &connectionError{context.DeadlineExceeded}
	}
	if err != nil {
		cancel(nil)
		return nil, err
	}
	response.Body = &cancelling{response.Body, cancel}
	return response, nil
}

// cancelling lets go of the request when its answer is closed.
type cancelling struct {
	io.ReadCloser
	cancel context.CancelCauseFunc
}

func (b *cancelling) Close() error {
	defer b.cancel(nil)
	return b.ReadCloser.Close()
}
