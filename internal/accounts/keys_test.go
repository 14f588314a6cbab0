package accounts_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"fairnotice/internal/accounts"
	"fairnotice/internal/actor"
	"fairnotice/internal/fault"
	"fairnotice/internal/ledger"
)

var home = netip.MustParseAddr("198.51.100.7")

func networks(list ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(list))
	for i, text := range list {
		out[i] = netip.MustParsePrefix(text)
	}
	return out
}

// key makes a key of somebody's and returns its text.
func (h *house) key(who actor.Actor, k *accounts.Key) string {
	h.t.Helper()
	if k.Name == "" {
		k.Name = "test"
	}
	text, err := h.CreateKey(h.t.Context(), who, k)
	if err != nil {
		h.t.Fatal(err)
	}
	return text
}

func (h *house) by(text string) actor.Actor {
	h.t.Helper()
	who, _, err := h.KeyActor(h.t.Context(), text, home)
	if err != nil {
		h.t.Fatal(err)
	}
	return who
}

// opens says whether a key opens anything; anything but "key.invalid" fails the test.
func (h *house) opens(text string) bool {
	h.t.Helper()
	_, _, err := h.KeyActor(h.t.Context(), text, home)
	if err != nil && (!fault.Is(err, fault.Unauthenticated) || !fault.Has(err, "key.invalid")) {
		h.t.Fatalf("a key is refused with %v", err)
	}
	return err == nil
}

