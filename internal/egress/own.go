package egress

import (
	"net"
	"net/netip"
	"sync"
	"time"
)

// ownAddresses are this machine's. A public one among them is no stranger's: a connection to it never
// passes the firewall outside, and finds services that are meant for inside.
type ownAddresses struct {
	list func() ([]net.Addr, error)

	mu    sync.Mutex
	read  time.Time
	known map[netip.Addr]bool
}

// reread is how long the addresses are taken for known.
const reread = time.Minute

// has says whether a plain address is one of the machine's. When they can't be read, those known
// before count.
func (o *ownAddresses) has(addr netip.Addr) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if now := time.Now(); o.known == nil || now.Sub(o.read) > reread {
		o.read = now
		if list, err := o.list(); err == nil {
			o.known = map[netip.Addr]bool{}
			for _, a := range list {
				if p, err := netip.ParsePrefix(a.String()); err == nil {
					o.known[plain(p.Addr())] = true
				}
			}
		}
	}
	return o.known[addr]
}
