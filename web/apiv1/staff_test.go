package apiv1

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fairnotice/internal/accounts"
	"fairnotice/internal/actor"
)

func TestStaffIsKeptByAdminsPrograms(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ada := d.Staff("Ada Admin", actor.Admin)
	admin := d.as(ada)
	in := NewAccount{AccountFacts{Email: "petra@nordlicht.example", Name: "Petra", Role: actor.Editor}, "three quiet herons wade"}
	var petra Account
	made := admin.post("/accounts", in).want(201).into(&petra)
	at := strings.TrimPrefix(made.Header.Get("Location"), Prefix)
	want := AccountFacts{Email: "petra@nordlicht.example", Name: "Petra", Role: actor.Editor, Language: "en"}
	if diff := cmp.Diff(want, petra.AccountFacts); diff != "" || at != "/accounts/"+petra.ID.String() || strings.Contains(string(made.Body), "herons") {
		t.Errorf("made at %s (-want +got):\n%s", at, diff)
	}
	admin.post("/accounts", in).problem(409, "duplicate at email")
	in.Email, in.Password, in.Name = "petra", "short", ""
	admin.post("/accounts", in).problem(422, "email.malformed at email", "required at name", "password.short at password")
	in = NewAccount{AccountFacts{Email: "eve@nordlicht.example", Name: "Eve", Role: actor.Admin}, "three quiet herons wade"}
	admin.post("/accounts", in).problem(403, "key.administrators")

	read := admin.get(at).want(200).into(&petra)
	facts := petra.AccountFacts
	facts.Role = actor.Approver
	edited := admin.put(at, read.etag(), facts).want(200).into(&petra)
	if petra.Role != actor.Approver {
		t.Errorf("edited to %+v", petra)
	}
	admin.put(at, read.etag(), facts).problem(412, "changed_meanwhile")
	admin.send("PUT", at, facts).problem(428, "precondition.missing at If-Match")
	facts.Role = actor.Admin
	admin.put(at, edited.etag(), facts).problem(403, "key.administrators")
	admin.get("/accounts/0199aa00-0000-7000-8000-000000000001").problem(404, "account.not_found")
	admin.get("/accounts/x").want(422)

	admin.send("PUT", at+"/password", PasswordInput{"another quiet heron"}).want(204)
	if _, _, err := d.accounts.Authenticate(t.Context(), "petra@nordlicht.example", "another quiet heron"); err != nil {
		t.Errorf("with the new password: %v", err)
	}
	admin.send("PUT", at+"/password", PasswordInput{"short"}).problem(422, "password.short at password")

	theirs := d.as(actor.Actor{Kind: actor.Staff, ID: petra.ID, Role: actor.Approver})
	theirs.get("/me").want(200)
	var off Account
	gone := admin.post(at+"/disable", nil, "If-Match", admin.get(at).etag()).want(200).into(&off)
	if off.DisabledAt == nil {
		t.Error("she isn't disabled")
	}
	theirs.get("/me").problem(401, "key.invalid")
	admin.post(at+"/enable", nil, "If-Match", edited.etag()).problem(412, "changed_meanwhile")
	admin.post(at+"/enable", nil, "If-Match", gone.etag()).want(200)
	theirs.get("/me").want(200)
	var list Whole[Account]
	admin.get("/accounts").want(200).into(&list)
	if len(list.Items) < 2 {
		t.Errorf("the list has %d", len(list.Items))
	}
}

func TestAProgramDoesNotTakeItsAccountOver(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ada, ben := d.Staff("Ada Admin", actor.Admin), d.Staff("Ben Admin", actor.Admin)
	admin := d.as(ada)
	at := "/accounts/" + ada.ID.String()
	admin.send("PUT", at+"/password", PasswordInput{"three quiet herons wade"}).problem(403, "key.own_password")
	admin.send("PUT", "/accounts/"+ben.ID.String()+"/password", PasswordInput{"three quiet herons wade"}).problem(403, "key.administrators")
	admin.post(at+"/disable", nil, "If-Match", admin.get(at).etag()).problem(409, "account.disable_self")
	other := "/accounts/" + ben.ID.String()
	admin.post(other+"/disable", nil, "If-Match", admin.get(other).etag()).problem(403, "key.administrators")
}

