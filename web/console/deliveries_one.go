package console

import (
	"encoding/hex"
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
	Frame    string
	Source   string
}

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
	p := &deliveryPage{Page: s.web.NewPage(c, "delivery.title", "Addressee", d.Addressee, "Reference", d.Reference), Delivery: d, State: shownState(d),
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
	return s.web.T(lang, "delivery.is."+shownState(d), "Reason", reason, "Next", next, "Tries", d.Attempts)
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
	if p.Shown == 0 || s.Composer == nil || p.Delivery.Channel != notify.ChannelEmail {
		return
	}
	built, err := s.Notify.Rebuild(c.Request.Context(), s.Composer, p.Delivery.ID, p.Shown)
	if err != nil {
		_ = c.Error(fmt.Errorf("delivery %s: %w", p.Delivery.ID, err))
		return
	}
	p.Message = built
	p.Digest = hex.EncodeToString(attempts[p.Shown-1].Digest)
	query := "?attempt=" + itoa(p.Shown)
	p.Frame, p.Source = deliveryPath(p.Delivery.ID)+"/message"+query, deliveryPath(p.Delivery.ID)+"/source"+query
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

func (s *Site) deliveryMessage(c *gin.Context) error {
	_, built, err := s.rebuilt(c)
	if err != nil {
		return err
	}
	return sendFrame(c, built.HTML)
}

// deliverySource is the whole message, headers included, as a file that mail programs open.
func (s *Site) deliverySource(c *gin.Context) error {
	id, built, err := s.rebuilt(c)
	if err != nil {
		return err
	}
	c.Header("Content-Disposition", `attachment; filename="`+id.String()+"-"+c.Query("attempt")+`.eml"`)
	c.Data(http.StatusOK, "message/rfc822", built.Raw)
	return nil
}
