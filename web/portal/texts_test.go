package portal

import (
	"log/slog"
	"net/url"
	"testing"

	"fairnotice/internal/locale"
	"fairnotice/web"
	"fairnotice/web/webtest"
)

func TestTemplatesAndTexts(t *testing.T) {
	kit, err := web.New(web.Options{PublicURL: &url.URL{Scheme: "https", Host: "trust.example"}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(kit, Services{})
	if err != nil {
		t.Fatal(err)
	}
	page := &unsubscribePage{}
	webtest.CheckTemplates(t, s.web, map[string]web.Data{"ask": page, "done": page, "contract": page, "broken": page})
	webtest.CheckKeys(t, s.web)
	webtest.CheckCatalogs(t, files)
	webtest.CheckFaults(t, kit, "link.invalid", "link.revoked", "contract.cannot_unsubscribe")
	for _, key := range titles {
		for _, lang := range locale.All {
			if !kit.Has(lang, key) {
				t.Errorf("no %s in %s", key, lang)
			}
		}
	}
}
