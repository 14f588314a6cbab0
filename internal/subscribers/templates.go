package subscribers

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/database"
	"fairnotice/internal/fault"
	"fairnotice/internal/input"
	"fairnotice/internal/ledger"
	"fairnotice/internal/secrets"
)

// CreateTemplate stores a new template with version 1 of its sheet. A name that is taken is a
// Conflict at "name".
func (s *Service) CreateTemplate(ctx context.Context, who actor.Actor, name string, sheet TermSheet, note string) (*Template, error) {
	var c fault.Check
	input.Name(&c, "name", &name)
	if err := checkSheet(&c, &sheet, &note); err != nil {
		return nil, err
	}
	out := &Template{Name: name}
	err := s.write(ctx, who, func(tx *database.Tx) error {
		out.ID, out.Version, out.CreatedAt, out.UpdatedAt = secrets.ID(), 1, tx.Now(), tx.Now()
		err := tx.Gorm().Create(out).Error
		if constraint, _ := database.Violates(err); constraint == "term_templates_name_key" {
			return duplicate("name", name)
		}
		if err != nil {
			return fmt.Errorf("create a template: %w", err)
		}
		return addTemplateVersion(tx, who, out, sheet, note)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// AddTemplateVersion stores the next version of a template's sheet; the template must have been
// read at version basedOn. Contracts keep their terms until they are amended.
func (s *Service) AddTemplateVersion(ctx context.Context, who actor.Actor, id uuid.UUID, basedOn int, sheet TermSheet, note string) (*Template, error) {
	var c fault.Check
	if err := checkSheet(&c, &sheet, &note); err != nil {
		return nil, err
	}
	var out *Template
	err := s.write(ctx, who, func(tx *database.Tx) (err error) {
		if out, err = take[Template](tx, "template", id); err != nil {
			return err
		}
		out.Version, out.UpdatedAt = basedOn+1, tx.Now()
		if err := wrap("edit a template", update(tx, out, basedOn)); err != nil {
			return err
		}
		return addTemplateVersion(tx, who, out, sheet, note)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func checkSheet(c *fault.Check, sheet *TermSheet, note *string) error {
	input.OptionalLine(c, "note", note)
	if err := c.Join("", sheet.Validate()); err != nil {
		return err
	}
	return c.Err()
}

func addTemplateVersion(tx *database.Tx, who actor.Actor, t *Template, sheet TermSheet, note string) error {
	number, err := database.Scalar[int](tx,
		"select coalesce(max(number), 0) + 1 from term_template_versions where template_id = $1", t.ID)
	if err != nil {
		return fmt.Errorf("number a template's version: %w", err)
	}
	v := &TemplateVersion{ID: secrets.ID(), TemplateID: t.ID, Number: number, Sheet: sheet, Note: note,
		CreatedAt: tx.Now(), CreatedBy: account(who)}
	_, err = tx.Exec(`insert into term_template_versions (id, template_id, number, sheet, note, created_at, created_by)
		values ($1, $2, $3, $4, $5, $6, $7)`, v.ID, v.TemplateID, v.Number, v.Sheet, v.Note, v.CreatedAt, v.CreatedBy)
	if err != nil {
		return fmt.Errorf("add a template's version: %w", err)
	}
	t.Latest = v
	return ledger.Append(tx, ledger.Entry{Kind: "term_template.versioned", Actor: who, Subject: t.subject(),
		Body: map[string]any{"version": t.Version, "changed": map[string][2]any{"sheet": {number - 1, number}}, "name": t.Name, "edition": v}})
}

// account is the staff account that acts, or nil.
func account(who actor.Actor) *uuid.UUID {
	if who.Kind != actor.Staff || who.ID == uuid.Nil {
		return nil
	}
	return &who.ID
}

// Templates lists every template with its latest version, by name.
func (s *Service) Templates(ctx context.Context) ([]Template, error) { return s.templates(ctx, nil) }

// Template returns one template with its latest version.
func (s *Service) Template(ctx context.Context, id uuid.UUID) (*Template, error) {
	list, err := s.templates(ctx, &id)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, fault.Missing("template")
	}
	return &list[0], nil
}

func (s *Service) templates(ctx context.Context, id *uuid.UUID) ([]Template, error) {
	heads, err := database.Collect[Template](ctx, s.db.Reader(ctx), `select id, name, version, created_at, updated_at
		from term_templates where $1::uuid is null or id = $1 order by lower(name), id`, id)
	if err != nil {
		return nil, fmt.Errorf("list templates: %w", err)
	}
	latest, err := database.Collect[TemplateVersion](ctx, s.db.Reader(ctx), `select distinct on (template_id) `+templateColumns+`
		from term_template_versions where $1::uuid is null or template_id = $1 order by template_id, number desc`, id)
	if err != nil {
		return nil, fmt.Errorf("list templates: %w", err)
	}
	byID := make(map[uuid.UUID]*TemplateVersion, len(latest))
	for i := range latest {
		byID[latest[i].TemplateID] = &latest[i]
	}
	for i := range heads {
		heads[i].Latest = byID[heads[i].ID]
	}
	return heads, nil
}

const templateColumns = "id, template_id, number, sheet, note, created_at, created_by"

// TemplateVersions lists every version of a template, the newest first.
func (s *Service) TemplateVersions(ctx context.Context, id uuid.UUID) ([]TemplateVersion, error) {
	out, err := database.Collect[TemplateVersion](ctx, s.db.Reader(ctx),
		"select "+templateColumns+" from term_template_versions where template_id = $1 order by number desc", id)
	return out, wrap("list a template's versions", err)
}
