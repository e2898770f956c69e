package register

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/miekg/dns"
)

const noOrigin = "rpz.invalid."

type policy struct{ action, addresses string }

// An owner is a name in a response policy zone. It has a policy for the name itself, and a policy for
// the names below. The policies are indexes of owners.policies, and 0 means no policy.
type owner struct {
	name               string
	first, self, below int32
}

// owners contains the owners of a zone in the sequence of their first records. A zone may have a
// million owners, so the owners and their names are in a few large blocks of memory.
type owners struct {
	blocks[owner]
	index    map[string]int32
	names    *strings.Builder
	policies []policy
	numbers  map[policy]int32  // the indexes of policies
	more     map[*int32]string // the addresses after the first, by the field self or below
}

const nameBlock = 1 << 16

// find returns the owner with a name. It adds the owner if it is not there. Records of one name are
// often next to each other.
func (z *owners) find(name string, record int) *owner {
	if z.n > 0 {
		if last := z.at(z.n - 1); last.name == name {
			return last
		}
	}
	if i, ok := z.index[name]; ok {
		return z.at(int(i))
	}
	if z.names == nil || z.names.Cap()-z.names.Len() < len(name) {
		z.names = &strings.Builder{}
		z.names.Grow(max(nameBlock, len(name)))
	}
	z.names.WriteString(name)
	name = z.names.String()[z.names.Len()-len(name):]
	z.index[name] = int32(z.n)
	return z.add(owner{name: name, first: int32(record)})
}

func (z *owners) policy(at *int32) policy {
	p := z.policies[*at]
	p.addresses += z.more[at]
	return p
}

// number returns the index of a policy.
func (z *owners) number(p policy) int32 {
	n, ok := z.numbers[p]
	if !ok {
		n = int32(len(z.policies))
		z.policies, z.numbers[p] = append(z.policies, p), n
	}
	return n
}

// The file is a response policy zone (draft-vixie-dnsop-dns-rpz-00).
func (r *run) readZone(text string) error {
	r.list()
	zp := dns.NewZoneParser(strings.NewReader(text), noOrigin, "")
	zp.SetDefaultTTL(300)
	var apex string
	all := owners{index: map[string]int32{}, policies: make([]policy, 1), numbers: map[policy]int32{}, more: map[*int32]string{}}
	n := 0
	for rr, ok := zp.Next(); ok; rr, ok = zp.Next() {
		n++
		h := rr.Header()
		if h.Rrtype == dns.TypeSOA {
			if apex != "" && !strings.EqualFold(apex, h.Name) {
				return fmt.Errorf("record %d: the file has a second SOA record", n)
			}
			apex = h.Name
			continue
		}
		if apex == "" {
			apex = noOrigin
		}
		name, ok := relative(h.Name, apex)
		if !ok {
			return fmt.Errorf("record %d: %s is not in the zone %s", n, h.Name, apex)
		}
		if name == "" {
			continue // NS and other records of the zone itself
		}
		base, below := strings.CutPrefix(name, "*.")
		o := all.find(base, n)
		place := &o.self
		if below {
			place = &o.below
		}
		p := policyOf(rr)
		switch {
		case *place == 0:
			*place = all.number(p)
		case all.policies[*place].action == "redirect" && p.action == "redirect":
			all.more[place] += " " + p.addresses
		default:
			return fmt.Errorf("record %d: %s has two policies", n, h.Name)
		}
	}
	if err := zp.Err(); err != nil {
		return fmt.Errorf("is not a zone file: %s", clip(err.Error()))
	}
	if n == 0 {
		return fmt.Errorf("has no record")
	}
	all.index, all.numbers = nil, nil // their memory is free for the rows
	for i := range all.n {
		if err := r.owner(all.at(i), &all); err != nil {
			return err
		}
	}
	return nil
}

func relative(name, apex string) (string, bool) {
	if strings.EqualFold(name, apex) {
		return "", true
	}
	cut := len(name) - len(apex)
	if cut < 1 || !strings.EqualFold(name[cut:], apex) || name[cut-1] != '.' {
		return "", false
	}
	return name[:cut-1], true
}

// policyOf returns the policy that a record gives.
func policyOf(rr dns.RR) policy {
	switch rr := rr.(type) {
	case *dns.CNAME:
		switch strings.ToLower(rr.Target) {
		case ".":
			return policy{"nxdomain", ""}
		case "*.":
			return policy{"nodata", ""}
		case "rpz-passthru.":
			return policy{"passthru", ""}
		case "rpz-drop.":
			return policy{"drop", ""}
		case "rpz-tcp-only.":
			return policy{"tcp-only", ""}
		}
	case *dns.A:
		return policy{"redirect", rr.A.String()}
	case *dns.AAAA:
		return policy{"redirect", rr.AAAA.String()}
	}
	return policy{strings.ToLower(dns.TypeToString[rr.Header().Rrtype]), ""}
}

func (r *run) owner(o *owner, all *owners) error {
	row := func(name, covers string, p policy) error {
		return r.row(int(o.first), []string{name, p.action, covers, p.addresses})
	}
	if trigger, ok := lastLabel(o.name); ok {
		if trigger == "rpz-ip" && o.self != 0 {
			if p, ok := triggerPrefix(strings.TrimSuffix(strings.ToLower(o.name), ".rpz-ip")); ok {
				return row(p.String(), "subtree", all.policy(&o.self))
			}
		}
		return row(o.name, "subtree", policy{action: trigger})
	}
	if o.self != 0 && o.below != 0 && all.policy(&o.self) == all.policy(&o.below) {
		return row(o.name, "subtree", all.policy(&o.self))
	}
	if o.self != 0 {
		if err := row(o.name, "exact", all.policy(&o.self)); err != nil {
			return err
		}
	}
	if o.below != 0 {
		return row(o.name, "below", all.policy(&o.below))
	}
	return nil
}

// In RPZ, a name below rpz-ip means an address.
func lastLabel(name string) (string, bool) {
	label := strings.ToLower(name[strings.LastIndexByte(name, '.')+1:])
	return label, strings.HasPrefix(label, "rpz-")
}

// In RPZ, 24.0.2.0.192 means 192.0.2.0/24. The label zz stands for :: in IPv6.
func triggerPrefix(s string) (netip.Prefix, bool) {
	parts := strings.Split(s, ".")
	bits, err := strconv.Atoi(parts[0])
	if err != nil || len(parts) < 3 {
		return netip.Prefix{}, false
	}
	var b []string
	for i := len(parts) - 1; i > 0; i-- {
		b = append(b, parts[i])
	}
	text := strings.Join(b, ".")
	if len(b) != 4 || strings.Contains(s, "zz") {
		text = strings.Join(b, ":")
		switch {
		case text == "zz":
			text = "::"
		case strings.HasPrefix(text, "zz:"):
			text = ":" + strings.TrimPrefix(text, "zz")
		case strings.HasSuffix(text, ":zz"):
			text = strings.TrimSuffix(text, "zz") + ":"
		default:
			text = strings.Replace(text, ":zz:", "::", 1)
		}
	}
	a, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Prefix{}, false
	}
	p, err := a.Prefix(bits)
	return p, err == nil && p.Addr() == a
}
