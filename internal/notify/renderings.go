package notify

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"

	"github.com/google/uuid"

	"fairnotice/internal/database"
	"fairnotice/internal/notify/email"
)

// shared keeps what deliveries have in common, so that it is read and taken apart once for many:
// renderings, a handful for each notice, and merge values, one for each window.
type shared struct {
	mu         sync.Mutex
	renderings kept[*Rendering]
	merges     kept[map[string]string]
}

func newShared() *shared {
	return &shared{
		renderings: kept[*Rendering]{most: 200, what: "rendering", read: readRenderings, byID: map[uuid.UUID]*Rendering{}},
		merges:     kept[map[string]string]{most: 1000, what: "merge value", read: readMerges, byID: map[uuid.UUID]map[string]string{}},
	}
}

// attach gives each claimed delivery its rendering and merge values, reading those not yet known
// with one query each.
func (s *shared) attach(ctx context.Context, db *database.DB, list []*Outgoing) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.renderings.attach(ctx, db, list, func(o *Outgoing) uuid.UUID { return o.RenderingID }, func(o *Outgoing, r *Rendering) { o.Rendering = r })
	if err != nil {
		return err
	}
	return s.merges.attach(ctx, db, list, func(o *Outgoing) uuid.UUID { return o.MergeID }, func(o *Outgoing, m map[string]string) { o.Fields = m })
}

// kept are things by their ID. Beyond the most, it starts anew: memory does not grow with the
// number of recipients.
type kept[T any] struct {
	most int
	what string
	read func(context.Context, *database.DB, []uuid.UUID) (map[uuid.UUID]T, error)
	byID map[uuid.UUID]T
}

func (k *kept[T]) attach(ctx context.Context, db *database.DB, list []*Outgoing, idOf func(*Outgoing) uuid.UUID, set func(*Outgoing, T)) error {
	missing := k.missing(list, idOf)
	if len(k.byID)+len(missing) > k.most {
		clear(k.byID)
		missing = k.missing(list, idOf)
	}
	if len(missing) > 0 {
		found, err := k.read(ctx, db, missing)
		if err != nil {
			return fmt.Errorf("read %ss: %w", k.what, err)
		}
		maps.Copy(k.byID, found)
	}
	for _, o := range list {
		thing, ok := k.byID[idOf(o)]
		if !ok {
			return fmt.Errorf("%s %s is missing", k.what, idOf(o))
		}
		set(o, thing)
	}
	return nil
}

func (k *kept[T]) missing(list []*Outgoing, idOf func(*Outgoing) uuid.UUID) (ids []uuid.UUID) {
	asked := map[uuid.UUID]bool{}
	for _, o := range list {
		id := idOf(o)
		if _, ok := k.byID[id]; !ok && !asked[id] {
			asked[id] = true
			ids = append(ids, id)
		}
	}
	return ids
}

func readRenderings(ctx context.Context, db *database.DB, ids []uuid.UUID) (map[uuid.UUID]*Rendering, error) {
	found, err := database.Collect[Rendering](ctx, db.Reader(ctx), `select id, notice_id, channel, language, audience,
		template_version, meta, subject, body_text, body_html, body_json from renderings where id = any($1)`, ids)
	if err != nil {
		return nil, err
	}
	out := make(map[uuid.UUID]*Rendering, len(found))
	for i := range found {
		r := &found[i]
		if r.Channel == ChannelEmail {
			if r.bodies, err = prepareBodies(r); err != nil {
				return nil, err
			}
		}
		out[r.ID] = r
	}
	return out, nil
}

func readMerges(ctx context.Context, db *database.DB, ids []uuid.UUID) (map[uuid.UUID]map[string]string, error) {
	found, err := database.Collect[struct {
		ID     uuid.UUID
		Fields map[string]string
	}](ctx, db.Reader(ctx), "select id, fields from merges where id = any($1)", ids)
	if err != nil {
		return nil, err
	}
	out := make(map[uuid.UUID]map[string]string, len(found))
	for _, m := range found {
		out[m.ID] = m.Fields
	}
	return out, nil
}

// bodies are the texts of an email rendering, taken apart at the lines that hold marks: what is the
// same for everybody is encoded once.
type bodies struct{ text, html *email.Body }

func prepareBodies(r *Rendering) (b *bodies, err error) {
	marked := func(line string) bool { return strings.ContainsRune(line, markStart) }
	b = &bodies{}
	if b.text, err = email.PrepareBody(r.BodyText, marked); err != nil {
		return nil, fmt.Errorf("rendering %s: %w", r.ID, err)
	}
	if b.html, err = email.PrepareBody(r.BodyHTML, marked); err != nil {
		return nil, fmt.Errorf("rendering %s: %w", r.ID, err)
	}
	return b, nil
}

// fill encodes both bodies for one recipient.
func (b *bodies) fill(values map[string]string) (text, html email.Encoded, err error) {
	text, err = b.text.Fill(func(line string) (string, error) { return fill(line, values, plain) })
	if err != nil {
		return nil, nil, err
	}
	html, err = b.html.Fill(func(line string) (string, error) { return fill(line, values, escapeHTML) })
	return text, html, err
}
