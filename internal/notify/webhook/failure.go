package webhook

import (
	"context"
	"errors"
	"fmt"
	"net"

	"fairnotice/internal/egress"
)

// failure is the result of a request that got no answer.
func (t *trail) failure(err error) Result {
	var (
		forbidden *egress.ForbiddenError
		proxy     *egress.ProxyError
		name      *net.DNSError
		timeout   net.Error
	)
	switch {
	case errors.As(err, &forbidden):
		return Result{Outcome: Permanent, Stage: StageGuard, Answer: guarded(forbidden)}
	case errors.As(err, &proxy):
		res := Result{Outcome: Unreachable, Stage: StageProxy, Code: proxy.Code, Answer: sanitize(err.Error())}
		if proxy.Tunnel {
			res.Stage = StageTunnel
		}
		return res
	case errors.As(err, &name):
		return Result{Outcome: Temporary, Stage: StageDNS, Answer: sanitize(fmt.Sprintf("The name %s can't be resolved: %s", name.Name, name.Err))}
	case errors.Is(err, context.Canceled):
		return Result{Outcome: Temporary, Stage: t.stage(), Answer: "Stopped before an answer came"}
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return Result{Outcome: Temporary, Stage: t.stage(), Answer: "No answer within the time allowed"}
	}
	return Result{Outcome: Temporary, Stage: t.stage(), Answer: sanitize(err.Error())}
}

func guarded(e *egress.ForbiddenError) string {
	if !e.Addr.IsValid() {
		return "This address leads to no host"
	}
	return fmt.Sprintf("This address leads to %s, which is not on the public internet. If it is meant, "+
		"whoever runs Fairnotice can allow its network with OUTBOUND_ALLOW.", e.Addr)
}
