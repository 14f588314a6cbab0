package web

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"fairnotice/internal/locale"
)

//go:embed templates catalogs static
var kitFiles embed.FS

// DefaultMaxBody is the most that a form may weigh, in bytes, where its route says nothing else.
const DefaultMaxBody = 1 << 20

// Options are what the kit needs to know once.
type Options struct {
	// PublicURL is where readers reach this server; canonical links start with it, and an https
	// one switches on HSTS and secure cookies.
	PublicURL *url.URL
	// Logger gets one record a request, and one for each defect.
	Logger *slog.Logger
	// TrustedProxies are the addresses or CIDRs whose forwarding headers are believed; none by default.
	TrustedProxies []string
	// Publisher is the name shown where an audience gives no other.
	Publisher string
	// MaxBody is the most a form may weigh, in bytes; DefaultMaxBody when zero.
	MaxBody int64
	// Away says of an error whether something that we need can't be reached for now: such an answer is
	// 503, and may be asked for again. nil: nothing of the kind is known.
	Away func(error) bool
	// Now is the clock of the edge; time.Now when nil.
	Now func() time.Time
}

// Kit is what every audience shares: texts, templates, middlewares, static files and error pages.
// Build it once; it is safe for concurrent use after the last Audience is added.
type Kit struct {
	opts      Options
	log       *slog.Logger
	texts     *texts
	assets    *assets
	engine    *gin.Engine
	audiences []*Audience
	fallback  *Audience // draws error pages where no audience lives

	crossOrigin *http.CrossOriginProtection
}

var quietGin = sync.OnceFunc(func() { gin.SetMode(gin.ReleaseMode) })

// New builds the kit with its engine: middlewares, static files and error pages are in place, and
// audiences add their routes with Audience.
func New(opts Options) (*Kit, error) {
	if opts.PublicURL == nil || opts.PublicURL.Host == "" {
		return nil, errors.New("web: PublicURL must be absolute")
	}
	if opts.Logger == nil {
		return nil, errors.New("web: Logger is missing")
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Away == nil {
		opts.Away = func(error) bool { return false }
	}
	if opts.MaxBody == 0 {
		opts.MaxBody = DefaultMaxBody
	}
	// A proxy may change Host; our own public origin is never foreign.
	guard := http.NewCrossOriginProtection()
	if err := guard.AddTrustedOrigin(opts.PublicURL.Scheme + "://" + opts.PublicURL.Host); err != nil {
		return nil, fmt.Errorf("web: PublicURL: %w", err)
	}
	quietGin()
	k := &Kit{opts: opts, log: opts.Logger, engine: gin.New(), crossOrigin: guard}
	var err error
	if k.texts, err = newTexts(k.log); err != nil {
		return nil, err
	}
	if err := k.texts.load(kitFiles); err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	if k.assets, err = newAssets(kitFiles); err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	if k.fallback, err = k.newAudience(Spec{Layout: "public", Prefix: "/"}); err != nil {
		return nil, err
	}
	return k, k.wire()
}

// wire puts the middlewares in their order. Recovery comes after compression, so that an error
// page passes through the same writer as any other.
func (k *Kit) wire() error {
	e := k.engine
	e.HandleMethodNotAllowed = true
	e.RedirectTrailingSlash = false // gin's redirect skips the middlewares; notFound does it
	if err := e.SetTrustedProxies(k.opts.TrustedProxies); err != nil {
		return fmt.Errorf("web: trusted proxies: %w", err)
	}
	e.Use(k.record, k.headers, compress(), k.recover, k.chooseLanguage, k.cleanAddress)
	e.NoRoute(k.notFound)
	e.NoMethod(k.wrongMethod)
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		e.Handle(method, "/static/*path", k.serveAsset)
		e.Handle(method, "/favicon.svg", k.serveFavicon)
		e.Handle(method, "/robots.txt", k.serveRobots)
	}
	return nil
}

// Engine is for routes that aren't pages: the API, probes. They share request IDs, logging,
// recovery and security headers with the pages, but not the form guards.
func (k *Kit) Engine() *gin.Engine { return k.engine }

// Handler is what the HTTP server serves. The API's routes know no HEAD, which is a GET without its
// body: net/http leaves that out.
func (k *Kit) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead && isAPI(r.URL.Path) {
			r = r.WithContext(context.WithValue(r.Context(), headKey{}, true))
			r.Method = http.MethodGet
		}
		k.engine.ServeHTTP(w, r)
	})
}

type headKey struct{}

// WithoutBody says whether only the head of an answer is asked for: a stream has nothing to wait for then.
func WithoutBody(ctx context.Context) bool { return ctx.Value(headKey{}) != nil }

func isAPI(path string) bool { return strings.HasPrefix(path, "/api/") }

// Now is the time of the edge: for stamps on pages, never for the domain, which has tx.Now().
func (k *Kit) Now() time.Time { return k.opts.Now() }

// T is the text of a catalogue key in a language. Pairs are the values that the text mentions:
// whole numbers, times (shown as long dates) and lists are written as the language writes them.
// The pair "Count" also chooses the plural. A missing key is logged as a defect and shown as is.
func (k *Kit) T(lang locale.Lang, key string, pairs ...any) string {
	return k.texts.t(lang, key, pairs...)
}

// Has says whether the catalogue of this language holds the key itself, without any fallback.
func (k *Kit) Has(lang locale.Lang, key string) bool { return k.texts.has(lang, key) }

// URL is an absolute address on this server for a path.
func (k *Kit) URL(path string) string {
	return strings.TrimSuffix(k.opts.PublicURL.String(), "/") + path
}

func (k *Kit) secure() bool { return k.opts.PublicURL.Scheme == "https" }

// audienceAt finds the audience that owns a path: the one with the longest prefix.
func (k *Kit) audienceAt(path string) *Audience {
	for _, a := range k.audiences {
		if a.owns(path) {
			return a
		}
	}
	return k.fallback
}

func (k *Kit) addAudience(a *Audience) {
	k.audiences = append(k.audiences, a)
	sort.SliceStable(k.audiences, func(i, j int) bool {
		return len(k.audiences[i].spec.Prefix) > len(k.audiences[j].spec.Prefix)
	})
}
