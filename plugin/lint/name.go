package lint

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
)

// specialTops contains the top-level domains of special-use names (RFC 6761). The public suffix
// list does not contain them.
var specialTops = map[string]bool{"alt": true, "arpa": true, "example": true, "internal": true,
	"invalid": true, "local": true, "localhost": true, "onion": true, "test": true}

var fileEndings = map[string]bool{"csv": true, "doc": true, "docx": true, "exe": true, "gif": true, "htm": true,
	"html": true, "jpeg": true, "jpg": true, "json": true, "odt": true, "p7m": true, "pdf": true, "php": true,
	"png": true, "rtf": true, "txt": true, "xls": true, "xlsx": true, "xml": true, "yaml": true, "mov": true, "zip": true}

// KnownTop reports whether the top-level domain of a name is a public suffix or a special-use name.
func KnownTop(n dname.Name) bool {
	suffix, icann := publicsuffix.PublicSuffix(n.String())
	return icann || strings.Contains(suffix, ".") || specialTops[suffix]
}

// Name returns warnings about a valid name.
func Name(n dname.Name) (odd []string) {
	text := n.String()
	top := text
	for label := range strings.SplitSeq(text, ".") {
		top = label
		if strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") {
			odd = append(odd, fmt.Sprintf("has the label %q, which begins or ends with a hyphen, like a part of a name that was broken at the end of a line", label))
		}
		if !strings.HasPrefix(label, "xn--") {
			continue // a label of ASCII letters cannot mix scripts
		}
		if u, err := idna.Punycode.ToUnicode(label); err == nil && mixed(u) {
			odd = append(odd, fmt.Sprintf("mixes Latin with other letters in %q, so it is not the name that it looks like; it was not changed", u))
		}
	}
	switch known := KnownTop(n); {
	case fileEndings[top] && known && n.NumLabels() > 1:
		odd = append(odd, fmt.Sprintf("ends in %q, which is a top-level domain and an extension of file names", top))
	case fileEndings[top] && !known:
		odd = append(odd, fmt.Sprintf("ends in %q, which is an extension of file names and not a top-level domain", top))
	case !known:
		odd = append(odd, fmt.Sprintf("ends in %q, which is not a known top-level domain", top))
	}
	return odd
}

func mixed(label string) bool {
	latin := strings.ContainsFunc(label, func(r rune) bool { return unicode.Is(unicode.Latin, r) })
	return latin && strings.ContainsFunc(label, func(r rune) bool {
		return unicode.In(r, unicode.Cyrillic, unicode.Greek, unicode.Armenian, unicode.Cherokee, unicode.Coptic)
	})
}

func (l *linter) names(o *order.Order) {
	warn := l.each(o)
	for i := range o.Targets {
		if t := &o.Targets[i]; t.Kind == order.TargetName {
			for _, odd := range Name(t.Name) {
				warn(t, fmt.Sprintf("targets[%d]", i), "%s %s", t, odd)
			}
		}
	}
	if o.Side != nil {
		at := &order.Target{Line: o.Line, Column: o.Column}
		for name := range o.Side.Names.All() {
			for _, odd := range Name(name) {
				warn(at, "targets_from", "%s %s", name, odd)
			}
		}
	}
	warn(nil, "targets", "%d more warnings about odd names")
}

func (l *linter) endless(o *order.Order) {
	if o.Until != order.NoTime {
		return
	}
	for i, w := range o.Windows {
		if w.Until == order.NoTime {
			l.warn(o, nil, fmt.Sprintf("windows[%d]", i), "has no end: the order stays in force after the window has begun")
		}
	}
	warn := l.each(o)
	for i := range o.Targets {
		t := &o.Targets[i]
		if t.Attr == nil || t.Attr.Until != order.NoTime {
			continue
		}
		for k, w := range t.Attr.Windows {
			if w.Until == order.NoTime {
				warn(t, fmt.Sprintf("targets[%d].windows[%d]", i, k), "has no end: the target stays in force after the window has begun")
			}
		}
	}
	warn(nil, "targets", "%d more windows without an end")
}
