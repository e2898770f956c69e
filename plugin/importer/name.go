package importer

import (
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strings"
	"unicode"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/lint"
	"github.com/dns-orders/blocklist/plugin/order"
	"golang.org/x/net/publicsuffix"
)

// quotes contains the characters that surround names in copied text.
const quotes = "\"'`<>«»“”„‘’"

// piece cleans a word of a line: a name, a URL or an address.
func (c *cleaner) piece(s string) []order.Target {
	switch {
	case cutOff(s):
		c.refuse("ends in several dots, like a name that was cut off")
		return nil
	case strings.ContainsAny(s, footnotes):
		c.refuse("has a footnote mark, which is not part of the name")
		return nil
	}
	s = c.change(s, unquoted, "removed quotes, brackets and full stops around the name")
	if strings.ContainsFunc(s, invisible) {
		c.did("removed invisible characters inside the name")
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
			c.did("removed the scheme")
		} else {
			c.did("removed a doubled scheme")
		}
	}
	if scheme == "" && strings.HasPrefix(s, "/") {
		c.refuse("begins with a slash, like a comment, a path, or a URL without its scheme")
		return nil
	}
	if isAddress(s) { // checked before the path, because "/24" looks like one
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
		c.refuse(`has an "@", like a mail address or an account`)
		return nil
	}
	host, port, ok := c.port(host, scheme)
	if !ok {
		return nil
	}
	switch {
	case rest == "":
	case noPath(rest):
		c.did("removed the slash after the name")
	default:
		return c.page(scheme, whole, host)
	}
	if port != "" {
		if _, ok := c.choice(Ports, "has a port; DNS blocks a name for all ports"); !ok {
			return nil
		}
		c.did("removed the port")
	}
	return c.host(host)
}

// closing contains the characters that may follow the last name of an enumeration.
const closing = quotes + ".,;:!?)]}"

// unquoted removes quotes and brackets from both ends, and punctuation from the end. An IPv6
// address keeps its brackets, and the path of a URL its parentheses.
func unquoted(s string) string {
	s = strings.TrimLeft(s, quotes+"({")
	if strings.HasPrefix(s, "[") && !isAddress(s) && !strings.ContainsRune(s, ':') {
		s = strings.TrimLeft(s, "["+quotes)
	}
	for {
		cut := strings.TrimRight(s, quotes)
		switch r := strings.TrimRight(cut, ".,;"+quotes); {
		case r != cut && strings.ContainsAny(cut[len(r):], quotes+",;"):
			cut = r
		}
		for _, pair := range []string{"()", "[]", "{}"} {
			if strings.HasSuffix(cut, pair[1:]) && !strings.Contains(cut, pair[:1]) {
				cut = cut[:len(cut)-1]
			} else if c := strings.TrimRight(cut, ".,;"); strings.HasSuffix(c, pair[1:]) && !strings.Contains(c, pair[:1]) {
				cut = c[:len(c)-1]
			}
		}
		if cut == s {
			return s
		}
		s = cut
	}
}

