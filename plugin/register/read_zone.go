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

type owner struct {
	self, below *policy
	first       int
}

// The file is a response policy zone (draft-vixie-dnsop-dns-rpz-00).
func (r *run) readZone(text string) error {
	r.list()
	zp := dns.NewZoneParser(strings.NewReader(text), noOrigin, "")
	zp.SetDefaultTTL(300)
	var apex string
	owners := map[string]*owner{}
	var names []string
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
		o := owners[base]
		if o == nil {
			o = &owner{first: n}
			owners[base] = o
			names = append(names, base)
		}
		place := &o.self
		if below {
			place = &o.below
		}
		p := policyOf(rr)
		switch {
		case *place == nil:
			*place = &p
		case (*place).action == "redirect" && p.action == "redirect":
			(*place).addresses += " " + p.addresses
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
	for _, name := range names {
		if err := r.owner(name, owners[name]); err != nil {
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

func (r *run) owner(name string, o *owner) error {
	if trigger, ok := lastLabel(name); ok {
		action := trigger
		if trigger == "rpz-ip" && o.self != nil {
			if p, ok := triggerPrefix(strings.TrimSuffix(strings.ToLower(name), ".rpz-ip")); ok {
				return r.row(o.first, []string{p.String(), o.self.action, "subtree", o.self.addresses})
			}
		}
		return r.row(o.first, []string{name, action, "subtree", ""})
	}
	if o.self != nil && o.below != nil && *o.self == *o.below {
		return r.row(o.first, []string{name, o.self.action, "subtree", o.self.addresses})
	}
	if o.self != nil {
		if err := r.row(o.first, []string{name, o.self.action, "exact", o.self.addresses}); err != nil {
			return err
		}
	}
	if o.below != nil {
		return r.row(o.first, []string{name, o.below.action, "below", o.below.addresses})
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
