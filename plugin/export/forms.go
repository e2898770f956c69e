package export

import (
	"net/netip"
	"strconv"
	"time"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/rpz"
)

// A form is the syntax of a file.
type form struct {
	comment string // the beginning of a comment
	capability
	line func(w *writer, name string, own, below, above *rpz.Answer)
}

var forms = map[string]form{
	"rpz": {comment: ";", capability: capability{
		kinds:   []order.ResponseKind{order.NODATA, order.NXDOMAIN, order.Redirect},
		ttls:    []order.ResponseKind{order.NODATA, order.NXDOMAIN, order.Redirect, order.Refused},
		subtree: true, exact: true, below: true, exceptions: nestedExceptions,
	}},
	"unbound": {comment: "#", line: unbound, capability: capability{
		kinds:   []order.ResponseKind{order.NXDOMAIN, order.NODATA, order.Redirect, order.Refused},
		ttls:    []order.ResponseKind{order.Redirect},
		subtree: true, exact: true, exceptions: nestedExceptions, denials: true,
		both: func(own, below *rpz.Answer) bool {
			return own.Kind != order.Refused && own.Kind != order.NXDOMAIN && (below == nil || below.Kind == order.NXDOMAIN)
		},
	}},
	"dnsmasq": {comment: "#", line: dnsmasq, capability: capability{
		kinds:   []order.ResponseKind{order.NXDOMAIN, order.Redirect},
		subtree: true, exact: true, below: true, exceptions: nestedExceptions, denials: true,
		both: func(own, below *rpz.Answer) bool { return true },
	}},
	"hosts": {comment: "#", line: hosts, capability: capability{
		kinds: []order.ResponseKind{order.NXDOMAIN, order.Redirect}, exact: true,
		leaks: "queries for other types than A and AAAA pass",
	}},
	"adblock": {comment: "!", line: adblock, capability: capability{
		kinds: []order.ResponseKind{order.NXDOMAIN}, subtree: true, exact: true, exceptions: plainExceptions,
	}},
	"domains": {comment: "#", line: domains, capability: capability{
		kinds: []order.ResponseKind{order.NXDOMAIN}, subtree: true,
	}},
}

// A writer collects the lines of a file.
type writer struct {
	body         []byte
	lines, names int
}

// say writes the texts as one line.
func (w *writer) say(texts ...string) {
	for _, t := range texts {
		w.body = append(w.body, t...)
	}
	w.body = append(w.body, '\n')
	w.lines++
}

// write writes the lines of all names.
func (w *writer) write(t *rpz.Tree, line func(w *writer, name string, own, below, above *rpz.Answer)) {
	if line == nil {
		z := t.Close()
		for i := range z.Entries {
			w.body = z.Entries[i].AppendText(w.body)
		}
		w.lines, w.names = z.Records(), len(z.Entries)
		return
	}
	parent := t.Parents()
	for i := range t.Nodes {
		n := &t.Nodes[i]
		var above *rpz.Answer
		if p := parent[i]; p >= 0 {
			above = t.Nodes[p].Below
		}
		if n.Own != above || n.Below != above {
			before := w.lines
			line(w, n.Name().String(), n.Own, n.Below, above)
			if w.lines > before {
				w.names++
			}
		}
	}
}

// unusedType is a record type for private use (RFC 6895, section 3.1). For a name with such a
// record, Unbound answers NODATA to other types.
const unusedType = "65280"

func seconds(a *rpz.Answer) string { return strconv.Itoa(int(a.TTL / time.Second)) }

// In Unbound, the longest local-zone decides about a name. A typetransparent zone would let queries
// of other types pass.
func unbound(w *writer, name string, own, below, _ *rpz.Answer) {
	zone := func(kind string) { w.say(`local-zone: "`, name, `." `, kind) }
	data := func() {
		if own.Kind == order.NODATA {
			w.say(`local-data: "`, name, `. `, seconds(own), ` IN TYPE`, unusedType, ` \# 0"`)
		}
		for _, a := range own.Addresses {
			w.say(`local-data: "`, name, `. `, seconds(own), ` IN `, recordType(a), ` `, a.String(), `"`)
		}
	}
	switch {
	case own == nil:
		zone("always_transparent")
	case below == nil:
		zone("transparent")
		data()
	case own != below: // the answer for the names below is NXDOMAIN
		zone("static")
		data()
	case own.Kind == order.Redirect:
		zone("redirect")
		data()
	case own.Kind == order.Refused:
		zone("always_refuse")
	case own.Kind == order.NODATA:
		zone("always_nodata")
	default:
		zone("always_nxdomain")
	}
}

func recordType(a netip.Addr) string {
	if a.Is4() {
		return "A"
	}
	return "AAAA"
}

// In dnsmasq, the longest matching name decides. The name "*.name" is longer than "name".
func dnsmasq(w *writer, name string, own, below, above *rpz.Answer) {
	rule := func(name string, a *rpz.Answer) {
		switch {
		case a == nil:
			w.say("server=/", name, "/#")
			return
		case a.Kind == order.NXDOMAIN:
			w.say("address=/", name, "/")
			return
		}
		w.say("local=/", name, "/")
		for _, x := range a.Addresses {
			w.say("address=/", name, "/", x.String())
		}
	}
	if own != nil || above != nil {
		rule(name, own)
	}
	if own != nil && own.Kind == order.NODATA {
		// dnsmasq answers NODATA only for a name that has a record of another type. Write a PTR
		// record, because clients rarely ask for it.
		w.say("ptr-record=", name, ",invalid")
	}
	if own != below && len(name) <= maxParent {
		rule("*."+name, below)
	}
}

// A name has at most 253 characters as text. A name of more than 251 characters has no subdomains.
const maxParent = 251

// The addresses 0.0.0.0 and :: stand for NXDOMAIN.
func hosts(w *writer, name string, own, _, _ *rpz.Answer) {
	if own == nil {
		return
	}
	four, six := false, false
	for _, a := range own.Addresses {
		w.say(a.String(), " ", name)
		four, six = four || a.Is4(), six || a.Is6()
	}
	if !four {
		w.say("0.0.0.0 ", name)
	}
	if !six {
		w.say(":: ", name)
	}
}

// adblock writes rules of a filter list for DNS.
func adblock(w *writer, name string, own, below, _ *rpz.Answer) {
	switch {
	case own == nil:
		w.say("@@||", name, "^")
	case below == nil:
		w.say("|", name, "^")
	default:
		w.say("||", name, "^")
	}
}

// Programs that read a domain list also block all names below each domain.
func domains(w *writer, name string, own, _, _ *rpz.Answer) {
	if own != nil {
		w.say(name)
	}
}
