package subscribers

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/calendar"
	"fairnotice/internal/database"
	"fairnotice/internal/fault"
	"fairnotice/internal/ledger"
	"fairnotice/internal/secrets"
)

// AddContract stores a customer's contract (CustomerID, Reference, SignedOn) with version 1 of
// its terms, and sets its ID and version. Faults in the terms are at the sheet's own field names.
func (s *Service) AddContract(ctx context.Context, who actor.Actor, k *Contract, choice TermsChoice) (*Terms, error) {
	if err := k.Validate(); err != nil {
		return nil, err
	}
	var out *Terms
	err := s.write(ctx, who, func(tx *database.Tx) (err error) {
		if err := lockCustomer(tx, k.CustomerID); err != nil {
			return err
		}
		k.ID, k.EndedOn, k.Version, k.CreatedAt, k.UpdatedAt = secrets.ID(), calendar.Date{}, 1, tx.Now(), tx.Now()
		err = tx.Gorm().Create(k).Error
		if constraint, _ := database.Violates(err); constraint == "contracts_customer_id_reference_key" {
			return duplicate("reference", k.Reference)
		}
		if err != nil {
			return fmt.Errorf("add a contract: %w", err)
		}
		if out, err = addTerms(tx, who, k.ID, choice); err != nil {
			return err
		}
		return ledger.Append(tx, ledger.Entry{Kind: "contract.added", Actor: who, Subject: k.subject(),
			Body: map[string]any{"contract": k, "terms": out}})
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Amend gives a contract the next version of its terms; the contract must have been read at
// version basedOn. Windows that are open keep the version that they were computed from.
func (s *Service) Amend(ctx context.Context, who actor.Actor, contractID uuid.UUID, basedOn int, choice TermsChoice) (*Terms, error) {
	var out *Terms
	err := s.write(ctx, who, func(tx *database.Tx) error {
		k, err := take[Contract](tx, "contract", contractID)
		if err != nil {
			return err
		}
		k.Version, k.UpdatedAt = basedOn+1, tx.Now()
		if err := wrap("amend a contract", update(tx, k, basedOn)); err != nil {
			return err
		}
		if out, err = addTerms(tx, who, k.ID, choice); err != nil {
			return err
		}
		return ledger.Append(tx, ledger.Entry{Kind: "contract.amended", Actor: who, Subject: k.subject(),
			Body: map[string]any{"version": k.Version, "changed": map[string][2]any{"terms": {out.Number - 1, out.Number}}, "terms": out}})
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// EndContract says from which day on the contract isn't in force any more; the zero day takes
// that back. A day before the contract was signed is a fault at "ended_on".
func (s *Service) EndContract(ctx context.Context, who actor.Actor, contractID uuid.UUID, basedOn int, on calendar.Date) error {
	return s.write(ctx, who, func(tx *database.Tx) error {
		before, err := take[Contract](tx, "contract", contractID)
		if err != nil {
			return err
		}
		if !on.IsZero() && on.Before(before.SignedOn) {
			return fault.Field("ended_on", "contract.ends_before_signing", fault.Args{"Signed": before.SignedOn.UTC()})
		}
		after := *before
		after.EndedOn, after.Version, after.UpdatedAt = on, basedOn+1, tx.Now()
		if err := wrap("end a contract", update(tx, &after, basedOn)); err != nil {
			return err
		}
		return ledger.AppendEdit(tx, who, "contract.ended", after.subject(), after.Version, before, after, "")
	})
}

func addTerms(tx *database.Tx, who actor.Actor, contractID uuid.UUID, choice TermsChoice) (*Terms, error) {
	out := &Terms{ID: secrets.ID(), ContractID: contractID, CreatedAt: tx.Now(), CreatedBy: account(who)}
	patch, err := parseObject(choice.Deviations)
	if err != nil {
		return nil, err
	}
	if out.Deviations, err = json.Marshal(patch); err != nil { // what was read, not what was typed
		return nil, fmt.Errorf("write deviations: %w", err)
	}
	var base TermSheet
	if choice.TemplateVersionID != uuid.Nil {
		versions, err := database.Rows[TemplateVersion](tx,
			"select "+templateColumns+" from term_template_versions where id = $1", choice.TemplateVersionID)
		if err != nil {
			return nil, fmt.Errorf("read a template's version: %w", err)
		}
		if len(versions) == 0 {
			return nil, fault.Field("template", "template.unknown", nil)
		}
		base, out.TemplateVersionID, out.TemplateNumber = versions[0].Sheet, &versions[0].ID, versions[0].Number
	}
	if out.Sheet, err = Merge(base, out.Deviations); err != nil {
		return nil, err
	}
	out.Number, err = database.Scalar[int](tx, "select coalesce(max(number), 0) + 1 from terms_versions where contract_id = $1", contractID)
	if err != nil {
		return nil, fmt.Errorf("number a contract's terms: %w", err)
	}
	_, err = tx.Exec(`insert into terms_versions (id, contract_id, number, template_version_id, deviations, sheet, created_at, created_by)
		values ($1, $2, $3, $4, $5, $6, $7, $8)`, out.ID, out.ContractID, out.Number, out.TemplateVersionID,
		out.Deviations, out.Sheet, out.CreatedAt, out.CreatedBy)
	return out, wrap("add a contract's terms", err)
}

// Contracts lists a customer's contracts with their terms as they stand, those in force or last
// signed first.
func (s *Service) Contracts(ctx context.Context, customerID uuid.UUID) ([]ContractTerms, error) {
	return s.contracts(ctx, "customer_id = $1", customerID)
}

// Contract returns one contract with its terms as they stand.
func (s *Service) Contract(ctx context.Context, id uuid.UUID) (*ContractTerms, error) {
	list, err := s.contracts(ctx, "id = $1", id)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, fault.Missing("contract")
	}
	return &list[0], nil
}

func (s *Service) contracts(ctx context.Context, where string, id uuid.UUID) ([]ContractTerms, error) {
	heads, err := database.Collect[Contract](ctx, s.db.Reader(ctx), `
		select id, customer_id, reference, signed_on, ended_on, version, created_at, updated_at
		from contracts where `+where+` order by ended_on desc nulls first, signed_on desc, id`, id)
	if err != nil {
		return nil, fmt.Errorf("list contracts: %w", err)
	}
	ids := make([]uuid.UUID, len(heads))
	for i, k := range heads {
		ids[i] = k.ID
	}
	terms, err := database.Collect[Terms](ctx, s.db.Reader(ctx), "select distinct on (v.contract_id) "+termsColumns+
		" where v.contract_id = any($1) order by v.contract_id, v.number desc", ids)
	if err != nil {
		return nil, fmt.Errorf("list contracts: %w", err)
	}
	current := make(map[uuid.UUID]Terms, len(terms))
	for _, t := range terms {
		current[t.ContractID] = t
	}
	out := make([]ContractTerms, len(heads))
	for i, k := range heads {
		out[i] = ContractTerms{Contract: k, Terms: current[k.ID]}
	}
	return out, nil
}

const termsColumns = `v.id, v.contract_id, v.number, v.template_version_id, v.deviations, v.sheet, v.created_at, v.created_by,
	coalesce(t.name, '') as template_name, coalesce(tv.number, 0) as template_number
	from terms_versions v left join term_template_versions tv on tv.id = v.template_version_id
	left join term_templates t on t.id = tv.template_id`

// TermsHistory lists every version of a contract's terms, the newest first.
func (s *Service) TermsHistory(ctx context.Context, contractID uuid.UUID) ([]Terms, error) {
	out, err := database.Collect[Terms](ctx, s.db.Reader(ctx),
		"select "+termsColumns+" where v.contract_id = $1 order by v.number desc", contractID)
	return out, wrap("list a contract's terms", err)
}
