package web

import (
	"fmt"
	"html/template"
	"strings"
	"time"

	"fairnotice/internal/locale"
)

// tones of banners and badges; each has its pair of colors in the stylesheet.
var tones = map[string]bool{"ok": true, "warn": true, "bad": true, "info": true, "off": true}

// stateTones says how a state looks. Its name is the catalogue's "state.<state>".
var stateTones = map[string]string{
	"active": "ok", "current": "ok", "delivered": "ok", "effective": "ok", "accepted": "ok", "received": "ok",
	"acknowledged": "ok", "consented": "ok", "verified": "ok", "bridge_covered": "ok", "sent": "ok",
	"expiring": "warn", "retrying": "warn", "waiting": "warn", "deferred": "warn", "in_review": "warn", "stale": "warn",
	"unverified": "warn", "late": "warn", "possible_repeat": "warn", "held": "warn",
	"expired": "bad", "failed": "bad", "objected": "bad", "refused": "bad", "missing": "bad", "no_secret": "bad", "unserved": "bad",
	"void_edition": "bad", "invalid": "bad", "suppressed": "bad", "overdue": "bad", "bounced": "bad",
	"planned": "info", "scheduled": "info", "announced": "info", "approved": "info", "queued": "info", "sending": "info", "new": "info", "open": "info",
	"draft": "off", "removed": "off", "withdrawn": "off", "superseded": "off", "closed": "off", "disabled": "off", "skipped": "off", "ended": "off",
}

// funcs are the functions of templates in one language.
func (k *Kit) funcs(lang locale.Lang) template.FuncMap {
	return template.FuncMap{
		"t":        func(key string, pairs ...any) string { return k.T(lang, key, pairs...) },
		"date":     func(t time.Time) template.HTML { return dayHTML(lang, t) },
		"datetime": func(t time.Time) template.HTML { return instantHTML(lang, t) },
		"deadline": func(t time.Time) template.HTML { return deadlineHTML(lang, t) },
		"month":    func(t time.Time) string { return locale.Month(lang, t) },
		"number":   func(n any) (string, error) { return numberText(lang, n) },
		"list":     func(items []string) string { return locale.List(lang, items) },
		"country":  func(code string) string { return locale.Country(lang, code) },
		"language": func(l locale.Lang) string { return l.Name() },
		"label":    func(field string) string { return k.texts.label(lang, field) },
		"badge":    func(state any) template.HTML { return k.badge(lang, fmt.Sprint(state)) },
		"field": func(form *Form, name string, pairs ...any) (Field, error) {
			return k.field(lang, form, name, pairs...)
		},
		"options":   func(field string, values ...string) []Option { return k.Options(lang, field, values...) },
		"countries": func() []Option { return CountryOptions(lang) },
		"empty": func(kind, title, text string, action ...string) (Empty, error) {
			return k.empty(lang, kind, title, text, action)
		},
		"asset": k.assets.url,
		"dict":  dict,
		"add":   func(a, b int) int { return a + b },
	}
}

func dayHTML(lang locale.Lang, t time.Time) template.HTML {
	if t.IsZero() {
		return ""
	}
	return template.HTML(fmt.Sprintf(`<time datetime="%s">%s</time>`,
		t.Format(time.DateOnly), template.HTMLEscapeString(locale.Date(lang, t))))
}

func instantHTML(lang locale.Lang, t time.Time) template.HTML { return timeHTML(lang, t, "") }

// deadlineHTML marks the time for the script, which adds the reader's own time beside it.
func deadlineHTML(lang locale.Lang, t time.Time) template.HTML {
	return timeHTML(lang, t, ` data-zone="`+template.HTMLEscapeString(t.Location().String())+`"`)
}

func timeHTML(lang locale.Lang, t time.Time, attr string) template.HTML {
	if t.IsZero() {
		return ""
	}
	// The line may break between the day and the hour, never inside them.
	day, rest, _ := strings.Cut(template.HTMLEscapeString(locale.DateTime(lang, t)), ", ")
	return template.HTML(fmt.Sprintf(`<time datetime="%s"%s><span class="nowrap">%s</span>, <span class="nowrap">%s</span></time>`,
		t.Format(time.RFC3339), attr, day, rest))
}

func numberText(lang locale.Lang, n any) (string, error) {
	if text, ok := speak(lang, n).(string); ok {
		return text, nil
	}
	return "", fmt.Errorf("number: can't write a %T", n)
}

// badge draws a state as an adjective in its colors.
func (k *Kit) badge(lang locale.Lang, state string) template.HTML {
	tone, ok := stateTones[state]
	if !ok {
		tone = "off"
	}
	return template.HTML(fmt.Sprintf(`<span class="badge is-%s">%s</span>`,
		tone, template.HTMLEscapeString(k.T(lang, "state."+state))))
}

// dict makes a map for a partial that takes several values.
func dict(pairs ...any) (map[string]any, error) {
	if len(pairs)%2 != 0 {
		return nil, fmt.Errorf("dict: %d values are no pairs", len(pairs))
	}
	m := make(map[string]any, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		name, ok := pairs[i].(string)
		if !ok {
			return nil, fmt.Errorf("dict: name %v is no string", pairs[i])
		}
		m[name] = pairs[i+1]
	}
	return m, nil
}
