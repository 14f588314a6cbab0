package console

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/fault"
	"fairnotice/internal/locale"
	"fairnotice/internal/notify"
	"fairnotice/web"
)

// deliveryPage is one recipient's copy of a notice and everything that became of it.
type deliveryPage struct {
	web.Page
	Delivery *notify.Delivery
	State    string
	InWords  string // the state, and what comes next
	Created  time.Time
	Done     time.Time
	Attempts []attemptRow
	MayRetry bool
	Shown    int // number of the attempt whose message is shown; 0: none was ever written
	Message  *notify.AsSent
	Digest   string
	Frame    string // of a mail: the address of its HTML
	Source   string
	Headers  []header // of a webhook
	JSON     string   // of a webhook the body, of a Slack message what was posted; for reading
}

// header is one that a webhook was sent with.
type header struct{ Name, Value string }

// attemptRow is one try as it went.
type attemptRow struct {
	Number         int
	At, Next       time.Time
	Took           string
	Outcome, Stage string // in words
	Tone           string
	Code           int
	Answer         string
	HasMessage     bool
	Href           string
	Shown          bool
}

func (s *Site) showDelivery(c *gin.Context) error {
	id, err := pathID(c, "id", "delivery")
	if err != nil {
		return err
	}
	return s.drawDelivery(c, id, nil)
}

func (s *Site) drawDelivery(c *gin.Context, id uuid.UUID, failed *web.Form) error {
	ctx := c.Request.Context()
	settings, err := s.houseRules(ctx)
	if err != nil {
		return err
	}
	d, attempts, err := s.Notify.Delivery(ctx, id)
	if err != nil {
		return err
	}
	p := &deliveryPage{Page: s.web.NewPage(c, "delivery.title", "Addressee", d.ShownAddressee(), "Reference", d.Reference), Delivery: d, State: shownState(d),
		Created: d.CreatedAt.In(settings.Zone()), Done: in(settings.Zone(), d.DoneAt)}
	if failed != nil {
		p.Feedback(failed)
	}
	p.InWords = s.deliveryWords(web.Lang(c), d, settings.Zone())
	p.MayRetry = web.ActorOf(c).May(actor.RetryDelivery) && (d.State == notify.Failed || d.State == notify.Queued)
	if p.Shown, err = s.shownAttempt(c, attempts); err != nil {
		return err
	}
	for i := range attempts {
		p.Attempts = append(p.Attempts, s.attemptRow(web.Lang(c), &attempts[i], p.Shown, settings.Zone()))
	}
	s.addMessage(c, p, attempts)
	return s.web.Render(c, "deliveries/show", p)
}

// deliveryWords says in sentences how a delivery stands and what comes next.
func (s *Site) deliveryWords(lang locale.Lang, d *notify.Delivery, zone *time.Location) string {
	reason := ""
	if d.Reason != "" {
		reason = s.words(lang, "delivery.reason.", d.Reason)
	}
	next := ""
	if d.DueAt != nil {
		next = locale.DateTime(lang, d.DueAt.In(zone))
	}
	state := shownState(d)
	if state == retrying && d.LastOutcome == notify.Ambiguous {
		state = "unclear"
	}
	return s.web.T(lang, "delivery.is."+state, "Reason", reason, "Next", next, "Tries", d.Attempts)
}

// shownAttempt is the attempt whose message is shown: the one asked for, else the latest that had
// a message.
func (s *Site) shownAttempt(c *gin.Context, attempts []notify.Attempt) (int, error) {
	asked := c.Query("attempt")
	if asked == "" {
		for i := len(attempts) - 1; i >= 0; i-- {
			if len(attempts[i].Digest) > 0 {
				return attempts[i].Number, nil
			}
		}
		return 0, nil
	}
	n, err := strconv.Atoi(asked)
	if err != nil {
		return 0, fault.Missing("attempt")
	}
	for i := range attempts {
		if attempts[i].Number == n {
			return n, nil
		}
	}
	return 0, fault.Missing("attempt")
}

var outcomeTones = map[notify.Outcome]string{notify.Accepted: "ok", notify.Temporary: "warn", notify.Permanent: "bad",
	notify.Unreachable: "warn", notify.Ambiguous: "warn"}

