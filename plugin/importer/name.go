package importer

import (
	"net/netip"
	"strings"
	"unicode"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/lint"
	"github.com/dns-orders/blocklist/plugin/order"
	"golang.org/x/net/publicsuffix"
)

const quotes = "\"'`<>«»“”„‘’"

func (c *cleaner) piece(s string) []order.Target {
	if !plainWord(s) {
		if s = c.unwrap(s); c.refused() {
			return nil
		}
	}
	whole := s
	scheme := ""
	for n := 1; ; n++ {
		m := schemeOf(s)
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
	if isAddress(s) { // checked before the path, because the "/24" of a network looks like a path
		return c.address(s)
	}
	if strings.Contains(s, "/") && isDigit(s[len(s)-1]) {
		if _, err := netip.ParsePrefix(s); err == nil {
			_, why := order.ParsePrefix(s)
			c.refuse("%s", why)
			return nil
		}
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

// unwrap removes characters around and inside a name that are not part of the name.
func (c *cleaner) unwrap(s string) string {
	switch {
	case cutOff(s):
		c.refuse("ends in several dots, like a name that was cut off")
		return ""
	case strings.ContainsAny(s, footnotes):
		c.refuse("has a footnote mark, which is not part of the name")
		return ""
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
	return s
}

const closing = quotes + ".,;:!?)]}"

// unquoted removes quotes, brackets and punctuation around s. The brackets of an IPv6
// address and the parentheses in a URL stay.
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
	text := name.String()
	if !c.sound(name, text) || !c.suffix(text) {
		return nil
	}
	switch {
	case strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII }):
		c.did("converted letters outside ASCII to A-labels (IDNA)")
	case strings.ToLower(s) != s:
		c.did("changed upper case to lower case")
	}
	c.warn(name)
	return []order.Target{{Kind: order.TargetName, Name: name, Match: match}}
}

// sound refuses a name that is probably broken or mistyped. It returns false for a refused name.
// text is the name in presentation form.
func (c *cleaner) sound(name dname.Name, text string) bool {
	dot := strings.LastIndexByte(text, '.')
	top := text[dot+1:]
	switch {
	case strings.Trim(top, "0123456789") == "":
		c.refuse("ends in a number, like a mistyped address")
	case strings.HasSuffix(top, "-"):
		c.refuse("ends in a hyphen, like a name that continues on the next line")
	case dot < 0 && !lint.KnownTop(name):
		c.refuse("has no dot and is not a top-level domain; it may be a word or a mistyped name")
	default:
		return true
	}
	return false
}

// suffix refuses a public suffix, unless the caller allows public suffixes. It returns false for a
// refused name.
func (c *cleaner) suffix(text string) bool {
	if suffix, _ := publicsuffix.PublicSuffix(text); suffix != text {
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

func (c *cleaner) warn(n dname.Name) { c.note.Warnings = append(c.note.Warnings, lint.Name(n)...) }

func (c *cleaner) address(s string) []order.Target {
	word, ok := c.choice(Addresses, "is an address, not a name")
	if !ok {
		return nil
	}
	c.did("recorded the address")
	return []order.Target{addressTarget(s, word)}
}

func addressTarget(s, enforcedBy string) order.Target {
	prefix, _ := address(s)
	a := order.NewAttr()
	a.Address = prefix
	a.EnforcedBy, _ = order.ParseEnforcedBy(enforcedBy)
	return order.Target{Kind: order.TargetAddress, Attr: a}
}
