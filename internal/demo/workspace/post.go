package workspace

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// answer is what Slack would say to a post.
type answer struct {
	Word   string   `json:"word"`          // "ok", or Slack's word for what is wrong
	Why    []string `json:"why,omitempty"` // in detail, where blocks are invalid
	Status int      `json:"status"`
}

func (a *answer) taken() bool { return a.Word == accepted }

const (
	accepted = "ok"
	limited  = "ratelimited"
	maxBody  = 1 << 20
	// apart is how far two messages to a channel must be from each other: a second, as Slack has it,
	// less what a network may take away from it.
	apart = 900 * time.Millisecond
)

var (
	teamForm    = regexp.MustCompile(`^T[A-Z0-9]{8,}$`)
	hookForm    = regexp.MustCompile(`^B[A-Z0-9]{8,}$`)
	channelForm = regexp.MustCompile(`^([CG][A-Z0-9]{8,}|#[\p{Ll}\p{N}_-]{1,80})$`)
)

// archived in a channel's or a hook's ID makes it one whose channel is no more.
const archived = "ARCHIVED"

// incoming takes a post to an incoming webhook. Slack answers in plain text there.
func (s *Workspace) incoming(w http.ResponseWriter, r *http.Request) {
	team, hook := r.PathValue("team"), r.PathValue("hook")
	m := message{Channel: team + "/" + hook, By: "incoming webhook"}
	m.Payload = payloadOf(w, r)
	switch {
	case !teamForm.MatchString(team) || !hookForm.MatchString(hook):
		m.answer = answer{Word: "no_service", Status: http.StatusNotFound}
	case r.PathValue("key") != hookKey:
		m.answer = answer{Word: "invalid_token", Status: http.StatusForbidden}
	case strings.Contains(hook, archived):
		m.answer = answer{Word: "channel_is_archived", Status: http.StatusGone}
	default:
		s.judge(&m, http.StatusBadRequest)
	}
	if !s.keep(w, m) {
		return
	}
	if m.Word == limited {
		w.Header().Set("Retry-After", "1")
		m.Word = "rate_limited" // the word is another here
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(m.Status)
	_, _ = io.WriteString(w, m.Word)
}

// postMessage is the Web API's method. Slack answers 200 there, but to one that comes too soon, and
// says in JSON what is wrong.
func (s *Workspace) postMessage(w http.ResponseWriter, r *http.Request) {
	m := message{By: "chat.postMessage", Payload: payloadOf(w, r)}
	var told struct{ Channel string }
	_ = json.Unmarshal(m.Payload, &told) // judge says so when it can't be read
	m.Channel = told.Channel
	token := r.PostFormValue("token")
	if token == "" {
		token, _ = strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	}
	refuse := func(word string) { m.answer = answer{Word: word, Status: http.StatusOK} }
	switch {
	case token == "":
		refuse("not_authed")
	case strings.Contains(token, "revoked"):
		refuse("token_revoked")
	case token != Token:
		refuse("invalid_auth")
	case !channelForm.MatchString(m.Channel):
		refuse("channel_not_found")
	case strings.Contains(m.Channel, archived):
		refuse("is_archived")
	default:
		s.judge(&m, http.StatusOK)
	}
	if s.keep(w, m) {
		sendJSON(w, &m)
	}
}

func sendJSON(w http.ResponseWriter, m *message) {
	out := map[string]any{"ok": m.taken()}
	if m.taken() {
		out["channel"], out["ts"] = m.Channel, strconv.FormatInt(time.Now().Unix(), 10)+".000100"
	} else {
		out["error"] = m.Word
		if len(m.Why) > 0 {
			out["response_metadata"] = map[string]any{"messages": m.Why}
		}
	}
	if m.Word == limited {
		w.Header().Set("Retry-After", "1")
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(m.Status)
	_ = json.NewEncoder(w).Encode(out)
}

func (s *Workspace) keep(w http.ResponseWriter, m message) bool {
	if _, err := s.shelf.Add(m); err != nil {
		s.site.Log().Error("the demo's Slack receiver can't keep what arrived", "error", err)
		http.Error(w, "fatal_error", http.StatusInternalServerError)
		return false
	}
	return true
}

// judge answers a post to a channel that exists; invalid is the status of one that can't be taken.
func (s *Workspace) judge(m *message, invalid int) {
	if s.tooSoon(m.Channel) {
		m.answer = answer{Word: limited, Status: http.StatusTooManyRequests}
		return
	}
	var p payload
	if err := json.Unmarshal(m.Payload, &p); err != nil {
		m.answer = answer{Word: "invalid_payload", Why: []string{err.Error()}, Status: invalid}
		return
	}
	m.Text = p.Text
	if word, why := p.check(); word != accepted {
		m.answer = answer{Word: word, Why: why, Status: invalid}
		return
	}
	m.answer = answer{Word: accepted, Status: http.StatusOK}
}

// tooSoon says whether the channel had a message less than a second ago, and remembers this one.
func (s *Workspace) tooSoon(channel string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if last, ok := s.latest[channel]; ok && now.Sub(last) < apart {
		return true
	}
	s.latest[channel] = now
	return false
}

// payloadOf reads a post as JSON, whether it came so or as a form: as one field named payload, or
// as a field for each. What isn't JSON becomes a JSON text, for it is to be kept too.
func payloadOf(w http.ResponseWriter, r *http.Request) json.RawMessage {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind == "application/x-www-form-urlencoded" {
		if err := r.ParseForm(); err != nil {
			return quoted(err.Error())
		}
		return ofForm(r.PostForm)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return quoted(err.Error())
	}
	return valid(body)
}

func ofForm(form url.Values) json.RawMessage {
	if whole := form.Get("payload"); whole != "" {
		return valid([]byte(whole))
	}
	fields := map[string]json.RawMessage{}
	for name := range form {
		switch name {
		case "token":
		case "blocks", "attachments", "metadata":
			fields[name] = valid([]byte(form.Get(name)))
		default:
			fields[name] = quoted(form.Get(name))
		}
	}
	out, err := json.Marshal(fields)
	if err != nil {
		return quoted(err.Error())
	}
	return out
}

func valid(raw []byte) json.RawMessage {
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return quoted(string(raw))
	}
	return b.Bytes()
}

func quoted(text string) json.RawMessage {
	out, _ := json.Marshal(text) // a text always can
	return out
}
