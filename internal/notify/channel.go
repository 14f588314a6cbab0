package notify

import (
	"context"
	"time"
)

// Channel is a way to reach recipients.
type Channel interface {
	// Name is the channel's name in the database: "email", "webhook", "slack".
	Name() string
	// Limits are read once, when the sender starts.
	Limits() Limits
	// Send makes one try. It returns when the far side has answered or ctx has ended, and never
	// panics for what the far side says.
	Send(ctx context.Context, out *Outgoing) Result
}

// StageCompose is the stage of an attempt that failed before anybody was asked.
const StageCompose = "compose"

// StageTunnel is the stage of an attempt that our outgoing proxy did not lead to this endpoint. Proxies
// don't tell whose trouble that is: like the proxy's own faults it costs no try, but the lane goes on.
const StageTunnel = "tunnel"

// Limits of a channel within one process.
type Limits struct {
	Timeout     time.Duration // of one send, in all
	Concurrency int           // sends at once that are answered promptly
	Slow        int           // further sends at once that have been waiting for promptness
	PerEndpoint int           // sends at once to one endpoint that has proven that it answers
	Rate        float64       // messages a second to one endpoint, over all workers; 0: no limit
}

const (
	// prompt is how long a send may take before it moves to the slow pool and its endpoint counts
	// as unproven again.
	prompt = 250 * time.Millisecond
	// lease is how long a claimed delivery is ours. It is what a delivery in flight waits for after
	// a crash, and is longer than any send may take.
	lease = 100 * time.Second
)
