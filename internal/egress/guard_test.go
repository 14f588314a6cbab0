package egress

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"
)

func networks(t *testing.T, list ...string) []netip.Prefix {
	t.Helper()
	var out []netip.Prefix
	for _, s := range list {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, p)
	}
	return out
}

// Every special range by its first and last address, from IANA's registries for IPv4, IPv6 and
// multicast, and the ways to write IPv4 as IPv6.
var special = map[string][]string{
	"this network":           {"0.0.0.0", "0.0.0.1", "0.255.255.255"},
	"private":                {"10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255", "192.168.0.0", "192.168.255.255"},
	"CGNAT":                  {"100.64.0.0", "100.100.100.200", "100.127.255.255"},
	"loopback":               {"127.0.0.0", "127.0.0.1", "127.255.255.255", "::1"},
	"link-local":             {"169.254.0.0", "169.254.255.255", "fe80::", "fe80::1%lo", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
	"metadata":               {"169.254.169.254", "169.254.170.2", "fd00:ec2::254", "168.63.129.16", "192.0.0.192"},
	"IETF assignments":       {"192.0.0.0", "192.0.0.255", "2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff"},
	"documentation":          {"192.0.2.0", "192.0.2.255", "198.51.100.0", "198.51.100.255", "203.0.113.0", "203.0.113.255", "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff"},
	"AS112 and AMT":          {"192.31.196.1", "192.52.193.1", "192.175.48.1", "2620:4f:8000::1"},
	"6to4 relays":            {"192.88.99.0", "192.88.99.255"},
	"benchmarking":           {"198.18.0.0", "198.19.255.255", "2001:2::1"},
	"multicast":              {"224.0.0.0", "239.255.255.255", "ff00::", "ff02::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
	"reserved":               {"240.0.0.0", "255.255.255.254"},
	"broadcast":              {"255.255.255.255"},
	"unspecified":            {"::"},
	"IPv4-mapped":            {"::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:0.0.0.0", "::ffff:7f00:1"},
	"IPv4-compatible":        {"::127.0.0.1", "::8.8.8.8", "::7f00:1"},
	"IPv4-translated":        {"::ffff:0:127.0.0.1", "::ffff:0:8.8.8.8"},
	"NAT64":                  {"64:ff9b::127.0.0.1", "64:ff9b::8.8.8.8", "64:ff9b::ffff:ffff", "64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff"},
	"6to4":                   {"2002::", "2002:7f00:1::", "2002:a00:1::1", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
	"Teredo":                 {"2001::1", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff"},
	"ORCHID":                 {"2001:10::1", "2001:2f:ffff::1"},
	"discard and dummy":      {"100::", "100::ffff:ffff:ffff:ffff", "100:0:0:1::1"},
	"segment routing":        {"5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
	"unique local":           {"fc00::", "fd00::1", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
	"site-local":             {"fec0::", "fec0::1", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
	"not assigned":           {"1::1", "4000::1", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "e000::1"},
	"a zone hides no number": {"2001:db8::1%eth0", "2002:7f00:1::%lo", "::1%lo"},
}

// The neighbors of the ranges are ordinary addresses: nothing more is refused than must be.
var public = []string{
	"1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
	"168.63.129.15", "168.63.129.17", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "191.255.255.255", "192.0.1.0", "192.0.3.0",
	"192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "198.51.99.255", "198.51.101.0", "203.0.112.255", "203.0.114.0", "223.255.255.255",
	"::ffff:8.8.8.8", "2001:200::1", "2001:db7::1", "2001:db9::1", "2003::1", "2606:4700:4700::1111", "2a00:1450:4001::1", "2620:4f:7fff::1", "3ffe:ffff::1",
}

func TestSpecialAddressesAreRefused(t *testing.T) {
	g := newGuard(nil)
	for what, addrs := range special {
		for _, a := range addrs {
			err := g.check(netip.MustParseAddr(a))
			var refusal *ForbiddenError
			if !errors.Is(err, ErrForbidden) || !errors.As(err, &refusal) || refusal.Addr != plain(netip.MustParseAddr(a)) {
				t.Errorf("%s: %s: %v, want it refused and named", what, a, err)
			}
		}
	}
	for _, a := range public {
		if err := g.check(netip.MustParseAddr(a)); err != nil {
			t.Errorf("%s: %v, want it let through", a, err)
		}
	}
	if err := g.check(netip.Addr{}); !errors.Is(err, ErrForbidden) {
		t.Errorf("no address: %v", err)
	}
}

func TestTheAllowListDecidesOnceForEverySpelling(t *testing.T) {
	for _, c := range []struct {
		allow         []netip.Prefix
		opened, still []string
	}{
		{networks(t, "127.0.0.0/8"), []string{"127.0.0.1", "127.9.8.7", "::ffff:127.0.0.1", "::ffff:7f00:1"},
			[]string{"::1", "::127.0.0.1", "::ffff:0:127.0.0.1", "64:ff9b::127.0.0.1", "2002:7f00:1::", "10.0.0.1", "0.0.0.0"}},
		{networks(t, "::ffff:127.0.0.0/104"), []string{"127.0.0.1", "::ffff:127.0.0.1"}, []string{"::1", "10.0.0.1"}},
		{networks(t, "::ffff:10.0.0.1/128"), []string{"10.0.0.1", "::ffff:10.0.0.1"}, []string{"10.0.0.2", "::1"}},
		{networks(t, "10.0.0.0/8", "fd00::/8"), []string{"10.1.2.3", "fd00::1", "fd00::1%eth0"}, []string{"192.168.0.1", "fe80::1", "fc00::1"}},
		{networks(t, "0.0.0.0/0"), []string{"10.1.2.3", "169.254.169.254", "::ffff:127.0.0.1"}, []string{"::1", "fd00::1"}},
		{networks(t, "::/0"), []string{"::1", "fd00:ec2::254", "2001:db8::1"}, []string{"127.0.0.1", "::ffff:127.0.0.1", "64:ff9b::127.0.0.1"}},
		{networks(t, "::ffff:0:0/95"), []string{"::fffe:0:0"}, []string{"127.0.0.1", "::ffff:127.0.0.1"}},
		{networks(t, "64:ff9b::/96"), []string{"64:ff9b::8.8.8.8"}, []string{"64:ff9b::127.0.0.1", "64:ff9b::169.254.169.254", "64:ff9b::10.0.0.1", "10.0.0.1"}},
		{networks(t, "64:ff9b::/96", "10.0.0.0/8"), []string{"64:ff9b::10.0.0.1", "10.0.0.1"}, []string{"64:ff9b::127.0.0.1"}},
		{networks(t, "168.63.129.16/32"), []string{"168.63.129.16"}, []string{"169.254.169.254"}},
		{networks(t, "fe80::/10"), []string{"fe80::1", "fe80::1%eth0"}, []string{"fec0::1"}},
	} {
		g := newGuard(c.allow)
		for _, a := range c.opened {
			if err := g.check(netip.MustParseAddr(a)); err != nil {
				t.Errorf("allowing %v: %v", c.allow, err)
			}
		}
		for _, a := range c.still {
			if err := g.check(netip.MustParseAddr(a)); !errors.Is(err, ErrForbidden) {
				t.Errorf("allowing %v lets %s through", c.allow, a)
			}
		}
		for _, a := range public {
			if err := g.check(netip.MustParseAddr(a)); err != nil {
				t.Errorf("allowing %v: %v", c.allow, err)
			}
		}
	}
}

func TestTheDialerRefusesWhatIsNoAddress(t *testing.T) {
	g := newGuard(networks(t, "0.0.0.0/0", "::/0"))
	for _, address := range []string{"", ":80", "localhost:80", "127.0.0.1", "/run/postgresql/.s.PGSQL.5432", "@abstract"} {
		if err := g.control(context.Background(), "tcp4", address, nil); !errors.Is(err, ErrForbidden) {
			t.Errorf("%q: %v", address, err)
		}
	}
	for _, address := range []string{"127.0.0.1:80", "[::1]:80", "[fe80::1%lo]:80"} {
		if err := g.control(context.Background(), "tcp4", address, nil); err != nil {
			t.Errorf("%q: %v", address, err)
		}
	}
}

func TestAllowedIsForAddressesOnly(t *testing.T) {
	allow := networks(t, "127.0.0.0/8", "fd00::/8")
	for host, want := range map[string]bool{
		"127.0.0.1": true, "::ffff:127.0.0.1": true, "fd00::1": true,
		"localhost": false, "8.8.8.8": false, "10.0.0.1": false, "127.0.0.1.": false, "127.1": false, "2130706433": false, "0x7f.1": false,
		"0177.0.0.1": false, "": false, "::1": false, "127.0.0.1:80": false, "[fd00::1]": false, "127.0.0.1@x": false, " 127.0.0.1": false,
	} {
		if got := Allowed(allow, host); got != want {
			t.Errorf("Allowed(%q) = %t, want %t", host, got, want)
		}
	}
	if Allowed(nil, "8.8.8.8") || Allowed(nil, "127.0.0.1") {
		t.Error("an empty list allows something")
	}
}

// A public address of the machine itself is not the internet: what listens there may be meant for inside.
func TestThisMachinesPublicAddressesAreRefused(t *testing.T) {
	mine := []net.Addr{&net.IPNet{IP: net.ParseIP("93.184.215.14"), Mask: net.CIDRMask(24, 32)}, &net.IPNet{IP: net.ParseIP("2606:2800:21f::1"), Mask: net.CIDRMask(64, 128)}}
	own := func(allow ...netip.Prefix) *guard {
		g := newGuard(allow)
		g.own = ownAddresses{list: func() ([]net.Addr, error) { return mine, nil }}
		return g
	}
	for _, a := range []string{"93.184.215.14", "::ffff:93.184.215.14", "2606:2800:21f::1"} {
		if err := own().check(netip.MustParseAddr(a)); !errors.Is(err, ErrForbidden) {
			t.Errorf("%s: %v", a, err)
		}
		if err := own(netip.MustParsePrefix("93.184.215.0/24"), netip.MustParsePrefix("2606:2800:21f::/48")).check(netip.MustParseAddr(a)); err != nil {
			t.Errorf("%s, allowed: %v", a, err)
		}
	}
	for _, a := range []string{"93.184.215.15", "2606:2800:21f::2"} {
		if err := own().check(netip.MustParseAddr(a)); err != nil {
			t.Errorf("%s, a neighbor's: %v", a, err)
		}
	}
	g := own()
	g.own.list = func() ([]net.Addr, error) { return nil, errors.New("no interfaces") }
	if err := g.check(netip.MustParseAddr("8.8.8.8")); err != nil {
		t.Errorf("without knowing the machine's addresses: %v", err)
	}
}
