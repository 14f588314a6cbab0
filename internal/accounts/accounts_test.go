package accounts_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fairnotice/internal/accounts"
	"fairnotice/internal/actor"
	"fairnotice/internal/database"
	"fairnotice/internal/database/databasetest"
	"fairnotice/internal/fault"
	"fairnotice/internal/ledger"
	"fairnotice/internal/secrets"
)

const good = "correct horse battery"

type house struct {
	*accounts.Service
	db    *database.DB
	clock *databasetest.Clock
	t     *testing.T
}

func newHouse(t *testing.T) *house {
	db, clock := databasetest.New(t)
	return &house{accounts.New(db), db, clock, t}
}

func (h *house) add(email, name string, role actor.Role) *accounts.Account {
	h.t.Helper()
	a := &accounts.Account{Email: email, Name: name, Role: role}
	if err := h.Create(h.t.Context(), actor.ForSystem(), a, good); err != nil {
		h.t.Fatal(err)
	}
	return a
}

func (h *house) signIn(email, password string) string {
	h.t.Helper()
	token, _, err := h.Authenticate(h.t.Context(), email, password)
	if err != nil {
		h.t.Fatal(err)
	}
	return token
}

func (h *house) kinds() []string {
	h.t.Helper()
	list, err := ledger.Latest(h.t.Context(), h.db, 0, 100)
	if err != nil {
		h.t.Fatal(err)
	}
	var kinds []string
	for _, e := range slices.Backward(list) {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}

func TestSignInAndOut(t *testing.T) {
	h := newHouse(t)
	ada := h.add("ada@nordlicht.example", "Ada", actor.Admin)
	token, who, err := h.Authenticate(t.Context(), " ADA@Nordlicht.example ", good)
	if err != nil {
		t.Fatal(err)
	}
	want := actor.Actor{Kind: actor.Staff, ID: ada.ID, Role: actor.Admin, Name: "Ada"}
	got, err := h.Actor(t.Context(), token)
	if err != nil || who != want || got != want {
		t.Errorf("signed in as %+v, session of %+v, %v", who, got, err)
	}
	if second := h.signIn(ada.Email, good); second == token {
		t.Error("two sign-ins share a token")
	}
	if err := h.SignOut(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	if err := h.SignOut(t.Context(), token); err != nil {
		t.Errorf("signing out again: %v", err)
	}
	if _, err := h.Actor(t.Context(), token); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("after signing out: %v", err)
	}
	wantKinds := []string{"account.created", "session.started", "session.started", "session.ended"}
	if diff := cmp.Diff(wantKinds, h.kinds()); diff != "" {
		t.Errorf("ledger (-want +got):\n%s", diff)
	}
	if _, err := ledger.Verify(t.Context(), h.db); err != nil {
		t.Error(err)
	}
}

func TestWhoIsRefused(t *testing.T) {
	h := newHouse(t)
	h.add("ada@nordlicht.example", "Ada", actor.Admin)
	bob := h.add("bob@nordlicht.example", "Bob", actor.Editor)
	if err := h.Disable(t.Context(), actor.ForSystem(), bob.ID, 1); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, email, password string }{
		{"wrong password", "ada@nordlicht.example", "incorrect horse battery"},
		{"no password", "ada@nordlicht.example", ""},
		{"long password", "ada@nordlicht.example", strings.Repeat("x", 1<<20)},
		{"unknown address", "eve@nordlicht.example", good},
		{"no address", "", good},
		{"broken text", "a\xff\x00da@nordlicht.example", good},
		{"disabled", "bob@nordlicht.example", good},
	} {
		token, who, err := h.Authenticate(t.Context(), c.email, c.password)
		if !fault.Has(err, "sign_in.failed") || token != "" || who.ID != (actor.Actor{}).ID {
			t.Errorf("%s: %q, %+v, %v", c.name, token, who, err)
		}
	}
	for _, token := range []string{"", "x", secrets.Token()} {
		if _, err := h.Actor(t.Context(), token); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("token %q: %v", token, err)
		}
	}
	list, err := ledger.Latest(t.Context(), h.db, 0, 1)
	if err != nil || list[0].Kind != "session.failed" || *list[0].SubjectID != bob.ID || string(list[0].Body) != "{}" {
		t.Errorf("the record of a failed sign-in: %+v, %v", list, err)
	}
}

