package rpz

import (
	"strings"

	"github.com/dns-orders/blocklist/plugin/dname"
)

// A key is a name as text. It starts with the top-level label. A 0 octet follows each label. Keys
// sort in canonical order (RFC 4034, section 6.1). An ancestor is a prefix.
type key string

func keyOf(w *dname.Wire) key {
	b := make([]byte, 0, w.Len())
	for k := 1; k <= w.NumLabels(); k++ {
		b = append(append(b, w.Label(k)...), 0)
	}
	return key(b)
}

// below also returns true for equal keys.
func (k key) below(top key) bool { return strings.HasPrefix(string(k), string(top)) }

func (k key) parent() key {
	return k[:strings.LastIndexByte(string(k[:len(k)-1]), 0)+1]
}

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

func common(a, b key) key {
	end := 0
	for i := 0; i < len(a) && i < len(b) && a[i] == b[i]; i++ {
		if a[i] == 0 {
			end = i + 1
		}
	}
	return a[:end]
}

// Names below the triggers have a special meaning in an RPZ. A name below rpz-ip represents an
// address.
var triggers = map[key]bool{"rpz-ip\x00": true, "rpz-client-ip\x00": true, "rpz-nsip\x00": true, "rpz-nsdname\x00": true}

func (k key) fits(origin int) bool {
	return origin == 0 || len(k)+2+origin <= dname.MaxWire && !triggers[k.top()]
}

// top returns the top-level label.
func (k key) top() key { return k[:strings.IndexByte(string(k), 0)+1] }

// WhyOmitted returns the reason why Tree.Omitted contains a name.
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
