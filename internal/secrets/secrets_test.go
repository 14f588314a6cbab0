package secrets

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func ring(t testing.TB, raw string) *KeyRing {
	t.Helper()
	r, err := ParseKeyRing(raw)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestTokensSurviveRotationAndOnlyThat(t *testing.T) {
	first, second := NewKey("k1"), NewKey("k2")
	token, err := ring(t, first).Signer("unsubscribe").Sign("", []byte("payload"))
	if err != nil {
		t.Fatal(err)
	}
	rotated := ring(t, second+","+first)
	if got, err := rotated.Signer("unsubscribe").Verify(token); err != nil || string(got) != "payload" {
		t.Errorf("after rotation: %q, %v", got, err)
	}
	if again, _ := rotated.Signer("unsubscribe").Sign("k1", []byte("payload")); again != token {
		t.Errorf("rebuilt with the old key: %q, want %q", again, token)
	}
	if _, err := rotated.Signer("object").Verify(token); !errors.Is(err, ErrBadToken) {
		t.Errorf("another purpose: %v", err)
	}
	if _, err := ring(t, second).Signer("unsubscribe").Verify(token); !errors.Is(err, ErrBadToken) {
		t.Errorf("key dropped: %v", err)
	}
}

func TestAnAlteredTokenIsRefused(t *testing.T) {
	signer := ring(t, NewKey("k1")).Signer("p")
	rapid.Check(t, func(t *rapid.T) {
		payload := rapid.SliceOf(rapid.Byte()).Draw(t, "payload")
		token, err := signer.Sign("", payload)
		if err != nil {
			t.Fatal(err)
		}
		got, err := signer.Verify(token)
		if err != nil || string(got) != string(payload) {
			t.Fatalf("round trip: %q, %v", got, err)
		}
		altered := []byte(token)
		at := rapid.IntRange(0, len(altered)-1).Draw(t, "at")
		to := rapid.SampledFrom([]byte("ABCabc019-_.")).Draw(t, "to")
		if altered[at] == to {
			return
		}
		altered[at] = to
		if _, err := signer.Verify(string(altered)); err == nil {
			t.Fatalf("altered token %q passes", altered)
		}
	})
}

func TestParseKeyRingSaysWhatIsWrongWithoutShowingKeys(t *testing.T) {
	short := base64.StdEncoding.EncodeToString([]byte("too short"))
	good := NewKey("a")
	for raw, want := range map[string]string{
		"":                   "must read id:key",
		"nokey":              "must read id:key",
		"UPPER:" + short:     "must read id:key",
		"a:" + short:         "32 bytes in base64",
		"a:%%%":              "32 bytes in base64",
		good + "," + good:    "stands twice",
		good + ",b:" + short: `"b" must be 32 bytes`,
	} {
		_, err := ParseKeyRing(raw)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", raw, err, want)
		}
		if err != nil && strings.Contains(err.Error(), short) {
			t.Errorf("the error shows key material: %v", err)
		}
	}
}