func TestPasswordsAndTokensAreStoredAsDigests(t *testing.T) {
	h := newHouse(t)
	ada := h.add("ada@nordlicht.example", "Ada", actor.Admin)
	token := h.signIn(ada.Email, good)
	var hash string
	var digest []byte
	err := h.db.Pool().QueryRow(t.Context(), "select password_hash, digest from accounts join sessions on account_id = id").Scan(&hash, &digest)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=47104,t=1,p=1$") {
		t.Errorf("the password is stored as %s", hash)
	}
	if !bytes.Equal(digest, secrets.Digest(token)) {
		t.Error("the session isn't stored as the token's digest")
	}
}

func TestSessionsRunOut(t *testing.T) {
	h := newHouse(t)
	h.add("ada@nordlicht.example", "Ada", actor.Admin)
	gone := func(token string) bool {
		_, err := h.Actor(t.Context(), token)
		if err != nil && !fault.Is(err, fault.Unauthenticated) {
			t.Fatal(err)
		}
		return err != nil
	}
	idle := h.signIn("ada@nordlicht.example", good)
	h.clock.Add(accounts.Idle - time.Second)
	if gone(idle) {
		t.Error("ended before 12 idle hours")
	}
	h.clock.Add(accounts.Idle)
	if !gone(idle) {
		t.Error("goes on after 12 idle hours")
	}
	busy := h.signIn("ada@nordlicht.example", good)
	for range 20 { // 20 × 8 h: in use all the time, until seven days are over
		h.clock.Add(8 * time.Hour)
		if gone(busy) {
			t.Fatal("a session in use ended before seven days")
		}
	}
	h.clock.Add(8 * time.Hour)
	if !gone(busy) {
		t.Error("goes on after seven days")
	}
	h.signIn("ada@nordlicht.example", good)
	var left int
	if err := h.db.Pool().QueryRow(t.Context(), "select count(*) from sessions").Scan(&left); err != nil || left != 1 {
		t.Errorf("%d sessions are kept, want the new one only: %v", left, err)
	}
}

func TestGuessingGetsSlower(t *testing.T) {
	for _, email := range []string{"ada@nordlicht.example", "nobody@nordlicht.example"} {
		h := newHouse(t)
		h.add("ada@nordlicht.example", "Ada", actor.Admin)
		try := func(password string) error {
			_, _, err := h.Authenticate(t.Context(), email, password)
			return err
		}
		for i := range 5 {
			if err := try("wrong"); !fault.Has(err, "sign_in.failed") {
				t.Fatalf("%s: try %d: %v", email, i+1, err)
			}
		}
		for _, want := range []int{30, 60, 120, 240, 480, 900, 900} {
			err := try(good)
			if !fault.Is(err, fault.TooMany) || fault.All(err)[0].Args["seconds"] != want {
				t.Fatalf("%s: want to wait %d seconds, got %v %+v", email, want, err, fault.All(err)[0].Args)
			}
			h.clock.Add(time.Duration(want)*time.Second - time.Second)
			if err := try(good); !fault.Is(err, fault.TooMany) {
				t.Fatalf("%s: a second early: %v", email, err)
			}
			h.clock.Add(time.Second)
			if err := try("wrong"); !fault.Has(err, "sign_in.failed") {
				t.Fatalf("%s: after waiting: %v", email, err)
			}
		}
	}
}

