// Package inbox is where the demo's mail arrives: a real SMTP server on loopback that keeps every
// message as it came, byte for byte, and pages of the demo's site to read them at.
//
// It takes mail for every address, but refuses some so that a publisher can see what happens then:
// an address that begins with "bounce" does not exist (550), one that begins with "greylist" is
// turned away at first and accepted when tried again (451).
package inbox

import (
	"cmp"
	"errors"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/emersion/go-smtp"

	"fairnotice/internal/demo/site"
)

// Options say where the inbox is.
type Options struct {
	Dir      string // keeps the messages; made when missing
	SMTPAddr string // host:port of the SMTP server; when the port is taken, one of those after it
	Keep     int    // messages kept, the oldest go first; 0: 5,000
}

// MaxMessage is the size, in bytes, above which a message is refused.
const MaxMessage = 10 << 20

// Inbox is a running inbox.
type Inbox struct {
	site     *site.Site
	store    *store
	smtp     *smtp.Server
	client   *http.Client
	listener net.Listener
	served   sync.WaitGroup
	closing  sync.Once
}

// Open reads the messages in the folder, starts the SMTP server and adds its pages to the site.
// Close must be called.
func Open(on *site.Site, o Options) (*Inbox, error) {
	store, err := openStore(o.Dir, cmp.Or(o.Keep, 5000))
	if err != nil {
		return nil, err
	}
	i := &Inbox{site: on, store: store, client: newClient(), smtp: newSMTP(store, on.Log())}
	if err := i.addPages(); err != nil {
		return nil, err
	}
	if i.listener, err = site.ListenNear(o.SMTPAddr); err != nil {
		return nil, err
	}
	i.served.Go(func() {
		if err := i.smtp.Serve(i.listener); err != nil && !errors.Is(err, net.ErrClosed) && !errors.Is(err, smtp.ErrServerClosed) {
			on.Log().Error("the demo inbox has ended", "error", err)
		}
	})
	return i, nil
}

// SMTPURL is the SMTP server's address, as SMTP_URL takes it.
func (i *Inbox) SMTPURL() string { return "smtp://" + i.listener.Addr().String() }

// Close ends the SMTP server; once is enough. Close those who send first: their connections are cut.
func (i *Inbox) Close() (err error) {
	i.closing.Do(func() {
		err = i.smtp.Close()
		_ = i.listener.Close() // the server doesn't know of it before Serve has run
		i.served.Wait()
	})
	return err
}

// newClient posts what a mail program posts. It follows no redirect: RFC 8058, section 3.1.
func newClient() *http.Client {
	return &http.Client{
		Timeout:       10 * time.Second,
		Transport:     &http.Transport{DisableKeepAlives: true}, // no proxy: it is this machine
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// ours says whether an address is one of the server's whose mail arrives here.
func (i *Inbox) ours(address string) bool {
	u, err := url.Parse(address)
	return err == nil && i.site.Fairnotice() != "" && u.Scheme+"://"+u.Host == i.site.Fairnotice()
}
