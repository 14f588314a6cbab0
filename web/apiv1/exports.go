package apiv1

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/notify"
	"fairnotice/web"
)

// DeliveryLine is a delivery with one of its attempts, in an export.
type DeliveryLine struct {
	Delivery       uuid.UUID    `json:"delivery" doc:"Its ID."`
	Customer       string       `json:"customer" doc:"Its name; empty for followers."`
	Basis          string       `json:"basis" enum:"contract,follower"`
	Channel        string       `json:"channel" enum:"email,webhook,slack"`
	Address        string       `json:"address" doc:"Of a webhook or in Slack only what lets nobody else write there."`
	Addressee      string       `json:"addressee"`
	Language       string       `json:"language" enum:"en,de"`
	State          notify.State `json:"state" enum:"queued,sending,sent,received,failed,suppressed,cancelled"`
	Reason         string       `json:"reason"`
	PossibleRepeat bool         `json:"possible_repeat"`
	CreatedAt      time.Time    `json:"created_at"`
	DoneAt         *time.Time   `json:"done_at"`
	DueAt          *time.Time   `json:"due_at"`
	Attempt        *int         `json:"attempt" doc:"Its number; this and all that follows is null for a delivery that nobody has tried."`
	StartedAt      *time.Time   `json:"started_at"`
	DurationUS     *int64       `json:"duration_us" doc:"Microseconds."`
	Outcome        *string      `json:"outcome"`
	Stage          *string      `json:"stage"`
	Code           *int         `json:"code"`
	Answer         *string      `json:"answer"`
	SHA256         *string      `json:"sha256" doc:"Of the message's bytes, in hex; null when no message was written."`
}

func lineOf(e *notify.Exported) DeliveryLine {
	line := DeliveryLine{Delivery: e.ID, Customer: e.CustomerName, Basis: e.Basis, Channel: e.Channel, Address: e.ShownAddress(), Addressee: e.ShownAddressee(),
		Language: e.Language, State: e.State, Reason: e.Reason, PossibleRepeat: e.PossibleRepeat, CreatedAt: e.CreatedAt.UTC(), DoneAt: inUTC(e.DoneAt),
		DueAt: inUTC(e.DueAt), Attempt: e.Number, StartedAt: inUTC(e.StartedAt), DurationUS: e.DurationUS, Outcome: e.Outcome, Stage: e.Stage,
		Code: e.Code, Answer: e.Answer}
	if len(e.Digest) > 0 {
		digest := hex.EncodeToString(e.Digest)
		line.SHA256 = &digest
	}
	return line
}

// Example is a line of an export.
func (DeliveryLine) Example() any { return lineOf(exampleExported()) }

func exampleExported() *notify.Exported {
	d := exampleDelivery()
	number, took, outcome, stage, code, answer, started := 1, int64(182_340), string(notify.Accepted), "data", 250, "250 2.0.0 queued", exampleTime
	digest, _ := hex.DecodeString(exampleDigest)
	return &notify.Exported{ID: d.ID, CustomerName: d.CustomerName, Basis: d.Basis, Channel: d.Channel, Address: d.Address, Addressee: d.Addressee,
		Language: d.Language, State: d.State, CreatedAt: d.CreatedAt, DoneAt: d.DoneAt, Number: &number, StartedAt: &started, DurationUS: &took,
		Outcome: &outcome, Stage: &stage, Code: &code, Answer: &answer, Digest: digest}
}

func (s *Site) exportOperations() {
	const text = "A line for each attempt, and one for each delivery that nobody has tried. It is written while it is read: an answer that is cut " +
		"short has failed. The record says that you asked for it."
	asCSV := op{id: "exportDeliveriesCSV", method: http.MethodGet, path: "/notices/{id}/deliveries.csv", tag: tagNotices, act: actor.ReadConsole, stream: true,
		summary: "All deliveries of a notice with every attempt, as CSV",
		text:    text + " Times are in UTC. A cell that a spreadsheet would take for a formula begins with an apostrophe."}
	handle(s, asCSV, s.exportCSV)
	s.streamed(&asCSV, "text/csv", &huma.Schema{Type: huma.TypeString, Description: "RFC 4180; the first line names the columns."}, exampleCSV())
	asJSON := op{id: "exportDeliveries", method: http.MethodGet, path: "/notices/{id}/deliveries.ndjson", tag: tagNotices, act: actor.ReadConsole, stream: true,
		summary: "All deliveries of a notice with every attempt, as lines of JSON", text: text}
	handle(s, asJSON, s.exportNDJSON)
	line := *s.api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[DeliveryLine](), true, "DeliveryLine")
	line.Description = "Each line is one of these."
	s.streamed(&asJSON, "application/x-ndjson", &line, DeliveryLine{}.Example())
}

func exampleCSV() string {
	var b bytes.Buffer
	_ = csv.NewWriter(&b).WriteAll([][]string{notify.ExportColumns, exampleExported().Row()}) // a buffer takes everything
	return b.String()
}

func (s *Site) exportCSV(ctx context.Context, who actor.Actor, in *NoticePath) (*huma.StreamResponse, error) {
	var out *csv.Writer
	return s.export(ctx, who, in.ID, &exporter{kind: "text/csv; charset=utf-8", ending: ".csv",
		begin: func(c *gin.Context) error { out = csv.NewWriter(c.Writer); return out.Write(notify.ExportColumns) },
		line:  func(e *notify.Exported) error { return out.Write(e.Row()) },
		end:   func() error { out.Flush(); return out.Error() }})
}

func (s *Site) exportNDJSON(ctx context.Context, who actor.Actor, in *NoticePath) (*huma.StreamResponse, error) {
	var out *json.Encoder
	return s.export(ctx, who, in.ID, &exporter{kind: "application/x-ndjson", ending: ".ndjson",
		begin: func(c *gin.Context) error { out = json.NewEncoder(c.Writer); return nil },
		line:  func(e *notify.Exported) error { return out.Encode(lineOf(e)) },
		end:   func() error { return nil }})
}

// exporter writes a table in one form.
type exporter struct {
	kind, ending string
	begin        func(*gin.Context) error
	line         func(*notify.Exported) error
	end          func() error
}

// export writes a notice's deliveries while they are read. Once it has begun, an error can only cut it
// short.
func (s *Site) export(ctx context.Context, who actor.Actor, notice uuid.UUID, x *exporter) (*huma.StreamResponse, error) {
	n, err := s.Notify.NoticeByID(ctx, notice)
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(huma.Context) {
		c := ginOf(ctx)
		written, begun := 0, false
		begin := func() error {
			begun = true
			c.Header("Content-Type", x.kind)
			c.Header("Content-Disposition", `attachment; filename="`+strings.ToLower(n.Reference)+"-"+string(n.Kind)+x.ending+`"`)
			c.Status(http.StatusOK)
			return x.begin(c)
		}
		err := s.Notify.Export(ctx, who, notice, func(e *notify.Exported) error {
			if !begun {
				if err := begin(); err != nil {
					return err
				}
			}
			if written%1000 == 0 {
				web.GiveTime(c, time.Minute)
			}
			written++
			return x.line(e)
		})
		switch {
		case err != nil && !begun:
			s.refuse(c, err)
			return
		case err == nil && !begun:
			err = begin()
		}
		if err != nil || x.end() != nil {
			panic(http.ErrAbortHandler) // so that nobody takes a part for the whole
		}
	}}, nil
}
