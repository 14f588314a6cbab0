package main

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/gin-gonic/gin"

	"fairnotice/internal/app"
	"fairnotice/internal/database"
	"fairnotice/internal/fault"
	"fairnotice/web"
	"fairnotice/web/apiv1"
	"fairnotice/web/console"
	"fairnotice/web/portal"
	"fairnotice/web/public"
)

// routes is everything that is served: the kit with its static files and error pages, the probes,
// and each audience.
func routes(ctx context.Context, a *app.App) (http.Handler, error) {
	public, err := url.Parse(a.Config.PublicURL)
	if err != nil {
		return nil, err
	}
	name, err := publisherName(ctx, a)
	if err != nil {
		return nil, err
	}
	kit, err := web.New(web.Options{PublicURL: public, Logger: a.Log, TrustedProxies: a.Config.TrustedProxies, Publisher: name,
		Away: database.Away})
	if err != nil {
		return nil, err
	}
	probes(kit.Engine(), a)
	if err := audiences(kit, a); err != nil {
		return nil, err
	}
	return kit.Handler(), nil
}

// audiences adds the pages.
func audiences(kit *web.Kit, a *app.App) error {
	_, err := public.New(kit, public.Services{DB: a.DB, Publisher: a.Publisher, Vendors: a.Vendors, Changes: a.Changes})
	if err != nil {
		return err
	}
	_, err = portal.New(kit, portal.Services{Publisher: a.Publisher, Links: a.Links})
	if err != nil {
		return err
	}
	_, err = console.New(kit, console.Services{DB: a.DB, Accounts: a.Accounts, Publisher: a.Publisher, Vendors: a.Vendors,
		Subscribers: a.Subscribers, Changes: a.Changes, Notify: a.Notify, Composer: a.Composers})
	if err != nil {
		return err
	}
	_, err = apiv1.New(kit, apiv1.Services{DB: a.DB, Accounts: a.Accounts, Publisher: a.Publisher, Vendors: a.Vendors,
		Subscribers: a.Subscribers, Changes: a.Changes, Notify: a.Notify, Composer: a.Composers, Idempotency: a.Idempotency,
		Stopping: a.Stopping()})
	return err
}

// publisherName is shown until an audience knows better; nobody has been named on a new database.
func publisherName(ctx context.Context, a *app.App) (string, error) {
	settings, err := a.Publisher.Get(ctx)
	if fault.Is(err, fault.NotFound) {
		return "Fairnotice", nil
	}
	if err != nil {
		return "", err
	}
	return settings.LegalName, nil
}

// probes are for whoever looks after the process. /livez: it answers. /readyz: it can do its work,
// so the database answers and has the right schema, and it isn't about to stop.
func probes(r gin.IRoutes, a *app.App) {
	r.GET("/livez", func(c *gin.Context) { c.String(http.StatusOK, "ok\n") })
	r.GET("/readyz", func(c *gin.Context) {
		ctx, cancel := context.WithTimeout(c.Request.Context(), 2*time.Second)
		defer cancel()
		select {
		case <-a.Stopping():
			c.String(http.StatusServiceUnavailable, "stopping\n")
			return
		default:
		}
		if err := a.DB.CheckSchema(ctx); err != nil {
			a.Log.Warn("not ready", "error", err)
			c.String(http.StatusServiceUnavailable, "the database does not answer, or has another version's schema: see the log\n")
			return
		}
		c.String(http.StatusOK, "ok\n")
	})
}
