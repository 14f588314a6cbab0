package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"fairnotice/web/apiv1/client"
)

const aboutWatch = `Follows the deliveries of a notice, or of all notices of a change, until each has come to its end. On a
terminal one line is kept up to date; elsewhere there is a line whenever something has changed, and with
--json an object.

It ends with 3 when deliveries failed for good or were not sent because their address is suppressed.`

func watch(ctx context.Context, args []string, sh *shell) error {
	c := sh.flags("watch", "REFERENCE|NOTICE", aboutWatch)
	c.BoolVar(&c.json, "json", false, "an object of JSON whenever something has changed")
	plain, err := c.parse(args, 1)
	if err != nil {
		return err
	}
	api, err := sh.connect(c)
	if err != nil {
		return err
	}
	id, err := uuid.Parse(plain[0])
	if err == nil {
		notice, err := api.GetNotice(ctx, id)
		if err == nil {
			return sh.watchNotices(ctx, api, []client.Notice{notice.Body}, c.json)
		}
		if p := (*client.Problem)(nil); !errors.As(err, &p) || p.Status != 404 {
			return err
		}
	}
	return sh.watchChange(ctx, api, plain[0], c.json) // an ID may be a change's as well
}

// lookEvery is how often is looked for the notice of a change that was announced a moment ago.
const lookEvery = time.Second

// watchChange waits for a change's notice and follows it.
func (sh *shell) watchChange(ctx context.Context, api *client.Client, change string, asJSON bool) error {
	for {
		read, err := api.GetChange(ctx, change)
		if err != nil {
			return err
		}
		if read.Body.AnnouncedAt == nil {
			return fmt.Errorf("%s is in the state %s: there is nothing to watch before its announcement", read.Body.Reference, read.Body.State)
		}
		list, err := api.ListNotices(ctx, read.Body.ID.String())
		if err != nil {
			return err
		}
		if len(list.Body.Items) > 0 {
			return sh.watchNotices(ctx, api, list.Body.Items, asJSON)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(lookEvery):
		}
	}
}

// watchNotices follows notices, one after the other. What comes to an end meanwhile is told at once.
func (sh *shell) watchNotices(ctx context.Context, api *client.Client, notices []client.Notice, asJSON bool) error {
	failed := 0
	for _, n := range notices {
		last, err := sh.watchNotice(ctx, api, n, asJSON)
		if err != nil {
			return err
		}
		failed += last.Counts.Failed + last.Counts.Suppressed
	}
	if failed > 0 {
		return partly("%d deliveries did not arrive: see /console, or GET /deliveries?state=failed", failed)
	}
	return nil
}

func (sh *shell) watchNotice(ctx context.Context, api *client.Client, n client.Notice, asJSON bool) (last client.NoticeProgress, err error) {
	live := isTerminal(sh.out) && !asJSON
	for p, err := range api.Follow(ctx, n.ID) {
		if err != nil {
			if live {
				fmt.Fprintln(sh.out)
			}
			return last, err
		}
		last = p
		switch {
		case asJSON:
			if err := json.NewEncoder(sh.out).Encode(p); err != nil {
				return last, err
			}
		case live:
			fmt.Fprintf(sh.out, "\r\x1b[K%s", progressLine(&n, &p))
		default:
			fmt.Fprintln(sh.out, progressLine(&n, &p))
		}
	}
	if live {
		fmt.Fprintln(sh.out)
	}
	return last, nil
}

// progressLine tells counts that aren't zero.
func progressLine(n *client.Notice, p *client.NoticeProgress) string {
	var parts []string
	for _, c := range []struct {
		what  string
		count int
	}{{"queued", p.Counts.Queued - p.Retrying}, {"to be tried again", p.Retrying}, {"sending", p.Counts.Sending}, {"sent", p.Counts.Sent}, {"received", p.Counts.Received},
		{"failed", p.Counts.Failed}, {"suppressed", p.Counts.Suppressed}, {"cancelled", p.Counts.Cancelled}} {
		if c.count > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", c.count, c.what))
		}
	}
	return fmt.Sprintf("%s, %s: %d of %d (%s)", n.Reference, n.Kind, p.Done, p.Total, strings.Join(parts, ", "))
}
