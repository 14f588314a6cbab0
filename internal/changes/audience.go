package changes

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"fairnotice/internal/calendar"
	"fairnotice/internal/database"
	"fairnotice/internal/fault"
	"fairnotice/internal/publisher"
	"fairnotice/internal/secrets"
	"fairnotice/internal/subscribers"
	"fairnotice/internal/vendors"
)

// Planned is what a change would mean for one affected customer if its notice were served now.
type Planned struct {
	CustomerID     uuid.UUID
	Name           string
	ExternalID     string
	Language       string
	Reference      string    // of the contract
	ContractID     uuid.UUID // the strictest of its contracts: clause and zone are that one's
	TermsVersionID uuid.UUID
	Terms          []ContractTerms // all of its contracts in force: every one of them is kept
	Authorisation  string          // specific when any contract asks for it
	Clause         string
	TimeZone       string
	Dates          subscribers.Dates
	EffectiveOn    calendar.Date // the planned day, or the first one its terms allow where that is later
	Reachable      bool          // somebody can be told; if not, its clock can't start
	Trouble        *fault.Error  // why its dates can't be computed; nil when they can
}

// ContractTerms names a contract and the version of its terms.
type ContractTerms struct {
	ContractID     uuid.UUID
	TermsVersionID uuid.UUID
}

// LeftOut is a customer that a change does not concern, with the reason.
type LeftOut struct {
	CustomerID uuid.UUID
	Name       string
	Reason     string // "product": it uses none of the products; "region": it isn't in a region served
}

// Audience is who a change concerns, customer by customer, with the reason for each.
type Audience struct {
	Included []Planned // by name
	LeftOut  []LeftOut // by name
	// FloorDay is the first day that the publisher's public promise allows; zero without a promise.
	FloorDay calendar.Date
}

// Unreachable are the affected customers that nobody can tell: they stay unserved, and the change
// does not take effect for them, until somebody reaches them.
func (a *Audience) Unreachable() (out []Planned) {
	for _, p := range a.Included {
		if !p.Reachable {
			out = append(out, p)
		}
	}
	return out
}

// Binding is the customer whose terms allow the change last, nil when none is affected: it binds a
// common date.
func (a *Audience) Binding() *Planned {
	return a.extreme(func(p, best *Planned) bool { return p.Dates.EarliestDay.After(best.Dates.EarliestDay) })
}

// First is the customer whose terms allow the change first.
func (a *Audience) First() *Planned {
	return a.extreme(func(p, best *Planned) bool { return p.Dates.EarliestDay.Before(best.Dates.EarliestDay) })
}

func (a *Audience) extreme(better func(p, best *Planned) bool) *Planned {
	var best *Planned
	for i := range a.Included {
		if p := &a.Included[i]; p.Trouble == nil && (best == nil || better(p, best)) {
			best = p
		}
	}
	return best
}

// Later are the affected customers for whom the change takes effect after the planned day, because
// their terms ask for it.
func (a *Audience) Later(planned calendar.Date) (out []Planned) {
	for _, p := range a.Included {
		if p.Trouble == nil && p.EffectiveOn.After(planned) {
			out = append(out, p)
		}
	}
	return out
}

// Audience previews who the change concerns and the dates that each customer's terms give, as if
// the notice were served now.
func (s *Service) Audience(ctx context.Context, id uuid.UUID) (a *Audience, err error) {
	err = s.db.Transact(ctx, func(tx *database.Tx) error {
		var c Change
		if err := tx.Gorm().Take(&c, "id = ?", id).Error; err != nil {
			return missing(err)
		}
		a, err = planWindows(tx, &c)
		return err
	})
	return a, err
}

// AimOf is whom a change concerns: the customers of the products and regions of the engagement that
// comes and of the one that goes.
func AimOf(tx *database.Tx, c *Change) (subscribers.Aim, error) {
	aim := subscribers.Aim{Kind: string(c.Kind)}
	allProducts, allRegions := false, false
	for _, version := range []*uuid.UUID{c.BeforeVersionID, c.AfterVersionID} {
		if version == nil {
			continue
		}
		facts, err := vendors.FactsOf(tx, *version)
		if err != nil {
			return aim, err
		}
		allProducts = allProducts || len(facts.Products) == 0
		allRegions = allRegions || len(facts.Regions) == 0
		for _, p := range facts.Products {
			aim.ProductIDs = append(aim.ProductIDs, p.ProductID)
		}
		for _, r := range facts.Regions {
			aim.Regions = append(aim.Regions, string(r))
		}
	}
	if allProducts {
		aim.ProductIDs = nil
	}
	if allRegions {
		aim.Regions = nil
	}
	return aim, nil
}

