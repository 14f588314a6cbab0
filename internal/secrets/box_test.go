package secrets_test

import (
	"bytes"
	"errors"
	"testing"

	"fairnotice/internal/secrets"
)

func ringOf(t *testing.T, raw string) *secrets.KeyRing {
	t.Helper()
	ring, err := secrets.ParseKeyRing(raw)
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

func TestSealedSecretsOpenForTheirOwnerOnly(t *testing.T) {
	k1, k2 := secrets.NewKey("k1"), secrets.NewKey("k2")
	old := ringOf(t, k1).Box("subscription")
	sealed := old.Seal([]byte("whsec_abc"), []byte("row 1"))
	if bytes.Contains(sealed, []byte("whsec_abc")) {
		t.Fatal("the secret shows")
	}
	if again := old.Seal([]byte("whsec_abc"), []byte("row 1")); bytes.Equal(sealed, again) {
		t.Error("sealing twice gave the same bytes: the nonce is not random")
	}
	rotated := ringOf(t, k2+","+k1).Box("subscription")
	for name, box := range map[string]*secrets.Box{"the same ring": old, "after a rotation": rotated} {
		if got, err := box.Open(sealed, []byte("row 1")); err != nil || string(got) != "whsec_abc" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if !old.Current(sealed) || rotated.Current(sealed) {
		t.Error("the box does not know with which key it was sealed")
	}
	refused := map[string]struct {
		box    *secrets.Box
		sealed []byte
		owner  string
	}{
		"another owner":   {old, sealed, "row 2"},
		"another purpose": {ringOf(t, k1).Box("other"), sealed, "row 1"},
		"a key that left": {ringOf(t, k2).Box("subscription"), sealed, "row 1"},
		"another key":     {ringOf(t, secrets.NewKey("k1")).Box("subscription"), sealed, "row 1"},
		"altered":         {old, append(bytes.Clone(sealed[:len(sealed)-1]), sealed[len(sealed)-1]^1), "row 1"},
		"cut":             {old, sealed[:8], "row 1"},
		"nothing":         {old, nil, "row 1"},
		"a bad head":      {old, []byte{200, 'k'}, "row 1"},
	}
	for name, r := range refused {
		if got, err := r.box.Open(r.sealed, []byte(r.owner)); !errors.Is(err, secrets.ErrSealed) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}
