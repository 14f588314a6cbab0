package notify

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/google/uuid"

	"fairnotice/internal/database"
	"fairnotice/internal/notify/email"
)

// renderingCache keeps the renderings of the notices that are being sent: a handful for each,
// shared by all its deliveries.
type renderingCache struct {
	mu   sync.Mutex
	byID map[uuid.UUID]*Rendering
}

// cachedRenderings is how many renderings are kept; beyond it the cache starts anew.
const cachedRenderings = 200

func newRenderingCache() *renderingCache {
	return &renderingCache{byID: map[uuid.UUID]*Rendering{}}
}

// attach gives each claimed delivery its rendering, reading those not yet known with one query.
func (c *renderingCache) attach(ctx context.Context, db *database.DB, list []*Outgoing) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var missing []uuid.UUID
	for _, o := range list {
		if c.byID[o.RenderingID] == nil {
			missing = append(missing, o.RenderingID)
		}
	}
	if len(missing) > 0 {
		if len(c.byID) > cachedRenderings {
			clear(c.byID)
			missing = missing[:0]
			for _, o := range list {
				missing = append(missing, o.RenderingID)
			}
		}
		found, err := database.Collect[Rendering](ctx, db.Pool(), `select id, notice_id, channel, language, audience,
			template_version, meta, subject, body_text, body_html, body_json from renderings where id = any($1)`, missing)
		if err != nil {
			return fmt.Errorf("read renderings: %w", err)
		}
		for i := range found {
			if found[i].Channel == ChannelEmail {
				if found[i].bodies, err = prepareBodies(&found[i]); err != nil {
					return err
				}
			}
			c.byID[found[i].ID] = &found[i]
		}
	}
	for _, o := range list {
		if o.Rendering = c.byID[o.RenderingID]; o.Rendering == nil {
			return fmt.Errorf("rendering %s is missing", o.RenderingID)
		}
	}
	return nil
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
