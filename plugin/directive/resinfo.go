package directive

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/coredns/caddy/caddyfile"
	"github.com/dns-orders/blocklist/plugin/answer"
	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
)

// A Resinfo contains the settings of the property resinfo.
type Resinfo struct {
	// Names are the names for which the server answers RESINFO queries.
	Names []dname.Name
	// Strings are the keys and values of the record.
	Strings []string

	info answer.ResolverInfo
}

// A client that knows only the address of the resolver asks for resolver.arpa (RFC 9606, section
// 3).
const resolverARPA = "resolver.arpa"

func readResinfo(c *caddyfile.Dispenser, cfg *Config, args []string) error {
	r := &Resinfo{}
	for _, s := range append([]string{resolverARPA}, args...) {
		if strings.Contains(s, ":") {
			if r.info.URL != "" {
				return c.Errf("resinfo takes one URL, got '%s' and '%s'", r.info.URL, s)
			}
			if !webPage(s) {
				return c.Errf("resinfo: the URL must begin with https:// and contain a host, such as https://dns.example.net/about, got '%s'", s)
			}
			r.info.URL = s
			continue
		}
		if codes, ok := parseCodes(s); ok {
			r.info.Codes = append(r.info.Codes, codes)
			continue
		}
		n, err := dname.Parse(s)
		if err != nil || strings.Trim(s, "0123456789-") == "" {
			return c.Errf("resinfo takes names of this resolver, an https:// URL, and codes of extended DNS errors from 0 to 65535, such as 22 or 22-23, got '%s'", s)
		}
		r.Names = append(r.Names, n)
	}
	cfg.Resinfo = r
	return nil
}

// Clients reject other schemes than https (RFC 9606, section 5).
func webPage(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	u, err := url.Parse(s)
	return err == nil && u.Scheme == "https" && u.Hostname() != "" && u.User == nil
}

func parseCodes(s string) (answer.Codes, bool) {
	first, last, isRange := strings.Cut(s, "-")
	a, err := strconv.ParseUint(first, 10, 16)
	if err != nil {
		return answer.Codes{}, false
	}
	b := a
	if isRange {
		if b, err = strconv.ParseUint(last, 10, 16); err != nil || b < a {
			return answer.Codes{}, false
		}
	}
	return answer.Codes{First: uint16(a), Last: uint16(b)}, true
}

// All other properties must already be parsed.
func finishResinfo(c *caddyfile.Dispenser, cfg *Config) (err error) {
	r := cfg.Resinfo
	if r == nil {
		return nil
	}
	if !cfg.Store.Shadow {
		lists := true
		for _, p := range cfg.Store.Patterns {
			lists = lists && order.Ext(p) == order.ListExtension
		}
		r.info.Codes = append(r.info.Codes, answer.OrderCodes(lists, cfg.Store.Rules.Response.Kind == order.Redirect)...)
	}
	if len(r.info.Codes) == 0 && r.info.URL == "" {
		return c.Err("resinfo: the record would be empty, because with shadow no answer has an extended DNS error; write a URL or a code")
	}
	if r.Strings, err = r.info.Strings(); err != nil {
		return c.Errf("resinfo: %v", err)
	}
	return nil
}
