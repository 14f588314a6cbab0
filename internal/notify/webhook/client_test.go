package webhook_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"fairnotice/internal/egress"
	"fairnotice/internal/notify/webhook"
)

func readRequest(r io.Reader) (*http.Request, error) {
	req, err := http.ReadRequest(bufio.NewReader(r))
	if err == nil {
		_, err = io.Copy(io.Discard, req.Body)
	}
	return req, err
}

// received is what a receiver got, kept for the test.
type received struct {
	header http.Header
	method string
	body   []byte
}

func receiver(t *testing.T) (url string, got func() []received) {
	t.Helper()
	var mu sync.Mutex
	var all []received
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		all = append(all, received{r.Header, r.Method, b})
	})
	return s.URL, func() []received {
		mu.Lock()
		defer mu.Unlock()
		return all
	}
}

func verifier(t *testing.T, secret string) *standardwebhooks.Webhook {
	t.Helper()
	v, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// The official library, which is not what signed, accepts what arrives with each of two secrets.
func TestTheOfficialLibraryVerifiesWhatArrives(t *testing.T) {
	url, got := receiver(t)
	fresh, former := webhook.NewSecret(), webhook.NewSecret()
	r := try(url)
	r.Secrets = []string{fresh, former}
	if res := send(t, local(t), r, whole); res.Outcome != webhook.Accepted || res.Code != 200 || res.Stage != webhook.StageResponse {
		t.Fatalf("got %+v", res)
	}
	one := got()[0]
	for _, secret := range r.Secrets {
		if err := verifier(t, secret).Verify(one.body, one.header); err != nil {
			t.Error(err)
		}
	}
	if err := verifier(t, webhook.NewSecret()).Verify(one.body, one.header); err == nil {
		t.Error("any secret verifies")
	}
	if err := verifier(t, fresh).Verify(append(one.body, ' '), one.header); err == nil {
		t.Error("an altered body verifies")
	}
	for _, name := range []string{"webhook-id", "webhook-timestamp"} {
		altered := one.header.Clone()
		altered.Set(name, strconv.FormatInt(r.At.Unix()+1, 10))
		if err := verifier(t, fresh).Verify(one.body, altered); err == nil {
			t.Errorf("an altered %s verifies", name)
		}
	}
	if string(one.body) != body || one.method != http.MethodPost {
		t.Errorf("got %s %s", one.method, one.body)
	}
	want := map[string]string{
		"Content-Type": "application/json", "User-Agent": "Fairnotice/1 (+notices)", "Content-Length": strconv.Itoa(len(body)),
		"Webhook-Id": r.ID, "Webhook-Timestamp": strconv.FormatInt(r.At.Unix(), 10),
	}
	have := map[string]string{}
	for name := range one.header {
		if name != "Webhook-Signature" {
			have[name] = one.header.Get(name)
		}
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
}

// What the specification and its reference implementations have as their example.
func TestTheSignatureOfTheKnownExample(t *testing.T) {
	url, got := receiver(t)
	r := webhook.Request{
		ID: "msg_p5jXN8AQM9LWM0D4loKWxJek", URL: url, At: time.Unix(1614265330, 0), Body: []byte(`{"test": 2432232314}`),
		Secrets: []string{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},
	}
	send(t, local(t), r, whole)
	if s := got()[0].header.Get("webhook-signature"); s != "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" {
		t.Errorf("got %s", s)
	}
}

func TestARetryKeepsItsIDAndHasItsOwnTime(t *testing.T) {
	url, got := receiver(t)
	c, r := local(t), try(url)
	send(t, c, r, whole)
	r.At = r.At.Add(5 * time.Second)
	send(t, c, r, whole)
	a, b := got()[0].header, got()[1].header
	if a.Get("webhook-id") != b.Get("webhook-id") || a.Get("webhook-timestamp") == b.Get("webhook-timestamp") ||
		a.Get("webhook-signature") == b.Get("webhook-signature") {
		t.Errorf("first %v, second %v", a, b)
	}
	if err := verifier(t, r.Secrets[0]).Verify(got()[1].body, b); err != nil {
		t.Error(err)
	}
}

func TestSecrets(t *testing.T) {
	if a, b := webhook.NewSecret(), webhook.NewSecret(); a == b || webhook.CheckSecret(a) != nil {
		t.Errorf("%s and %s", a, b)
	}
	long := strings.Repeat("A", 64) // 48 bytes
	for secret, want := range map[string]bool{
		"whsec_" + long: true, "whsec_" + long[:32]: true, "whsec_" + strings.Repeat("A", 85) + "A==": false, "whsec_" + strings.Repeat("A", 85) + "Q==": true,
		"whsec_" + long + "AAAAAAAAAAAAAAAAAAAAAA==": true,
		"whsec_" + long + "AAAAAAAAAAAAAAAAAAAAAAA=": false,
		"whsec_" + long[:31]:                         false,
		"whsec_" + long[:28]:                         false,
		"whsec_":                                     false,
		"":                                           false,
		long:                                         false,
		"WHSEC_" + long:                              false,
		"whsec_" + long[:32] + "\n":                  false,
		" whsec_" + long:                             false,
		"whsec_" + strings.Repeat("-", 32):           false,
		"whsec_" + strings.Repeat("A", 43):           false,
		"whsec_" + strings.Repeat("A", 42) + "B=":         false,
		"whsec_" + strings.Repeat("A", 43) + "=":          true,
		"whsk_" + strings.Repeat("A", 44):                 false,
		"whsec_" + strings.Repeat("A", 31) + "\u00e4":     false,
		"whsec_" + strings.Repeat("A", 32) + ",whsec_AAA": false,
	} {
		err := webhook.CheckSecret(secret)
		if (err == nil) != want {
			t.Errorf("%q: %v, want it valid: %t", secret, err, want)
		}
		if err != nil && len(secret) > 20 && strings.Contains(err.Error(), secret[10:20]) {
			t.Errorf("the error shows the secret: %v", err)
		}
	}
}

// Without a usable secret nothing goes out: an unsigned notice must never arrive.
func TestNothingIsSentUnsigned(t *testing.T) {
	url, got := receiver(t)
	for _, list := range [][]string{nil, {"whsec_short"}, {webhook.NewSecret(), ""}} {
		r := try(url)
		r.Secrets = list
		if res := send(t, local(t), r, whole); res.Outcome != webhook.Temporary || res.Stage != webhook.StageCompose {
			t.Errorf("%q: %+v", list, res)
		}
	}
	if n := len(got()); n > 0 {
		t.Errorf("%d requests arrived", n)
	}
}

func TestAddressesThatAreNone(t *testing.T) {
	for _, url := range []string{
		"", "hook", "unix:///run/x", "http+unix://%2Frun%2Fx/hook", "https:///hook", "https://:443/hook", "ftp://127.0.0.1/", "file:///etc/passwd",
		"http://127.0.0.1:port/", "http://[::1/", "http://127.0.0.1 /", "http://127.0.0.1/\x00", "//127.0.0.1/", "javascript:alert(1)", "http:127.0.0.1",
	} {
		res := send(t, local(t), try(url), whole)
		if res.Outcome != webhook.Permanent || res.Stage != webhook.StageGuard || res.Code != 0 || res.Answer == "" {
			t.Errorf("%q: %+v", url, res)
		}
	}
	res := send(t, local(t), try("http://user:s3cret@127.0.0.1:x/hook?token=t0ken"), whole)
	if strings.Contains(res.Answer, "s3cret") || strings.Contains(res.Answer, "t0ken") {
		t.Errorf("the answer shows the address: %s", res.Answer)
	}
}

func TestUserAndPasswordOfTheAddressAuthenticate(t *testing.T) {
	url, got := receiver(t)
	send(t, local(t), try(strings.Replace(url, "http://", "http://us%40er:p%2Fw@", 1)), whole)
	req := http.Request{Header: got()[0].header}
	if user, password, ok := req.BasicAuth(); !ok || user != "us@er" || password != "p/w" {
		t.Errorf("got %q, %q", user, password)
	}
}

// The guard's refusal is final and tells the operator what to do.
func TestSpecialAddressesAreRefusedForGood(t *testing.T) {
	s := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("it was asked") })
	_, port, err := net.SplitHostPort(strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	c := newClient(t, egress.Options{})
	for host, named := range map[string]string{
		"127.0.0.1": "127.0.0.1", "localhost": "", "[::1]": "::1", "[::ffff:127.0.0.1]": "127.0.0.1", "0.0.0.0": "0.0.0.0",
		"169.254.169.254": "169.254.169.254", "10.1.2.3": "10.1.2.3", "[64:ff9b::7f00:1]": "64:ff9b::7f00:1",
	} {
		for _, scheme := range []string{"http", "https"} {
			res := send(t, c, try(scheme+"://"+host+":"+port+"/hook"), whole)
			if res.Outcome != webhook.Permanent || res.Stage != webhook.StageGuard || !strings.Contains(res.Answer, "OUTBOUND_ALLOW") || !strings.Contains(res.Answer, named) {
				t.Errorf("%s %s: %+v", scheme, host, res)
			}
		}
	}
}
