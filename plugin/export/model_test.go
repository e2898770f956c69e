package export

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/dns-orders/blocklist/test/world"
)

type reading func(n dname.Name) string

func longest[T any](names map[string]T, n dname.Name) (string, bool) {
	for ; n.NumLabels() > 0; n = n.Parent() {
		if _, ok := names[n.String()]; ok {
			return n.String(), true
		}
	}
	return "", false
}

func redirected(addresses []string) string {
	slices.Sort(addresses)
	return "redirect " + strings.Join(addresses, " ")
}

func readUnbound(body string) reading {
	zones, data := map[string]string{}, map[string][]string{}
	for line := range strings.Lines(body) {
		f := strings.Fields(strings.ReplaceAll(line, `"`, ""))
		name := strings.TrimSuffix(f[1], ".")
		if f[0] == "local-zone:" {
			zones[name] = f[2]
		} else {
			data[name] = append(data[name], f[len(f)-1])
		}
	}
	local := func(name string) string {
		if slices.Equal(data[name], []string{"0"}) {
			return "nodata"
		}
		return redirected(data[name])
	}
	return func(n dname.Name) string {
		zone, ok := longest(zones, n)
		_, here := data[n.String()]
		switch kind := zones[zone]; {
		case !ok || kind == "always_transparent":
			return "pass"
		case kind == "redirect":
			return local(zone)
		case here:
			return local(n.String())
		case kind == "transparent":
			return "pass"
		case kind == "static":
			return "nxdomain"
		default:
			return strings.Replace(strings.TrimPrefix(kind, "always_"), "refuse", "refused", 1)
		}
	}
}

func readDnsmasq(body string) reading {
	rules, exists := map[string][]string{}, map[string]bool{}
	for line := range strings.Lines(body) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		if key == "ptr-record" {
			name, _, _ := strings.Cut(value, ",")
			exists[name] = true
			continue
		}
		f := strings.Split(value, "/")
		rules[f[1]] = append(rules[f[1]], key+" "+f[2])
	}
	decide := func(n dname.Name, rules []string) string {
		var addresses []string
		for _, r := range rules {
			switch key, value, _ := strings.Cut(r, " "); {
			case key == "server":
				return "pass"
			case value != "":
				addresses = append(addresses, value)
			}
		}
		switch {
		case addresses != nil:
			return redirected(addresses)
		case exists[n.String()]:
			return "nodata"
		}
		return "nxdomain"
	}
	return func(n dname.Name) string {
		for at := n; at.NumLabels() > 0; at = at.Parent() {
			if r := rules["*."+at.String()]; r != nil && at != n {
				return decide(n, r)
			}
			if r := rules[at.String()]; r != nil {
				return decide(n, r)
			}
		}
		return "pass"
	}
}

func blocked(b bool) string {
	if b {
		return "blocked"
	}
	return "pass"
}

func readHosts(body string) reading {
	return func(n dname.Name) string {
		return blocked(strings.Contains("\n"+body, "\n0.0.0.0 "+n.String()+"\n") || strings.Contains("\n"+body, "\n192.0.2.1 "+n.String()+"\n"))
	}
}

func readAdblock(body string) reading {
	return func(n dname.Name) string {
		block, exception := false, false
		for line := range strings.Lines(body) {
			rule := strings.TrimSuffix(strings.TrimSpace(line), "^")
			if s, ok := strings.CutPrefix(rule, "@@||"); ok {
				exception = exception || world.Name(s).Covers(n)
			} else if s, ok := strings.CutPrefix(rule, "||"); ok {
				block = block || world.Name(s).Covers(n)
			} else {
				block = block || rule[1:] == n.String()
			}
		}
		return blocked(block && !exception)
	}
}

func readDomains(body string) reading {
	return func(n dname.Name) string {
		for line := range strings.Lines(body) {
			if world.Name(strings.TrimSpace(line)).Covers(n) {
				return "blocked"
			}
		}
		return "pass"
	}
}

var readers = map[string]func(body string) reading{"unbound": readUnbound, "dnsmasq": readDnsmasq, "hosts": readHosts, "adblock": readAdblock, "domains": readDomains}

func expected(set *ruleset.Set, n dname.Name, cc order.Country, now order.Time) (string, *ruleset.QName) {
	var q ruleset.QName
	q.SetName(n)
	v := set.Decide(&q, ruleset.Query{Client: ruleset.Client{Country: cc}, Now: now})
	switch {
	case !v.Blocked():
		return "pass", &q
	case v.Response.Kind == order.Redirect:
		var list []string
		for _, a := range v.Response.Addresses {
			list = append(list, a.String())
		}
		return redirected(list), &q
	case v.Response.Kind == order.NXDOMAIN && v.Subtree != ruleset.SubtreeNXDOMAIN:
		return "nodata", &q
	}
	return v.Response.Kind.String(), &q
}

