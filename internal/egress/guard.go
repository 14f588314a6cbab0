package egress

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"

	"code.dny.dev/ssrf"
)

// ErrForbidden is what errors.Is finds when an address is not of the public internet and not
// allowed. The error's text names the address.
var ErrForbidden = errors.New("egress: this address is not of the public internet")

// ForbiddenError is the ErrForbidden of one address.
type ForbiddenError struct {
	Addr netip.Addr // invalid when the address could not even be read
}

func (e *ForbiddenError) Error() string { return fmt.Sprintf("%v: %s", ErrForbidden, e.Addr) }

// Is makes it an ErrForbidden.
func (e *ForbiddenError) Is(target error) bool { return target == ErrForbidden }

var (
	// azure is the address of Azure's platform services. By its number it is public; it answers
	// inside every virtual machine there, with what the machine is configured with.
	azure = netip.MustParsePrefix("168.63.129.16/32")
	// mapped holds IPv4 written as IPv6 (RFC 4291 section 2.5.5.2).
	mapped = netip.MustParsePrefix("::ffff:0:0/96")
)

// guard decides about addresses. IANA's registries of special-purpose addresses are in ssrf; what
// it is asked is made plain before, because it takes a mapped address for IPv6 and finds an address
// with a zone in no network at all.
type guard struct {
	allow   []netip.Prefix
	special *ssrf.Guardian
	own     ownAddresses
}

func newGuard(allow []netip.Prefix) *guard {
	g := &guard{special: ssrf.New(ssrf.WithAnyPort(), ssrf.WithDeniedV4Prefixes(azure)), own: ownAddresses{list: net.InterfaceAddrs}}
	for _, p := range allow {
		if p.Bits() >= mapped.Bits() && mapped.Contains(p.Addr()) {
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-mapped.Bits())
		}
		g.allow = append(g.allow, p)
	}
	return g
}

// plain is the one spelling of an address that is decided about: what the kernel would connect to.
func plain(addr netip.Addr) netip.Addr { return addr.Unmap().WithZone("") }

// dialer gives a dialer's DialContext that connects to nothing the guard refuses.
func (g *guard) dialer(resolver *net.Resolver) func(ctx context.Context, network, address string) (net.Conn, error) {
	d := &net.Dialer{Timeout: dialLimit, ControlContext: g.control, Resolver: resolver}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		passed := new(atomic.Bool)
		conn, err := d.DialContext(context.WithValue(ctx, passedKey{}, passed), network, address)
		if passed.Load() && errors.Is(err, ErrForbidden) {
			err = errOthers
		}
		return conn, err
	}
}

// errOthers: of a name's addresses the dialer reports the first one's trouble. Where that was ours
// (behind DNS64 each name has a special address beside its own), it hides that a good one failed,
// which may pass.
var errOthers = &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("no address of this name that may be reached answers")}

// passedKey holds the *atomic.Bool of a dial that tells whether any address was let through.
type passedKey struct{}

// control is a dialer's ControlContext: it sees each address that is about to be connected to.
func (g *guard) control(ctx context.Context, _, address string, _ syscall.RawConn) error {
	target, err := netip.ParseAddrPort(address)
	if err != nil { // without an address the kernel would take this machine
		return &ForbiddenError{}
	}
	if err := g.check(target.Addr()); err != nil {
		return err
	}
	if passed, ok := ctx.Value(passedKey{}).(*atomic.Bool); ok {
		passed.Store(true)
	}
	return nil
}

// check refuses what is special, or this machine's own, and not allowed.
func (g *guard) check(addr netip.Addr) error {
	addr = plain(addr)
	if g.opens(addr) || addr.IsValid() && g.special.SafeAddr(addr) == nil && !g.own.has(addr) {
		return nil
	}
	return &ForbiddenError{Addr: addr}
}

// opens says whether the allow-list has a plain address. Who allows the well-known NAT64 network,
// because the house has no other way to IPv4, means the internet behind it: what is embedded is
// decided about too.
func (g *guard) opens(addr netip.Addr) bool {
	for _, p := range g.allow {
		if p.Contains(addr) {
			return !ssrf.IPv6NAT64Prefix.Contains(addr) || g.check(embedded(addr)) == nil
		}
	}
	return false
}

// embedded is the IPv4 address in the last 32 bits (RFC 6052 section 2.1).
func embedded(addr netip.Addr) netip.Addr {
	b := addr.As16()
	return netip.AddrFrom4([4]byte(b[12:]))
}
