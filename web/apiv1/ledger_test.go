package apiv1

import (
	"encoding/hex"
	"net/http"
	"strconv"
	"testing"

	"fairnotice/internal/actor"
	"fairnotice/internal/ledger"
)

func TestTheRecordIsReadInPages(t *testing.T) {
	d := newDesk(t)
	p := d.as(d.Staff("Rita Reviewer", actor.Reviewer))
	v := d.Vendor("Papierkranich")
	var head LedgerHead
	p.get("/ledger/head").want(200).into(&head)
	seq, hash, err := ledger.Head(t.Context(), d.DB)
	d.ok(err)
	if head.Seq != seq || head.Hash != hex.EncodeToString(hash) {
		t.Errorf("the head is %+v, want %d %x", head, seq, hash)
	}
	want := seq
	for path, n := "/ledger?limit=2", 0; path != ""; n++ {
		var page Items[LedgerEntry]
		a := p.get(path).want(200).into(&page)
		for _, e := range page.Items {
			if e.Seq != want {
				t.Errorf("entry %d came, want %d", e.Seq, want)
			}
			want--
		}
		if n == 0 {
			d.Vendor("Later") // entries that come meanwhile don't move the pages
		}
		if path = ""; page.Next != "" {
			path = "/ledger?limit=2&after=" + page.Next
		} else if a.Header.Get("Link") != "" {
			t.Error("the last page has a next one")
		}
	}
	if want != 0 {
		t.Errorf("the pages ended before entry %d", want)
	}
	var about Items[LedgerEntry]
	p.get("/ledger?subject=" + v.ID.String()).want(200).into(&about)
	if len(about.Items) != 1 || about.Items[0].Kind != "vendor.created" && about.Items[0].SubjectKind != "vendor" || about.Items[0].ActorName != "Edda Editor" {
		t.Errorf("about the vendor: %+v", about.Items)
	}
	var sparse Items[map[string]any]
	p.get("/ledger?fields=seq,kind&limit=1").want(200).into(&sparse)
	if len(sparse.Items) != 1 || len(sparse.Items[0]) != 2 {
		t.Errorf("sparse: %v", sparse.Items)
	}
	var one LedgerEntry
	p.get("/ledger/" + strconv.FormatInt(about.Items[0].Seq, 10)).want(200).into(&one)
	if one.Kind != about.Items[0].Kind || string(one.Body) != string(about.Items[0].Body) {
		t.Errorf("one by one it is %+v", one)
	}
}

func TestTheRecordRefusesWhatItCantTake(t *testing.T) {
	d := newDesk(t)
	p := d.as(d.Editor)
	for path, want := range map[string]string{
		"/ledger?after=x":                    "cursor.malformed at after",
		"/ledger?after=-1":                   "cursor.malformed at after",
		"/ledger?after=99999999999999999999": "cursor.malformed at after",
		"/ledger?subject=1":                  "json.uuid at subject",
		"/ledger?fields=salt":                "fields.unknown at fields",
		"/ledger/0":                          "json.minimum at seq",
		"/ledger/x":                          "json.type.integer at seq",
		"/ledger/99999999999999999999":       "json.type.integer at seq",
	} {
		p.get(path).problem(422, want)
	}
	p.get("/ledger/9223372036854775807").problem(404, "entry.not_found")
}

func TestTheRecordIsVerified(t *testing.T) {
	d := newDesk(t)
	p := d.as(d.Editor)
	var head LedgerHead
	p.get("/ledger/head").want(200).into(&head)
	var check LedgerCheck
	p.send(http.MethodPost, "/ledger/verify", nil).want(200).into(&check)
	if !check.Intact || check.Entries != head.Seq || check.Seq != 0 {
		t.Errorf("the check says %+v of %d entries", check, head.Seq)
	}
	d.site.walking.Lock()
	p.post("/ledger/verify", nil).problem(429, "ledger.walking")
	d.site.walking.Unlock()
	for _, statement := range []string{"alter table ledger_entries disable trigger all", "update ledger_entries set kind = 'nothing.happened' where seq = 2"} {
		_, err := d.DB.Pool().Exec(t.Context(), statement)
		d.ok(err)
	}
	p.post("/ledger/verify", nil).want(200).into(&check)
	if check.Intact || check.Seq != 2 || check.Why == "" || check.Entries != 2 {
		t.Errorf("after a forgery the check says %+v", check)
	}
	// A body that was erased leaves the chain whole.
	_, err := d.DB.Pool().Exec(t.Context(), "delete from ledger_bodies where seq = 1")
	d.ok(err)
	var e LedgerEntry
	p.get("/ledger/1").want(200).into(&e)
	if string(e.Body) != "null" {
		t.Errorf("an erased body is %s", e.Body)
	}
}