func checkForm(t testing.TB, c *world.Choices) (exact, approximated int) {
	t.Helper()
	w := world.New(c)
	opt := Options{Form: Forms()[c.N(len(forms))], Approximate: []Approximation{Exact, Wider, Narrower, LeaveOut}[c.N(4)], Country: "IT", TTL: 30 * time.Second, Sealed: true, Origin: 5}
	if opt.Form == "rpz" {
		return 0, 0 // plugin/rpz has a test of the zone
	}
	m, err := NewMaker(opt)
	if err != nil {
		if opt.Form != "hosts" || opt.Approximate != Wider {
			t.Fatal(err)
		}
		return 0, 0
	}
	set := w.Set()
	for now := order.Time(0); now <= world.LastSecond; now += 3 {
		x := m.Make(set, now)
		if x.Body == nil {
			if len(x.Problems) == 0 {
				t.Fatal("no file and no problem")
			}
			continue
		}
		if len(x.Problems) > 0 {
			approximated++
		} else if len(x.Body) > 0 {
			exact++
		}
		read := readers[opt.Form](string(x.Body))
		for _, n := range world.Names("example") {
			got := read(n)
			want, q := expected(set, n, opt.Country, now)
			kind := got != "blocked" && len(x.Problems) == 0
			bad := false
			switch {
			case kind && got == "nxdomain" && want == "nodata" && q.ServiceLabels() > 0: // the name may be the name of a service
			case kind:
				bad = got != want
			case got == "pass" && want != "pass":
				bad = opt.Approximate == Wider || len(x.Problems) == 0
			case got != "pass" && want == "pass":
				bad = opt.Approximate != Wider && x.Counts.LiftsOfNetworks == 0 || len(x.Problems) == 0
			}
			if bad {
				t.Fatalf("%s%+v at %d:\n%s%+v\n%s: got %q, want %q", w, opt, now, x.Body, x.Problems, n, got, want)
			}
		}
	}
	return exact, approximated
}

func FuzzForms(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		f.Add(world.Random(r, 300).B)
	}
	f.Fuzz(func(t *testing.T, data []byte) { checkForm(t, &world.Choices{B: data}) })
}

func TestForms(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	exact, approximated := 0, 0
	for range 1000 {
		e, a := checkForm(t, world.Random(r, 300))
		exact, approximated = exact+e, approximated+a
	}
	t.Logf("%d exact files, %d files with changed answers", exact, approximated)
	if exact < 100 || approximated < 250 {
		t.Errorf("%d exact files, %d files with changed answers: too few", exact, approximated)
	}
}

func TestCounts(t *testing.T) {
	nets := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	id := 0
	file := ruleset.NewBuilder("f", ruleset.Options{Addresses: true})
	add := func(change func(o *order.Order)) {
		id++
		o := &order.Order{ID: fmt.Sprint(id), Terms: &order.Terms{TTL: -1, Authority: order.Authority{Name: "A"}, Scope: &order.Scope{Global: true}}, Issued: 1, From: order.NoTime, Until: order.NoTime,
			Served: order.NoTime, Review: order.NoTime, Deadline: order.NoTime, Targets: []order.Target{{Name: world.Name(fmt.Sprintf("n%d.example", id)), Match: order.Subtree}}}
		change(o)
		file.Add(o)
	}
	add(func(o *order.Order) {})
	add(func(o *order.Order) { o.Scope = &order.Scope{Countries: []order.Country{"EU"}} })
	add(func(o *order.Order) { o.Scope = &order.Scope{Countries: []order.Country{"CH"}} })
	add(func(o *order.Order) { o.Scope = &order.Scope{Clients: nets} })
	add(func(o *order.Order) { o.Scope = &order.Scope{Countries: []order.Country{"IT"}, Clients: nets} })
	add(func(o *order.Order) { o.Disclosure = order.Code })
	add(func(o *order.Order) { o.Status = order.Shadow })
	add(func(o *order.Order) { o.Status = order.Draft })
	add(func(o *order.Order) { o.Status = order.Suspended })
	add(func(o *order.Order) { o.From = 100 })
	add(func(o *order.Order) { o.Until = 5 })
	add(func(o *order.Order) { o.Exempt = []order.Exempt{{Clients: nets, Until: order.NoTime}} })
	add(func(o *order.Order) {
		o.Exempt = []order.Exempt{{Clients: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}, Until: order.NoTime}}
	})
	add(func(o *order.Order) {
		o.Targets = append(o.Targets, order.Target{Kind: order.TargetURL, Attr: &order.Attr{URL: "https://example/x"}})
	})
	add(func(o *order.Order) {
		o.Action, o.Lifts, o.Targets, o.Scope, o.Issued = order.Lift, []string{"1"}, nil, &order.Scope{Clients: nets}, 2
	})
	p, _ := file.Freeze()
	set := ruleset.Merge([]*ruleset.Part{p}, ruleset.Options{Addresses: true})
	for a, names := range map[Approximation]string{
		Exact: "", Wider: "n1 n2 n5 n12 n14", LeaveOut: "n1 n2 n5 n14", Narrower: "",
	} {
		m, err := NewMaker(Options{Form: "domains", Approximate: a, Country: "IT"})
		if err != nil {
			t.Fatal(err)
		}
		x := m.Make(set, 10)
		want := Counts{InForce: 5, OtherCountries: 1, ClientNetworks: 1, Sealed: 1, Shadow: 1, Draft: 1, Suspended: 1, Others: 1, Exempting: 1, LiftsOfNetworks: 1}
		if a == LeaveOut || a == Narrower {
			want.InForce-- // the order with exempt clients is left out
		}
		if x.Counts != want {
			t.Errorf("%q: got  %+v\nwant %+v", a, x.Counts, want)
		}
		got := strings.Fields(strings.ReplaceAll(string(x.Body), ".example", ""))
		slices.SortFunc(got, func(a, b string) int { return len(a) - len(b) })
		if strings.Join(got, " ") != names || (x.Body == nil) != (names == "") || len(x.Problems) != 2 || x.Until != 100 {
			t.Errorf("%q: names %q until %v, problems %q", a, got, x.Until, x.Problems)
		}
	}
}

