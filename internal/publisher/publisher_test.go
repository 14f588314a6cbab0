package publisher_test

import (
	"slices"
	"testing"

	"fairnotice/internal/actor"
	"fairnotice/internal/database/databasetest"
	"fairnotice/internal/fault"
	"fairnotice/internal/ledger"
	"fairnotice/internal/publisher"
)

func settings() *publisher.Settings {
	return &publisher.Settings{LegalName: "Nordlicht Software GmbH", Country: "DE", PrivacyEmail: "privacy@nordlicht.example",
		TimeZone: "Europe/Berlin", Language: "en", FourEyes: true}
}

func TestSettingsAreOneAndGuardedByVersion(t *testing.T) {
	db, _ := databasetest.New(t)
	s := publisher.New(db)
	if _, err := s.Get(t.Context()); !fault.Is(err, fault.NotFound) {
		t.Errorf("before the first save: %v", err)
	}
	who := actor.ForSystem()
	if err := s.Save(t.Context(), who, settings()); err != nil {
		t.Fatal(err)
	}
	if err := s.Save(t.Context(), who, settings()); !fault.Has(err, "publisher.exists") {
		t.Errorf("a second publisher: %v", err)
	}
	mine, err := s.Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	theirs := *mine
	theirs.FourEyes = false
	if err := s.Save(t.Context(), who, &theirs); err != nil {
		t.Fatal(err)
	}
	mine.LegalName = "Overwritten"
	err = s.Save(t.Context(), who, mine)
	if !fault.Is(err, fault.Conflict) {
		t.Fatalf("an edit of an old version: %v", err)
	}
	if fields, _ := fault.All(err)[0].Args["What"].([]string); !slices.Equal(fields, []string{"four_eyes"}) {
		t.Errorf("told that %v changed, want four_eyes", fields)
	}
	now, err := s.Get(t.Context())
	if err != nil || now.FourEyes || now.LegalName != "Nordlicht Software GmbH" {
		t.Errorf("after the refused edit: %+v, %v", now, err)
	}
	if n, err := ledger.Verify(t.Context(), db); n != 2 || err != nil {
		t.Errorf("ledger: %d entries, %v", n, err)
	}
}

func TestProductsAreUnique(t *testing.T) {
	db, _ := databasetest.New(t)
	s := publisher.New(db)
	add := func(slug, name string) error {
		return s.AddProduct(t.Context(), actor.ForSystem(), &publisher.Product{Slug: slug, Name: name})
	}
	if err := add("desk", "Nordlicht Desk"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ slug, name, field string }{
		{"desk", "Other", "slug"}, {"other", "Nordlicht Desk", "name"}, {"Not a slug", "X", "slug"}, {"x", "", "name"},
	} {
		if err := add(c.slug, c.name); fault.All(err) == nil || fault.All(err)[0].Field != c.field {
			t.Errorf("%+v: %v", c, err)
		}
	}
	list, err := s.Products(t.Context())
	if err != nil || len(list) != 1 || list[0].Slug != "desk" {
		t.Errorf("products: %+v, %v", list, err)
	}
}
