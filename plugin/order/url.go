package order

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"unicode"

	"github.com/dns-orders/blocklist/plugin/dname"
	"go.yaml.in/yaml/v3"
)

// URLHost returns the host of a URL. A host that is not a name gives the zero Name. The second
// result says why a URL is bad.
func URLHost(s string) (host dname.Name, why string) {
	scheme, rest, ok := cutScheme(s)
	switch {
	case !ok:
		return host, fmt.Sprintf(`has no scheme; write "url: %s"`, "https://"+strings.TrimLeft(s, "/"))
	case rest == "":
		return host, "has nothing behind its scheme"
	case strings.ContainsFunc(s, unicode.IsControl):
		return host, "has a line break or another control character"
	}
	web := scheme == "http" || scheme == "https"
	authority, found := strings.CutPrefix(rest, "//")
	switch {
	case !found && web:
		return host, fmt.Sprintf(`must have "//" behind its scheme; write "url: %s"`, scheme+"://"+strings.TrimLeft(rest, `/\`))
	case !found:
		return host, "" // for example magnet:?xt=...
	}
	end := strings.IndexAny(authority, `/?#\`)
	if end < 0 {
		end = len(authority)
	}
	text := hostOf(authority[:end])
	host, err := dname.Parse(text)
	if err == nil && !web && !strings.Contains(host.String(), ".") {
		return dname.Name{}, "" // for example "resolve" in tg://resolve?domain=x, which is no host
	}
	bare := strings.Trim(authority[end:], "/") == "" && web
	switch {
	case bare && err == nil:
		return dname.Name{}, fmt.Sprintf(`has no path; write "name: %s"`, host)
	case bare && isAddress(text):
		return dname.Name{}, fmt.Sprintf(`has no path; write "address: %s"`, text)
	case text == "" && web:
		return dname.Name{}, "has no host"
	}
	return host, ""
}

// The text "example.com:8080/x" has a port and no scheme (RFC 3986, section 3.1).
func cutScheme(s string) (scheme, rest string, ok bool) {
	scheme, rest, ok = strings.Cut(s, ":")
	for i := range len(scheme) {
		c := scheme[i]
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (i == 0 || !digit(c) && c != '+' && c != '-' && c != '.') {
			return "", "", false
		}
	}
	port := strings.TrimLeft(rest, "0123456789")
	if scheme == "" || len(port) < len(rest) && (port == "" || port[0] == '/') {
		return "", "", false
	}
	return strings.ToLower(scheme), rest, ok
}

func hostOf(authority string) string {
	host := authority[strings.LastIndexByte(authority, '@')+1:]
	if i := strings.LastIndexByte(host, ':'); i >= 0 && strings.Trim(host[i+1:], "0123456789") == "" {
		host = host[:i]
	}
	if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		return host[1 : len(host)-1]
	}
	if plain, err := url.PathUnescape(host); err == nil {
		return plain
	}
	return host
}

func isAddress(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil
}

func (p *parser) targetURL(n *yaml.Node, f string, whole *yaml.Node) (host dname.Name, ok bool) {
	s := strings.TrimSpace(p.text(n, f))
	if s == "" {
		return host, false
	}
	host, why := URLHost(s)
	switch {
	case why != "":
		p.bad(n, f, "%s", why)
	case whole != nil && host.IsZero():
		p.bad(n, f, "has no host that is a name, which whole_host: true needs")
	default:
		return host, true
	}
	return host, false
}
