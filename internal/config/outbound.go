package config

import (
	"net/netip"
	"net/url"
	"strings"
)

// checkOutbound looks at what limits and leads outgoing requests.
func (c *Config) checkOutbound(f *faults) {
	c.OutboundAllow = listed(c.OutboundAllow)
	for _, entry := range c.OutboundAllow {
		if _, err := network(entry); err != nil {
			f.add("OUTBOUND_ALLOW", "%q is neither an address nor a network: write it like 10.0.0.1 or 10.0.0.0/8", entry)
		}
	}
	c.SlackHosts = listed(c.SlackHosts)
	for _, host := range c.SlackHosts {
		if u, err := url.Parse("https://" + host); err != nil || u.Host != host || u.Hostname() == "" {
			f.add("SLACK_HOSTS", "%q is not a host: write it like slack.example.com or 127.0.0.1:8030", host)
		}
	}
	if u, err := url.Parse(c.SlackAPIURL); err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || !strings.HasSuffix(u.Path, "/") {
		f.add("SLACK_API_URL", "%q is not the address of an API: write it like https://slack.com/api/, with a slash at its end", c.SlackAPIURL)
	}
	if !c.OutboundProxy.IsSet() {
		return
	}
	if u, err := url.Parse(c.OutboundProxy.Reveal()); err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" {
		f.add("OUTBOUND_PROXY", "it is not the address of a proxy: write http://user:password@host:port or https://…, "+
			"with special characters of the password percent-encoded (@ is %%40, / is %%2F)")
	}
}

// AllowedNetworks is OUTBOUND_ALLOW, parsed.
func (c *Config) AllowedNetworks() []netip.Prefix {
	var out []netip.Prefix
	for _, entry := range c.OutboundAllow {
		if p, err := network(entry); err == nil { // else check has refused it
			out = append(out, p)
		}
	}
	return out
}

// Proxy is OUTBOUND_PROXY, parsed; nil when there is none.
func (c *Config) Proxy() *url.URL {
	if !c.OutboundProxy.IsSet() {
		return nil
	}
	u, err := url.Parse(c.OutboundProxy.Reveal())
	if err != nil { // check has refused it
		return nil
	}
	return u
}

func network(entry string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(entry); err == nil {
		return addr.Prefix(addr.BitLen())
	}
	return netip.ParsePrefix(entry)
}

// listed drops empty entries and the spaces around the others.
func listed(entries []string) []string {
	kept := entries[:0]
	for _, e := range entries {
		if e = strings.TrimSpace(e); e != "" {
			kept = append(kept, e)
		}
	}
	return kept
}
