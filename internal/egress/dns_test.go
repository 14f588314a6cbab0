package egress

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// nameServer is a resolver whose every lookup gets the next of the answers, and the last one from
// then on. It speaks DNS over a pipe of UDP on loopback, so that Go's own resolver is what is tested.
func nameServer(t *testing.T, answers ...[]string) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	var mu sync.Mutex
	go func() {
		buf := make([]byte, 4096)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			var question dnsmessage.Message
			if err := question.Unpack(buf[:n]); err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			reply := answer(question, answers[0])
			if question.Questions[0].Type == dnsmessage.TypeA && len(answers) > 1 {
				answers = answers[1:]
			}
			mu.Unlock()
			if packed, err := reply.Pack(); err != nil {
				t.Error(err)
			} else if _, err := conn.WriteTo(packed, from); err != nil {
				return
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

// answer has the IPv4 addresses; AAAA gets none.
func answer(m dnsmessage.Message, addrs []string) dnsmessage.Message {
	q := m.Questions[0]
	m.Header.Response, m.Header.Authoritative, m.Additionals = true, true, nil
	if q.Type != dnsmessage.TypeA {
		return m
	}
	for _, a := range addrs {
		m.Answers = append(m.Answers, dnsmessage.Resource{
			Header: dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, Type: q.Type},
			Body:   &dnsmessage.AResource{A: netip.MustParseAddr(a).As4()},
		})
	}
	return m
}

// everywhere listens on all of this machine's addresses and tells each which one it was asked at.
func everywhere(t *testing.T) (port string) {
	t.Helper()
	l, err := net.Listen("tcp4", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, _ := net.SplitHostPort(r.Context().Value(http.LocalAddrContextKey).(net.Addr).String())
		w.Header().Set("At", host)
	})}
	go s.Serve(l) //nolint:errcheck // it ends with the test
	t.Cleanup(func() { s.Close() })
	return fmt.Sprint(l.Addr().(*net.TCPAddr).Port)
}

func reach(t *testing.T, c *http.Client, address string) (at string, err error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Close = true
	resp, err := c.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	return resp.Header.Get("At"), nil
}

// A name that was good a moment ago gains nothing: what is dialed is what is looked at. 127.0.0.1
// stands for the public address, 127.0.0.2 for the one that nobody may reach.
func TestANameThatChangesItsAnswerIsLookedAtEachTime(t *testing.T) {
	o := Options{Allow: networks(t, "127.0.0.1/32")}
	address := "http://rebind.example:" + everywhere(t) + "/"
	c := newClient(o, nameServer(t, []string{"127.0.0.1"}, []string{"127.0.0.2"}, []string{"127.0.0.1"}))
	if at, err := reach(t, c, address); err != nil || at != "127.0.0.1" {
		t.Fatalf("first: %q, %v", at, err)
	}
	if at, err := reach(t, c, address); !errors.Is(err, ErrForbidden) {
		t.Errorf("when the answer had changed: %q, %v", at, err)
	}
	if at, err := reach(t, c, address); err != nil || at != "127.0.0.1" {
		t.Errorf("when it had changed back: %q, %v", at, err)
	}
	// Of several addresses only the good one is ever connected to.
	mixed := newClient(o, nameServer(t, []string{"127.0.0.2", "127.0.0.1", "10.0.0.1"}))
	for range 10 {
		if at, err := reach(t, mixed, address); err == nil && at != "127.0.0.1" {
			t.Errorf("reached %s", at)
		}
	}
}

// A good address that does not answer may do so tomorrow, whatever else the name leads to.
func TestASpecialAddressBesideAGoodOneIsNoFinalRefusal(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	l.Close()
	o := Options{Allow: networks(t, "127.0.0.1/32")}
	for _, addrs := range [][]string{{"127.0.0.2", "127.0.0.1"}, {"127.0.0.1", "127.0.0.2"}} {
		if _, err := reach(t, newClient(o, nameServer(t, addrs)), "http://mixed.example:"+port+"/"); err == nil || errors.Is(err, ErrForbidden) {
			t.Errorf("%v: %v", addrs, err)
		}
	}
	if _, err := reach(t, newClient(o, nameServer(t, []string{"127.0.0.2", "10.0.0.1"})), "http://bad.example:"+port+"/"); !errors.Is(err, ErrForbidden) {
		t.Errorf("special ones only: %v", err)
	}
}
