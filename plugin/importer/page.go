package importer

import (
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/lint"
	"github.com/dns-orders/blocklist/plugin/order"
)

var dots = strings.NewReplacer(`\`, "/", "%2e", ".", "%2E", ".")

// Dot segments such as in "/./" have no effect (RFC 3986, section 5.2.4).
func noPath(rest string) bool {
	if strings.Trim(rest, `/\`+closing) == "" {
		return true
	}
	rest = dots.Replace(rest)
	return !strings.ContainsAny(rest, "?#") && (path.Clean("/"+rest) == "/" || path.Clean("/"+strings.TrimRight(rest, closing)) == "/")
}

func (c *cleaner) port(host, scheme string) (name, port string, ok bool) {
	i := strings.LastIndexByte(host, ':')
	if i < 0 || strings.HasSuffix(host, "]") || strings.Count(host, ":") > 1 && host[0] != '[' {
		return host, "", true // no port; several colons belong to an IPv6 address
	}
	name, port = host[:i], host[i+1:]
	if strings.Trim(port, "0123456789") != "" {
		c.refuse("has a %q without a port after it", ":")
		return "", "", false
	}
	if port == "" {
		c.did("removed the colon")
	} else if scheme == "http" && port == "80" || scheme == "https" && port == "443" {
		c.did("removed the default port of the scheme")
		port = ""
	}
	return name, port, true
}

// Text such as "either/or" must be refused, because "either" is probably no host.
func (c *cleaner) page(scheme, whole, host string) []order.Target {
	dotless := !strings.Contains(strings.Trim(host, "."), ".") && !strings.HasPrefix(host, "[")
	top, err := dname.Parse(strings.Trim(host, "."))
	if dotless && (err != nil || !lint.KnownTop(top)) {
		c.refuse("has no dot before the slash; it may be two words or a mistyped name")
		return nil
	}
	word, ok := c.choice(Paths, "has a path; DNS cannot block a page without its whole host")
	if !ok {
		return nil
	}
	if word == "name" {
		c.did("removed the path; the order blocks the whole name and all names below it")
		return c.host(host)
	}
	if dotless {
		c.refuse("has no dot before the slash; it may be two words or a mistyped name")
		return nil
	}
	atAddress := isAddress(host)
	if atAddress {
		if word, ok = c.choice(AddressURLs, "has a path at an address; DNS cannot block a page"); !ok {
			return nil
		}
		if word != "url" {
			c.did("used the address of the URL, for all its pages")
			return []order.Target{addressTarget(host, word)}
		}
	}
	page := cutScheme(whole)
	for schemeOf(page) != "" { // a scheme may be doubled, as in https://https://
		page = cutScheme(page)
	}
	switch scheme {
	case "":
		c.did("added http://")
		scheme = "http"
	default:
		c.note.Did = slices.DeleteFunc(c.note.Did, func(s string) bool { return s == "removed the scheme" })
	}
	page = scheme + "://" + strings.TrimLeft(page, `/\`)
	u, err := url.Parse(page)
	if err != nil {
		c.refuse("is not a URL: %v", err.(*url.Error).Err)
		return nil
	}
	name, err := dname.Parse(u.Hostname())
	if err != nil && !atAddress {
		c.refuse("has a path, and the host %v", err)
		return nil
	}
	if !atAddress && !c.sound(name, name.String()) {
		return nil
	}
	if (u.Path == "" || u.Path == "/") && u.RawQuery == "" && u.Fragment == "" { // for example "https://host/#"
		c.did("removed the empty path")
		return c.host(host)
	}
	if _, why := order.URLHost(page); why != "" { // url.Parse accepts control characters after "#"
		c.refuse("%s", why)
		return nil
	}
	a := order.NewAttr()
	a.URL = page
	if word == "host" {
		c.did("used the whole host of the URL")
		c.warn(name)
		return []order.Target{{Kind: order.TargetName, Name: name, Match: order.Exact, Attr: a}}
	}
	c.did("recorded the URL, which DNS does not enforce")
	return []order.Target{{Kind: order.TargetURL, Attr: a}}
}
