package accounts

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"

	"fairnotice/internal/fault"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func TestLimiterIsPerNetwork(t *testing.T) {
	l := NewLimiter(10*time.Second, 3)
	allow := func(addr string, after time.Duration) error {
		return l.Allow(netip.MustParseAddr(addr), noon.Add(after))
	}
	for range 3 {
		if err := allow("192.0.2.7", 0); err != nil {
			t.Fatal(err)
		}
	}
	err := allow("192.0.2.7", time.Second)
	if !fault.Is(err, fault.TooMany) || fault.All(err)[0].Args["seconds"] != 9 {
		t.Errorf("the fourth: %v", err)
	}
	if err := allow("::ffff:192.0.2.7", time.Second); !fault.Is(err, fault.TooMany) {
		t.Errorf("the same address as IPv6 writes it: %v", err)
	}
	if err := allow("192.0.2.8", time.Second); err != nil {
		t.Errorf("a neighbour: %v", err)
	}
	if err := allow("192.0.2.7", 10*time.Second); err != nil { // refused tries cost nothing
		t.Errorf("after waiting: %v", err)
	}
	for i := range 3 {
		if err := allow(fmt.Sprintf("2001:db8:1:2::%d", i+1), 0); err != nil {
			t.Fatal(err)
		}
	}
	if err := allow("2001:db8:1:2:ffff::1", 0); !fault.Is(err, fault.TooMany) {
		t.Errorf("the same /64: %v", err)
	}
	if err := allow("2001:db8:1:3::1", 0); err != nil {
		t.Errorf("another /64: %v", err)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	l, g := NewLimiter(time.Second, 1), newGuesses()
	for i := range maxNetworks + 100 {
		addr := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		if err := l.Allow(addr, noon); err != nil {
			t.Fatal(err)
		}
		if err := g.count(addr.String()+"@example.com", noon); err != nil {
			t.Fatal(err)
		}
	}
	if len(l.has) > maxNetworks || len(g.seen) > maxGuesses {
		t.Errorf("%d networks and %d guesses are kept", len(l.has), len(g.seen))
	}
	if err := l.Allow(netip.Addr{}, noon); err != nil {
		t.Errorf("no address at all: %v", err)
	}
}

// An unknown address must cost what a known one does: the decoy is a hash of the same parameters,
// and nothing matches it.
func TestTheDecoyCostsTheSame(t *testing.T) {
	h := newHasher()
	real, err := h.hash(t.Context(), "correct horse battery")
	if err != nil {
		t.Fatal(err)
	}
	decoy, err := h.decoy()
	if err != nil {
		t.Fatal(err)
	}
	p, _, _, err := argon2id.DecodeHash(real)
	if err != nil {
		t.Fatal(err)
	}
	q, _, _, err := argon2id.DecodeHash(decoy)
	if err != nil || *p != *q {
		t.Errorf("a real hash has %+v, the decoy %+v: %v", *p, *q, err)
	}
	if ok, err := h.matches(t.Context(), "correct horse battery", ""); ok || err != nil {
		t.Errorf("the decoy matched: %v, %v", ok, err)
	}
}
