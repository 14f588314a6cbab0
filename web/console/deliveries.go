package console

import (
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/locale"
	"fairnotice/internal/notify"
	"fairnotice/internal/subscribers"
	"fairnotice/web"
)

func (s *Site) deliveryRoutes(r *web.Routes) {
	r.GET("/console/deliveries", s.listDeliveries)
	r.GET("/console/deliveries/:id", s.showDelivery)
	r.GET("/console/deliveries/:id/message", s.deliveryMessage)
	r.GET("/console/deliveries/:id/source", s.deliverySource)
	r.POST("/console/deliveries/:id/retry", s.retryDelivery)
	r.GET("/console/notices/:notice", s.listNotice)
	r.GET("/console/notices/:notice/deliveries.csv", s.exportDeliveries)
	r.GET("/console/notices/:notice/retry", s.askRetryFailed)
	r.POST("/console/notices/:notice/retry", s.retryFailed)
}

// deliveriesPage lists deliveries: of one notice, of one customer, or all there are.
type deliveriesPage struct {
	web.Page
	Notice   *notify.NoticeView // nil: of all notices
	Base     string
	Part     *noticePart
	Facets   web.Facets
	Rows     []notify.Delivery
	Pager    web.Pager
	Failed   int
	MayRetry bool
}

// retrying is a choice among the states that isn't one: queued after an attempt that failed.
const retrying = "retrying"

func deliveryStates() []string {
	return append(texts(notify.States), retrying)
}

func (s *Site) listDeliveries(c *gin.Context) error {
	p := &deliveriesPage{Page: s.web.NewPage(c, "deliveries.title"), Base: "/console/deliveries"}
	return s.drawDeliveries(c, p, notify.DeliveryFilter{})
}

func (s *Site) noticeAt(c *gin.Context) (*notify.NoticeView, error) {
	id, err := pathID(c, "notice", "notice")
	if err != nil {
		return nil, err
	}
	return s.Notify.NoticeByID(c.Request.Context(), id)
}

func (s *Site) listNotice(c *gin.Context) error {
	n, err := s.noticeAt(c)
	if err != nil {
		return err
	}
	settings, err := s.houseRules(c.Request.Context())
	if err != nil {
		return err
	}
	progress, err := s.Notify.ProgressOf(c.Request.Context(), n.ID)
	if err != nil {
		return err
	}
	part := s.noticePart(c, n.ID, string(n.Kind), progress, settings.Zone())
	p := &deliveriesPage{Page: s.web.NewPage(c, "deliveries.of_"+string(n.Kind), "Reference", n.Reference), Notice: n,
		Base: "/console/notices/" + n.ID.String(), Part: &part, Failed: progress.Counts[notify.Failed], MayRetry: web.ActorOf(c).May(actor.RetryDelivery)}
	return s.drawDeliveries(c, p, notify.DeliveryFilter{NoticeID: n.ID})
}

func (s *Site) drawDeliveries(c *gin.Context, p *deliveriesPage, f notify.DeliveryFilter) error {
	form := s.web.Query(c)
	state := form.Choice("state", deliveryStates()...)
	f.Query, f.After = form.Text("q"), c.Query(web.AfterParam)
	f.Retrying, f.Channel = state == retrying, form.Choice("channel", subscribers.Channels...)
	if !f.Retrying {
		f.State = notify.State(state)
	}
	if customer := formID(form, "customer", "customer.not_found"); customer != nil {
		f.CustomerID = *customer
	}
	p.Feedback(stayHere(form))
	list, next, err := s.Notify.Deliveries(c.Request.Context(), f)
	if err != nil {
		return err
	}
	p.Rows, p.Pager = list, web.NewPager(c, "", next)
	p.Facets = web.Facets{Action: p.Base, Form: form, Search: "q", Count: len(list), CountKey: "deliveries.shown",
		Groups: []web.FacetGroup{{Name: "state", Options: s.stateOptions(web.Lang(c), deliveryStates()...)},
			{Name: "channel", Options: s.channelOptions(web.Lang(c))}}}
	return s.web.Render(c, "deliveries/list", p)
}

func (s *Site) channelOptions(lang locale.Lang) (out []web.Option) {
	for _, name := range subscribers.Channels {
		out = append(out, web.Option{Value: name, Label: s.web.T(lang, "delivery.channel."+name)})
	}
	return out
}

// shownState is the badge of a delivery: one that waits for another try is told apart.
func shownState(d *notify.Delivery) string {
	if d.State == notify.Queued && d.Attempts > 0 {
		return retrying
	}
	return string(d.State)
}

func (s *Site) retryDelivery(c *gin.Context) error {
	id, err := pathID(c, "id", "delivery")
	if err != nil {
		return err
	}
	form := s.web.Form(c)
	ok, err := form.Do(func() error { return s.Notify.Retry(c.Request.Context(), web.ActorOf(c), id) })
	if err != nil {
		return err
	}
	if !ok {
		return s.drawDelivery(c, id, stayHere(form))
	}
	s.web.Flash(c, "ok", "deliveries.flash.retried")
	return web.SeeOther(c, "/console/deliveries/"+id.String())
}

// retryPage says how many deliveries would be tried again.
type retryPage struct {
	web.Page
	Notice *notify.NoticeView
	Base   string
	Failed int
}

func (s *Site) askRetryFailed(c *gin.Context) error {
	if err := web.ActorOf(c).Must(actor.RetryDelivery); err != nil {
		return err
	}
	n, err := s.noticeAt(c)
	if err != nil {
		return err
	}
	progress, err := s.Notify.ProgressOf(c.Request.Context(), n.ID)
	if err != nil {
		return err
	}
	p := &retryPage{Page: s.web.NewPage(c, "deliveries.retry_all.title"), Notice: n, Base: "/console/notices/" + n.ID.String(),
		Failed: progress.Counts[notify.Failed]}
	return s.web.Render(c, "deliveries/retry", p)
}

func (s *Site) retryFailed(c *gin.Context) error {
	n, err := s.noticeAt(c)
	if err != nil {
		return err
	}
	count, err := s.Notify.RetryFailed(c.Request.Context(), web.ActorOf(c), n.ID)
	if err != nil {
		return err
	}
	if count == 0 {
		s.web.Flash(c, "info", "deliveries.flash.none_failed")
	} else {
		s.web.Flash(c, "ok", "deliveries.flash.retried_all", "Number", locale.Number(web.Lang(c), count))
	}
	return web.SeeOther(c, "/console/notices/"+n.ID.String())
}

// words is a text of the catalogue for a code of the domain, or the code itself where there is none.
func (s *Site) words(lang locale.Lang, prefix, code string) string {
	if key := prefix + code; s.web.Has(lang, key) {
		return s.web.T(lang, key)
	}
	return strings.ReplaceAll(code, "_", " ")
}

func deliveryPath(id uuid.UUID) string { return "/console/deliveries/" + id.String() }
