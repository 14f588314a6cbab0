package apiv1

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"fairnotice/internal/fault"
)

const (
	drainLimit = 32 << 20 // of a refused body: most clients read an answer only after they have sent all
	deepest    = 64       // levels of nesting; the document knows no schema of more than ten
	mostFaults = 100      // that one answer tells: a body of 1 MB could be wrong in half a million places
)

// checkBody reads the body once, within the operation's limit, and looks at it as JSON before huma
// does: huma, like encoding/json, takes broken UTF-8 for U+FFFD, the last of two members of one name,
// and characters that no database takes.
func (s *Site) checkBody(c *gin.Context) {
	o := s.op(c)
	if o == nil || !o.writes() || c.Request.Body == nil {
		return
	}
	body, err := readBody(c, o)
	if err == nil && len(body) > 0 {
		if err = plainOnly(c); err == nil {
			err = errors.Join(jsonOnly(c), checkJSON(body))
		}
	}
	if err != nil {
		s.refuse(c, err)
		return
	}
	c.Request.Body = io.NopCloser(bytes.NewReader(body))
	c.Set(keyBody, body)
}

const keyBody = "apiv1.body"

func readBody(c *gin.Context, o *op) ([]byte, error) {
	limit := o.maxBody
	if limit == 0 {
		limit = DefaultMaxBody
	}
	tooLarge := fault.New(fault.TooLarge, "json.too_large", fault.Args{"Max": strconv.FormatInt(limit>>10, 10) + " kB"})
	var body []byte
	var err error
	if c.Request.ContentLength <= limit {
		body, err = io.ReadAll(io.LimitReader(c.Request.Body, limit+1))
	}
	if c.Request.ContentLength > limit || int64(len(body)) > limit {
		if c.GetHeader("Expect") == "" || len(body) > 0 { // who was told to go on sends all, too
			_, _ = io.CopyN(io.Discard, c.Request.Body, drainLimit)
		}
		c.Header("Connection", "close")
		return nil, tooLarge
	}
	if err != nil { // the client's connection: it broke, or was too slow
		return nil, fault.New(fault.Invalid, "json.malformed", fault.Args{"Why": "it ended early", "Offset": len(body)})
	}
	return body, nil
}

// plainOnly refuses compressed bodies: a small one could unfold to any size.
func plainOnly(c *gin.Context) error {
	if coding := c.GetHeader("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		c.Header("Accept-Encoding", "identity") // RFC 9110, section 12.5.3
		return fault.Field("Content-Encoding", "content_encoding", nil)
	}
	return nil
}

func jsonOnly(c *gin.Context) error {
	kind := c.GetHeader("Content-Type")
	media, params, err := mime.ParseMediaType(kind)
	charset := params["charset"]
	if kind == "" || err == nil && media == "application/json" && (charset == "" || strings.EqualFold(charset, "utf-8")) {
		c.Request.Header.Set("Content-Type", "application/json")
		return nil
	}
	return fault.New(fault.Invalid, "media_type", fault.Args{"Allowed": "application/json"})
}

// checkJSON refuses text that isn't UTF-8 or JSON, members that stand twice, control characters other
// than line breaks and tabs, and nesting that no schema has.
func checkJSON(body []byte) error {
	if !utf8.Valid(body) {
		return fault.New(fault.Invalid, "json.utf8", nil)
	}
	w := &walker{dec: json.NewDecoder(bytes.NewReader(body))}
	w.dec.UseNumber()
	if err := w.value(0); err != nil {
		return err
	}
	if _, err := w.dec.Token(); !errors.Is(err, io.EOF) {
		return w.malformed(errors.New("something follows its end"))
	}
	return w.found.Err()
}

// walker reads JSON token by token.
type walker struct {
	dec    *json.Decoder
	path   []string // to the present value; joined only where something is wrong, as names may be long
	found  fault.Check
	faults int
}

func (w *walker) malformed(err error) error {
	why := strings.TrimPrefix(err.Error(), "json: ")
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		why = "it ends too early"
	}
	return fault.New(fault.Invalid, "json.malformed", fault.Args{"Why": why, "Offset": w.dec.InputOffset()})
}

func (w *walker) at() string { return short(strings.Join(w.path, ".")) }

// short cuts a field's name where somebody made it so long that answers and logs would only carry it.
func short(field string) string {
	const most = 300
	if len(field) <= most {
		return field
	}
	return strings.ToValidUTF8(field[:most], "") + "…"
}

func (w *walker) value(depth int) error {
	token, err := w.dec.Token()
	if err != nil {
		return w.malformed(err)
	}
	switch t := token.(type) {
	case string:
		w.text(t)
	case json.Delim:
		if depth >= deepest {
			return fault.New(fault.Invalid, "json.deep", fault.Args{"Max": deepest})
		}
		if t == '{' {
			return w.object(depth + 1)
		}
		return w.array(depth + 1)
	}
	return nil
}

func (w *walker) object(depth int) error {
	seen := map[string]bool{}
	for w.dec.More() {
		token, err := w.dec.Token()
		if err != nil {
			return w.malformed(err)
		}
		name := token.(string) // the decoder takes nothing else for a member's name
		w.path = append(w.path, name)
		if w.text(name); seen[name] {
			return fault.Field(w.at(), "json.twice", nil)
		}
		seen[name] = true
		if err := w.value(depth); err != nil {
			return err
		}
		w.path = w.path[:len(w.path)-1]
	}
	return w.end()
}

func (w *walker) array(depth int) error {
	for i := 0; w.dec.More(); i++ {
		w.path = append(w.path, strconv.Itoa(i))
		if err := w.value(depth); err != nil {
			return err
		}
		w.path = w.path[:len(w.path)-1]
	}
	return w.end()
}

func (w *walker) end() error {
	if _, err := w.dec.Token(); err != nil {
		return w.malformed(err)
	}
	return nil
}

// text notes what can't be stored: it is said at once for all fields.
func (w *walker) text(s string) {
	for _, r := range s {
		if (r < 0x20 && r != '\n' && r != '\r' && r != '\t') || (r >= 0x7f && r <= 0x9f) || r == utf8.RuneError {
			if w.faults++; w.faults <= mostFaults {
				w.found.Add(w.at(), "json.characters", nil)
			}
			return
		}
	}
}
