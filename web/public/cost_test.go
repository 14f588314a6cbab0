package public_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"fairnotice/internal/database"
	"fairnotice/internal/database/databasetest"
	"fairnotice/internal/publisher"
	"fairnotice/internal/vendors"
)

// tap is a wire between the program and PostgreSQL that counts the statements that pass.
type tap struct {
	t          *testing.T
	network    string // "tcp" or "unix", as the tests' server listens
	to         string
	statements atomic.Int64
}

func newTap(t *testing.T, database string) (*tap, string) {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := pgconn.ParseConfig(database)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	p := &tap{t: t}
	p.network, p.to = pgconn.NetworkAddress(cfg.Host, cfg.Port)
	go p.accept(listener)
	u.Host = listener.Addr().String()
	query := u.Query()
	query.Del("host")
	query.Del("port")
	query.Set("sslmode", "disable")
	u.RawQuery = query.Encode()
	return p, u.String()
}

func (p *tap) accept(listener net.Listener) {
	for {
		client, err := listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial(p.network, p.to)
		if err != nil {
			_ = client.Close()
			return
		}
		var once sync.Once
		end := func() { once.Do(func() { _, _ = client.Close(), server.Close() }) }
		go func() { defer end(); _, _ = io.Copy(client, server) }()
		go func() { defer end(); p.forward(server, client) }()
	}
}

// forward passes the program's messages on: after the first, each is a letter, a length and the
// rest. E runs a prepared statement, Q a plain one.
func (p *tap) forward(server io.Writer, client io.Reader) {
	for header := 4; ; header = 5 {
		head := make([]byte, header)
		if _, err := io.ReadFull(client, head); err != nil {
			return
		}
		rest := make([]byte, binary.BigEndian.Uint32(head[header-4:])-4)
		if _, err := io.ReadFull(client, rest); err != nil {
			return
		}
		if header == 5 && (head[0] == 'E' || head[0] == 'Q') {
			p.statements.Add(1)
		}
		if _, err := server.Write(append(head, rest...)); err != nil {
			return
		}
	}
}

// A request costs few statements, and no more for a hundred vendors than for eight; the page of a
// hundred stays under 100 kB before compression.
func TestCostOfAHundredVendors(t *testing.T) {
	t.Parallel()
	wire, address := newTap(t, databasetest.NewURL(t))
	clock := &databasetest.Clock{}
	clock.Set(databasetest.Start)
	db, err := database.Open(t.Context(), address, database.Options{Now: clock.Now, Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	h := furnish(t, db, clock)
	h.fill()
	h.announce(h.addition())
	paths := []string{"/", "/?q=e&product=desk", "/subprocessors.json", "/subprocessors.csv", "/changes", "/changes/SP-2026-001"}
	count := func(path string) int64 {
		before := wire.statements.Load()
		if w := h.ask(h.kit, path); w.Code != 200 {
			t.Fatalf("%s: %d", path, w.Code)
		}
		return wire.statements.Load() - before
	}
	few := map[string]int64{}
	for _, path := range paths {
		if few[path] = count(path); few[path] < 2 || few[path] > 9 {
			t.Errorf("%s: %d statements", path, few[path])
		}
	}
	for _, path := range []string{"/", "/changes", "/changes/SP-2026-001"} {
		if again := count(path); again != 1 {
			t.Errorf("%s: %d statements for a page that is kept, want 1: whether it still holds", path, again)
		}
	}
	h.crowd(92)
	for _, path := range paths {
		if many := count(path); many != few[path] {
			t.Errorf("%s: %d statements for a hundred vendors, %d for eight", path, many, few[path])
		}
	}
	for _, lang := range []string{"en", "de"} {
		size := h.get("/", "Accept-Language", lang).Body.Len()
		t.Logf("the page of a hundred vendors (%s) has %d bytes", lang, size)
		if size > 100_000 {
			t.Errorf("that is too much")
		}
	}
}

// crowd adds vendors with two places, two kinds of data and two certifications each.
func (h *house) crowd(n int) {
	h.t.Helper()
	ctx := h.t.Context()
	transfers := []vendors.Transfer{{Regime: vendors.EEA, Mechanism: vendors.SCC3}, {Regime: vendors.UK, Mechanism: vendors.UKAddendum},
		{Regime: vendors.Switzerland, Mechanism: vendors.SCC3}}
	for i := range n {
		v, err := h.vendors.CreateVendor(ctx, h.who, vendors.VendorFacts{LegalName: fmt.Sprintf("Number %d Services, Inc.", i), TradeName: fmt.Sprintf("Number %d", i), Country: "US"})
		h.ok(err)
		_, err = h.vendors.RecordEngagement(ctx, h.who, v.ID, day("2024-05-01"), vendors.EngagementFacts{Purpose: "Delivers messages of the service",
			DataCategories: []string{"Email addresses", "Names"}, Regions: []publisher.Region{"eea"},
			Products:  []vendors.EngagementProduct{{ProductID: h.products["desk"]}, {ProductID: h.products["chat"]}},
			Locations: []vendors.Location{{Country: "US", Kind: vendors.Stored, Transfers: transfers}, {Country: "IN", Kind: vendors.Accessed, Transfers: transfers}}})
		h.ok(err)
		for _, scheme := range []string{"SOC 2", "ISO/IEC 27001"} {
			_, err = h.vendors.AddCertification(ctx, h.who, v.ID, vendors.CertificationFacts{Scheme: scheme, IssuedOn: day("2026-01-01")})
			h.ok(err)
		}
	}
}
