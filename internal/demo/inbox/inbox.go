// Package inbox is where the demo's mail arrives: a real SMTP server on loopback that keeps every
// message as it came, byte for byte, and a page to read them at.
//
// It takes mail for every address, but refuses some so that a publisher can see what happens then:
// an address that begins with "bounce" does not exist (550), one that begins with "greylist" is
// turned away at first and accepted when tried again (451).
package inbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
)

// Options say where the inbox is.
type Options struct {
	Dir      string // keeps the messages; made when missing
	PageAddr string // host:port of the page; when the port is taken, one of those after it
	SMTPAddr string // host:port of the SMTP server; likewise
	// Fairnotice is the address, without a slash at its end, of the server whose mail arrives here:
	// the only one to which one-click unsubscribing posts.
	Fairnotice string
	Keep       int // messages kept, the oldest go first; 0: 5,000
	Log        *slog.Logger
}

// MaxMessage is the size, in bytes, above which a message is refused.
const MaxMessage = 10 << 20

// Inbox is a running inbox.
type Inbox struct {
	store      *store
	fairnotice string
	log        *slog.Logger
	smtp       *smtp.Server
	smtpAddr   string
	page       *http.Server
	pageAddr   string
	client     *http.Client
	listeners  []net.Listener
	served     sync.WaitGroup
	closing    sync.Once
}

// Open reads the messages in the folder and starts both servers. Close must be called.
func Open(o Options) (*Inbox, error) {
	store, err := openStore(o.Dir, cmp.Or(o.Keep, 5000))
	if err != nil {
		return nil, err
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	mail, err := listen(o.SMTPAddr)
	if err != nil {
		return nil, err
	}
	pages, err := listen(o.PageAddr)
	if err != nil {
		return nil, errors.Join(err, mail.Close())
	}
	i := &Inbox{store: store, fairnotice: o.Fairnotice, log: o.Log, smtpAddr: mail.Addr().String(), pageAddr: pages.Addr().String(),
		client: newClient(), listeners: []net.Listener{mail, pages}}
	i.smtp = newSMTP(store, o.Log)
	if i.page, err = i.newPage(); err != nil {
		return nil, errors.Join(err, mail.Close(), pages.Close())
	}
	i.serve("smtp", mail, i.smtp.Serve)
	i.serve("page", pages, i.page.Serve)
	return i, nil
}

func (i *Inbox) serve(server string, l net.Listener, serve func(net.Listener) error) {
	i.served.Go(func() {
		err := serve(l)
		if err != nil && !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			i.log.Error("the demo inbox has ended", "server", server, "error", err)
		}
	})
}

// URL is the address of the page.
func (i *Inbox) URL() string { return "http://" + i.pageAddr + "/" }

// SMTPURL is the SMTP server's address, as SMTP_URL takes it.
func (i *Inbox) SMTPURL() string { return "smtp://" + i.smtpAddr }

// Close ends both servers; once is enough. Close those who send first: their connections are cut.
func (i *Inbox) Close(ctx context.Context) (err error) {
	i.closing.Do(func() {
		if err = i.page.Shutdown(ctx); err != nil {
			err = errors.Join(err, i.page.Close())
		}
		err = errors.Join(err, i.smtp.Close())
		for _, l := range i.listeners {
			_ = l.Close() // a server doesn't know of its listener before Serve has run
		}
		i.served.Wait()
	})
	return err
}

// tries is how many ports after the wanted one are looked at.
const tries = 20

// listen takes the address or, when its port is taken, one of the next, or else any free one.
func listen(addr string) (net.Listener, error) {
	host, service, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("the demo inbox's address: %w", err)
	}
	port, err := strconv.Atoi(service)
	if err != nil {
		return nil, fmt.Errorf("the demo inbox's address %q: %w", addr, err)
	}
	for n := range tries {
		if l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port+n))); err == nil {
			return l, nil
		}
	}
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return nil, fmt.Errorf("no free port for the demo inbox: %w", err)
	}
	return l, nil
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
	return err == nil && i.fairnotice != "" && u.Scheme+"://"+u.Host == i.fairnotice
}
