package apiv1

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/fault"
	"fairnotice/internal/ledger"
	"fairnotice/web"
)

// LedgerEntry is one thing that happened, as it was recorded.
type LedgerEntry struct {
	Seq         int64           `json:"seq" doc:"From 1, without gaps."`
	At          time.Time       `json:"at"`
	Kind        string          `json:"kind" doc:"What happened; more kinds may come."`
	ActorKind   string          `json:"actor_kind" doc:"Of who did it: staff, system, …"`
	ActorID     *uuid.UUID      `json:"actor_id" nullable:"true" doc:"The account; null where there is none."`
	ActorName   string          `json:"actor_name" doc:"The account's name as it is now; else empty."`
	SubjectKind string          `json:"subject_kind" doc:"What it was about: vendor, change, …"`
	SubjectID   *uuid.UUID      `json:"subject_id" nullable:"true"`
	Body        json.RawMessage `json:"body" doc:"An object, by the kind of entry; by_key in it is the API key that a program acted with. null when it was erased: the chain stays whole."`
}

// Example is an announcement.
func (LedgerEntry) Example() any {
	who, what := exampleID(1), exampleID(30)
	return LedgerEntry{Seq: 4711, At: exampleTime, Kind: "change.announced", ActorKind: "staff", ActorID: &who, ActorName: "Ada Lovelace",
		SubjectKind: "change", SubjectID: &what, Body: json.RawMessage(`{"by_key":"` + exampleID(2).String() + `"}`)}
}

// LedgerHead is the chain's end.
type LedgerHead struct {
	Seq  int64  `json:"seq" doc:"How many entries there are."`
	Hash string `json:"hash" doc:"SHA-256 in hex, which seals every entry: note it elsewhere, and nothing before it can be changed unnoticed."`
}

// Example is a chain's end.
func (LedgerHead) Example() any { return LedgerHead{4711, exampleDigest} }

// LedgerCheck is the outcome of walking the chain.
type LedgerCheck struct {
	Intact  bool   `json:"intact"`
	Entries int64  `json:"entries" doc:"How many were read."`
	Seq     int64  `json:"seq" doc:"Of the first entry that doesn't fit; 0 when all do."`
	Why     string `json:"why" doc:"How it doesn't fit; else empty."`
}

// Example is a chain that is whole.
func (LedgerCheck) Example() any { return LedgerCheck{Intact: true, Entries: 4711} }

// longestWalk bounds a walk along the chain; a million entries take some seconds.
const longestWalk = 10 * time.Minute

func (s *Site) ledgerOperations() {
	handle(s, op{id: "listLedger", method: http.MethodGet, path: "/ledger", tag: tagLedger, act: actor.ReadLedger,
		summary: "The entries, the newest first"}, s.listLedger)
	handle(s, op{id: "getLedgerEntry", method: http.MethodGet, path: "/ledger/{seq}", tag: tagLedger, act: actor.ReadLedger,
		summary: "An entry"}, s.getLedgerEntry)
	handle(s, op{id: "getLedgerHead", method: http.MethodGet, path: "/ledger/head", tag: tagLedger, act: actor.ReadLedger,
		summary: "The chain's end"}, s.getLedgerHead)
	handle(s, op{id: "verifyLedger", method: http.MethodPost, path: "/ledger/verify", tag: tagLedger, act: actor.ReadLedger,
		summary: "Walk the whole chain and recompute every hash",
		text:    "It reads everything, which may take minutes, and is done once at a time in each server.", reads: true}, s.verifyLedger)
}

func entryOf(r *ledger.Record) LedgerEntry {
	e := LedgerEntry{Seq: r.Seq, At: r.At.UTC(), Kind: r.Kind, ActorKind: r.ActorKind, ActorID: r.ActorID, ActorName: r.ActorName,
		SubjectKind: r.SubjectKind, SubjectID: r.SubjectID, Body: r.Body}
	if len(e.Body) == 0 {
		e.Body = json.RawMessage("null")
	}
	return e
}

func (s *Site) listLedger(ctx context.Context, _ actor.Actor, in *struct {
	PageQuery
	FieldsQuery
	Subject uuid.UUID `query:"subject" doc:"ID of what the entries are about."`
}) (*Page[Part[LedgerEntry]], error) {
	before, err := beforeOf(in.After)
	if err != nil {
		return nil, err
	}
	list, err := ledger.List(ctx, s.DB, ledger.Filter{Subject: in.Subject, Before: before, Limit: in.Limit + 1})
	if err != nil {
		return nil, err
	}
	next := ""
	if len(list) > in.Limit {
		list = list[:in.Limit]
		next = strconv.FormatInt(list[in.Limit-1].Seq, 10)
	}
	return page(ctx, in.FieldsQuery, mapped(list, entryOf), next)
}

// beforeOf reads a cursor of the record: the number of the page's last entry.
func beforeOf(cursor string) (int64, error) {
	if cursor == "" {
		return 0, nil
	}
	seq, err := strconv.ParseInt(cursor, 10, 64)
	if err != nil || seq < 1 {
		return 0, fault.Field("after", "cursor.malformed", nil)
	}
	return seq, nil
}

func (s *Site) getLedgerEntry(ctx context.Context, _ actor.Actor, in *struct {
	Seq int64 `path:"seq" minimum:"1"`
}) (*Plain[LedgerEntry], error) {
	r, err := ledger.At(ctx, s.DB, in.Seq)
	if err != nil {
		return nil, err
	}
	return plain(entryOf(r)), nil
}

func (s *Site) getLedgerHead(ctx context.Context, _ actor.Actor, _ *struct{}) (*Plain[LedgerHead], error) {
	seq, hash, err := ledger.Head(ctx, s.DB)
	if err != nil {
		return nil, err
	}
	return plain(LedgerHead{seq, hex.EncodeToString(hash)}), nil
}

func (s *Site) verifyLedger(ctx context.Context, _ actor.Actor, _ *struct{}) (*Plain[LedgerCheck], error) {
	if !s.walking.TryLock() {
		return nil, fault.New(fault.TooMany, "ledger.walking", fault.Args{"seconds": 10})
	}
	defer s.walking.Unlock()
	web.GiveTime(ginOf(ctx), longestWalk)
	ctx, cancel := context.WithTimeout(ctx, longestWalk)
	defer cancel()
	entries, err := ledger.Verify(ctx, s.DB)
	var broken *ledger.Broken
	switch {
	case errors.As(err, &broken):
		return plain(LedgerCheck{Entries: entries, Seq: broken.Seq, Why: broken.Why}), nil
	case err != nil:
		return nil, err
	}
	return plain(LedgerCheck{Intact: true, Entries: entries}), nil
}
