package apiv1

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"fairnotice/internal/actor"
	"fairnotice/internal/calendar"
	"fairnotice/internal/fault"
	"fairnotice/internal/subscribers"
	"fairnotice/web"
)

func (s *Site) templateOperations() {
	handle(s, op{id: "listTermTemplates", method: http.MethodGet, path: "/term-templates", tag: tagTerms, act: actor.ReadConsole,
		summary: "Templates of terms, by name"}, s.listTemplates)
	handle(s, op{id: "addTermTemplate", method: http.MethodPost, path: "/term-templates", tag: tagTerms, act: actor.EditCustomers,
		summary: "Add a template with its first version"}, s.addTemplate)
	handle(s, op{id: "getTermTemplate", method: http.MethodGet, path: "/term-templates/{id}", tag: tagTerms, act: actor.ReadConsole,
		summary: "One template with its latest version"}, s.getTemplate)
	handle(s, op{id: "listTermTemplateVersions", method: http.MethodGet, path: "/term-templates/{id}/versions", tag: tagTerms, act: actor.ReadConsole,
		summary: "Every version of a template, the newest first"}, s.listTemplateVersions)
	handle(s, op{id: "addTermTemplateVersion", method: http.MethodPost, path: "/term-templates/{id}/versions", tag: tagTerms, act: actor.EditCustomers,
		summary: "Give a template its next version", text: "Contracts keep their terms until they are amended."}, s.addTemplateVersion)
}

// sheetOf is the domain's sheet: both have one form in JSON.
func sheetOf(in *subscribers.TermSheet) (out TermSheet, err error) {
	return out, recast(in, &out)
}

func (in *TermSheet) sheet() (out subscribers.TermSheet, err error) {
	return out, recast(in, &out)
}

func recast(from, to any) error {
	raw, err := json.Marshal(from)
	if err == nil {
		err = json.Unmarshal(raw, to)
	}
	if err != nil {
		return fmt.Errorf("recast a term sheet: %w", err)
	}
	return nil
}

// windowKinds are the kinds of change that open windows, as the terms tell them apart.
var windowKinds = []string{subscribers.Addition, subscribers.Replacement, subscribers.LikeForLike, subscribers.Removal,
	subscribers.Relocation, subscribers.Scope}

// warnings say for which kinds of change no dates can be computed under a sheet, for a contract signed
// on one of the days.
func (s *Site) warnings(ctx context.Context, sheet *subscribers.TermSheet, signedOn ...calendar.Date) []TermsWarning {
	out := []TermsWarning{}
	for _, kind := range windowKinds {
		for _, day := range signedOn {
			if list := fault.All(subscribers.Computable(*sheet, kind, day)); len(list) > 0 {
				out = append(out, s.warning(ctx, kind, list[0]))
				break
			}
		}
	}
	return out
}

func (s *Site) warning(ctx context.Context, kind string, f *fault.Error) TermsWarning {
	what, _ := f.Args["What"].(string)
	return TermsWarning{Kind: kind, Code: strings.TrimPrefix(what, "not_computable."), Detail: s.kit.Sentence(web.Lang(ginOf(ctx)), f)}
}

// sidesOf are days on which a contract may have been signed: where the sheet tells contracts apart by
// that, one of each kind.
func sidesOf(sheet *subscribers.TermSheet) []calendar.Date {
	if e := sheet.BeforeSigning; e != nil {
		return []calendar.Date{e.SignedBefore, e.SignedBefore.AddDays(-1)}
	}
	return []calendar.Date{{}}
}

func (s *Site) templateVersionOf(ctx context.Context, v *subscribers.TemplateVersion) (TermTemplateVersion, error) {
	sheet, err := sheetOf(&v.Sheet)
	return TermTemplateVersion{ID: v.ID, TemplateID: v.TemplateID, Number: v.Number, Sheet: sheet, Note: v.Note,
		Warnings: s.warnings(ctx, &v.Sheet, sidesOf(&v.Sheet)...), CreatedAt: v.CreatedAt.UTC(), CreatedBy: v.CreatedBy}, err
}

func (s *Site) templateOf(ctx context.Context, t *subscribers.Template) (TermTemplate, error) {
	latest, err := s.templateVersionOf(ctx, t.Latest)
	return TermTemplate{ID: t.ID, Name: t.Name, Latest: latest, Version: t.Version, CreatedAt: t.CreatedAt.UTC(), UpdatedAt: t.UpdatedAt.UTC()}, err
}

// mappedWith is mapped where it can fail.
func mappedWith[A, B any](ctx context.Context, list []A, to func(context.Context, *A) (B, error)) (out []B, err error) {
	out = make([]B, len(list))
	for i := range list {
		if out[i], err = to(ctx, &list[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (s *Site) listTemplates(ctx context.Context, _ actor.Actor, _ *struct{}) (*List[TermTemplate], error) {
	list, err := s.Subscribers.Templates(ctx)
	if err != nil {
		return nil, err
	}
	out, err := mappedWith(ctx, list, s.templateOf)
	if err != nil {
		return nil, err
	}
	return all(out), nil
}

func (s *Site) addTemplate(ctx context.Context, who actor.Actor, in *struct{ Body TermTemplateInput }) (*Created[TermTemplate], error) {
	sheet, err := in.Body.Sheet.sheet()
	if err != nil {
		return nil, err
	}
	t, err := s.Subscribers.CreateTemplate(ctx, who, in.Body.Name, sheet, in.Body.Note)
	if err != nil {
		return nil, under("sheet", err, "name", "note")
	}
	out, err := s.templateOf(ctx, t)
	if err != nil {
		return nil, err
	}
	return made("/term-templates/"+t.ID.String(), t.Version, out), nil
}

func (s *Site) getTemplate(ctx context.Context, _ actor.Actor, in *Named) (*One[TermTemplate], error) {
	t, err := s.Subscribers.Template(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return s.oneTemplate(ctx, t)
}

func (s *Site) oneTemplate(ctx context.Context, t *subscribers.Template) (*One[TermTemplate], error) {
	out, err := s.templateOf(ctx, t)
	if err != nil {
		return nil, err
	}
	return one(t.Version, out), nil
}

func (s *Site) listTemplateVersions(ctx context.Context, _ actor.Actor, in *Named) (*List[TermTemplateVersion], error) {
	list, err := s.Subscribers.TemplateVersions(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 { // each has a first one
		return nil, fault.Missing("template")
	}
	out, err := mappedWith(ctx, list, s.templateVersionOf)
	if err != nil {
		return nil, err
	}
	return all(out), nil
}

func (s *Site) addTemplateVersion(ctx context.Context, who actor.Actor, in *struct {
	Edited
	Body TermTemplateVersionInput
}) (*One[TermTemplate], error) {
	version, err := in.version()
	if err != nil {
		return nil, err
	}
	sheet, err := in.Body.Sheet.sheet()
	if err != nil {
		return nil, err
	}
	t, err := s.Subscribers.AddTemplateVersion(ctx, who, in.ID, version, sheet, in.Body.Note)
	if err != nil {
		return nil, under("sheet", err, "note")
	}
	return s.oneTemplate(ctx, t)
}
