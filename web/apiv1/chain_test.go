package apiv1

import (
	"testing"

	"github.com/google/uuid"

	"fairnotice/internal/actor"
)

// chainOf is a chain as "name(below, …)".
func (p *program) chainOf(path string) string {
	p.d.t.Helper()
	var list Whole[ChainNode]
	p.get(path).want(200).into(&list)
	return told(list.Items)
}

func told(nodes []ChainNode) string {
	out := ""
	for i, n := range nodes {
		if i > 0 {
			out += " "
		}
		out += n.LegalName
		if n.Repeated {
			out += "*"
		}
		if len(n.Below) > 0 {
			out += "(" + told(n.Below) + ")"
		}
	}
	return out
}

func TestTheChainOfAVendor(t *testing.T) {
	d := newDesk(t)
	p := d.as(d.Editor)
	app, platform, cloud, mail := p.addVendor("App"), p.addVendor("Platform"), p.addVendor("Cloud"), p.addVendor("Mail")
	add := func(above, below Vendor, since string) ChainLink {
		t.Helper()
		in := NewLink{SubVendorID: below.ID, Purpose: "hosting"}
		d.ok(in.Since.UnmarshalText([]byte(since)))
		var link ChainLink
		p.post("/vendors/"+above.Slug+"/chain", in).want(201).into(&link)
		return link
	}
	link := add(app, platform, "2024-01-01")
	add(platform, cloud, "2025-01-01")
	add(app, mail, "2024-01-01")
	now := add(mail, cloud, "")
	if now.Since.String() != d.today() || now.Purpose != "hosting" || link.VendorID != app.ID {
		t.Errorf("the links are %+v and %+v", now, link)
	}
	for path, want := range map[string]string{
		"/vendors/app/chain": "Mail(Cloud) Platform(Cloud*)", "/vendors/app/chain?on=2024-06-01": "Mail Platform",
		"/vendors/app/chain?on=2023-12-31": "", "/vendors/" + cloud.ID.String() + "/chain": "",
	} {
		if got := p.chainOf(path); got != want {
			t.Errorf("%s is %s, want %s", path, got, want)
		}
	}
	p.post("/vendors/app/chain", NewLink{SubVendorID: mail.ID}).problem(409, "chain.twice at sub_vendor_id")
	p.post("/vendors/cloud/chain", NewLink{SubVendorID: app.ID}).problem(422, "chain.cycle at sub_vendor_id")
	p.post("/vendors/cloud/chain", NewLink{SubVendorID: cloud.ID}).problem(422, "chain.cycle at sub_vendor_id")
	p.post("/vendors/cloud/chain", NewLink{SubVendorID: uuid.New()}).problem(422, "vendor.unknown at sub_vendor_id")
	p.post("/vendors/cloud/chain", map[string]any{}).problem(422, "json.required at sub_vendor_id")
	p.post("/vendors/nobody/chain", NewLink{SubVendorID: cloud.ID}).problem(404, "vendor.not_found")
	p.post("/vendors/cloud/chain", map[string]any{"sub_vendor_id": mail.ID, "since": d.onDay(1)}).problem(422, "chain.since_future at since")
	p.post("/vendors/cloud/chain", map[string]any{"sub_vendor_id": mail.ID, "since": "9999-12-31"}).problem(422, "day.implausible at since")
	p.get("/vendors/app/chain?on=9999-12-31").problem(422, "day.implausible at on")
	p.get("/vendors/nobody/chain").problem(404, "vendor.not_found")

	reviewer := d.as(d.Staff("Rita Reviewer", actor.Reviewer))
	at := "/chain/" + link.ID.String()
	reviewer.send("DELETE", at, nil).problem(403, "role.missing")
	reviewer.post("/vendors/cloud/chain", NewLink{SubVendorID: mail.ID}).problem(403, "role.missing")
	yesterday := d.today()
	d.later(1)
	p.send("DELETE", at, nil).want(204)
	p.send("DELETE", at, nil).problem(409, "chain.ended")
	p.send("DELETE", "/chain/"+uuid.NewString(), nil).problem(404, "chain_link.not_found")
	if got := p.chainOf("/vendors/app/chain"); got != "Mail(Cloud)" {
		t.Errorf("after the link's end the chain is %s", got)
	}
	if got := p.chainOf("/vendors/app/chain?on=" + yesterday); got != "Mail(Cloud) Platform(Cloud*)" {
		t.Errorf("on the day before, the chain was %s", got)
	}
}