func (s *Site) attemptRow(lang locale.Lang, a *notify.Attempt, shown int, zone *time.Location) attemptRow {
	row := attemptRow{Number: a.Number, At: a.StartedAt.In(zone), Next: in(zone, a.NextAt), Took: tookWords(lang, a.Duration()),
		Outcome: s.words(lang, "outcome.", string(a.Outcome)), Tone: outcomeTones[a.Outcome], Code: a.Code, Answer: a.Answer,
		HasMessage: len(a.Digest) > 0, Href: deliveryPath(a.DeliveryID) + "?attempt=" + itoa(a.Number) + "#message", Shown: a.Number == shown}
	if strings.HasPrefix(a.Answer, itoa(a.Code)) {
		row.Code = 0 // the answer begins with it
	}
	if a.Stage != "" {
		row.Stage = s.words(lang, "stage.", a.Stage)
	}
	return row
}

// tookWords writes a duration: milliseconds below a second, else seconds with one decimal.
func tookWords(lang locale.Lang, d time.Duration) string {
	if d < time.Second {
		return strconv.FormatInt(max(1, d.Milliseconds()), 10) + " ms"
	}
	text := strconv.FormatFloat(d.Seconds(), 'f', 1, 64)
	if lang == locale.DE {
		text = text[:len(text)-2] + "," + text[len(text)-1:]
	}
	return text + " s"
}

func itoa(n int) string { return strconv.Itoa(n) }

// addMessage builds the shown attempt's message again. One that can't be built (a key has gone, the
// channel isn't configured here) leaves the rest of the page as it is.
func (s *Site) addMessage(c *gin.Context, p *deliveryPage, attempts []notify.Attempt) {
	if p.Shown == 0 || s.Composer == nil {
		return
	}
	built, err := s.Notify.Rebuild(c.Request.Context(), s.Composer, p.Delivery.ID, p.Shown)
	if err != nil {
		_ = c.Error(fmt.Errorf("delivery %s: %w", p.Delivery.ID, err))
		return
	}
	a := &attempts[p.Shown-1]
	p.Message, p.Digest = built, hex.EncodeToString(a.Digest)
	query := "?attempt=" + itoa(p.Shown)
	p.Source = deliveryPath(p.Delivery.ID) + "/source" + query
	if p.Delivery.Channel == notify.ChannelEmail {
		p.Frame = deliveryPath(p.Delivery.ID) + "/message" + query
		return
	}
	p.JSON = indented(built.Raw)
	if p.Delivery.Channel == notify.ChannelWebhook {
		p.Headers = s.webhookHeaders(web.Lang(c), a)
	}
}

// webhookHeaders are those that an attempt was sent with, by the Standard Webhooks specification. The
// signature is not kept: it follows from the rest and the secret of that time.
func (s *Site) webhookHeaders(lang locale.Lang, a *notify.Attempt) []header {
	return []header{{"webhook-id", a.DeliveryID.String()}, {"webhook-timestamp", strconv.FormatInt(a.StartedAt.Unix(), 10)},
		{"webhook-signature", s.web.T(lang, "delivery.signature")}}
}

// indented is JSON for reading; what is none stays as it is.
func indented(raw []byte) string {
	var b bytes.Buffer
	if json.Indent(&b, raw, "", "  ") != nil {
		return string(raw)
	}
	return b.String()
}

// rebuilt is the message of the attempt that the address names.
func (s *Site) rebuilt(c *gin.Context) (uuid.UUID, *notify.AsSent, error) {
	id, err := pathID(c, "id", "delivery")
	if err != nil {
		return id, nil, err
	}
	n, err := strconv.Atoi(c.Query("attempt"))
	if err != nil || n < 1 || n > 1000 || s.Composer == nil {
		return id, nil, fault.Missing("attempt")
	}
	built, err := s.Notify.Rebuild(c.Request.Context(), s.Composer, id, n)
	return id, built, err
}

// deliveryMessage is a mail's HTML, for its frame.
func (s *Site) deliveryMessage(c *gin.Context) error {
	_, built, err := s.rebuilt(c)
	if err != nil {
		return err
	}
	if built.HTML == "" {
		return fault.Missing("attempt")
	}
	return sendFrame(c, built.HTML)
}

// deliverySource is all that was sent, as a file: of a mail the whole message, which mail programs
// open; else the JSON that was posted.
func (s *Site) deliverySource(c *gin.Context) error {
	id, built, err := s.rebuilt(c)
	if err != nil {
		return err
	}
	kind, ending := "message/rfc822", ".eml"
	if built.HTML == "" {
		kind, ending = "application/json", ".json"
	}
	c.Header("Content-Disposition", `attachment; filename="`+id.String()+"-"+c.Query("attempt")+ending+`"`)
	c.Data(http.StatusOK, kind, built.Raw)
	return nil
}