func TestTTL(t *testing.T) {
	b := ruleset.NewBuilder("f", ruleset.Options{})
	for i, match := range []order.Match{order.Exact, order.Subtree} {
		b.Add(&order.Order{ID: match.String(), Terms: &order.Terms{TTL: time.Duration(i) * time.Hour, Scope: &order.Scope{Global: true}}, Issued: 1, From: order.NoTime, Until: order.NoTime,
			Served: order.NoTime, Review: order.NoTime, Deadline: order.NoTime, Targets: []order.Target{{Name: world.Name("a.example"), Match: match}}})
	}
	p, _ := b.Freeze()
	set := ruleset.Merge([]*ruleset.Part{p}, ruleset.Options{})
	for form, want := range map[string]string{
		"adblock": "||a.example^\n", "domains": "a.example\n", "dnsmasq": "address=/a.example/\n", "unbound": "local-zone: \"a.example.\" always_nxdomain\n",
		"rpz": "a.example\t0\tIN\tCNAME\t.\n*.a.example\t3600\tIN\tCNAME\t.\n",
	} {
		m, err := NewMaker(Options{Form: form, Origin: 5})
		if err != nil {
			t.Fatal(err)
		}
		if x := m.Make(set, 10); string(x.Body) != want || len(x.Problems) > 0 {
			t.Errorf("%s: %q, want %q; problems %q", form, x.Body, want, x.Problems)
		}
	}
}

func TestOmitted(t *testing.T) {
	label := strings.Repeat("x", 61)
	longest := strings.Join([]string{label, label, label, label, "xx.yy"}, ".")
	names := []string{"a.rpz-ip", longest}
	b := ruleset.NewBuilder("f", ruleset.Options{})
	for i, match := range []order.Match{order.Subtree, order.Exact} {
		b.Add(&order.Order{ID: match.String(), Terms: &order.Terms{TTL: -1, Scope: &order.Scope{Global: true}}, Issued: 1, From: order.NoTime, Until: order.NoTime,
			Served: order.NoTime, Review: order.NoTime, Deadline: order.NoTime, Targets: []order.Target{{Name: world.Name(names[i]), Match: match}}})
	}
	p, _ := b.Freeze()
	set := ruleset.Merge([]*ruleset.Part{p}, ruleset.Options{})
	for _, form := range Forms() {
		m, err := NewMaker(Options{Form: form, Approximate: LeaveOut, Origin: 5})
		if err != nil {
			t.Fatal(err)
		}
		x := m.Make(set, 10)
		var why []string
		for _, p := range x.Problems {
			if strings.Contains(p.Why, "zone") {
				why = append(why, p.Name+" "+p.Why)
			}
		}
		if form == "rpz" {
			want := []string{"a.rpz-ip ends in rpz-ip, which has another meaning in a response policy zone", longest + " is too long for the zone"}
			if !slices.Equal(why, want) || len(x.Body) > 0 {
				t.Errorf("%s: %q\n%s", form, why, x.Body)
			}
			continue
		}
		if why != nil {
			t.Errorf("%s has no zone: %q", form, why)
		}
		if form == "unbound" || form == "dnsmasq" {
			if !strings.Contains(string(x.Body), "a.rpz-ip") || !strings.Contains(string(x.Body), longest) || strings.Contains(string(x.Body), "*."+longest) {
				t.Errorf("%s:\n%s", form, x.Body)
			}
		}
	}
}
