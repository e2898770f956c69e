package answer

import (
	"bytes"
	"math"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/miekg/dns"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

func FuzzBuild(f *testing.F) {
	add := func(m *dns.Msg, size uint16, until, ttl int64, nanos uint32, s string, knobs ...byte) {
		f.Add(pack(f, m), size, until, ttl, nanos, s, knobs)
	}
	for kind := range byte(6) {
		add(query(f, "www.example.com.", dns.TypeA), 512, 10, 30, 0, "ref", kind, 0, 0, 0, 0, 2, 3, 7)
		add(query(f, "WwW.example.com.", dns.TypeAAAA, edns), 1232, 3, 30, 1, "ref", kind, kind/2, kind%4, kind, 0, 1, 60, 7)
		add(query(f, longest, dns.TypeA, signal), 512, 1, 300, 999_999_999, strings.Repeat("<j>", 50), kind, 0, 0, 4, 0, 3, 9, kind)
	}
	add(query(f, `\000\.\\.x.`, dns.TypeHTTPS, option(&dns.EDNS0_EDE{}), class(dns.ClassANY)), 600, 0, -1, 5, "\xff\x00\uffff", 4)
	add(query(f, ".", dns.TypeANY, edns), 0, math.MaxInt64, math.MaxInt64, 5, "", 1)
	f.Fuzz(func(t *testing.T, data []byte, size uint16, until, ttl int64, nanos uint32, s string, knobs []byte) {
		req := new(dns.Msg)
		if req.Unpack(data) != nil || len(req.Question) == 0 {
			return
		}
		before, err := req.Pack()
		if err != nil {
			return // for example an extended RCODE without OPT, which a server never passes to a plugin
		}
		before = slices.Clone(before)
		knob := func(i int) byte {
			if i < len(knobs) {
				return knobs[i]
			}
			return 0
		}
		now := time.Unix(1_780_000_000, int64(nanos)%1e9)
		v, cfg := fuzzVerdict(knob, now, until, ttl, s)
		m := Build(req, int(size), v, now, cfg)

		if after, err := req.Pack(); err != nil || !bytes.Equal(before, after) {
			t.Fatalf("the request changed: %x to %x, %v", before, after, err)
		}
		wire := asWriter(t, m.Copy(), int(size))
		if len(wire) > max(int(size), dns.MinMsgSize) {
			t.Fatalf("%d octets for %d", len(wire), size)
		}
		packed := pack(t, m)
		if m.Len() != len(packed) || m.IsEdns0() != nil && ede(t, m) != nil && len(packed) > int(size) {
			t.Fatalf("%d octets, not %d, for %d", len(packed), m.Len(), size)
		}
		got := new(dns.Msg)
		if err := got.Unpack(packed); err != nil {
			t.Fatalf("unpack: %v\n%x", err, packed)
		}
		checkHeader(t, req, got, packed)
		checkRecords(t, req, got, v, now)
		checkNotice(t, req, got, v, cfg)
	})
}

func fuzzVerdict(knob func(int) byte, now time.Time, until, ttl int64, s string) (ruleset.Verdict, *Config) {
	t := &order.Terms{
		Authority:     order.Authority{Name: s, Kind: order.AuthorityKind(knob(3) % 5)},
		TTL:           time.Duration(ttl),
		Disclosure:    order.Disclosure(knob(2) % 4),
		Justification: s,
	}
	v := ruleset.Verdict{
		Order:        &ruleset.Order{ID: "x", Reference: s, Common: &ruleset.Common{Terms: t}},
		Response:     order.Response{Kind: order.ResponseKind(knob(0) % 6)},
		TargetLabels: int(knob(5)),
		Match:        order.Match(knob(4) % 3),
		Subtree:      ruleset.SubtreeOutcome(knob(1) % 3),
		Until:        order.Time(until),
	}
	if until > 0 && until < 1e6 { // a small number is relative to now, other numbers are absolute
		v.Until += order.Time(now.Unix())
	}
	a, b := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")
	for i := range knob(6) {
		if i%3 == 0 {
			v.Response.Addresses, b = append(v.Response.Addresses, b), b.Next()
		} else {
			v.Response.Addresses, a = append(v.Response.Addresses, a), a.Next()
		}
	}
	cfg := &Config{TTL: 30 * time.Second, SDEOption: sdeCode}
	if knob(7)&1 != 0 {
		cfg.Contact = []string{"mailto:" + s, "https:" + s, "tel:1"}
	}
	if knob(7)&2 != 0 {
		cfg.Organization, cfg.Language = "o"+s, "uk"
	}
	if knob(7)&4 != 0 {
		v.Order.FilteringDatabases = []order.FilteringDatabase{{DB: "lumen", ID: "i" + s}}
	}
	if knob(7)&8 != 0 {
		t.Justification = ""
	}
	return v, cfg
}

func checkHeader(t *testing.T, req, got *dns.Msg, packed []byte) {
	if got.Id != req.Id || !got.Response || got.Opcode != req.Opcode || !got.RecursionAvailable ||
		got.Authoritative || got.AuthenticatedData || got.Zero {
		t.Fatalf("header %v of %v", got.MsgHdr.String(), req.MsgHdr.String())
	}
	if req.Opcode == dns.OpcodeQuery && (got.RecursionDesired != req.RecursionDesired || got.CheckingDisabled != req.CheckingDisabled) {
		t.Fatalf("header %v of %v", got.MsgHdr.String(), req.MsgHdr.String())
	}
	q := &dns.Msg{Question: req.Question[:1]}
	if want := pack(t, q)[12:]; !bytes.HasPrefix(packed[12:], want) || len(got.Question) != 1 {
		t.Fatalf("question\n got %x\nwant %x", packed[12:], want)
	}
}

func checkRecords(t *testing.T, req, got *dns.Msg, v ruleset.Verdict, now time.Time) {
	q, label := req.Question[0], Label(v, req.Question[0].Qtype)
	allowed := map[string]int{"nxdomain": dns.RcodeNameError, "nodata": dns.RcodeSuccess, "refused": dns.RcodeRefused, "redirect": dns.RcodeSuccess}
	if rcode, ok := allowed[label]; !ok || got.Rcode != rcode {
		t.Fatalf("%s with %s", label, dns.RcodeToString[got.Rcode])
	}
	if label == "nxdomain" && v.Subtree != ruleset.SubtreeNXDOMAIN {
		t.Fatal("nxdomain above another answer")
	}
	if denial := label == "nxdomain" || label == "nodata"; denial != (len(got.Ns) == 1) || len(got.Ns) > 1 {
		t.Fatalf("%s with %v", label, got.Ns)
	}
	if redirect := label == "redirect"; redirect != (len(got.Answer) > 0) || got.Truncated && !redirect {
		t.Fatalf("%s with %v, TC %t", label, got.Answer, got.Truncated)
	}
	for _, rr := range slices.Concat(got.Answer, got.Ns) {
		h := rr.Header()
		last := now.Add(time.Duration(h.Ttl) * time.Second)
		if h.Ttl > 0 && (last.Unix() > int64(v.Until) || last.Unix() == int64(v.Until) && last.Nanosecond() > 0) {
			t.Fatalf("TTL %d at %v outlives %v", h.Ttl, now, v.Until)
		}
		if h.Class != dns.ClassINET || h.Ttl > math.MaxInt32 {
			t.Fatalf("record %v", rr)
		}
		if soa, ok := rr.(*dns.SOA); ok {
			checkOwner(t, q.Name, h.Name, v)
			if soa.Minttl != h.Ttl {
				t.Fatalf("record %v", rr)
			}
		} else if h.Name != q.Name || h.Rrtype != q.Qtype || h.Rrtype != dns.TypeA && h.Rrtype != dns.TypeAAAA {
			t.Fatalf("record %v for %v", rr, q)
		}
	}
}

func checkOwner(t *testing.T, asked, owner string, v ruleset.Verdict) {
	var w, o dname.Wire
	if !w.Set(asked) || !o.Set(owner) {
		t.Fatalf("dname does not take %q or %q", asked, owner)
	}
	k := min(v.TargetLabels, w.NumLabels())
	if v.Order.Terms.Disclosure.Sealed() {
		k = w.NumLabels()
	}
	if o.Name() != w.Ancestor(k) {
		t.Fatalf("owner %q, want the last %d labels of %q", owner, k, asked)
	}
}

func checkNotice(t *testing.T, req, got *dns.Msg, v ruleset.Verdict, cfg *Config) {
	opt := req.IsEdns0()
	if (opt != nil) != (len(got.Extra) == 1) || len(got.Extra) > 1 || (opt != nil) != (got.IsEdns0() != nil) {
		t.Fatalf("additional %v", got.Extra)
	}
	e := ede(t, got)
	if opt == nil || e == nil {
		return
	}
	structured := signals(opt, cfg.SDEOption)
	d := v.Order.Terms.Disclosure
	if d == order.None || d.Sealed() && e.ExtraText != "" {
		t.Fatalf("a sealed order says %v", e)
	}
	if !utf8.ValidString(e.ExtraText) || strings.ContainsFunc(e.ExtraText, func(r rune) bool { return r < ' ' || r&0xfffe == 0xfffe }) {
		t.Fatalf("text %q", e.ExtraText)
	}
	switch {
	case e.ExtraText == "":
	case structured:
		checkObject(t, e.ExtraText)
	case !strings.HasPrefix(e.ExtraText, "Blocked by order"):
		t.Fatalf("text %q", e.ExtraText)
	}
	want := uint16(dns.ExtendedErrorCodeCensored)
	if v.Order.Terms.Authority.Kind == order.KindOperator {
		want = dns.ExtendedErrorCodeBlocked
	}
	if len(got.Answer) > 0 && !structured {
		want = dns.ExtendedErrorCodeForgedAnswer
	}
	if e.InfoCode != want {
		t.Fatalf("code %d, want %d", e.InfoCode, want)
	}
}