// noPath reports whether the text after a host is not a path. Slashes, dot segments and the
// characters that end an enumeration are not a path. Dot segments have no effect (RFC 3986,
// section 5.2.4).
func noPath(rest string) bool {
	if strings.Trim(rest, `/\`+closing) == "" {
		return true
	}
	rest = strings.NewReplacer(`\`, "/", "%2e", ".", "%2E", ".").Replace(rest)
	return !strings.ContainsAny(rest, "?#") && (path.Clean("/"+rest) == "/" || path.Clean("/"+strings.TrimRight(rest, closing)) == "/")
}

// port separates the port from a host. It drops the default port of the scheme. It returns
// false if the text after the colon is not a port.
func (c *cleaner) port(host, scheme string) (name, port string, ok bool) {
	i := strings.LastIndexByte(host, ':')
	if i < 0 || strings.HasSuffix(host, "]") || strings.Count(host, ":") > 1 && host[0] != '[' {
		return host, "", true // an IPv6 address without brackets
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

// page processes a URL with a path as the caller has decided. A host without a dot is refused
// before the option counts, unless the host is a top-level domain: "either/or" is not a page.
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
	page := schemes.ReplaceAllString(whole, "")
	for schemes.MatchString(page) { // doubled schemes
		page = schemes.ReplaceAllString(page, "")
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
	if err != nil {
		c.refuse("has a path, and the host %v", err)
		return nil
	}
	if !c.sound(name) {
		return nil
	}
	if (u.Path == "" || u.Path == "/") && u.RawQuery == "" && u.Fragment == "" { // for example "https://host/#"
		c.did("removed the empty path")
		return c.host(host)
	}
	a := order.NewAttr()
	a.URL = page
	if word == "host" {
		c.did("used the whole host of the URL")
		c.look(name)
		return []order.Target{{Kind: order.TargetName, Name: name, Match: order.Exact, Attr: a}}
	}
	c.did("recorded the URL, which DNS does not enforce")
	return []order.Target{{Kind: order.TargetURL, Attr: a}}
}

// host cleans a bare name or address.
func (c *cleaner) host(s string) []order.Target {
	if isAddress(s) {
		return c.address(s)
	}
	if cut := strings.TrimRight(s, "."); cut != s {
		c.did("removed the trailing dot")
		s = cut
	}
	if cut := strings.TrimLeft(s, "."); cut != s {
		c.did("removed the leading dot")
		s = cut
	}
	match := order.Subtree
	if base, ok := strings.CutPrefix(s, "*."); ok {
		word, ok := c.choice(Mask, `has a mask; it is unclear whether "*.example.com" includes example.com`)
		if !ok {
			return nil
		}
		if s = base; word == "below" {
			match = order.BelowOnly
			c.did("read the mask as all names below the name, without the name itself")
		} else {
			c.did("read the mask as the name and all names below it")
		}
	}
	name, err := dname.Parse(s)
	if err != nil {
		c.refuse("%v", err)
		return nil
	}
	if !c.sound(name) || !c.suffix(name) {
		return nil
	}
	switch {
	case strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII }):
		c.did("converted letters outside ASCII to A-labels (IDNA)")
	case strings.ToLower(s) != s:
		c.did("changed upper case to lower case")
	}
	c.look(name)
	return []order.Target{{Kind: order.TargetName, Name: name, Match: match}}
}

// sound returns false and refuses names that are probably broken or mistyped.
func (c *cleaner) sound(name dname.Name) bool {
	labels := strings.Split(name.String(), ".")
	top := labels[len(labels)-1]
	switch {
	case strings.Trim(top, "0123456789") == "":
		c.refuse("ends in a number, like a mistyped address")
	case strings.HasSuffix(top, "-"):
		c.refuse("ends in a hyphen, like a name that continues on the next line")
	case len(labels) == 1 && !lint.KnownTop(name):
		c.refuse("has no dot and is not a top-level domain; it may be a word or a mistyped name")
	default:
		return true
	}
	return false
}

// suffix returns false and refuses a public suffix, unless the caller allows public suffixes.
func (c *cleaner) suffix(n dname.Name) bool {
	if suffix, _ := publicsuffix.PublicSuffix(n.String()); suffix != n.String() {
		return true
	}
	if !c.opt.AllowSuffix {
		c.refuse("is a public suffix; an order for a public suffix blocks all names below it, of all owners")
		c.note.Needs = Suffix
		return false
	}
	c.note.Warnings = append(c.note.Warnings, "IS A PUBLIC SUFFIX: the order blocks all names below it, of all owners")
	return true
}

// look adds the warnings of lint about a name to the note.
func (c *cleaner) look(n dname.Name) { c.note.Warnings = append(c.note.Warnings, lint.Name(n)...) }

// address processes an address or network in place of a name as the caller has decided.
func (c *cleaner) address(s string) []order.Target {
	word, ok := c.choice(Addresses, "is an address, not a name")
	if !ok {
		return nil
	}
	c.did("recorded the address")
	return []order.Target{addressTarget(s, word)}
}

// addressTarget returns the target for an address that isAddress accepts.
func addressTarget(s, enforcedBy string) order.Target {
	prefix, _ := address(s)
	a := order.NewAttr()
	a.Address = prefix
	a.EnforcedBy, _ = order.ParseEnforcedBy(enforcedBy)
	return order.Target{Kind: order.TargetAddress, Attr: a}
}
