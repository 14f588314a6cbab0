package portal

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"fairnotice/internal/fault"
	"fairnotice/internal/locale"
	"fairnotice/internal/publisher"
	"fairnotice/internal/subscribers"
	"fairnotice/web"
)

// unsubscribePage is each of the pages around unsubscribing.
type unsubscribePage struct {
	web.Page
	Pub      *publisher.Settings
	Address  string // as far as it may be shown; only to the holder of a valid link
	Sentence string // why a link doesn't work
}

// askUnsubscribe shows what the button will do. It changes nothing.
func (s *Site) askUnsubscribe(c *gin.Context) error {
	sub, err := s.Links.Peek(c.Request.Context(), c.Param("token"))
	if err != nil {
		return s.brokenLink(c, err)
	}
	speakTo(c, sub)
	switch {
	case sub.Basis == subscribers.ByContract:
		return s.show(c, http.StatusOK, "contract", sub)
	case sub.State == subscribers.Unsubscribed:
		return s.show(c, http.StatusOK, "done", sub)
	default:
		return s.show(c, http.StatusOK, "ask", sub)
	}
}

// unsubscribe does it, when the one click of RFC 8058 or the page's own button asks for it. A POST
// that says neither is shown the page.
func (s *Site) unsubscribe(c *gin.Context) error {
	form := s.web.Form(c)
	how := ""
	switch {
	case form.Text("List-Unsubscribe") == "One-Click":
		how = "one-click"
	case form.Text("confirm") == "yes":
		how = "page"
	default:
		return s.askUnsubscribe(c)
	}
	token := c.Param("token")
	out, err := s.Links.UnsubscribeByToken(c.Request.Context(), token, how)
	if fault.Has(err, "contract.cannot_unsubscribe") {
		return s.refuse(c, token)
	}
	if err != nil {
		return s.brokenLink(c, err)
	}
	if how == "page" {
		return web.SeeOther(c, c.Request.URL.Path) // so that a reload sends nothing again
	}
	speakTo(c, &out.Subscription) // RFC 8058: no redirect
	return s.show(c, http.StatusOK, "done", &out.Subscription)
}

// refuse explains why a contract's recipient can't be silenced.
func (s *Site) refuse(c *gin.Context, token string) error {
	sub, err := s.Links.Peek(c.Request.Context(), token)
	if err != nil {
		return s.brokenLink(c, err)
	}
	speakTo(c, sub)
	return s.show(c, http.StatusConflict, "contract", sub)
}

// speakTo answers in the language of the subscription.
func speakTo(c *gin.Context, sub *subscribers.Subscription) {
	if lang, ok := locale.Parse(sub.Language); ok {
		web.SetLang(c, lang)
	}
}

var titles = map[string]string{"ask": "portal.ask.title", "done": "portal.done.title", "contract": "portal.contract.title", "broken": "portal.broken.title"}

func (s *Site) show(c *gin.Context, status int, name string, sub *subscribers.Subscription) error {
	pub, err := s.publisherOf(c)
	if err != nil {
		return err
	}
	p := &unsubscribePage{Page: s.web.NewPage(c, titles[name]), Pub: pub, Address: sub.ShownAddress()}
	return s.answer(c, status, name, p)
}

// brokenLink explains a link that is altered, not ours, or revoked. The page knows nobody: what a
// bad token says is not believed.
func (s *Site) brokenLink(c *gin.Context, err error) error {
	if !fault.Is(err, fault.Unauthenticated) {
		return err
	}
	status := http.StatusNotFound
	if fault.Has(err, "link.revoked") {
		status = http.StatusGone
	}
	p := &unsubscribePage{Page: s.web.NewPage(c, titles["broken"]), Sentence: s.web.Sentence(web.Lang(c), fault.All(err)[0])}
	if pub, err := s.publisherOf(c); err == nil {
		p.Pub = pub
	}
	return s.answer(c, status, "broken", p)
}