func TestStaffIsForAdmins(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	editor := d.as(d.Editor)
	own, other := "/accounts/"+d.Editor.ID.String(), "/accounts/"+d.Staff("Ada Admin", actor.Admin).ID.String()
	editor.get(own).want(200)
	facts := AccountFacts{}.Example()
	for _, refused := range []*answer{editor.get("/accounts"), editor.get(other), editor.post("/accounts", NewAccount{}.Example()), editor.put(own, `"1"`, facts),
		editor.post(other+"/disable", nil, "If-Match", `"1"`), editor.post(other+"/enable", nil, "If-Match", `"1"`),
		editor.send("PUT", own+"/password", PasswordInput{}.Example()), editor.get("/keys")} {
		refused.problem(403, "role.missing")
	}
	editor.send("PUT", "/me/language", LanguageInput{"de"}).want(204)
	var me Account
	editor.get(own).want(200).into(&me)
	if me.Language != "de" {
		t.Errorf("the language is %s", me.Language)
	}
	editor.send("PUT", "/me/language", LanguageInput{"fr"}).problem(422, "json.choice at language")
}

func TestKeysAreMadeListedAndRevoked(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ada := d.Staff("Ada Admin", actor.Admin)
	admin, editor := d.as(ada), d.as(d.Editor)
	ends := d.Clock.Now().AddDate(0, 0, 7)
	in := NewKey{KeyFacts{Name: "pipeline", Networks: []string{"127.0.0.0/8", "::1"}, PerMinute: 100}, actor.Reviewer, &ends}
	var made MadeKey
	first := editor.post("/me/keys", in, "Idempotency-Key", "k1").want(201).into(&made)
	if again := editor.post("/me/keys", in, "Idempotency-Key", "k1").want(201); string(again.Body) != string(first.Body) {
		t.Errorf("sent twice it answers %s, then %s", first.Body, again.Body)
	}
	if !strings.HasPrefix(made.Text, accounts.KeyPrefix) || made.State != accounts.KeyActive || made.RoleNow != actor.Reviewer || made.MadeBy == nil || !made.ExpiresAt.Equal(ends) {
		t.Errorf("made %+v", made)
	}
	child := &program{d: d, key: made.Text, lang: "en"}
	var me Me
	child.get("/me").want(200).into(&me)
	if me.Role != actor.Reviewer || me.AccountID != d.Editor.ID || me.KeyID != made.ID {
		t.Errorf("it is %+v", me)
	}
	child.post("/me/keys", in).problem(403, "key.made_by_key")
	in.Role = actor.Approver
	editor.post("/me/keys", in).problem(422, "key.role at role")
	in.Role, in.Networks = actor.Editor, []string{"all", "::1"}
	editor.post("/me/keys", in).problem(422, "network.malformed at networks.0")

	at := strings.TrimPrefix(first.Header.Get("Location"), Prefix)
	var one Key
	read := editor.get(at).want(200).into(&one)
	if strings.Contains(string(read.Body), made.Text) || one.LastUsedAt == nil || one.Hint != made.Text[:len(one.Hint)] {
		t.Errorf("read as %s", read.Body)
	}
	facts := KeyFacts{Name: "renamed", Networks: []string{"127.0.0.1"}, PerMinute: 50}
	editor.put(at, read.etag(), facts).want(200).into(&one)
	if one.Name != "renamed" || one.PerMinute != 50 || len(one.Networks) != 1 {
		t.Errorf("edited to %+v", one)
	}
	editor.put(at, read.etag(), facts).problem(412, "changed_meanwhile")
	admin.put(at, `"2"`, facts).problem(404, "key.not_found")
	d.as(d.Approver).get(at).problem(404, "key.not_found")
	d.as(d.Approver).send("DELETE", at, nil).problem(404, "key.not_found")

	var mine, active, everybodys Items[Key]
	editor.get("/me/keys?limit=1").want(200).into(&mine)
	if len(mine.Items) != 1 || mine.Items[0].ID != made.ID || mine.Next == "" {
		t.Errorf("mine are %+v", mine)
	}
	admin.send("DELETE", at, nil).want(204)
	admin.send("DELETE", at, nil).want(204)
	child.get("/me").problem(401, "key.invalid")
	editor.get("/me/keys?active=true").want(200).into(&active)
	admin.get("/keys?account=" + d.Editor.ID.String()).want(200).into(&everybodys)
	if len(active.Items) != 1 || len(everybodys.Items) != 2 || everybodys.Items[0].State != accounts.KeyRevoked || *everybodys.Items[0].RevokedBy != ada.ID {
		t.Errorf("active %+v, everybody's %+v", active, everybodys)
	}
	admin.get("/keys?after=x").problem(422, "cursor.malformed at after")

	editor.get("/me").want(200).into(&me)
	editor.send("DELETE", "/keys/"+me.KeyID.String(), nil).want(204) // itself
	editor.get("/me").problem(401, "key.invalid")
}
