package order

import (
	"fmt"
	"net/netip"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/dname"
)

func loadGood(t testing.TB, path string) *File {
	t.Helper()
	f, problems := load(t, path)
	if len(problems) > 0 {
		t.Fatalf("%s: %v", path, problems)
	}
	return f
}

func parseString(t testing.TB, text string) (*File, Problems) {
	t.Helper()
	return Parse("a.yaml", strings.NewReader(text), Options{})
}

func oneOrder(t testing.TB, fields string) *Order {
	t.Helper()
	text := "version: 1\nauthorities: {x: {authority: {name: X}}}\norders: [{authority: x, targets: [one.example], " + fields + "}]\n"
	f, problems := parseString(t, text)
	if len(problems) > 0 || len(f.Orders) != 1 {
		t.Fatalf("%s: %v", fields, problems)
	}
	return f.Orders[0]
}

// stripped returns copies of the orders without their positions.
func stripped(orders []*Order) []*Order {
	var out []*Order
	for _, o := range orders {
		c := *o
		c.Line, c.Column = 0, 0
		c.Targets = slices.Clone(o.Targets)
		for i := range c.Targets {
			c.Targets[i].Line, c.Targets[i].Column = 0, 0
		}
		out = append(out, &c)
	}
	return out
}

func sameOrders(t testing.TB, what string, got, want []*Order) {
	t.Helper()
	got, want = stripped(got), stripped(want)
	if len(got) != len(want) {
		t.Fatalf("%s: %d orders, want %d", what, len(got), len(want))
	}
	for i := range got {
		g, w := reflect.ValueOf(*got[i]), reflect.ValueOf(*want[i])
		for k := range g.NumField() {
			if !reflect.DeepEqual(g.Field(k).Interface(), w.Field(k).Interface()) {
				t.Errorf("%s: order %q: %s is\n%+v\nwant\n%+v", what, got[i].ID, g.Type().Field(k).Name, show(g.Field(k)), show(w.Field(k)))
			}
		}
	}
}

func show(v reflect.Value) string {
	if v.Kind() == reflect.Pointer && !v.IsNil() {
		v = v.Elem()
	}
	return fmt.Sprintf("%+v", v.Interface())
}

func TestGood(t *testing.T) {
	for _, path := range glob(t, "good") {
		f := loadGood(t, path)
		if f.Count != len(f.Orders) {
			t.Errorf("%s: Count %d, but %d orders", path, f.Count, len(f.Orders))
		}
		checkFile(t, f)
	}
}

func TestSameInThree(t *testing.T) {
	want := loadGood(t, "good/full.yaml")
	for _, path := range []string{"good/full.json", "good/full.jsonl"} {
		f := loadGood(t, path)
		sameOrders(t, path, f.Orders, want.Orders)
		f.Orders, f.Path = want.Orders, want.Path
		if !reflect.DeepEqual(f, want) {
			t.Errorf("%s: %+v, want %+v", path, f, want)
		}
	}
}

func at(t testing.TB, s string) Time {
	t.Helper()
	v, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return FromTime(v)
}