func TestSigningInEndsTheWait(t *testing.T) {
	h := newHouse(t)
	h.add("ada@nordlicht.example", "Ada", actor.Admin)
	for range 3 {
		for range 4 {
			if _, _, err := h.Authenticate(t.Context(), "ada@nordlicht.example", "wrong"); !fault.Has(err, "sign_in.failed") {
				t.Fatal(err)
			}
		}
		h.signIn("ada@nordlicht.example", good)
	}
}

// Guesses sent at once are no way around the limit.
func TestGuessesAtOnceAreCounted(t *testing.T) {
	h := newHouse(t)
	h.add("ada@nordlicht.example", "Ada", actor.Admin)
	var mu sync.Mutex
	codes := map[string]int{}
	var wait sync.WaitGroup
	for range 20 {
		wait.Go(func() {
			_, _, err := h.Authenticate(t.Context(), "ada@nordlicht.example", "wrong")
			mu.Lock()
			defer mu.Unlock()
			codes[strings.Join(fault.Codes(err), " ")]++
		})
	}
	wait.Wait()
	if diff := cmp.Diff(map[string]int{"sign_in.failed": 5, "sign_in.too_many": 15}, codes); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestBadInput(t *testing.T) {
	h := newHouse(t)
	h.add("ada@nordlicht.example", "Ada Lovelace", actor.Admin)
	type in struct{ email, name, role, password string }
	ok := in{"bob@nordlicht.example", "Robert Nordmann", "editor", good}
	with := func(change func(*in)) in { out := ok; change(&out); return out }
	for _, c := range []struct {
		in          in
		field, code string
	}{
		{with(func(i *in) { i.email = "" }), "email", "required"},
		{with(func(i *in) { i.email = "bob" }), "email", "email.malformed"},
		{with(func(i *in) { i.email = "Bob <bob@nordlicht.example>" }), "email", "email.malformed"},
		{with(func(i *in) { i.email = "bob@nordlicht.example\r\nBcc: x@y.example" }), "email", "control_characters"},
		{with(func(i *in) { i.email = "ADA@NORDLICHT.example" }), "email", "duplicate"},
		{with(func(i *in) { i.name = " " }), "name", "required"},
		{with(func(i *in) { i.name = "Bob\x00" }), "name", "control_characters"},
		{with(func(i *in) { i.name = "B\xffb" }), "name", "utf8"},
		{with(func(i *in) { i.name = strings.Repeat("b", 201) }), "name", "too_long"},
		{with(func(i *in) { i.role = "" }), "role", "required"},
		{with(func(i *in) { i.role = "owner" }), "role", "choice.unknown"},
		{with(func(i *in) { i.password = "" }), "password", "required"},
		{with(func(i *in) { i.password = "elevenchars" }), "password", "password.short"},
		{with(func(i *in) { i.password = strings.Repeat("ab", 65) }), "password", "too_long"},
		{with(func(i *in) { i.password = "Bob@Nordlicht.example" }), "password", "password.own_name"},
		{with(func(i *in) { i.password = "robert-nordmann" }), "password", "password.own_name"},
		{with(func(i *in) { i.password = "nordlicht.example" }), "password", "password.own_name"},
		{with(func(i *in) { i.password = strings.Repeat("é", 14) }), "password", "password.one_character"},
		{with(func(i *in) { i.password = "correct\nhorse battery" }), "password", "control_characters"},
		{with(func(i *in) { i.password = "correct horse \xff battery" }), "password", "utf8"},
	} {
		a := &accounts.Account{Email: c.in.email, Name: c.in.name, Role: actor.Role(c.in.role)}
		err := h.Create(t.Context(), actor.ForSystem(), a, c.in.password)
		list := fault.All(err)
		if len(list) != 1 || list[0].Field != c.field || list[0].Code != c.code {
			t.Errorf("%+v: want %s: %s, got %v", c.in, c.field, c.code, err)
		}
	}
	err := h.Create(t.Context(), actor.ForSystem(), &accounts.Account{}, "")
	if n := len(fault.All(err)); n != 4 {
		t.Errorf("an empty form has %d faults, want 4: %v", n, err)
	}
}

// What looks the same is the same password: é typed as one character or as e with an accent.
func TestPasswordsAreNormalised(t *testing.T) {
	h := newHouse(t)
	a := &accounts.Account{Email: "ada@nordlicht.example", Name: "Ada", Role: actor.Admin}
	if err := h.Create(t.Context(), actor.ForSystem(), a, "caf\u00e9 au lait, deux"); err != nil {
		t.Fatal(err)
	}
	h.signIn(a.Email, "cafe\u0301 au lait, deux")
}

func TestOnlyAdminsKeepAccounts(t *testing.T) {
	h := newHouse(t)
	h.add("ada@nordlicht.example", "Ada", actor.Admin)
	bob := h.add("bob@nordlicht.example", "Bob", actor.Approver)
	eve := h.add("eve@nordlicht.example", "Eve", actor.Editor)
	for name, err := range map[string]error{
		"create":       h.Create(t.Context(), bob.Actor(), &accounts.Account{Email: "x@y.example", Name: "X", Role: actor.Admin}, good),
		"edit":         h.Edit(t.Context(), bob.Actor(), &accounts.Account{ID: bob.ID, Email: bob.Email, Name: "Bob", Role: actor.Admin, Version: 1}),
		"disable":      h.Disable(t.Context(), bob.Actor(), eve.ID, 1),
		"enable":       h.Enable(t.Context(), bob.Actor(), eve.ID, 1),
		"set password": h.SetPassword(t.Context(), bob.Actor(), eve.ID, good, "another long password"),
		"list":         second(h.List(t.Context(), bob.Actor())),
		"get":          second(h.Get(t.Context(), bob.Actor(), eve.ID)),
	} {
		if !fault.Is(err, fault.Forbidden) {
			t.Errorf("%s by an approver: %v", name, err)
		}
	}
	if me, err := h.Get(t.Context(), bob.Actor(), bob.ID); err != nil || me.Email != bob.Email {
		t.Errorf("their own account: %+v, %v", me, err)
	}
}

func second[T any](_ T, err error) error { return err }

func TestConcurrentEdit(t *testing.T) {
	h := newHouse(t)
	ada := h.add("ada@nordlicht.example", "Ada", actor.Admin)
	bob := h.add("bob@nordlicht.example", "Bob", actor.Editor)
	mine, theirs := *bob, *bob
	theirs.Role = actor.Approver
	if err := h.Edit(t.Context(), ada.Actor(), &theirs); err != nil {
		t.Fatal(err)
	}
	mine.Name = "Robert"
	err := h.Edit(t.Context(), ada.Actor(), &mine)
	if !fault.Has(err, "changed_meanwhile") {
		t.Fatalf("an edit of an old version: %v", err)
	}
	if diff := cmp.Diff(fault.Args{"Who": "Ada", "What": []string{"role"}}, fault.All(err)[0].Args); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	if err := h.Disable(t.Context(), ada.Actor(), bob.ID, 1); !fault.Has(err, "changed_meanwhile") {
		t.Errorf("disabling an old version: %v", err)
	}
	now, err := h.Get(t.Context(), ada.Actor(), bob.ID)
	if err != nil || now.Name != "Bob" || now.Role != actor.Approver || now.Version != 2 {
		t.Errorf("now %+v, %v", now, err)
	}
	theirs.Email = "ada@nordlicht.example"
	if err := h.Edit(t.Context(), ada.Actor(), &theirs); !fault.Has(err, "duplicate") || fault.All(err)[0].Field != "email" {
		t.Errorf("an address that somebody has: %v", err)
	}
	if err := h.Edit(t.Context(), ada.Actor(), &accounts.Account{ID: secrets.ID(), Email: "x@y.example", Name: "X", Role: actor.Editor}); !fault.Is(err, fault.NotFound) {
		t.Errorf("an account that isn't there: %v", err)
	}
}

func TestRoleCountsAtOnce(t *testing.T) {
	h := newHouse(t)
	ada := h.add("ada@nordlicht.example", "Ada", actor.Admin)
	bob := h.add("bob@nordlicht.example", "Bob", actor.Approver)
	token := h.signIn(bob.Email, good)
	bob.Role = actor.Reviewer
	if err := h.Edit(t.Context(), ada.Actor(), bob); err != nil {
		t.Fatal(err)
	}
	if who, err := h.Actor(t.Context(), token); err != nil || who.Role != actor.Reviewer {
		t.Errorf("after a demotion: %+v, %v", who, err)
	}
}

func TestDisablingAndNewPasswordsEndSessions(t *testing.T) {
	h := newHouse(t)
	ada := h.add("ada@nordlicht.example", "Ada", actor.Admin)
	bob := h.add("bob@nordlicht.example", "Bob", actor.Editor)
	in := func(token string) bool { return second(h.Actor(t.Context(), token)) == nil }
	one, two, adas := h.signIn(bob.Email, good), h.signIn(bob.Email, good), h.signIn(ada.Email, good)

	if err := h.SetPassword(t.Context(), bob.Actor(), bob.ID, "not the current one", "another long password"); !fault.Has(err, "password.wrong") {
		t.Fatalf("without the current password: %v", err)
	}
	if err := h.SetPassword(t.Context(), bob.Actor(), bob.ID, good, "short"); !fault.Has(err, "password.short") {
		t.Fatalf("a short one: %v", err)
	}
	if !in(one) || !in(two) {
		t.Fatal("a refused change ended sessions")
	}
	if err := h.SetPassword(t.Context(), bob.Actor(), bob.ID, good, "another long password"); err != nil {
		t.Fatal(err)
	}
	if in(one) || in(two) || !in(adas) {
		t.Error("a new password must end all of that account's sessions, and no others")
	}
	three := h.signIn(bob.Email, "another long password")
	if err := h.Disable(t.Context(), ada.Actor(), bob.ID, 1); err != nil {
		t.Fatal(err)
	}
	if in(three) || !in(adas) {
		t.Error("disabling must end all of that account's sessions, and no others")
	}
	if err := h.Enable(t.Context(), ada.Actor(), bob.ID, 2); err != nil {
		t.Fatal(err)
	}
	if in(three) {
		t.Error("enabling brought a session back")
	}
	if err := h.SetPassword(t.Context(), ada.Actor(), bob.ID, "", "a third long password"); err != nil {
		t.Errorf("by an administrator: %v", err)
	}
	h.signIn(bob.Email, "a third long password")
	if err := h.SetPassword(t.Context(), ada.Actor(), secrets.ID(), "", "a third long password"); !fault.Is(err, fault.NotFound) {
		t.Errorf("an account that isn't there: %v", err)
	}
}

func TestGuessingTheCurrentPasswordGetsSlowerToo(t *testing.T) {
	h := newHouse(t)
	ada := h.add("ada@nordlicht.example", "Ada", actor.Admin)
	for range 5 {
		if err := h.SetPassword(t.Context(), ada.Actor(), ada.ID, "wrong", "another long password"); !fault.Has(err, "password.wrong") {
			t.Fatal(err)
		}
	}
	if err := h.SetPassword(t.Context(), ada.Actor(), ada.ID, good, "another long password"); !fault.Is(err, fault.TooMany) {
		t.Errorf("the sixth try: %v", err)
	}
}

func TestTheLastAdminStays(t *testing.T) {
	h := newHouse(t)
	ada := h.add("ada@nordlicht.example", "Ada", actor.Admin)
	eve := h.add("eve@nordlicht.example", "Eve", actor.Admin)
	if err := h.Disable(t.Context(), ada.Actor(), ada.ID, 1); !fault.Has(err, "account.disable_self") {
		t.Errorf("disabling oneself: %v", err)
	}
	if err := h.Disable(t.Context(), ada.Actor(), eve.ID, 1); err != nil {
		t.Fatal(err)
	}
	if err := h.Disable(t.Context(), actor.ForSystem(), ada.ID, 1); !fault.Has(err, "account.last_admin") {
		t.Errorf("disabling the last: %v", err)
	}
	demoted := *ada
	demoted.Role = actor.Editor
	if err := h.Edit(t.Context(), ada.Actor(), &demoted); !fault.Has(err, "account.last_admin") || fault.All(err)[0].Field != "role" {
		t.Errorf("demoting the last: %v", err)
	}
	if yes, err := h.HasAdmin(t.Context()); !yes || err != nil {
		t.Errorf("an administrator is left: %v, %v", yes, err)
	}
}

// Administrators who remove one another at the same moment leave one.
func TestTheLastAdminStaysWhenAllGoAtOnce(t *testing.T) {
	h := newHouse(t)
	const n = 6
	var admins []*accounts.Account
	for i := range n {
		admins = append(admins, h.add(string(rune('a'+i))+"@nordlicht.example", "Admin", actor.Admin))
	}
	errs := make([]error, n)
	var wait sync.WaitGroup
	for i, a := range admins {
		wait.Go(func() {
			if i%2 == 0 {
				errs[i] = h.Disable(context.WithoutCancel(t.Context()), actor.ForSystem(), a.ID, 1)
				return
			}
			demoted := *a
			demoted.Role = actor.Editor
			errs[i] = h.Edit(context.WithoutCancel(t.Context()), actor.ForSystem(), &demoted)
		})
	}
	wait.Wait()
	refused := 0
	for _, err := range errs {
		if fault.Has(err, "account.last_admin") {
			refused++
		} else if err != nil {
			t.Error(err)
		}
	}
	var left int
	err := h.db.Pool().QueryRow(t.Context(), "select count(*) from accounts where role = 'admin' and disabled_at is null").Scan(&left)
	if err != nil || left != 1 || refused != 1 {
		t.Errorf("%d administrators are left and %d were refused, want 1 and 1: %v", left, refused, err)
	}
}

func TestTheOperatorsCommands(t *testing.T) {
	h := newHouse(t)
	if yes, err := h.HasAdmin(t.Context()); yes || err != nil {
		t.Errorf("an empty database has an administrator: %v, %v", yes, err)
	}
	made, err := h.FirstAdmin(t.Context(), "ada@nordlicht.example", "Ada", "")
	if err != nil {
		t.Fatal(err)
	}
	h.signIn("ada@nordlicht.example", made)
	if _, err := h.FirstAdmin(t.Context(), "ada@nordlicht.example", "Ada", good); !fault.Has(err, "duplicate") {
		t.Errorf("a second time: %v", err)
	}
	again, err := h.ResetPassword(t.Context(), "ADA@nordlicht.example", "")
	if err != nil || again == made {
		t.Fatalf("a new password: %v", err)
	}
	h.signIn("ada@nordlicht.example", again)
	if _, err := h.ResetPassword(t.Context(), "eve@nordlicht.example", ""); !fault.Is(err, fault.NotFound) {
		t.Errorf("an address that nobody has: %v", err)
	}
}

func TestListIsByName(t *testing.T) {
	h := newHouse(t)
	h.add("z@nordlicht.example", "bea", actor.Editor)
	ada := h.add("y@nordlicht.example", "Ada", actor.Admin)
	h.add("x@nordlicht.example", "Cleo", actor.Reviewer)
	list, err := h.List(t.Context(), ada.Actor())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, a := range list {
		names = append(names, a.Name)
	}
	if diff := cmp.Diff([]string{"Ada", "bea", "Cleo"}, names); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestACancelledSignInLeavesNoSession(t *testing.T) {
	h := newHouse(t)
	h.add("ada@nordlicht.example", "Ada", actor.Admin)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := h.Authenticate(ctx, "ada@nordlicht.example", good); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
