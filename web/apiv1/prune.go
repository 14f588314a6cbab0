package apiv1

import (
	"encoding/json"
	"fmt"
	"regexp"

	"github.com/danielgtaylor/huma/v2"
)

var schemaRef = regexp.MustCompile(`"#/components/schemas/([^"]+)"`)

// prune takes out schemas that nothing refers to: the whole of a Part is described, but where only parts
// of it are answered nobody needs it.
func prune(doc *huma.OpenAPI) error {
	all, used := doc.Components.Schemas.Map(), map[string]bool{}
	var note func(part any) error
	note = func(part any) error {
		raw, err := json.Marshal(part)
		if err != nil {
			return fmt.Errorf("apiv1: what the document refers to: %w", err)
		}
		for _, ref := range schemaRef.FindAllSubmatch(raw, -1) {
			name := string(ref[1])
			if used[name] || all[name] == nil {
				continue
			}
			used[name] = true
			if err := note(all[name]); err != nil {
				return err
			}
		}
		return nil
	}
	for _, root := range []any{doc.Paths, doc.Webhooks} {
		if err := note(root); err != nil {
			return err
		}
	}
	for name := range all {
		if !used[name] {
			delete(all, name)
		}
	}
	return nil
}
