package importer

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
)

// quotes stand around names in copied text.
const quotes = "\"'`<>«»“”„‘’"

// piece cleans one word of a line: a name, a URL, an address.
func (c *cleaner) piece(s string) []order.Target {
	if cut := strings.Trim(s, quotes); cut != s {
		c.did("took off quotes")
		s = cut
	}
	if strings.ContainsFunc(s, invisible) {
		c.did("took out invisible characters")
		s = strings.Map(func(r rune) rune {
			if invisible(r) {
				return -1
			}
			return r
		}, s)
	}
	whole := s
	scheme := ""
	for n := 1; ; n++ {
		m := schemes.FindString(s)
		if m == "" {
			break
		}
		s, scheme = s[len(m):], strings.ToLower(strings.TrimRight(m, `:/\`))
		if n == 1 {
			c.did("took off the scheme")
		} else {
			c.did("took off a doubled scheme")
		}
	}
	if cut := strings.TrimLeft(s, "/"); cut != s && scheme == "" {
		c.did("took off leading slashes")
		s = cut
	}
	if isAddress(s) { // before "/24" is taken for a path
		return c.address(s)
	}
	if _, err := netip.ParsePrefix(s); err == nil {
		_, why := order.ParsePrefix(s)
		c.refuse("%s", why)
		return nil
	}
	host, rest := s, ""
	if i := strings.IndexAny(s, `/?#\`); i >= 0 {
		host, rest = s[:i], s[i:]
	}
	if strings.ContainsRune(host, '@') {
		c.refuse(`has an "@"; an account is not a name`)
		return nil
	}
	host, port, ok := c.port(host, scheme)
	if !ok {
		return nil
	}
	switch path := strings.TrimRight(rest, `/\`); {
	case rest == "":
	case path == "":
		c.did("took off the slash behind it")
	default:
		return c.page(scheme, whole, host)
	}
	if port != "" {
		if _, ok := c.choice(Ports, "has a port; DNS blocks a name whatever the port"); !ok {
			return nil
		}
		c.did("took off the port")
	}
	return c.host(host)
}

// port takes a port off a host. The scheme's own port says nothing and goes.
func (c *cleaner) port(host, scheme string) (name, port string, ok bool) {
	i := strings.LastIndexByte(host, ':')
	if i < 0 || strings.HasSuffix(host, "]") || strings.Count(host, ":") > 1 && host[0] != '[' {
		return host, "", true // IPv6 without brackets has colons of its own
	}
	name, port = host[:i], host[i+1:]
	if strings.Trim(port, "0123456789") != "" {
		c.refuse("has a %q that no port follows", ":")
		return "", "", false
	}
	if port == "" {
		c.did("took off the colon")
	} else if scheme == "http" && port == "80" || scheme == "https" && port == "443" {
		c.did("took off the scheme's own port")
		port = ""
	}
	return name, port, true
}

// page deals with a URL that has a path.
func (c *cleaner) page(scheme, whole, host string) []order.Target {
	word, ok := c.choice(Paths, "has a path; DNS cannot block a page without its whole host")
	if !ok {
		return nil
	}
	if word == "name" {
		c.did("took off the path: the whole name is blocked, with all below it")
		return c.host(host)
	}
	page := schemes.ReplaceAllString(whole, "")
	for schemes.MatchString(page) { // doubled
		page = schemes.ReplaceAllString(page, "")
	}
	switch scheme {
	case "":
		c.did("wrote http:// before it")
		scheme = "http"
	case "http", "https":
		c.note.Did = slices.DeleteFunc(c.note.Did, func(s string) bool { return s == "took off the scheme" })
	default:
		c.refuse("is not a page of the web: the order file takes http and https URLs")
		return nil
	}
	page = scheme + "://" + strings.TrimLeft(page, `/\`)
	u, err := url.Parse(page)
	if err != nil {
		c.refuse("is not a URL: %v", err.(*url.Error).Err)
		return nil
	}
	name, err := dname.Parse(u.Hostname())
	if err != nil {
		c.refuse("has a path, and the host %v", err)
		return nil
	}
	if (u.Path == "" || u.Path == "/") && u.RawQuery == "" && u.Fragment == "" { // "https://host/#"
		c.did("took off the empty path")
		return c.host(host)
	}
	a := order.NewAttr()
	a.URL = page
	if word == "host" {
		c.did("took the whole host of the URL")
		c.look(name)
		return []order.Target{{Kind: order.TargetName, Name: name, Match: order.Exact, Attr: a}}
	}
	c.did("recorded it as a URL, which DNS does not enforce")
	return []order.Target{{Kind: order.TargetURL, Attr: a}}
}

// host cleans what should be a bare name or address by now.
func (c *cleaner) host(s string) []order.Target {
	if isAddress(s) {
		return c.address(s)
	}
	if cut := strings.TrimRight(s, "."); cut != s {
		c.did("took off the trailing dot")
		s = cut
	}
	if cut := strings.TrimLeft(s, "."); cut != s {
		c.did("took off the leading dot")
		s = cut
	}
	match := order.Subtree
	if base, ok := strings.CutPrefix(s, "*."); ok {
		word, ok := c.choice(Mask, `has a mask; nothing says whether "*.example.com" means example.com too`)
		if !ok {
			return nil
		}
		if s = base; word == "below" {
			match = order.Below
			c.did("took the mask for all below the name, without the name itself")
		} else {
			c.did("took the mask for the name and all below it")
		}
	}
	name, err := dname.Parse(s)
	if err != nil {
		c.refuse("%v", err)
		return nil
	}
	top := name
	for top.NumLabels() > 1 {
		top = top.Parent()
	}
	if strings.Trim(top.String(), "0123456789") == "" {
		c.refuse("ends in a number, as a mistyped address does")
		return nil
	}
	if name.NumLabels() == 1 && !knownTop(name) {
		c.refuse("has no dot and is no top-level domain: a word, or a mistyped name")
		return nil
	}
	switch {
	case strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII }):
		c.did("wrote the letters outside ASCII as A-labels (IDNA)")
	case strings.ToLower(s) != s:
		c.did("lowered the letters")
	}
	c.look(name)
	return []order.Target{{Kind: order.TargetName, Name: name, Match: match}}
}

// look warns of names at which somebody should look. Nothing is repaired: the
// order says what it says, and a name that only looks like another is another.
func (c *cleaner) look(n dname.Name) {
	warn := func(s string) { c.note.Warnings = append(c.note.Warnings, s) }
	text := n.String()
	for label := range strings.SplitSeq(text, ".") {
		if u, err := idna.Punycode.ToUnicode(label); err == nil && mixed(u) {
			warn(`mixes Latin with other letters in "` + u + `", which is not the name that it looks like; kept as it is`)
		}
	}
	suffix, icann := publicsuffix.PublicSuffix(text)
	switch {
	case suffix == text && (icann || strings.Contains(suffix, ".")):
		warn("IS A PUBLIC SUFFIX: this blocks every name of everybody below " + text)
	case !icann && !strings.Contains(suffix, "."):
		warn("ends in " + suffix + ", which is no top-level domain that anybody knows")
	}
}

// mixed reports whether a label has Latin letters and letters of a script that
// is easily taken for it.
func mixed(label string) bool {
	latin := strings.ContainsFunc(label, func(r rune) bool { return unicode.Is(unicode.Latin, r) })
	return latin && strings.ContainsFunc(label, func(r rune) bool {
		return unicode.In(r, unicode.Cyrillic, unicode.Greek, unicode.Armenian, unicode.Cherokee, unicode.Coptic)
	})
}

// address deals with an address or network in a name's place.
func (c *cleaner) address(s string) []order.Target {
	word, ok := c.choice(Addresses, "is an address, which DNS does not resolve")
	if !ok {
		return nil
	}
	c.did("recorded it as an address")
	return []order.Target{addressTarget(s, word)}
}

// addressTarget is the target of an address that isAddress found to be one.
func addressTarget(s, enforcedBy string) order.Target {
	prefix, _ := address(s)
	a := order.NewAttr()
	a.Address = prefix
	a.EnforcedBy = map[string]order.EnforcedBy{"network": order.ByNetwork, "none": order.ByNobody, "dns": order.ByDNS}[enforcedBy]
	return order.Target{Kind: order.TargetAddress, Attr: a}
}
