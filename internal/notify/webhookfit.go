package notify

import (
	"fmt"
	"slices"
	"strings"

	"fairnotice/internal/locale"
)

// A webhook's body has under 20 KB with the recipient's values in it. The longest values that may be
// entered (names of 200 characters of four bytes, a URL of 2,000) leave this much for the rest.
const (
	maxBody     = 20_000
	roomToFill  = 6_500
	maxUnfilled = maxBody - roomToFill
)

// webhookJSON writes the body. One that is too long is cut, the longest first, and says so: what was
// cut, and where all of it is.
func (c *content) webhookJSON(l locale.Lang, audience Audience) (string, error) {
	b := c.body(l, audience)
	parts := b.Data.cuttable()
	for {
		text, err := writeJSON(b)
		if err != nil || len(text) <= maxUnfilled {
			return text, err
		}
		part, err := longest(parts)
		if err != nil {
			return "", err
		}
		if part == nil {
			return "", fmt.Errorf("notify: the webhook of %s has %d bytes and nothing left to cut", c.change.Reference, len(text))
		}
		part.cut()
		b.Data.noteCut(part.name)
	}
}

// cuttable is a list or a text of the body that may be shortened.
type cuttable struct {
	name  string
	first bool       // it goes before all others
	value func() any // nil when nothing of it is left to cut
	cut   func()
}

// longest finds what to shorten next.
func longest(parts []cuttable) (*cuttable, error) {
	var best *cuttable
	most := -1
	for i := range parts {
		v := parts[i].value()
		if v == nil {
			continue
		}
		text, err := writeJSON(v)
		if err != nil {
			return nil, err
		}
		if size := len(text); parts[i].first || size > most {
			best, most = &parts[i], size
			if parts[i].first {
				break
			}
		}
	}
	return best, nil
}

func (d *bodyData) noteCut(name string) {
	if d.Truncated == nil {
		d.Truncated = &bodyTruncated{URL: d.Links.Change}
	}
	if !slices.Contains(d.Truncated.Fields, name) {
		d.Truncated.Fields = append(d.Truncated.Fields, name)
	}
}

// cuttable lists what may be shortened: the chains first, then whatever is longest.
func (d *bodyData) cuttable() []cuttable {
	parts := []cuttable{}
	sides := []struct {
		name string
		e    *bodyEngagement
	}{{"before", d.Before}, {"after", d.After}}
	for _, s := range sides {
		if s.e != nil {
			parts = append(parts, cutList(s.name+".chain", true, &s.e.Chain))
		}
	}
	for _, s := range sides {
		if s.e != nil {
			parts = append(parts, s.e.cuttable(s.name+".")...)
		}
	}
	parts = append(parts, cutText("reason", &d.Reason), cutText("safeguards", &d.Safeguards), cutText("title", &d.Title), cutText("summary", &d.Summary),
		cutText("publisher.address", &d.Publisher.Address))
	if d.Withdrawal != nil {
		parts = append(parts, cutText("withdrawal.reason", &d.Withdrawal.Reason))
	}
	return parts
}

func (e *bodyEngagement) cuttable(at string) []cuttable {
	v := &e.Vendor
	return []cuttable{
		cutList(at+"locations", false, &e.Locations), cutList(at+"products", false, &e.Products),
		cutList(at+"data_categories", false, &e.DataCategories), cutList(at+"data_subjects", false, &e.DataSubjects),
		cutText(at+"purpose", &e.Purpose), cutText(at+"nature", &e.Nature), cutText(at+"hosted_on", &e.HostedOn),
		cutText(at+"vendor.trade_name", &v.TradeName), cutText(at+"vendor.registration_number", &v.RegistrationNumber),
		cutText(at+"vendor.address", &v.Address), cutText(at+"vendor.website", &v.Website), cutText(at+"vendor.parent", &v.Parent),
		cutText(at+"vendor.privacy_contact.name", &v.Contact.Name), cutText(at+"vendor.privacy_contact.position", &v.Contact.Position),
		cutText(at+"vendor.measures", &v.Measures), cutText(at+"vendor.retention", &v.Retention), cutText(at+"vendor.delimitation", &v.Delimitation),
	}
}

// cutList drops the last half of a list.
func cutList[T any](name string, first bool, list *[]T) cuttable {
	return cuttable{name: name, first: first,
		value: func() any {
			if len(*list) == 0 {
				return nil
			}
			return *list
		},
		cut: func() { *list = (*list)[:len(*list)/2] }}
}

// shortText is what a text isn't cut below.
const shortText = 40

// cutText drops the last half of a text.
func cutText(name string, text *string) cuttable {
	return cuttable{name: name,
		value: func() any {
			if len([]rune(*text)) <= shortText {
				return nil
			}
			return *text
		},
		cut: func() {
			runes := []rune(*text)
			*text = strings.TrimRight(string(runes[:max(shortText-1, len(runes)/2)]), " \n") + "…"
		}}
}
