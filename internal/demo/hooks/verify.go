package hooks

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"fairnotice/internal/demo/site"
)

// verdict on an arrival.
type verdict string

const (
	verified verdict = "verified"
	repeat   verdict = "repeat" // verified, but taken before under the same webhook-id
	refused  verdict = "refused"
)

// judgement says what came of verifying.
type judgement struct {
	Verdict verdict   `json:"verdict"`
	Why     string    `json:"why,omitempty"`    // it is refused
	Learned time.Time `json:"learned,omitzero"` // since when the secret that fits is known
	Former  bool      `json:"former,omitempty"` // it is not the newest secret that fits
}

// judge verifies a webhook with each of an endpoint's secrets, the newest first.
func judge(known []secret, header http.Header, body []byte) judgement {
	if len(known) == 0 {
		return judgement{Verdict: refused, Why: "no secret is known for this endpoint; enter the one that Fairnotice showed"}
	}
	var why error
	for i, s := range known {
		hook, err := standardwebhooks.NewWebhook(s.Secret)
		if err == nil {
			err = hook.Verify(body, header)
		}
		if err == nil {
			return judgement{Verdict: verified, Learned: s.Learned, Former: i > 0}
		}
		why = err
	}
	return judgement{Verdict: refused, Why: inWords(why)}
}

func inWords(err error) string {
	switch {
	case errors.Is(err, standardwebhooks.ErrRequiredHeaders):
		return "a header is missing: webhook-id, webhook-timestamp or webhook-signature"
	case errors.Is(err, standardwebhooks.ErrNoMatchingSignature):
		return "no signature fits the endpoint's secrets"
	case errors.Is(err, standardwebhooks.ErrMessageTooOld):
		return "its timestamp is more than five minutes old"
	case errors.Is(err, standardwebhooks.ErrMessageTooNew):
		return "its timestamp is more than five minutes ahead"
	default:
		return err.Error()
	}
}

// secret is one of an endpoint's.
type secret struct {
	Secret  string    `json:"secret"`
	Learned time.Time `json:"learned"`
}

// keptSecrets is how many of an endpoint's secrets are known at once: while one is rotated, two.
const keptSecrets = 2

// keys are the secrets of all endpoints, in a file that only its owner may read.
type keys struct {
	path string

	mu   sync.Mutex
	list map[string][]secret // by endpoint, the newest first
}

func openKeys(dir string) (*keys, error) {
	// Not *.json, which are the arrivals.
	k := &keys{path: filepath.Join(dir, "secrets"), list: map[string][]secret{}}
	text, err := os.ReadFile(k.path)
	if err == nil {
		err = json.Unmarshal(text, &k.list)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the secrets of the demo's webhooks: %w; remove %s", err, k.path)
	}
	return k, nil
}

func (k *keys) of(name string) []secret {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.list[name])
}

// names are the endpoints that have a secret.
func (k *keys) names() (out []string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for name := range k.list {
		out = append(out, name)
	}
	return out
}

var errSecret = errors.New("a secret begins with whsec_ and goes on in base64")

// add makes a secret an endpoint's newest, on the disk before it returns.
func (k *keys) add(name, value string) error {
	if !nameForm.MatchString(name) {
		return errName
	}
	raw, ours := strings.CutPrefix(value, "whsec_")
	if key, err := base64.StdEncoding.DecodeString(raw); !ours || err != nil || len(key) < 24 || len(key) > 64 {
		return errSecret
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	former := k.list[name]
	if len(former) > 0 && former[0].Secret == value {
		return nil
	}
	list := append([]secret{{Secret: value, Learned: time.Now().UTC()}}, former...)
	k.list[name] = list[:min(len(list), keptSecrets)]
	text, err := json.Marshal(k.list)
	if err == nil {
		err = site.WriteWhole(k.path, text)
	}
	if err != nil {
		k.list[name] = former
	}
	return err
}