func name(t testing.TB, s string) dname.Name {
	t.Helper()
	n, err := dname.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func prefixes(list ...string) (out []netip.Prefix) {
	for _, s := range list {
		x, why := ParsePrefix(s)
		if why != "" {
			panic(why)
		}
		out = append(out, x)
	}
	return out
}

func TestFull(t *testing.T) {
	f := loadGood(t, "good/full.yaml")
	if !reflect.DeepEqual(f.Source, &Source{"Elenco di Esempio", at(t, "2026-05-01T00:00:00+02:00"), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}) || f.Expires != at(t, "2027-01-01T00:00:00+01:00") {
		t.Errorf("source %+v, expires %v", f.Source, f.Expires)
	}
	if f.Serial != 7 || f.ShrinkOK != 12 || f.Count != 6 || f.Timezone != "Europe/Rome" || f.Targets != 23 || !slices.Equal(f.Sides, []string{"lists/short.txt"}) {
		t.Errorf("header: %+v", f)
	}
	agcom := Authority{"Autorità per le garanzie nelle comunicazioni", "IT", KindRegulator}
	attr := func(set func(a *Attr)) *Attr { a := NewAttr(); set(a); return a }
	target := func(s string, m Match, a *Attr) Target { return Target{Match: m, Name: name(t, s), Attr: a} }
	served := at(t, "2026-05-09T10:00:00+02:00")

	full := New()
	full.ID = "agcom/2026/1"
	*full.Terms = Terms{
		Authority: agcom,
		Scope:     &Scope{Countries: []Country{"IT"}},
		Exempt: []Exempt{
			{prefixes("192.0.2.0/28"), NoTime, ""},
			{prefixes("2001:db8::1"), NoTime, ""},
			{prefixes("198.51.100.0/24", "2001:db8:1::/48"), at(t, "2027-01-01T00:00:00+01:00"), "ticket 12"},
			{prefixes("203.0.113.7"), NoTime, ""},
			{prefixes("203.0.113.8"), NoTime, ""},
		},
		Response:      Response{Redirect, []netip.Addr{netip.MustParseAddr("192.0.2.80"), netip.MustParseAddr("2001:db8::80")}},
		TTL:           90 * time.Second,
		Disclosure:    Schedule,
		Justification: "Bloccato",
		Language:      "it",
		Organization:  "Example ISP",
		Contact:       []string{"mailto:legal@isp.example"},
		URL:           "https://isp.example/orders/1",
		Basis:         "Regulation 680/13",
		Category:      "copyright",
		Redress:       "TAR Lazio, 60 giorni",
		ReportTo:      "agcom@regulator.example",
	}
	full.References = []string{"Delibera 1/26", "2719", "2026-05-01", "ECLI:IT:EX:2026:1"}
	full.Subject, full.Note = "Example S.p.A.", "two\nlines\n"
	full.Claimant = "Rights Holder S.r.l."
	full.StatedCount = 21
	full.Acknowledged, full.Reported = at(t, "2026-05-02T09:45:00+02:00"), at(t, "2026-05-03T00:00:00+02:00")
	full.Issued = at(t, "2026-05-01T00:00:00+02:00")
	full.Served = at(t, "2026-05-02T09:30:00+02:00")
	full.DeadlineAfter, full.Deadline = 7*24*time.Hour, at(t, "2026-05-09T09:30:00+02:00")
	full.From = at(t, "2026-05-02T08:00:01Z") // a fraction of a second is rounded up
	full.Until = at(t, "2027-05-02T00:00:00+02:00")
	full.Windows = []Window{
		{at(t, "2026-05-03T18:45:00+02:00"), at(t, "2026-05-03T21:00:00+02:00")},
		{at(t, "2026-06-01T00:00:00+02:00"), NoTime},
		{NoTime, at(t, "2026-05-02T12:00:00Z")},
	}
	full.Review = at(t, "2027-01-01T00:00:00+01:00")
	full.Status = Shadow
	full.Targets = []Target{
		target("one.example", Subtree, nil),
		target("two.example", BelowOnly, nil),
		target("xn--ber-goa.example", Subtree, nil),
		target("three.example", Exact, nil),
		target("four.example", BelowOnly, attr(func(a *Attr) { a.Status, a.Note = Suspended, "the operator's ticket 13" })),
		target("five.example", Subtree, attr(func(a *Attr) {
			a.From, a.Until = at(t, "2026-05-10T00:00:00+02:00"), at(t, "2026-05-12T00:00:00+02:00")
			a.Windows = []Window{{at(t, "2026-05-10T12:00:00+02:00"), at(t, "2026-05-10T13:00:00+02:00")}}
			a.Except = []dname.Name{name(t, "www.five.example")}
			a.Served, a.Deadline = served, served+7*86400
			a.Acknowledged, a.Reported = served+300, at(t, "2026-05-10T00:00:00+02:00")
			a.References = []string{"row 5"}
		})),
		target("six.example", Subtree, attr(func(a *Attr) { a.Served, a.Deadline = served, served+1800 })),
		target("seven.example", Subtree, attr(func(a *Attr) { a.Deadline = at(t, "2026-06-02T00:00:00+02:00") })),
		{Kind: TargetAddress, Match: Subtree, Attr: attr(func(a *Attr) { a.Address = prefixes("192.0.2.1")[0] })},
		{Kind: TargetAddress, Match: Subtree, Attr: attr(func(a *Attr) { a.Address, a.EnforcedBy = prefixes("2001:db8::/64")[0], ByNobody })},
		{Kind: TargetAddress, Match: Subtree, Attr: attr(func(a *Attr) { a.Address, a.EnforcedBy = prefixes("198.51.100.0/24")[0], ByDNS })},
		{Kind: TargetAddress, Match: Subtree, Attr: attr(func(a *Attr) { a.Address = prefixes("198.51.100.1")[0] })},
		{Kind: TargetURL, Match: Subtree, Attr: attr(func(a *Attr) { a.URL = "https://eight.example/page?a=b" })},
		target("nine.example", Exact, attr(func(a *Attr) { a.URL = "http://nine.example:8080/page" })),
		target("ten.example", Subtree, attr(func(a *Attr) { a.URL = "http://ten.example/#x" })),
		{Kind: TargetURL, Match: Subtree, Attr: attr(func(a *Attr) { a.URL = "http://eleven.example/?x" })},
	}
	full.Side = &SideList{File: "lists/short.txt", SHA256: f.Orders[0].Side.SHA256}
	for _, s := range []string{"one.side.example", "two.side.example", "xn--ber-goa.side.example"} {
		full.Side.Names.Append(name(t, s))
	}
	full.Except = []dname.Name{name(t, "keep.one.example"), name(t, "xn--strae-oqa.one.example")}
	full.Force = []Force{{"one.example", "confirmed by telephone"}, {"*.two.example", "likewise"}, {"192.0.2.1", "its only host"}}
	full.FilteringDatabases = []FilteringDatabase{{"lumen", "123"}, {"other", "4"}}
	full.Document = &Document{"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "A. Person", "B. Person", "seal checked"}

	ofDefaults := func() *Order {
		o := New()
		o.References = []string{"from the defaults"}
		o.Terms.Scope = &Scope{Global: true}
		o.Terms.TTL = 5 * time.Minute
		o.Terms.Exempt = []Exempt{{prefixes("192.0.2.0/28"), NoTime, ""}}
		return o
	}
	court := ofDefaults()
	court.ID, court.Authority, court.Disclosure = "court:2026-2", Authority{"Tribunale di Esempio", "IT", KindCourt}, None
	court.Served, court.Deadline = full.Served, at(t, "2026-05-04T00:00:00+02:00")
	court.Response.Kind = NXDOMAIN
	court.Targets = []Target{target("sealed.example", Subtree, nil)}

	own := ofDefaults()
	own.ID, own.Authority, own.Disclosure, own.Status = "own-3", Authority{"The ISP's own decision", "", KindOperator}, Code, Draft
	own.Scope = &Scope{Countries: []Country{EU, "NO"}, Clients: prefixes("192.0.2.0/24", "192.0.2.255", "2001:db8::/32")}
	own.Response.Kind = NODATA
	own.Targets = []Target{target("own.example", Subtree, nil)}

	law := ofDefaults()
	law.ID, law.Authority, law.TTL = "law-4", Authority{"The Act", "", KindLaw}, 0
	law.Response.Kind = Refused
	law.Targets = []Target{target("law.example", Subtree, nil)}

	lift := New()
	lift.ID, lift.Action, lift.Lifts, lift.Authority = "lift-5", Lift, []string{"agcom/2026/1"}, agcom
	lift.Issued = at(t, "2026-07-01T12:00:00Z")
	lift.Scope = &Scope{Countries: []Country{"IT"}}
	lift.Targets = []Target{target("one.example", Subtree, nil)}

	suspended := ofDefaults()
	suspended.ID, suspended.Authority, suspended.Status, suspended.Basis = "suspended-6", agcom, Suspended, "Regulation 680/13"
	suspended.Served, suspended.DeadlineAfter, suspended.Deadline = full.Served, full.DeadlineAfter, full.Deadline
	suspended.Scope = &Scope{Countries: []Country{"IT"}}
	suspended.Exempt = append(suspended.Exempt, Exempt{prefixes("2001:db8::1"), NoTime, ""})
	suspended.Redress = "Object to the regulator within 30 days"
	suspended.Justification, suspended.Language = "Blocked by order of the regulator", "en"
	suspended.Contact = []string{"mailto:orders@isp.example", "tel:+39-06-0000"}
	suspended.Targets = []Target{target("six.example", Subtree, nil)}

	want := []*Order{full, court, own, law, lift, suspended}
	for i, o := range want {
		o.Index = i
	}
	sameOrders(t, "good/full.yaml", f.Orders, want)
}

func TestSets(t *testing.T) {
	o := oneOrder(t, `id: a, scope: {countries: [IT, it, EU], clients: [192.0.2.1, 192.0.2.1/32]}, response: {redirect: [192.0.2.2, 192.0.2.2]}`)
	if len(o.Scope.Countries) != 2 || len(o.Scope.Clients) != 1 || len(o.Response.Addresses) != 1 {
		t.Errorf("%+v, %+v", o.Scope, o.Response)
	}
	o = oneOrder(t, "id: a, action: lift, issued: 2026-05-01, lifts: [b, c, b]")
	if !slices.Equal(o.Lifts, []string{"b", "c"}) {
		t.Errorf("%q", o.Lifts)
	}
}

// The parser reuses memory between lines. A mistake could mix two orders.
func TestLinesApart(t *testing.T) {
	const head = `{"version":1,"count":%d}` + "\n"
	lines := []string{
		`{"id":"a","authority":{"name":"X","kind":"court"},"scope":{"countries":["IT","FR"]},"exempt":["192.0.2.1",{"clients":["192.0.2.2"]}],"references":["1","2"],"targets":[{"name":"a.example","windows":[{"from":"2026-05-01"}],"references":["3"]},"b.example"]}`,
		`{"exempt":[],"id":"b","references":[],"authority":{"name":"Y"},"force":{},"scope":"global","document":{},"filtering_databases":[],"contact":[],"targets":["c.example"],"except":[]}`,
		`{"id":"c","authority":{"name":"Z"},"scope":"global","note":null,"targets":[{"name":"d.example","except":[],"references":[]}]}`,
	}
	var alone []*Order
	for _, line := range lines {
		f, problems := Parse("a.jsonl", strings.NewReader(fmt.Sprintf(head, 1)+line), Options{})
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		alone = append(alone, f.Orders...)
	}
	for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 0, 2}, {0, 2, 1}} {
		text := fmt.Sprintf(head, len(lines))
		var want []*Order
		for i, k := range order {
			text += lines[k] + "\n"
			o := *alone[k]
			o.Index = i
			want = append(want, &o)
		}
		f, problems := Parse("a.jsonl", strings.NewReader(text), Options{})
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		sameOrders(t, fmt.Sprint("lines ", order), f.Orders, want)
	}
}

