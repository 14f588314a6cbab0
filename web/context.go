package web

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"fairnotice/internal/actor"
	"fairnotice/internal/locale"
)

// Keys of gin's context. They are the kit's own: read them with the functions below.
const (
	keyRequestID = "web.request_id"
	keyActor     = "web.actor"
	keyLang      = "web.lang"
	keyChosen    = "web.lang.chosen"
	keyError     = "web.error"
	keyStack     = "web.stack"
	keyDirty     = "web.dirty"
	keyWriter    = "web.writer"
)

const (
	langCookie  = "fairnotice_lang"
	flashCookie = "fairnotice_flash"
)

// RequestID is the ID under which this request stands in the log.
func RequestID(c *gin.Context) string { return c.GetString(keyRequestID) }

// SetActor says who makes this request; an audience's sign-in step calls it.
func SetActor(c *gin.Context, who actor.Actor) { c.Set(keyActor, who) }

// ActorOf is who makes this request: Public unless a step before said otherwise.
func ActorOf(c *gin.Context) actor.Actor {
	if who, ok := c.Get(keyActor); ok {
		return who.(actor.Actor)
	}
	return actor.Actor{Kind: actor.Public}
}

// Lang is the language in which to answer.
func Lang(c *gin.Context) locale.Lang {
	if l, ok := c.Get(keyLang); ok {
		return l.(locale.Lang)
	}
	return locale.Default
}

// SetLang says which language somebody has stored as theirs. What they chose on the page itself
// (?lang=) wins over it.
func SetLang(c *gin.Context, l locale.Lang) {
	if !c.GetBool(keyChosen) {
		c.Set(keyLang, l)
	}
}

// chooseLanguage takes ?lang= and remembers it in a cookie, else that cookie, else the browser's wish.
func (k *Kit) chooseLanguage(c *gin.Context) {
	if l, ok := locale.Parse(c.Query("lang")); ok {
		k.setCookie(c, langCookie, string(l), 365*24*3600)
		c.Set(keyLang, l)
		c.Set(keyChosen, true)
		return
	}
	remembered, _ := c.Cookie(langCookie)
	if l, ok := locale.Parse(remembered); ok {
		c.Set(keyLang, l)
		c.Set(keyChosen, true)
		return
	}
	c.Set(keyLang, locale.Match("", c.GetHeader("Accept-Language")))
}

func (k *Kit) setCookie(c *gin.Context, name, value string, seconds int) {
	http.SetCookie(c.Writer, &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: seconds,
		HttpOnly: true, Secure: k.secure(), SameSite: http.SameSiteLaxMode,
	})
}

// flash is a banner on its way to the next page. It holds a key and values, never markup.
type flash struct {
	Tone  string   `json:"t"`
	Key   string   `json:"k"`
	Pairs []string `json:"p,omitempty"`
}

// Flash puts a banner on the next page that this reader opens: call it before SeeOther. The text
// is a key of the catalogue; pairs are strings only, since they travel in a cookie.
func (k *Kit) Flash(c *gin.Context, tone, key string, pairs ...string) {
	raw, err := json.Marshal(flash{tone, key, pairs})
	if err != nil {
		k.log.Error("banner lost", "key", key, "error", err.Error())
		return
	}
	k.setCookie(c, flashCookie, base64.RawURLEncoding.EncodeToString(raw), 300)
}

// HasFlash says whether the reader brings a message for the next page: that page is theirs alone.
func HasFlash(c *gin.Context) bool {
	value, err := c.Cookie(flashCookie)
	return err == nil && value != ""
}

func (k *Kit) takeFlash(c *gin.Context) (Banner, bool) {
	value, err := c.Cookie(flashCookie)
	if err != nil || value == "" {
		return Banner{}, false
	}
	k.setCookie(c, flashCookie, "", -1)
	raw, err := base64.RawURLEncoding.DecodeString(value)
	var f flash
	// A cookie is the reader's to alter: what isn't one of our texts is dropped.
	if err != nil || json.Unmarshal(raw, &f) != nil || !k.Has(Lang(c), f.Key) {
		return Banner{}, false
	}
	pairs := make([]any, len(f.Pairs))
	for i, p := range f.Pairs {
		pairs[i] = p
	}
	if _, ok := tones[f.Tone]; !ok {
		f.Tone = "info"
	}
	return Banner{Tone: f.Tone, Text: k.T(Lang(c), f.Key, pairs...)}, true
}

// SafeNext is where to go after signing in: the path as given when it stays on this server, else
// the fallback.
func SafeNext(next, fallback string) string {
	if !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") {
		return fallback
	}
	return next
}
