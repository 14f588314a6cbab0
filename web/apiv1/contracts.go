package apiv1

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/calendar"
	"fairnotice/internal/fault"
	"fairnotice/internal/subscribers"
)

func (s *Site) contractOperations() {
	handle(s, op{id: "listContracts", method: http.MethodGet, path: "/customers/{id}/contracts", tag: tagTerms, act: actor.ReadConsole,
		summary: "A customer's contracts with their terms as they stand", text: "Those in force or last signed come first."}, s.listContracts)
	handle(s, op{id: "addContract", method: http.MethodPost, path: "/customers/{id}/contracts", tag: tagTerms, act: actor.EditCustomers,
		summary: "Add a contract"}, s.addContract)
	handle(s, op{id: "getContract", method: http.MethodGet, path: "/contracts/{id}", tag: tagTerms, act: actor.ReadConsole,
		summary: "One contract with its terms as they stand"}, s.getContract)
	handle(s, op{id: "amendContract", method: http.MethodPost, path: "/contracts/{id}/amend", tag: tagTerms, act: actor.EditCustomers,
		summary: "Give a contract its next terms", text: "The body says all that they are made of, not only what changes. Windows that are open keep theirs."}, s.amendContract)
	handle(s, op{id: "endContract", method: http.MethodPost, path: "/contracts/{id}/end", tag: tagTerms, act: actor.EditCustomers,
		summary: "Say from which day on a contract isn't in force"}, s.endContract)
	handle(s, op{id: "listTerms", method: http.MethodGet, path: "/contracts/{id}/terms", tag: tagTerms, act: actor.ReadConsole,
		summary: "Every version of a contract's terms, the newest first"}, s.listTerms)
}

// today is the day in the publisher's zone; in UTC until there is a publisher.
func (s *Site) today(ctx context.Context) (calendar.Date, error) {
	settings, err := s.Publisher.Get(ctx)
	switch {
	case fault.Is(err, fault.NotFound):
		return calendar.DateOf(s.now(), time.UTC), nil
	case err != nil:
		return calendar.Date{}, err
	default:
		return settings.Today(s.now()), nil
	}
}

func termsOf(_ context.Context, t *subscribers.Terms) (Terms, error) {
	sheet, err := sheetOf(&t.Sheet)
	return Terms{ID: t.ID, ContractID: t.ContractID, Number: t.Number, TemplateVersionID: t.TemplateVersionID, TemplateName: t.TemplateName,
		TemplateNumber: t.TemplateNumber, Deviations: Deviations(t.Deviations), Sheet: sheet, CreatedAt: t.CreatedAt.UTC(), CreatedBy: t.CreatedBy}, err
}

// contractsOf are contracts as answers show them.
func (s *Site) contractsOf(ctx context.Context, list ...subscribers.ContractTerms) ([]Contract, error) {
	today, err := s.today(ctx)
	if err != nil {
		return nil, err
	}
	return mappedWith(ctx, list, func(ctx context.Context, k *subscribers.ContractTerms) (Contract, error) {
		terms, err := termsOf(ctx, &k.Terms)
		return Contract{ID: k.ID, CustomerID: k.CustomerID, ContractFacts: ContractFacts{k.Reference, Day{k.SignedOn}}, EndedOn: Day{k.EndedOn},
			HasEnded: !k.EndedOn.IsZero() && !today.Before(k.EndedOn), Terms: terms, Warnings: s.warnings(ctx, &k.Terms.Sheet, k.SignedOn),
			Version: k.Version, CreatedAt: k.CreatedAt.UTC(), UpdatedAt: k.UpdatedAt.UTC()}, err
	})
}

func (s *Site) contract(ctx context.Context, id uuid.UUID) (*Contract, error) {
	k, err := s.Subscribers.Contract(ctx, id)
	if err != nil {
		return nil, err
	}
	list, err := s.contractsOf(ctx, *k)
	if err != nil {
		return nil, err
	}
	return &list[0], nil
}

func (s *Site) oneContract(ctx context.Context, id uuid.UUID) (*One[Contract], error) {
	k, err := s.contract(ctx, id)
	if err != nil {
		return nil, err
	}
	return one(k.Version, *k), nil
}

func (s *Site) getContract(ctx context.Context, _ actor.Actor, in *Named) (*One[Contract], error) {
	return s.oneContract(ctx, in.ID)
}

func (s *Site) listContracts(ctx context.Context, _ actor.Actor, in *Named) (*List[Contract], error) {
	if _, err := s.Subscribers.Customer(ctx, in.ID); err != nil {
		return nil, err
	}
	list, err := s.Subscribers.Contracts(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	out, err := s.contractsOf(ctx, list...)
	if err != nil {
		return nil, err
	}
	return all(out), nil
}

// choice is the domain's. To it the zero ID is no template; who sends it means one.
func (in *TermsInput) choice() (out subscribers.TermsChoice, err error) {
	out.Deviations = json.RawMessage(in.Deviations)
	if id := in.TemplateVersionID; id != nil {
		if out.TemplateVersionID = *id; *id == uuid.Nil {
			err = fault.Field("template_version_id", "template.unknown", nil)
		}
	}
	return out, err
}

// placedTerms puts faults of a contract's terms at their places in the body.
func placedTerms(err error) error {
	err = under("deviations", err, "reference", "signed_on", "template", "deviations")
	return placed(err, func(field string) string {
		if field == "template" {
			return "template_version_id"
		}
		return field
	})
}

func (s *Site) addContract(ctx context.Context, who actor.Actor, in *struct {
	Named
	Body ContractInput
}) (*Created[Contract], error) {
	choice, err := in.Body.choice()
	if err != nil {
		return nil, err
	}
	k := &subscribers.Contract{CustomerID: in.ID, Reference: in.Body.Reference, SignedOn: in.Body.SignedOn.Date}
	if _, err := s.Subscribers.AddContract(ctx, who, k, choice); err != nil {
		return nil, placedTerms(err)
	}
	out, err := s.contract(ctx, k.ID)
	if err != nil {
		return nil, err
	}
	return made("/contracts/"+k.ID.String(), out.Version, *out), nil
}

func (s *Site) amendContract(ctx context.Context, who actor.Actor, in *struct {
	Edited
	Body TermsInput
}) (*One[Contract], error) {
	version, err := in.version()
	if err != nil {
		return nil, err
	}
	choice, err := in.Body.choice()
	if err != nil {
		return nil, err
	}
	if _, err := s.Subscribers.Amend(ctx, who, in.ID, version, choice); err != nil {
		return nil, placedTerms(err)
	}
	return s.oneContract(ctx, in.ID)
}

func (s *Site) endContract(ctx context.Context, who actor.Actor, in *struct {
	Edited
	Body EndInput
}) (*One[Contract], error) {
	version, err := in.version()
	if err != nil {
		return nil, err
	}
	if err := s.Subscribers.EndContract(ctx, who, in.ID, version, in.Body.EndedOn.Date); err != nil {
		return nil, err
	}
	return s.oneContract(ctx, in.ID)
}

func (s *Site) listTerms(ctx context.Context, _ actor.Actor, in *Named) (*List[Terms], error) {
	list, err := s.Subscribers.TermsHistory(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 { // each has its first terms
		return nil, fault.Missing("contract")
	}
	out, err := mappedWith(ctx, list, termsOf)
	if err != nil {
		return nil, err
	}
	return all(out), nil
}
