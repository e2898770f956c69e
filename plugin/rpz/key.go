package rpz

import (
	"strings"

	"github.com/dns-orders/blocklist/plugin/dname"
)

// A key is a name as text: the labels from the top-level label on, each followed by a 0
// octet.
//
// An ancestor of a name is a prefix of its key. Keys sort in canonical order (RFC 4034,
// section 6.1).
type key string

func keyOf(w *dname.Wire) key {
	b := make([]byte, 0, w.Len())
	for k := 1; k <= w.NumLabels(); k++ {
		b = append(append(b, w.Label(k)...), 0)
	}
	return key(b)
}

// below reports whether k is equal to the key top or below top.
func (k key) below(top key) bool { return strings.HasPrefix(string(k), string(top)) }

// parent returns the key without its last label. The parent of a top-level label is "".
func (k key) parent() key {
	return k[:strings.LastIndexByte(string(k[:len(k)-1]), 0)+1]
}

// wire appends the canonical wire form of the name to b. Labels that are already in b become the
// first labels of the name.
func (k key) wire(b []byte) []byte {
	for len(k) > 0 {
		p := k.parent()
		label := k[len(p) : len(k)-1]
		b = append(append(b, byte(len(label))), label...)
		k = p
	}
	return append(b, 0)
}

// Name returns the name.
func (k key) Name() dname.Name { return dname.FromWire(string(k.wire(nil))) }

// common returns the longest key that is an ancestor of both keys. A key counts as its own
// ancestor.
func common(a, b key) key {
	end := 0
	for i := 0; i < len(a) && i < len(b) && a[i] == b[i]; i++ {
		if a[i] == 0 {
			end = i + 1
		}
	}
	return a[:end]
}

// triggers are the top-level labels that have a special meaning in an RPZ. For example, a name
// below rpz-ip represents an address.
var triggers = map[key]bool{"rpz-ip\x00": true, "rpz-client-ip\x00": true, "rpz-nsip\x00": true, "rpz-nsdname\x00": true}

// fits reports whether an RPZ can contain the name and the wildcard below it. The parameter
// "origin" is the length of the zone's name in octets of wire form, or 0 if there is no RPZ.
func (k key) fits(origin int) bool {
	// The origin replaces the final 0 octet of the name. The label "*" takes two octets.
	return origin == 0 || len(k)+2+origin <= dname.MaxWire && !triggers[k.top()]
}

// top returns the top-level label.
func (k key) top() key { return k[:strings.IndexByte(string(k), 0)+1] }

// WhyOmitted returns the reason why a name in Tree.Omitted does not fit into the zone.
func WhyOmitted(n dname.Name) string {
	top := n
	for top.NumLabels() > 1 {
		top = top.Parent()
	}
	if triggers[key(top.String()+"\x00")] {
		return "ends in " + top.String() + ", which has another meaning in a response policy zone"
	}
	return "is too long for the zone"
}
