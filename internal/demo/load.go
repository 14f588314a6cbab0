// Package demo fills an empty database with a publisher that doesn't exist, so that Fairnotice can be
// tried: its register, its customers with varied terms, and staff to sign in as.
package demo

import (
	"context"
	"fmt"
	"io"

	"github.com/google/uuid"

	"fairnotice/internal/accounts"
	"fairnotice/internal/actor"
	"fairnotice/internal/app"
	"fairnotice/internal/calendar"
	"fairnotice/internal/database"
	"fairnotice/internal/fault"
	"fairnotice/internal/ledger"
	"fairnotice/internal/publisher"
	"fairnotice/internal/vendors/sample"
)

// loader is one run of Load.
type loader struct {
	app.Services
	db    *database.DB
	to    *Receivers
	out   io.Writer
	today calendar.Date // of the publisher

	products  map[string]uuid.UUID   // by slug
	templates map[string]uuid.UUID   // the latest versions, by name
	staff     map[string]actor.Actor // by address
	register  *sample.Loaded
}

// Load fills the database, telling its progress on out. What is there stays as it is: a run that was
// cut off is taken up by the next, by the natural keys of things (addresses, names, references); and
// once all is there, which the ledger records, nothing is added again, whatever has become of it. A
// database whose publisher isn't fictitious is refused: it belongs to somebody.
//
// Webhooks and Slack channels are those of the receivers, which must be running.
func Load(ctx context.Context, db *database.DB, services app.Services, to *Receivers, out io.Writer) error {
	l := &loader{Services: services, db: db, to: to, out: out}
	done, err := l.loaded(ctx)
	if err != nil {
		return err
	}
	if done {
		if _, err := fmt.Fprintln(out, "The demo's data is there from an earlier run."); err != nil {
			return err
		}
		return l.mendSecrets(ctx)
	}
	for _, step := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"a publisher and its products", l.addPublisher},
		{"staff", l.addStaff},
		{"the register of sub-processors", l.addRegister},
		{"terms", l.addTerms},
		{fmt.Sprintf("%d customers, their contracts and contacts", len(customers)), l.addCustomers},
		{"followers", l.addFollowers},
		{"webhooks and Slack channels", l.addOutlets},
		{"", l.mendSecrets},
		{"changes", l.addChanges},
		{"", l.finish},
	} {
		if step.what != "" {
			if _, err := fmt.Fprintf(out, "Loading the demo: %s\n", step.what); err != nil {
				return err
			}
		}
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("load the demo: %s: %w", step.what, err)
		}
	}
	return nil
}

// loadedKind is the entry in the ledger, from which nothing is ever removed, that ends a full Load.
const loadedKind = "demo.loaded"

// loaded says whether all was loaded before.
func (l *loader) loaded(ctx context.Context) (done bool, err error) {
	settings, err := l.Publisher.Get(ctx)
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if !settings.Fictitious {
		return false, fmt.Errorf("this database is not a demo's: it belongs to %s; name another folder in DATA_DIR", settings.LegalName)
	}
	err = l.db.Pool().QueryRow(ctx, "select exists (select from ledger_entries where kind = $1)", loadedKind).Scan(&done)
	if err != nil {
		return false, fmt.Errorf("see whether the demo is loaded: %w", err)
	}
	return done, nil
}

func (l *loader) finish(ctx context.Context) error {
	return l.db.Transact(ctx, func(tx *database.Tx) error {
		return ledger.Append(tx, ledger.Entry{Kind: loadedKind, Actor: actor.ForSystem(), Subject: ledger.Subject{Kind: "demo"}})
	})
}

// unlessThere takes the refusal of a double for success: an earlier run, which was cut off, added it.
func unlessThere(err error) error {
	if fault.Has(err, "duplicate") {
		return nil
	}
	return err
}

func (l *loader) addPublisher(ctx context.Context) error {
	_, err := l.Publisher.Get(ctx)
	if fault.Is(err, fault.NotFound) {
		err = l.Publisher.Save(ctx, actor.ForSystem(), settings())
	}
	if err != nil {
		return err
	}
	s := settings()
	l.today = s.Today(l.db.Now())
	list, err := sample.Products()
	if err != nil {
		return err
	}
	for _, p := range list {
		made := &publisher.Product{Slug: p.Slug, Name: p.Name}
		if err := unlessThere(l.Publisher.AddProduct(ctx, actor.ForSystem(), made)); err != nil {
			return err
		}
	}
	there, err := l.Publisher.Products(ctx)
	if err != nil {
		return err
	}
	l.products = map[string]uuid.UUID{}
	for _, p := range there {
		l.products[p.Slug] = p.ID
	}
	return nil
}

func (l *loader) addStaff(ctx context.Context) error {
	for _, s := range SignIns {
		a := &accounts.Account{Email: s.Email, Name: s.Name, Role: s.Role, Language: "en"}
		if err := unlessThere(l.Accounts.Create(ctx, actor.ForSystem(), a, Password)); err != nil {
			return err
		}
	}
	list, err := l.Accounts.List(ctx, actor.ForSystem())
	if err != nil {
		return err
	}
	l.staff = map[string]actor.Actor{}
	for _, a := range list {
		l.staff[a.Email] = a.Actor()
	}
	return nil
}

// editor is who keeps the demo's books.
func (l *loader) editor() actor.Actor { return l.staff[Editor.Email] }

func (l *loader) addRegister(ctx context.Context) (err error) {
	l.register, err = sample.Load(ctx, l.editor(), l.Vendors, l.products)
	return err
}

func (l *loader) addTerms(ctx context.Context) error {
	for _, t := range templates() {
		_, err := l.Subscribers.CreateTemplate(ctx, l.editor(), t.name, t.sheet, t.note)
		if err := unlessThere(err); err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
	}
	list, err := l.Subscribers.Templates(ctx)
	if err != nil {
		return err
	}
	l.templates = map[string]uuid.UUID{}
	for _, t := range list {
		l.templates[t.Name] = t.Latest.ID
	}
	return nil
}