func planWindows(tx *database.Tx, c *Change) (*Audience, error) {
	settings, err := publisher.InTx(tx)
	if err != nil {
		return nil, err
	}
	aim, err := AimOf(tx, c)
	if err != nil {
		return nil, err
	}
	contracts, err := subscribers.Affected(tx, aim, settings.Today(tx.Now()))
	if err != nil {
		return nil, err
	}
	a := &Audience{}
	if settings.FloorDays != nil { // the day of the notice is not counted
		a.FloorDay = settings.Today(tx.Now()).AddDays(*settings.FloorDays + 1)
	}
	for len(contracts) > 0 {
		n := 1
		for n < len(contracts) && contracts[n].CustomerID == contracts[0].CustomerID {
			n++
		}
		a.Included = append(a.Included, planCustomer(tx, c, settings, contracts[:n]))
		contracts = contracts[n:]
	}
	if err := a.markReachable(tx, aim); err != nil {
		return nil, err
	}
	a.LeftOut, err = leftOut(tx, aim, settings.Today(tx.Now()))
	return a, err
}

// planCustomer computes the window under each of the customer's contracts and puts them together:
// the latest of all dates, specific authorisation when any contract asks for it, the clause and the
// zone of the contract that allows the change last.
func planCustomer(tx *database.Tx, c *Change, settings *publisher.Settings, contracts []subscribers.AffectedContract) Planned {
	all := make([]Planned, len(contracts))
	for i := range contracts {
		all[i] = planContract(tx, c, settings, &contracts[i])
		if all[i].Trouble != nil { // a contract that can't be computed can't be overlooked either
			return all[i]
		}
	}
	out := all[0]
	for _, p := range all[1:] {
		if p.Dates.Earliest.After(out.Dates.Earliest) {
			out = p
		}
	}
	out.Terms = nil
	for _, p := range all {
		out.Terms = append(out.Terms, ContractTerms{p.ContractID, p.TermsVersionID})
		out.Dates.NoticeEnds = later(out.Dates.NoticeEnds, p.Dates.NoticeEnds)
		out.Dates.ObjectionEnds = later(out.Dates.ObjectionEnds, p.Dates.ObjectionEnds)
		if p.Authorisation == string(subscribers.Specific) {
			out.Authorisation = p.Authorisation
		}
		if p.EffectiveOn.After(out.EffectiveOn) {
			out.EffectiveOn = p.EffectiveOn
		}
	}
	return out
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func planContract(tx *database.Tx, c *Change, settings *publisher.Settings, k *subscribers.AffectedContract) Planned {
	p := Planned{CustomerID: k.CustomerID, Name: k.Name, ExternalID: k.ExternalID, Language: k.Language, Reference: k.Reference}
	if k.Sheet == nil {
		p.Trouble = fault.New(fault.Conflict, "audience.no_terms", fault.Args{"Customer": k.Name})
		return p
	}
	p.ContractID, p.TermsVersionID = k.ContractID, k.TermsVersionID
	p.Terms = []ContractTerms{{k.ContractID, k.TermsVersionID}}
	p.Authorisation, p.Clause, p.TimeZone = string(k.Sheet.Authorisation), k.Sheet.Clause, k.Sheet.TimeZone
	dates, err := subscribers.ComputeDates(*k.Sheet, string(c.Kind), tx.Now(), optionsFor(settings, k.SignedOn))
	if err != nil {
		p.Trouble = troubleOf(err, k.Name)
		return p
	}
	p.Dates, p.EffectiveOn = dates, dates.EarliestDay
	if c.EffectiveOn.After(p.EffectiveOn) {
		p.EffectiveOn = c.EffectiveOn
	}
	return p
}

func optionsFor(settings *publisher.Settings, signedOn calendar.Date) subscribers.Options {
	o := subscribers.Options{SignedOn: signedOn}
	if settings.FloorDays != nil {
		o.FloorDays = *settings.FloorDays
	}
	return o
}

// troubleOf keeps a fault and names the customer in it; whatever else it is, the terms can't be
// computed and must be looked at.
func troubleOf(err error, customer string) *fault.Error {
	what := "terms"
	var f *fault.Error
	if errors.As(err, &f) && f.Args["What"] != nil {
		what = fmt.Sprint(f.Args["What"])
	}
	return fault.New(fault.Conflict, "audience.terms_not_computable", fault.Args{"Customer": customer, "What": what})
}

func (a *Audience) markReachable(tx *database.Tx, aim subscribers.Aim) error {
	ids := make([]uuid.UUID, len(a.Included))
	for i, p := range a.Included {
		ids[i] = p.CustomerID
	}
	reachable, err := subscribers.Reachable(tx, ids, aim)
	if err != nil {
		return err
	}
	for i := range a.Included {
		a.Included[i].Reachable = reachable[a.Included[i].CustomerID].OK()
	}
	return nil
}

func leftOut(tx *database.Tx, aim subscribers.Aim, today calendar.Date) ([]LeftOut, error) {
	rows, err := database.Rows[LeftOut](tx, `
		select c.id as customer_id, c.name,
		       case when cardinality($2::text[]) > 0 and c.region <> all($2) then 'region' else 'product' end as reason
		  from customers c
		 where (c.left_on is null or c.left_on > $3)
		   and ((cardinality($2::text[]) > 0 and c.region <> all($2))
		     or (cardinality($1::uuid[]) > 0 and not exists (
		           select from customer_products cp where cp.customer_id = c.id and cp.product_id = any($1))))
		 order by lower(c.name), c.id`, database.OrEmpty(aim.ProductIDs), database.OrEmpty(aim.Regions), today)
	if err != nil {
		return nil, fmt.Errorf("find who a change does not concern: %w", err)
	}
	return rows, nil
}

// refuse returns what must be mended before the change can be announced.
func (a *Audience) refuse(c *Change) error {
	var list fault.List
	for i := range a.Included {
		if t := a.Included[i].Trouble; t != nil && len(list) < 20 {
			list = append(list, t)
		}
	}
	if len(list) > 0 {
		return list
	}
	// Customers whose terms ask for longer get their own, later day. A day on which the change
	// could take effect for nobody is a mistake.
	if first := a.First(); first != nil && first.Dates.EarliestDay.After(c.EffectiveOn) {
		return &fault.Error{Kind: fault.Invalid, Code: "effective.too_early", Field: "effective_on", Args: fault.Args{
			"Earliest": first.Dates.EarliestDay, "Customer": first.Name, "Clause": first.Clause}}
	}
	// Where nobody is affected, the promise still stands.
	if len(a.Included) == 0 && c.EffectiveOn.Before(a.FloorDay) {
		return &fault.Error{Kind: fault.Invalid, Code: "effective.floor", Field: "effective_on", Args: fault.Args{"Earliest": a.FloorDay}}
	}
	return nil
}

// record is what the ledger keeps of the windows.
func (a *Audience) record() []map[string]any {
	out := make([]map[string]any, len(a.Included))
	for i, p := range a.Included {
		out[i] = map[string]any{"customer": p.CustomerID, "terms": p.TermsVersionID, "earliest": p.Dates.Earliest, "effective_on": p.EffectiveOn}
	}
	return out
}

var windowColumns = []string{"id", "change_id", "customer_id", "contract_id", "terms_version_id", "authorisation", "clause", "time_zone",
	"counted_from", "notice_ends_at", "objection_ends_at", "earliest_at", "effective_on", "state", "created_at", "updated_at"}

func insertWindows(tx *database.Tx, c *Change, list []Planned) error {
	windows, terms := make([][]any, len(list)), make([][]any, 0, len(list))
	for i := range list {
		p, id := &list[i], secrets.ID()
		windows[i] = []any{id, c.ID, p.CustomerID, p.ContractID, p.TermsVersionID, p.Authorisation, p.Clause, p.TimeZone,
			tx.Now(), p.Dates.NoticeEnds, p.Dates.ObjectionEnds, p.Dates.Earliest, p.EffectiveOn.UTC(), WindowOpen, tx.Now(), tx.Now()}
		for _, t := range p.Terms {
			terms = append(terms, []any{id, t.ContractID, t.TermsVersionID})
		}
	}
	return tx.Pgx(func(ptx pgx.Tx) error {
		_, err := ptx.CopyFrom(tx.Context(), pgx.Identifier{"windows"}, windowColumns, pgx.CopyFromRows(windows))
		if err == nil {
			_, err = ptx.CopyFrom(tx.Context(), pgx.Identifier{"window_terms"}, []string{"window_id", "contract_id", "terms_version_id"}, pgx.CopyFromRows(terms))
		}
		if err != nil {
			return fmt.Errorf("open windows: %w", err)
		}
		return nil
	})
}
