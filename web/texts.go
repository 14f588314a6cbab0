package web

import (
	"fmt"
	"io/fs"
	"log/slog"
	"path"
	"strings"
	"time"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"github.com/pelletier/go-toml/v2"

	"fairnotice/internal/locale"
)

// texts are the catalogues of all languages: files catalogs/<area>.<lang>.toml of the kit and of
// each audience, in one space of keys.
type texts struct {
	log        *slog.Logger
	bundle     *i18n.Bundle
	localizers map[locale.Lang]*i18n.Localizer
	keys       map[locale.Lang]map[string]bool
}

func newTexts(log *slog.Logger) (*texts, error) {
	x := &texts{
		log:        log,
		bundle:     i18n.NewBundle(locale.Default.Tag()),
		localizers: map[locale.Lang]*i18n.Localizer{},
		keys:       map[locale.Lang]map[string]bool{},
	}
	x.bundle.RegisterUnmarshalFunc("toml", toml.Unmarshal)
	for _, l := range locale.All {
		x.localizers[l] = i18n.NewLocalizer(x.bundle, string(l))
		x.keys[l] = map[string]bool{}
	}
	return x, nil
}

// load adds every catalogue below catalogs/ in files. A key that exists already is refused:
// two areas must not fight over one text.
func (x *texts) load(files fs.FS) error {
	paths, err := fs.Glob(files, "catalogs/*.toml")
	if err != nil {
		return err
	}
	for _, p := range paths {
		file, err := x.bundle.LoadMessageFileFS(files, p)
		if err != nil {
			return fmt.Errorf("catalogue %s: %w", p, err)
		}
		lang, ok := locale.Parse(file.Tag.String())
		if !ok {
			return fmt.Errorf("catalogue %s: the name must end in .<language>.toml", path.Base(p))
		}
		for _, m := range file.Messages {
			if x.keys[lang][m.ID] {
				return fmt.Errorf("catalogue %s: %q is in another catalogue already", p, m.ID)
			}
			if m.One == "" && strings.Contains(m.Other, "{{.Count}}") {
				return fmt.Errorf("catalogue %s: %q counts, so it needs the forms \"one\" and \"other\"", p, m.ID)
			}
			x.keys[lang][m.ID] = true
		}
	}
	return nil
}

func (x *texts) has(lang locale.Lang, key string) bool { return x.keys[lang][key] }

func (x *texts) t(lang locale.Lang, key string, pairs ...any) string {
	data, count, err := pairsToData(lang, pairs)
	if err != nil {
		x.log.Error("text given odd values", "key", key, "error", err.Error())
	}
	return x.write(lang, key, data, count)
}

func (x *texts) write(lang locale.Lang, key string, data map[string]any, count any) string {
	localizer, ok := x.localizers[lang]
	if !ok {
		localizer = x.localizers[locale.Default]
	}
	text, err := localizer.Localize(&i18n.LocalizeConfig{MessageID: key, TemplateData: data, PluralCount: count})
	if err != nil {
		x.log.Error("text missing from the catalogue", "key", key, "lang", string(lang))
	}
	if text == "" {
		return key
	}
	return text
}

func pairsToData(lang locale.Lang, pairs []any) (data map[string]any, count any, err error) {
	if len(pairs)%2 != 0 {
		return nil, nil, fmt.Errorf("%d values are no pairs", len(pairs))
	}
	data = make(map[string]any, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		name, ok := pairs[i].(string)
		if !ok {
			return data, nil, fmt.Errorf("a name is missing before value %d", i)
		}
		if name == "Count" {
			count = pairs[i+1]
		}
		data[name] = speak(lang, pairs[i+1])
	}
	return data, count, nil
}

// speak writes a value as a sentence of this language does.
func speak(lang locale.Lang, value any) any {
	switch v := value.(type) {
	case int:
		return locale.Number(lang, int64(v))
	case int32:
		return locale.Number(lang, int64(v))
	case int64:
		return locale.Number(lang, v)
	case time.Time:
		return locale.Date(lang, v)
	case interface{ UTC() time.Time }: // a day of the calendar, which the kit doesn't know
		return locale.Date(lang, v.UTC())
	case []string:
		return locale.List(lang, v)
	case fmt.Stringer:
		return v.String()
	default:
		return v
	}
}

// firstKey is the first of these keys that the language has, or "".
func (x *texts) firstKey(lang locale.Lang, keys ...string) string {
	for _, key := range keys {
		if x.has(lang, key) {
			return key
		}
	}
	return ""
}

// LabelKeys are the keys under which a field's label may stand, the most exact first: for
// "locations.0.country" that is field.locations.0.country, field.locations.country, field.country.
func LabelKeys(field string) []string {
	var plain []string
	for part := range strings.SplitSeq(field, ".") {
		if part != "" && strings.Trim(part, "0123456789") != "" {
			plain = append(plain, part)
		}
	}
	keys := []string{"field." + field, "field." + strings.Join(plain, ".")}
	if len(plain) > 1 {
		keys = append(keys, "field."+plain[len(plain)-1])
	}
	return keys
}

// label is a field's name for people; the bare name where no catalogue has one.
func (x *texts) label(lang locale.Lang, field string) string {
	if key := x.firstKey(lang, LabelKeys(field)...); key != "" {
		return x.write(lang, key, nil, nil)
	}
	x.log.Error("field without a label", "field", field, "lang", string(lang))
	return field
}
