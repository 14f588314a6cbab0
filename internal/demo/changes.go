package demo

import (
	"context"

	"github.com/google/uuid"

	"fairnotice/internal/changes"
	"fairnotice/internal/fault"
	"fairnotice/internal/vendors"
)

// addChanges leaves the console not empty: one change waits for approval, one is a draft. The first
// one to try, adding the vendor that nothing engages yet, is left to whoever tries.
func (l *loader) addChanges(ctx context.Context) error {
	waits, err := l.Changes.Draft(ctx, l.editor(), "demo in review", &changes.Proposal{Kind: changes.Removal,
		EngagementID: l.register.Engagements["braintree"],
		Reason:       "Payments in North America have moved to the other processor (fictitious).", EffectiveOn: l.today.AddDays(60)})
	if err != nil {
		return err
	}
	if waits.State == changes.Draft {
		if err := l.Changes.Submit(ctx, l.editor(), waits.ID); err != nil {
			return err
		}
	}
	newcomer, err := l.addNewcomer(ctx)
	if err != nil {
		return err
	}
	redis := l.register.Engagements["redis"]
	facts, err := l.newcomersFacts(ctx, redis)
	if err != nil {
		return err
	}
	_, err = l.Changes.Draft(ctx, l.editor(), "demo draft", &changes.Proposal{Kind: changes.Replacement,
		VendorID: newcomer, ReplacedEngagementID: redis, Facts: *facts,
		Reason: "The cache moves to a data centre in Germany (fictitious).", EffectiveOn: l.today.AddDays(75)})
	return err
}

// addNewcomer records a vendor that does not exist.
func (l *loader) addNewcomer(ctx context.Context) (uuid.UUID, error) {
	there, err := l.Vendors.Vendor(ctx, "speicherwerk-muster")
	if fault.Is(err, fault.NotFound) {
		there, err = l.Vendors.CreateVendor(ctx, l.editor(), vendors.VendorFacts{
			LegalName: "Speicherwerk Muster GmbH (fictitious)", TradeName: "Speicherwerk Muster", RegistrationNumber: "HRB 000000 (fictitious)",
			Address: "Beispielweg 7\n60311 Frankfurt am Main", Country: "DE", Website: "https://speicherwerk.example",
			ContactName: "Erika Vorlage", ContactPosition: "Datenschutz", ContactEmail: "privacy@speicherwerk.example",
			Measures: "Encryption in transit and at rest (fictitious).", Retention: "A day (fictitious)."})
	}
	if err != nil {
		return uuid.Nil, err
	}
	return there.ID, nil
}

// newcomersFacts are those of the engagement that it replaces, at another place.
func (l *loader) newcomersFacts(ctx context.Context, replaced uuid.UUID) (*vendors.EngagementFacts, error) {
	e, err := l.Vendors.Engagement(ctx, replaced)
	if err != nil {
		return nil, err
	}
	facts := e.EngagementFacts
	facts.Note, facts.HostingVendorID = "Fictitious, for the demo.", nil
	facts.Nature = "Fictitious, for the demo."
	facts.Locations = []vendors.Location{{Country: "DE", Kind: vendors.Stored, Transfers: []vendors.Transfer{
		{Regime: vendors.EEA, Mechanism: vendors.NoneNeeded}, {Regime: vendors.UK, Mechanism: vendors.Adequacy},
		{Regime: vendors.Switzerland, Mechanism: vendors.Adequacy}}}}
	return &facts, nil
}
