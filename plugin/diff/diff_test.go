package diff

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// at is the time of all comparisons, 2026-05-01T12:00:00Z.
const at order.Time = 1777636800

func version(t *testing.T, orders string) Version {
	t.Helper()
	f, problems := order.Parse("o.yaml", strings.NewReader("version: 1\ndefaults: {authority: {name: Court}, scope: global}\norders:"+orders), order.Options{})
	if bad := problems.Errors(); len(bad) > 0 {
		t.Fatal(bad)
	}
	b := ruleset.NewBuilder("o.yaml", ruleset.Options{})
	for _, o := range f.Orders {
		b.Add(o)
	}
	part, _ := b.Freeze()
	return Version{f.Orders, ruleset.Merge([]*ruleset.Part{part}, ruleset.Options{})}
}

func TestFields(t *testing.T) {
	other := map[string]bool{"ID": true, "Line": true, "Column": true, "Index": true, "Targets": true, "Plain": true, "Side": true, "DeadlineAfter": true, "Public": true, "Terms": true}
	names := map[string]bool{}
	for _, f := range fieldTexts {
		names[strings.ReplaceAll(f.name, "_", "")] = true
	}
	for _, typ := range []reflect.Type{reflect.TypeFor[order.Order](), reflect.TypeFor[order.Terms]()} {
		for i := range typ.NumField() {
			if n := typ.Field(i).Name; !other[n] && !names[strings.ToLower(n)] {
				t.Errorf("fieldTexts lacks %s.%s", typ.Name(), n)
			}
		}
	}
}

func TestEveryFieldDiffers(t *testing.T) {
	base := "id: a, action: block, targets: [a.example]"
	for field, text := range map[string]string{
		"authority": "{name: Other}", "references": "[x]", "basis": "x", "category": "x", "subject": "x", "note": "x",
		"issued": "2026-01-01", "served": "2026-01-01", "deadline": "2026-01-01", "from": "2026-01-01", "until": "2027-01-01",
		"windows": "[{from: 2026-01-01}]", "review": "2027-01-01", "status": "draft", "scope": "{countries: [IT]}",
		"exempt": "[192.0.2.1]", "stated_count": "2", "except": "[w.a.example]", "force": "{a.example: because}", "response": "nodata", "ttl": "5s",
		"disclosure": "schedule", "justification": "x", "language": "it", "organization": "x", "contact": "[\"tel:+1\"]",
		"url": "https://a.example/", "filtering_databases": "[{db: a, id: b}]", "document": "{note: x}", "report_to": "x",
		"claimant": "x", "redress": "x", "acknowledged": "2026-01-01", "reported": "2026-01-01",
	} {
		d := Orders(version(t, "\n- {"+base+"}"), version(t, fmt.Sprintf("\n- {%s, %s: %s}", base, field, text)), at)
		if len(d) != 1 || d[0].Kind != Changed || len(d[0].Fields) != 1 || d[0].Fields[0].Name != field {
			t.Errorf("%s: got %+v", field, d)
		}
	}
}

func TestTerritories(t *testing.T) {
	d := Orders(version(t, "\n- {id: a, scope: {countries: [FR]}, targets: [a.example]}"), version(t, "\n- {id: a, scope: {countries: [FR+]}, targets: [a.example]}"), at)
	if len(d) != 1 || !slices.Equal(d[0].Fields, []Field{{"scope", "FR", "FR+"}}) {
		t.Errorf("got %+v", d)
	}
}

