package apiv1

import (
	"testing"

	"fairnotice/internal/actor"
)

func TestThePublisherIsReadAndEdited(t *testing.T) {
	d := newDesk(t)
	admin := d.as(d.Staff("Ada Admin", actor.Admin))
	var p PublisherSettings
	read := admin.get("/publisher").want(200).into(&p)
	p.LegalName = "Nordlicht Software AG"
	edited := admin.put("/publisher", read.etag(), p).want(200)
	if edited.etag() == read.etag() {
		t.Errorf("the ETag is still %s", edited.etag())
	}
	admin.put("/publisher", read.etag(), p).problem(412, "changed_meanwhile")
	admin.send("PUT", "/publisher", p).problem(428, "precondition.missing at If-Match")
	admin.put("/publisher", `"x"`, p).problem(422, "precondition.malformed at If-Match")
	d.as(d.Editor).put("/publisher", edited.etag(), p).problem(403, "role.missing")
	admin.get("/publisher", "If-None-Match", admin.get("/publisher").etag()).want(304)
}

func TestAProductIsAddedOnce(t *testing.T) {
	d := newDesk(t)
	admin := d.as(d.Staff("Ada Admin", actor.Admin))
	in := ProductInput{Slug: "forms", Name: "Nordlicht Forms"}
	first := admin.post("/products", in, "Idempotency-Key", "k1").want(201)
	second := admin.post("/products", in, "Idempotency-Key", "k1").want(201)
	if string(first.Body) != string(second.Body) || second.Header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("the second answer is %s (%v), the first was %s", second.Body, second.Header, first.Body)
	}
	in.Name = "Other"
	admin.post("/products", in, "Idempotency-Key", "k1").problem(409, "idempotency.other")
	admin.post("/products", map[string]any{"slug": 3, "nmae": "x"}).problem(422, "json.required at name", "json.unknown_field at nmae", "json.type.string at slug")
	var list Whole[Product]
	admin.get("/products").want(200).into(&list)
	if len(list.Items) != 2 {
		t.Errorf("there are %d products, want 2", len(list.Items))
	}
}

func TestEveryBodyHasAnExample(t *testing.T) {
	for _, missing := range newDesk(t).site.missing {
		t.Error(missing)
	}
}