var idPattern = regexp.MustCompile(`^[A-Za-z0-9._:/-]{1,128}$`)

func TestID(t *testing.T) {
	ids := []string{"", "a.b-c", "2026/0000001", strings.Repeat("x", 128), strings.Repeat("x", 129), "a b", "é"}
	for c := range 256 {
		ids = append(ids, string([]byte{byte(c)}), string([]byte{'a', byte(c), 'Z'}))
	}
	for _, id := range ids {
		if want := idPattern.MatchString(id); isID(id) != want {
			t.Errorf("isID(%q) = %v", id, !want)
		}
	}
}

// checkFile checks rules that hold for every valid file.
func checkFile(t testing.TB, f *File) {
	t.Helper()
	ids := map[string]bool{}
	targets := 0
	for i, o := range f.Orders {
		if !idPattern.MatchString(o.ID) || !isID(o.ID) || ids[o.ID] || o.Index != i || o.Line < 1 || o.Column < 1 {
			t.Errorf("order %q: index %d at %d:%d", o.ID, o.Index, o.Line, o.Column)
		}
		ids[o.ID] = true
		if o.Authority.Name == "" || o.Scope == nil && o.Action == Block || o.TTL > MaxTTL {
			t.Errorf("order %q: terms %+v", o.ID, o.Terms)
		}
		if o.Lifting() {
			if o.DecidedAt() == NoTime || len(o.Targets)+len(o.Lifts) == 0 && o.Side == nil {
				t.Errorf("lift %q: %+v", o.ID, o)
			}
		} else {
			targets += o.NumTargets()
			if o.NumTargets() == 0 {
				t.Errorf("order %q has no targets", o.ID)
			}
		}
		checkWindows(t, o.ID, append(o.Windows, Window{o.From, o.Until}))
		if (o.DeadlineAfter > 0) && o.Deadline == NoTime && !o.ownClocks() {
			t.Errorf("order %q: deadline %v without served", o.ID, o.DeadlineAfter)
		}
		for k := range o.Targets {
			checkTarget(t, o, &o.Targets[k])
		}
	}
	if targets != f.Targets {
		t.Errorf("%d targets, File.Targets is %d", targets, f.Targets)
	}
}

func checkTarget(t testing.TB, o *Order, x *Target) {
	t.Helper()
	switch x.Kind {
	case TargetName:
		if again, err := dname.Parse(x.Name.String()); err != nil || again != x.Name {
			t.Errorf("order %q: target %q is not canonical", o.ID, x.Name)
		}
	case TargetAddress:
		if x.Attr == nil || !x.Attr.Address.IsValid() || x.Attr.Address.Masked() != x.Attr.Address || !x.Name.IsZero() {
			t.Errorf("order %q: address target %+v", o.ID, x)
		}
	case TargetURL:
		if x.Attr == nil || x.Attr.URL == "" || !x.Name.IsZero() {
			t.Errorf("order %q: URL target %+v", o.ID, x)
		}
	}
	if x.Attr != nil {
		checkWindows(t, o.ID, append(x.Attr.Windows, Window{x.Attr.From, x.Attr.Until}))
	}
}

func checkWindows(t testing.TB, id string, ws []Window) {
	t.Helper()
	for _, w := range ws {
		if w.From != NoTime && w.Until != NoTime && w.Until <= w.From {
			t.Errorf("order %q: %v until %v", id, w.From, w.Until)
		}
	}
}
