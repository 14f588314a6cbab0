package vendors

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// spelled are letters that lose no mark when decomposed and still have a plain spelling.
var spelled = strings.NewReplacer("ß", "ss", "æ", "ae", "œ", "oe", "ø", "o", "ł", "l", "đ", "d", "ð", "d", "þ", "th", "ı", "i",
	"ä", "ae", "ö", "oe", "ü", "ue", "&", " and ", "'", "", "’", "")

// maxSlug keeps addresses short; a number that makes a slug unique comes on top.
const maxSlug = 60

// slugOf makes the part of an address from the first name that gives one: "Müller & Söhne" is
// mueller-and-soehne. Names without a Latin letter or digit give "vendor".
func slugOf(names ...string) string {
	for _, name := range names {
		if slug := slugify(name); slug != "" {
			return slug
		}
	}
	return "vendor"
}

func slugify(name string) string {
	var b strings.Builder
	gap := false
	for _, r := range norm.NFKD.String(spelled.Replace(norm.NFC.String(strings.ToLower(name)))) {
		switch {
		case (r >= 'a' && r <= 'z') || (r >= '0' && r <= '9'):
			if gap && b.Len() > 0 {
				b.WriteByte('-')
			}
			gap = false
			b.WriteRune(r)
		case !unicode.Is(unicode.Mn, r):
			gap = true
		}
		if b.Len() >= maxSlug {
			break
		}
	}
	return strings.Trim(b.String(), "-")
}