func TestTargetAttributes(t *testing.T) {
	for _, tc := range []struct{ from, to, added, removed string }{
		{"a.example", "A.example.", "", ""},
		{"a.example", `"*.a.example"`, "*.a.example", "a.example"},
		{"a.example", "{name: a.example, until: 2027-01-01}", "a.example (until 2027-01-02T00:00:00Z)", "a.example"},
		{"{name: a.example, reported: 2026-01-01}", "{name: a.example, acknowledged: 2026-01-01}", "a.example (acknowledged 2026-01-01T00:00:00Z)", "a.example (reported 2026-01-01T00:00:00Z)"},
		{"{address: 192.0.2.1}", "{address: 192.0.2.1, enforced_by: dns}", "192.0.2.1 (enforced_by dns)", "192.0.2.1 (enforced_by network)"},
		{`{url: "https://a.example/x"}`, `{url: "https://a.example/x", whole_host: true}`, "a.example (exact) (url https://a.example/x)", "https://a.example/x"},
	} {
		d := Orders(version(t, "\n- {id: a, targets: ["+tc.from+"]}"), version(t, "\n- {id: a, targets: ["+tc.to+"]}"), at)
		if tc.added == "" {
			if len(d) != 0 {
				t.Errorf("%s -> %s: got %+v", tc.from, tc.to, d)
			}
			continue
		}
		if len(d) != 1 || !slices.Equal(d[0].TargetsAdded, []string{tc.added}) || !slices.Equal(d[0].TargetsRemoved, []string{tc.removed}) {
			t.Errorf("%s -> %s: got %+v", tc.from, tc.to, d)
		}
	}
}

func TestNames(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	pool := []string{"a.example", "b.a.example", "c.b.a.example", "b.example", "c.b.example"}
	pick := func() string { return pool[r.IntN(len(pool))] }
	target := func() string {
		return []string{pick(), `"*.` + pick() + `"`, "{name: " + pick() + ", match: exact}"}[r.IntN(3)]
	}
	set := func() Version {
		var b strings.Builder
		for i := range 1 + r.IntN(3) {
			fmt.Fprintf(&b, "\n- {id: o%d, issued: 2026-01-0%d, targets: [%s]", i, 1+i, target())
			if x := "w." + pick(); r.IntN(2) == 0 {
				fmt.Fprintf(&b, ", except: [%s]", x)
			}
			b.WriteString("}")
		}
		if r.IntN(2) == 0 {
			fmt.Fprintf(&b, "\n- {id: l, action: lift, authority: {name: Court}, issued: 2026-02-01, targets: [%s]}", target())
		}
		return version(t, b.String())
	}
	for range 2000 {
		from, to := set(), set()
		blocked, freed := Names(from, to, ruleset.Client{}, at)
		said := map[string]string{}
		for _, list := range []struct {
			what  string
			names []Name
		}{{"blocked", blocked}, {"freed", freed}} {
			for _, n := range list.names {
				if n.Match != order.BelowOnly {
					said[n.Name.String()] += list.what
				}
				if n.Match != order.Exact {
					said["any."+n.Name.String()] += list.what
				}
				if n.Order == nil || n.Lift != nil && list.what == "blocked" {
					t.Fatalf("%+v", n)
				}
				if list.what == "freed" {
					if want := slowLift(to.Set, n); n.Lift != want {
						t.Fatalf("%s: lift %v, want %v", n, n.Lift, want)
					}
				}
			}
		}
		for _, base := range append(pool, "w.a.example", "w.b.a.example", "w.c.b.a.example", "w.b.example", "w.c.b.example") {
			for _, s := range []string{base, "any." + base} {
				n, err := dname.Parse(s)
				if err != nil {
					t.Fatal(err)
				}
				var q ruleset.QName
				q.SetName(n)
				was, is := from.Set.Decide(&q, ruleset.Query{Now: at}).Blocked(), to.Set.Decide(&q, ruleset.Query{Now: at}).Blocked()
				want := ""
				if is && !was {
					want = "blocked"
				} else if was && !is {
					want = "freed"
				}
				mentionedHere := slices.ContainsFunc(mentioned(from, to), func(m mention) bool { return m.name == n || "any."+m.name.String() == s })
				if mentionedHere && said[s] != want {
					t.Fatalf("%s: said %q, is %q", s, said[s], want)
				}
			}
		}
	}
}

func slowLift(set *ruleset.Set, n Name) *ruleset.Order {
	var q ruleset.QName
	q.SetName(n.Name)
	if n.Match == order.BelowOnly {
		q.SetBelow(n.Name)
	}
	_, reasons := set.Reasons(&q, ruleset.Client{}, at)
	for _, r := range reasons {
		if r.Why == ruleset.LiftedBy && r.Order.ID == n.Order.ID {
			return r.By
		}
	}
	return nil
}
