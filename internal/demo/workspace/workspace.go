// Package workspace is where the demo's Slack messages arrive: a real HTTP server on loopback that
// takes incoming webhooks and chat.postMessage, refuses what Slack would refuse, and draws what
// arrived on the demo's site about as Slack would. It knows of Slack what its documentation says,
// and nothing of our sender.
package workspace

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"fairnotice/internal/demo/site"
)

// Token is the bot token that the workspace knows.
const Token = "xoxb-demo-000000000000-fictitious"

// hookKey is the secret part of every incoming-webhook URL of the workspace.
const hookKey = "demo0000demo0000demo0000"

// Options say where the receiver is.
type Options struct {
	Dir  string // keeps what arrived; made when missing
	Addr string // host:port for the first time; when the port is taken, one of those after it
	Keep int    // messages kept, the oldest go first; 0: 1,000
}

// Workspace is a running receiver.
type Workspace struct {
	site   *site.Site
	server *site.Server
	shelf  *site.Shelf[message]

	mu     sync.Mutex
	latest map[string]time.Time // when each channel's latest message came
}

// message is one post as it came, and what was made of it.
type message struct {
	Channel string          `json:"channel"`
	By      string          `json:"by"` // how it came
	Text    string          `json:"text"`
	Payload json.RawMessage `json:"payload"` // without the token
	answer
}

// Open reads what is in the folder, starts the server and adds its pages to the site. Close must be
// called.
func Open(on *site.Site, o Options) (*Workspace, error) {
	shelf, err := site.OpenShelf[message](o.Dir, cmp.Or(o.Keep, 1000))
	if err != nil {
		return nil, err
	}
	w := &Workspace{site: on, shelf: shelf, latest: map[string]time.Time{}}
	if err := w.addPages(); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /services/{team}/{hook}/{key}", w.incoming)
	mux.HandleFunc("POST /api/chat.postMessage", w.postMessage)
	if w.server, err = site.ListenAgain("slack", o.Dir, o.Addr, mux, on.Log()); err != nil {
		return nil, err
	}
	w.server.Start()
	return w, nil
}

// Host is the receiver's host and port.
func (w *Workspace) Host() string { return w.server.Addr() }

// APIURL is where the Web API is, with a slash at its end.
func (w *Workspace) APIURL() string { return w.server.URL() + "/api/" }

// Hook is an incoming webhook's URL: a team's ID begins with T, a hook's with B, and both go on with
// eight or more capital letters and digits.
func (w *Workspace) Hook(team, hook string) string {
	return w.server.URL() + "/services/" + team + "/" + hook + "/" + hookKey
}

// Close lets requests under way finish until ctx ends; once is enough.
func (w *Workspace) Close(ctx context.Context) error { return w.server.Close(ctx) }