func (h *house) ok(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// refused fails the test unless err is a fault of this kind, with these codes ("code at field").
func refused(t *testing.T, err error, kind fault.Kind, want ...string) {
	t.Helper()
	var got []string
	for _, f := range fault.All(err) {
		code := f.Code
		if f.Field != "" {
			code += " at " + f.Field
		}
		got = append(got, code)
	}
	if !fault.Is(err, kind) || !cmp.Equal(got, want) {
		t.Errorf("refused with %v (%q), want %v %q", err, got, kind, want)
	}
}

func TestAKeyActsForItsAccount(t *testing.T) {
	h := newHouse(t)
	ada := h.add("ada@nordlicht.example", "Ada", actor.Approver)
	k := &accounts.Key{Name: " pipeline ", Role: actor.Editor}
	text := h.key(ada.Actor(), k)
	want := actor.Actor{Kind: actor.Staff, ID: ada.ID, Role: actor.Editor, Name: "Ada", Key: k.ID}
	if got := h.by(text); got != want {
		t.Errorf("it acts as %+v, want %+v", got, want)
	}
	if k.Name != "pipeline" || k.PerMinute != accounts.DefaultKeyRate || !k.ExpiresAt.Equal(h.clock.Now().Add(accounts.DefaultKeyLife)) ||
		text[:len(k.Hint)] != k.Hint || len(k.Hint) > 10 {
		t.Errorf("it was made as %+v", k)
	}
	var stored string
	h.ok(h.db.Pool().QueryRow(t.Context(), "select k::text from api_keys k").Scan(&stored))
	if stored == "" || strings.Contains(stored, text[len(k.Hint):]) {
		t.Error("the table holds the key itself")
	}
	for _, other := range []string{"", "fnk_", text[:len(text)-1], text + "x", text[4:], "FNK_" + text[4:], text[:len(text)-1] + "-"} {
		if other != text && h.opens(other) {
			t.Errorf("%q opens something", other)
		}
	}
}

func TestAKeyIsWorthNoMoreThanItsAccount(t *testing.T) {
	h := newHouse(t)
	h.add("root@nordlicht.example", "Root", actor.Admin)
	ada := h.add("ada@nordlicht.example", "Ada", actor.Approver)
	_, err := h.CreateKey(t.Context(), ada.Actor(), &accounts.Key{Name: "x", Role: actor.Admin})
	refused(t, err, fault.Invalid, "key.role at role")
	stale := actor.Actor{Kind: actor.Staff, ID: ada.ID, Role: actor.Admin} // as she was when she signed in
	_, err = h.CreateKey(t.Context(), stale, &accounts.Key{Name: "x", Role: actor.Admin})
	refused(t, err, fault.Invalid, "key.role at role")

	text := h.key(ada.Actor(), &accounts.Key{Role: actor.Approver})
	ada.Role = actor.Reviewer
	h.ok(h.Edit(t.Context(), actor.ForSystem(), ada))
	if got := h.by(text).Role; got != actor.Reviewer {
		t.Errorf("after the demotion the key acts as %s", got)
	}
	ada.Role = actor.Admin
	h.ok(h.Edit(t.Context(), actor.ForSystem(), ada))
	if got := h.by(text).Role; got != actor.Approver {
		t.Errorf("after the promotion the key acts as %s", got)
	}
	h.ok(h.Disable(t.Context(), actor.ForSystem(), ada.ID, ada.Version))
	if h.opens(text) {
		t.Error("a disabled account's key opens something")
	}
	_, err = h.CreateKey(t.Context(), ada.Actor(), &accounts.Key{Name: "x", Role: actor.Reviewer})
	refused(t, err, fault.Conflict, "key.account_disabled")
	h.ok(h.Enable(t.Context(), actor.ForSystem(), ada.ID, ada.Version+1))
	if !h.opens(text) {
		t.Error("an enabled account's key opens nothing")
	}
}

func TestAKeyEnds(t *testing.T) {
	h := newHouse(t)
	ada := h.add("ada@nordlicht.example", "Ada", actor.Editor)
	k := &accounts.Key{Role: actor.Editor, ExpiresAt: h.clock.Now().Add(time.Hour)}
	text := h.key(ada.Actor(), k)
	h.clock.Add(time.Hour - time.Second)
	if !h.opens(text) {
		t.Error("it opens nothing a second before its end")
	}
	h.clock.Add(time.Second)
	if h.opens(text) {
		t.Error("it opens something at its end")
	}
	for name, ends := range map[string]time.Time{"key.expires_past at expires_at": h.clock.Now(), "key.expires_late at expires_at": h.clock.Now().Add(accounts.LongestKeyLife + time.Second)} {
		_, err := h.CreateKey(t.Context(), ada.Actor(), &accounts.Key{Name: "x", Role: actor.Editor, ExpiresAt: ends})
		refused(t, err, fault.Invalid, name)
	}
}

func TestAKeyStaysInItsNetworks(t *testing.T) {
	h := newHouse(t)
	ada := h.add("ada@nordlicht.example", "Ada", actor.Editor)
	text := h.key(ada.Actor(), &accounts.Key{Role: actor.Editor, Networks: networks("198.51.100.77/24", "2001:db8::/32", "::ffff:203.0.113.0/120")})
	for from, want := range map[string]bool{
		"198.51.100.1": true, "198.51.101.1": false, "::ffff:198.51.100.1": true, "::ffff:198.51.101.1": false, "203.0.113.9": true, "::ffff:203.0.113.9": true,
		"203.0.114.9": false, "2001:db8:1::1": true, "2001:db9::1": false, "::1": false, "": false,
	} {
		address, _ := netip.ParseAddr(from)
		_, _, err := h.KeyActor(t.Context(), text, address)
		if (err == nil) != want || err != nil && !fault.Has(err, "key.network") {
			t.Errorf("from %q: %v, want %v", from, err, want)
		}
	}
	page, err := h.Keys(t.Context(), ada.Actor(), accounts.KeyFilter{Account: ada.ID})
	h.ok(err)
	if got := fmt.Sprint(page.Keys[0].Networks); got != "[198.51.100.0/24 203.0.113.0/24 2001:db8::/32]" {
		t.Errorf("kept as %s", got)
	}
}

func TestNetworksAreRead(t *testing.T) {
	got, err := accounts.ParseNetworks([]string{" 198.51.100.0/24", "198.51.100.9", "2001:db8::1", "2001:db8::/32"})
	if err != nil || fmt.Sprint(got) != "[198.51.100.0/24 198.51.100.9/32 2001:db8::1/128 2001:db8::/32]" {
		t.Errorf("read as %v, %v", got, err)
	}
	_, err = accounts.ParseNetworks([]string{"198.51.100.0/33", "198.51.100.0/24", "", "fe80::1%eth0", "all"})
	refused(t, err, fault.Invalid, "network.malformed at networks.0", "network.malformed at networks.2", "network.malformed at networks.3", "network.malformed at networks.4")
}

func TestBadKeys(t *testing.T) {
	h := newHouse(t)
	ada := h.add("ada@nordlicht.example", "Ada", actor.Editor)
	_, err := h.CreateKey(t.Context(), ada.Actor(), &accounts.Key{PerMinute: -1})
	refused(t, err, fault.Invalid, "required at role", "required at name", "number.range at per_minute")
	_, err = h.CreateKey(t.Context(), ada.Actor(), &accounts.Key{Name: "a\nb", Role: "king", PerMinute: accounts.HighestKeyRate + 1, Networks: make([]netip.Prefix, 1)})
	refused(t, err, fault.Invalid, "choice.unknown at role", "control_characters at name", "number.range at per_minute", "network.malformed at networks.0")
	_, err = h.CreateKey(t.Context(), ada.Actor(), &accounts.Key{Name: "x", Role: actor.Editor, Networks: make([]netip.Prefix, accounts.MostKeyNetworks+1)})
	refused(t, err, fault.Invalid, "key.networks at networks")
	_, err = h.CreateKey(t.Context(), actor.Actor{Kind: actor.Public}, &accounts.Key{Name: "x", Role: actor.Editor})
	refused(t, err, fault.Unauthenticated, "sign_in.needed")
	_, err = h.CreateKey(t.Context(), actor.Actor{Kind: actor.Staff, ID: uuid.New(), Role: actor.Editor}, &accounts.Key{Name: "x", Role: actor.Editor})
	refused(t, err, fault.NotFound, "account.not_found")
}

func TestAnAccountHoldsSoManyKeys(t *testing.T) {
	h := newHouse(t)
	ada := h.add("ada@nordlicht.example", "Ada", actor.Editor)
	first := &accounts.Key{Role: actor.Editor}
	h.key(ada.Actor(), first)
	h.key(ada.Actor(), &accounts.Key{Role: actor.Editor, ExpiresAt: h.clock.Now().Add(time.Minute)})
	for range accounts.MostKeysOfOne - 4 {
		h.key(ada.Actor(), &accounts.Key{Role: actor.Editor})
	}
	var together sync.WaitGroup
	made := make(chan error, 6)
	for range cap(made) {
		together.Go(func() {
			_, err := h.CreateKey(t.Context(), ada.Actor(), &accounts.Key{Name: "x", Role: actor.Editor})
			made <- err
		})
	}
	together.Wait()
	close(made)
	good := 0
	for err := range made {
		if err == nil {
			good++
		} else {
			refused(t, err, fault.Conflict, "key.many")
		}
	}
	if good != 2 {
		t.Errorf("%d more were made, want 2", good)
	}
	h.clock.Add(time.Minute) // one expires, one is revoked
	h.ok(h.RevokeKey(t.Context(), ada.Actor(), first.ID))
	h.key(ada.Actor(), &accounts.Key{Role: actor.Editor})
	h.key(ada.Actor(), &accounts.Key{Role: actor.Editor})
	_, err := h.CreateKey(t.Context(), ada.Actor(), &accounts.Key{Name: "x", Role: actor.Editor})
	refused(t, err, fault.Conflict, "key.many")
}

func TestKeysAreListedAndRevoked(t *testing.T) {
	h := newHouse(t)
	root := h.add("root@nordlicht.example", "Root", actor.Admin)
	ada := h.add("ada@nordlicht.example", "Ada", actor.Editor)
	ben := h.add("ben@nordlicht.example", "Ben", actor.Editor)
	var mine, his accounts.Key
	mine.Role, his.Role = actor.Editor, actor.Reviewer
	myText, hisText := h.key(ada.Actor(), &mine), h.key(ben.Actor(), &his)
	list := func(who actor.Actor, f accounts.KeyFilter) []uuid.UUID {
		t.Helper()
		page, err := h.Keys(t.Context(), who, f)
		h.ok(err)
		ids := make([]uuid.UUID, len(page.Keys))
		for i, k := range page.Keys {
			ids[i] = k.ID
		}
		return ids
	}
	if got := list(ada.Actor(), accounts.KeyFilter{Account: ada.ID}); !cmp.Equal(got, []uuid.UUID{mine.ID}) {
		t.Errorf("Ada sees %v", got)
	}
	if got := list(root.Actor(), accounts.KeyFilter{}); !cmp.Equal(got, []uuid.UUID{his.ID, mine.ID}) {
		t.Errorf("the administrator sees %v", got)
	}
	first, err := h.Keys(t.Context(), root.Actor(), accounts.KeyFilter{Limit: 1})
	h.ok(err)
	if got := list(root.Actor(), accounts.KeyFilter{Limit: 1, After: first.Next}); !cmp.Equal(got, []uuid.UUID{mine.ID}) || first.Next == "" {
		t.Errorf("the second page has %v", got)
	}
	_, err = h.Keys(t.Context(), root.Actor(), accounts.KeyFilter{After: "x"})
	refused(t, err, fault.Invalid, "cursor.malformed at after")
	for _, f := range []accounts.KeyFilter{{}, {Account: ben.ID}} {
		_, err = h.Keys(t.Context(), ada.Actor(), f)
		refused(t, err, fault.Forbidden, "role.missing")
	}
	_, err = h.Key(t.Context(), ada.Actor(), his.ID)
	refused(t, err, fault.NotFound, "key.not_found")
	refused(t, h.RevokeKey(t.Context(), ada.Actor(), his.ID), fault.NotFound, "key.not_found")
	refused(t, h.RevokeKey(t.Context(), root.Actor(), uuid.New()), fault.NotFound, "key.not_found")
	refused(t, h.RevokeKey(t.Context(), actor.Actor{Kind: actor.Public}, his.ID), fault.Unauthenticated, "sign_in.needed")

	h.ok(h.RevokeKey(t.Context(), root.Actor(), his.ID))
	h.ok(h.RevokeKey(t.Context(), ben.Actor(), his.ID)) // once more changes nothing
	h.ok(h.RevokeKey(t.Context(), ada.Actor(), mine.ID))
	if h.opens(hisText) || h.opens(myText) {
		t.Error("a revoked key opens something")
	}
	k, err := h.Key(t.Context(), root.Actor(), his.ID)
	h.ok(err)
	if k.State(h.clock.Now()) != accounts.KeyRevoked || k.RevokedBy == nil || *k.RevokedBy != root.ID || k.AccountName != "Ben" {
		t.Errorf("it is kept as %+v", k)
	}
	if got := list(root.Actor(), accounts.KeyFilter{Active: true}); len(got) != 0 {
		t.Errorf("still active: %v", got)
	}
	revoked := 0
	for _, kind := range h.kinds() {
		if kind == "api_key.revoked" {
			revoked++
		}
	}
	if revoked != 2 {
		t.Errorf("%d revocations are recorded, want 2", revoked)
	}
}

func TestAKeyIsEditedByItsHolderOnly(t *testing.T) {
	h := newHouse(t)
	root := h.add("root@nordlicht.example", "Root", actor.Admin)
	ada := h.add("ada@nordlicht.example", "Ada", actor.Editor)
	k := &accounts.Key{Role: actor.Editor, Networks: networks("203.0.113.0/24")}
	text := h.key(ada.Actor(), k)
	edit := accounts.Key{ID: k.ID, Version: 1, Name: "moved", Networks: networks("198.51.100.0/24"), PerMinute: 10, Role: actor.Admin}
	theirs, stale := edit, edit
	h.ok(h.EditKey(t.Context(), ada.Actor(), &edit))
	if edit.Role != actor.Editor || edit.Version != 2 || !h.opens(text) {
		t.Errorf("edited to %+v", edit)
	}
	refused(t, h.EditKey(t.Context(), root.Actor(), &theirs), fault.NotFound, "key.not_found")
	refused(t, h.EditKey(t.Context(), ada.Actor(), &stale), fault.Conflict, "changed_meanwhile")
	refused(t, h.EditKey(t.Context(), ada.Actor(), &accounts.Key{ID: k.ID, Version: 2, PerMinute: -1}), fault.Invalid, "required at name", "number.range at per_minute")
	h.ok(h.RevokeKey(t.Context(), ada.Actor(), k.ID))
	edit.Version = 3
	refused(t, h.EditKey(t.Context(), ada.Actor(), &edit), fault.Conflict, "key.revoked")
}

func TestAKeyMakesNoneThatReachFurther(t *testing.T) {
	h := newHouse(t)
	ada := h.add("ada@nordlicht.example", "Ada", actor.Admin)
	parent := &accounts.Key{Role: actor.Approver, Networks: networks("198.51.100.0/24", "2001:db8::/32"), PerMinute: 100, ExpiresAt: h.clock.Now().Add(24 * time.Hour)}
	who := h.by(h.key(ada.Actor(), parent))
	later := parent.ExpiresAt.Add(time.Second)
	for name, tc := range map[string]struct {
		key  accounts.Key
		want []string
	}{
		"role":           {accounts.Key{Role: actor.Admin}, []string{"key.role at role"}},
		"life":           {accounts.Key{Role: actor.Editor, ExpiresAt: later}, []string{"key.expires_beyond at expires_at"}},
		"rate":           {accounts.Key{Role: actor.Editor, PerMinute: 101}, []string{"key.rate_beyond at per_minute"}},
		"wider network":  {accounts.Key{Role: actor.Editor, Networks: networks("198.51.0.0/16")}, []string{"key.networks_beyond at networks"}},
		"other network":  {accounts.Key{Role: actor.Editor, Networks: networks("198.51.100.0/25", "203.0.113.0/24")}, []string{"key.networks_beyond at networks"}},
		"everything":     {accounts.Key{Role: actor.Editor, Networks: networks("0.0.0.0/0", "::/0")}, []string{"key.networks_beyond at networks"}},
		"several faults": {accounts.Key{Role: actor.Admin, ExpiresAt: later, PerMinute: 101}, []string{"key.role at role", "key.expires_beyond at expires_at", "key.rate_beyond at per_minute"}},
	} {
		t.Run(name, func(t *testing.T) {
			tc.key.Name = "x"
			_, err := h.CreateKey(t.Context(), who, &tc.key)
			refused(t, err, fault.Invalid, tc.want...)
		})
	}
	child := &accounts.Key{Role: actor.Editor}
	childText := h.key(who, child)
	if child.MadeBy == nil || *child.MadeBy != parent.ID || !child.ExpiresAt.Equal(parent.ExpiresAt) || child.PerMinute != 100 || !cmp.Equal(fmt.Sprint(child.Networks), fmt.Sprint(parent.Networks)) {
		t.Errorf("what was left open became %+v", child)
	}
	_, err := h.CreateKey(t.Context(), h.by(childText), &accounts.Key{Name: "x", Role: actor.Editor})
	refused(t, err, fault.Forbidden, "key.made_by_key")

	edit := func(by actor.Actor, id uuid.UUID, version int, list ...string) error {
		return h.EditKey(t.Context(), by, &accounts.Key{ID: id, Version: version, Name: "x", PerMinute: 100, Networks: networks(list...)})
	}
	refused(t, edit(who, parent.ID, 1), fault.Invalid, "key.networks_beyond at networks")
	refused(t, edit(h.by(childText), parent.ID, 1, "198.51.100.0/25"), fault.Forbidden, "key.stronger")
	h.ok(edit(who, child.ID, 1, "198.51.100.0/25"))
	refused(t, h.RevokeKey(t.Context(), h.by(childText), parent.ID), fault.Forbidden, "key.stronger")

	if _, err := h.db.Pool().Exec(t.Context(), "update accounts set role = 'reviewer' where id = $1", ada.ID); err != nil {
		t.Fatal(err)
	}
	_, err = h.CreateKey(t.Context(), who, &accounts.Key{Name: "x", Role: actor.Approver})
	refused(t, err, fault.Invalid, "key.role at role")
	h.ok(h.RevokeKey(t.Context(), ada.Actor(), parent.ID))
	if h.opens(childText) {
		t.Error("a key outlives the one that made it")
	}
	_, err = h.CreateKey(t.Context(), who, &accounts.Key{Name: "x", Role: actor.Reviewer})
	refused(t, err, fault.Unauthenticated, "key.invalid")
}

func TestAKeyTakesNobodyOver(t *testing.T) {
	h := newHouse(t)
	ada := h.add("ada@nordlicht.example", "Ada", actor.Admin)
	root := h.add("root@nordlicht.example", "Root", actor.Admin)
	ben := h.add("ben@nordlicht.example", "Ben", actor.Editor)
	k := &accounts.Key{Role: actor.Admin}
	who := h.by(h.key(ada.Actor(), k))
	ctx := t.Context()
	refused(t, h.SetPassword(ctx, who, ada.ID, good, "another long password"), fault.Forbidden, "key.own_password")
	refused(t, h.SetPassword(ctx, who, root.ID, "", "another long password"), fault.Forbidden, "key.administrators")
	refused(t, h.Create(ctx, who, &accounts.Account{Email: "eve@nordlicht.example", Name: "Eve", Role: actor.Admin}, "another long password"), fault.Forbidden, "key.administrators")
	promoted, renamed := *ben, *root
	promoted.Role, renamed.Email = actor.Admin, "eve@nordlicht.example"
	refused(t, h.Edit(ctx, who, &promoted), fault.Forbidden, "key.administrators")
	refused(t, h.Edit(ctx, who, &renamed), fault.Forbidden, "key.administrators")
	refused(t, h.Disable(ctx, who, root.ID, root.Version), fault.Forbidden, "key.administrators")
	refused(t, h.Disable(ctx, who, ada.ID, ada.Version), fault.Conflict, "account.disable_self")
	h.signIn("ada@nordlicht.example", good)
	h.signIn("root@nordlicht.example", good)

	h.ok(h.SetPassword(ctx, who, ben.ID, "", "another long password"))
	ben.Role = actor.Approver
	h.ok(h.Edit(ctx, who, ben))
	h.ok(h.Disable(ctx, who, ben.ID, ben.Version))
	lesser := h.by(h.key(ada.Actor(), &accounts.Key{Role: actor.Reviewer}))
	refused(t, h.SetPassword(ctx, lesser, ada.ID, good, "another long password"), fault.Forbidden, "key.own_password")
	refused(t, h.SetPassword(ctx, lesser, root.ID, "", "another long password"), fault.Forbidden, "role.missing")
	refused(t, h.Enable(ctx, lesser, ben.ID, ben.Version+1), fault.Forbidden, "role.missing")
	refused(t, h.RevokeKey(ctx, lesser, k.ID), fault.Forbidden, "key.stronger")
	h.ok(h.RevokeKey(ctx, who, k.ID)) // itself
}

func TestTheLedgerSaysByWhichKey(t *testing.T) {
	h := newHouse(t)
	ada := h.add("ada@nordlicht.example", "Ada", actor.Admin)
	ben := h.add("ben@nordlicht.example", "Ben", actor.Editor)
	k := &accounts.Key{Role: actor.Admin}
	who := h.by(h.key(ada.Actor(), k))
	ben.Name = "Benjamin"
	h.ok(h.Edit(t.Context(), who, ben))
	h.ok(h.SetPassword(t.Context(), who, ben.ID, "", "another long password")) // an entry without a body of its own
	h.ok(h.SetPassword(t.Context(), ada.Actor(), ben.ID, "", "one more password"))
	records, err := ledger.Latest(t.Context(), h.db, 0, 3)
	h.ok(err)
	var by []string
	for _, r := range records {
		var body struct {
			ByKey string `json:"by_key"`
		}
		h.ok(json.Unmarshal(r.Body, &body))
		by = append(by, body.ByKey)
	}
	if want := []string{"", k.ID.String(), k.ID.String()}; !cmp.Equal(by, want) {
		t.Errorf("by %q, want %q", by, want)
	}
	var edit ledger.Edit
	h.ok(json.Unmarshal(records[2].Body, &edit))
	if edit.Changed["name"] != [2]any{"Ben", "Benjamin"} {
		t.Errorf("the edit is recorded as %+v", edit)
	}
	if n, err := ledger.Verify(t.Context(), h.db); err != nil || n == 0 {
		t.Errorf("the chain: %d, %v", n, err)
	}
}

func TestUseIsNotedToTheMinute(t *testing.T) {
	h := newHouse(t)
	ada := h.add("ada@nordlicht.example", "Ada", actor.Editor)
	k := &accounts.Key{Role: actor.Editor}
	text := h.key(ada.Actor(), k)
	used := func() *time.Time {
		t.Helper()
		got, err := h.Key(t.Context(), ada.Actor(), k.ID)
		h.ok(err)
		return got.LastUsedAt
	}
	if at := used(); at != nil {
		t.Errorf("used at %v before it was", at)
	}
	first := h.clock.Now()
	for _, step := range []struct {
		wait, want time.Duration
	}{{0, 0}, {59 * time.Second, 0}, {time.Second, time.Minute}} {
		h.clock.Add(step.wait)
		h.by(text)
		if at := used(); at == nil || !at.Equal(first.Add(step.want)) {
			t.Errorf("after %v more: used at %v, want %v", step.wait, at, first.Add(step.want))
		}
	}
}

func TestTheOperatorMakesAKey(t *testing.T) {
	h := newHouse(t)
	ada := h.add("ada@nordlicht.example", "Ada", actor.Approver)
	k := &accounts.Key{Name: "bootstrap"}
	text, err := h.KeyFor(t.Context(), " Ada@Nordlicht.example ", k)
	h.ok(err)
	if who := h.by(text); who.ID != ada.ID || who.Role != actor.Approver {
		t.Errorf("it acts as %+v", who)
	}
	_, err = h.KeyFor(t.Context(), "nobody@nordlicht.example", &accounts.Key{Name: "x"})
	refused(t, err, fault.NotFound, "account.not_found")
	_, err = h.KeyFor(t.Context(), ada.Email, &accounts.Key{Name: "x", Role: actor.Admin})
	refused(t, err, fault.Invalid, "key.role at role")
	records, err := ledger.Latest(t.Context(), h.db, 0, 1)
	h.ok(err)
	var body accounts.Key
	h.ok(json.Unmarshal(records[0].Body, &body))
	if records[0].ActorKind != string(actor.System) || body.AccountID != ada.ID {
		t.Errorf("recorded as %+v, %s", records[0], records[0].Body)
	}
}

// While keys are revoked, others of the staff are edited and keys are made: whatever comes first, nothing
// waits for each other forever, and no key outlives the one that made it.
func TestRevokingMeetsMakingAndEditing(t *testing.T) {
	h := newHouse(t)
	root := h.add("root@nordlicht.example", "Root", actor.Admin)
	ada := h.add("ada@nordlicht.example", "Ada", actor.Admin)
	for range 5 {
		parent := &accounts.Key{Role: actor.Editor}
		who := h.by(h.key(ada.Actor(), parent))
		var together sync.WaitGroup
		work := func(fn func() error) {
			together.Go(func() {
				if err := fn(); err != nil && len(fault.All(err)) == 0 {
					t.Error(err)
				}
			})
		}
		work(func() error { return h.RevokeKey(t.Context(), root.Actor(), parent.ID) })
		work(func() error { return h.RevokeKey(t.Context(), ada.Actor(), parent.ID) })
		for i := range 3 {
			work(func() error {
				_, err := h.CreateKey(t.Context(), who, &accounts.Key{Name: "child", Role: actor.Editor})
				return err
			})
			work(func() error {
				in := *ada
				in.Name = fmt.Sprint("Ada ", i)
				return h.Edit(t.Context(), root.Actor(), &in)
			})
		}
		together.Wait()
		page, err := h.Keys(t.Context(), root.Actor(), accounts.KeyFilter{Active: true})
		h.ok(err)
		if len(page.Keys) != 0 {
			t.Fatalf("%d keys are left", len(page.Keys))
		}
	}
}
