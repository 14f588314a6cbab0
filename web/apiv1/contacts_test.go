package apiv1

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/housetest"
)

func contactInput(email string, roles ...string) ContactInput {
	return ContactInput{ContactFacts: ContactFacts{Name: "Kim Muster", Position: "DPO", Email: email, Language: "en", Roles: roles}}
}

func TestAContactIsAddedEditedVerifiedAndRemoved(t *testing.T) {
	d := newDesk(t)
	editor := d.as(d.Editor)
	c := d.Customer("Anna", "first@customer.example", housetest.Sheet(30))
	list := "/customers/" + c.ID.String() + "/contacts"
	var k Contact
	made := editor.post(list, contactInput("kim@customer.example", "notices", "objections")).want(201).into(&k)
	at := strings.TrimPrefix(made.Header.Get("Location"), Prefix)
	if k.Reached != "active" || k.CustomerID != c.ID || k.VerifiedAt != nil || at != "/contacts/"+k.ID.String() {
		t.Errorf("the new contact is %+v, at %s", k, at)
	}
	read := editor.get(at).want(200)
	verified := editor.post(at+"/verify", nil, "If-Match", read.etag()).want(200).into(&k)
	if k.VerifiedAt == nil {
		t.Error("nobody has verified it")
	}
	editor.post(at+"/verify", nil, "If-Match", read.etag()).problem(412, "changed_meanwhile")
	in := contactInput("kim.muster@customer.example", "fallback")
	editor.put(at, read.etag(), in).problem(412, "changed_meanwhile")
	k = Contact{}
	edited := editor.put(at, verified.etag(), in).want(200).into(&k)
	if diff := cmp.Diff(in.ContactFacts, k.ContactFacts); diff != "" || k.VerifiedAt != nil || k.Reached != "active" {
		t.Errorf("after the edit it is %+v: %s", k, diff)
	}
	var contacts Whole[Contact]
	editor.get(list).want(200).into(&contacts)
	if len(contacts.Items) != 2 {
		t.Errorf("there are %d contacts, want 2", len(contacts.Items))
	}
	editor.send("DELETE", at, nil, "If-Match", verified.etag()).problem(412, "changed_meanwhile")
	editor.send("DELETE", at, nil).problem(428, "precondition.missing at If-Match")
	editor.send("DELETE", at, nil, "If-Match", edited.etag()).want(204)
	k = Contact{}
	gone := editor.get(at).want(200).into(&k)
	if k.RemovedAt == nil || k.Reached != "" {
		t.Errorf("the removed one is %+v", k)
	}
	editor.send("DELETE", at, nil, "If-Match", gone.etag()).problem(409, "contact.removed")
	editor.get(list).want(200).into(&contacts)
	if len(contacts.Items) != 1 || contacts.Items[0].Email != "first@customer.example" {
		t.Errorf("the contacts left are %+v", contacts.Items)
	}
}

func TestWhatIsWrongWithAContactIsSaid(t *testing.T) {
	d := newDesk(t)
	editor := d.as(d.Editor)
	c := d.Customer("Anna", "first@customer.example", housetest.Sheet(30))
	list := "/customers/" + c.ID.String() + "/contacts"
	var contacts Whole[Contact]
	editor.get(list).want(200).into(&contacts)
	only := contacts.Items[0]
	at := "/contacts/" + only.ID.String()
	editor.send("DELETE", at, nil, "If-Match", `"1"`).problem(409, "contact.last_reachable")
	editor.put(at, `"1"`, contactInput(only.Email, "objections")).problem(409, "contact.last_reachable")
	editor.post(list, contactInput(only.Email, "notices")).problem(409, "duplicate at email")
	editor.post(list, contactInput("nobody", "notices")).problem(422, "email.malformed at email")
	editor.post(list, contactInput("kim@customer.example")).problem(422, "json.type.array at roles")
	editor.post(list, contactInput("kim@customer.example", "boss")).problem(422, "json.choice at roles.0")
	in := contactInput("kim@customer.example", []string{}...)
	in.Roles, in.ConsentHow = []string{}, "a\tb"
	editor.post(list, in).problem(422, "control_characters at consent_how", "required at roles")
	editor.post("/customers/"+exampleID(9).String()+"/contacts", contactInput("kim@customer.example", "notices")).problem(404, "customer.not_found")
	editor.get("/customers/"+exampleID(9).String()+"/contacts").problem(404, "customer.not_found")
	editor.get("/contacts/"+uuid.Nil.String()).problem(404, "contact.not_found")
	editor.put("/contacts/"+exampleID(9).String(), `"1"`, contactInput("kim@customer.example", "notices")).problem(404, "contact.not_found")
	editor.send("DELETE", "/contacts/"+exampleID(9).String(), nil, "If-Match", `"1"`).problem(404, "contact.not_found")
	reviewer := d.as(d.Staff("Rita Reviewer", actor.Reviewer))
	reviewer.get(at).want(200)
	reviewer.post(list, contactInput("kim@customer.example", "notices")).problem(403, "role.missing")
	reviewer.put(at, `"1"`, contactInput("kim@customer.example", "notices")).problem(403, "role.missing")
	reviewer.send("DELETE", at, nil, "If-Match", `"1"`).problem(403, "role.missing")
	reviewer.post(at+"/verify", nil, "If-Match", `"1"`).problem(403, "role.missing")
}

func TestAContactSaysWhyNoNoticeWouldReachIt(t *testing.T) {
	d := newDesk(t)
	editor := d.as(d.Editor)
	c := d.Customer("Anna", "first@customer.example", housetest.Sheet(30))
	d.ok(d.Subscribers.Suppress(t.Context(), d.Editor, "first@customer.example", "staff", ""))
	d.Contact(c, "second@customer.example", "objections")
	var contacts Whole[Contact]
	editor.get("/customers/" + c.ID.String() + "/contacts").want(200).into(&contacts)
	got := map[string]string{}
	for _, k := range contacts.Items {
		got[k.Email] = k.Reached
	}
	if diff := cmp.Diff(map[string]string{"first@customer.example": "suppressed", "second@customer.example": ""}, got); diff != "" {
		t.Error(diff)
	}
	var customer Customer
	if editor.get("/customers/" + c.ID.String()).into(&customer); customer.Reachable {
		t.Error("a customer whose only address is suppressed counts as reachable")
	}
}
