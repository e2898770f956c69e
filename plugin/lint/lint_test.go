package lint

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// at is the time of all tests, 2026-05-01T12:00:00Z.
const at order.Time = 1777636800

func warnings(t *testing.T, orders string, side map[string]string) string {
	t.Helper()
	text := "version: 1\ndefaults: {authority: {name: Court}, references: [r], review: 2027-01-01, scope: global}\norders:\n" + orders
	f, problems := order.Parse("o.yaml", strings.NewReader(text), order.Options{OpenSide: func(name string) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(side[name])), nil
	}})
	if bad := problems.Errors(); len(bad) > 0 {
		t.Fatal(bad)
	}
	b := ruleset.NewBuilder("o.yaml", ruleset.Options{})
	for _, o := range f.Orders {
		b.Add(o)
	}
	part, _ := b.Freeze()
	var out []string
	for _, p := range Check([]File{{Path: "o.yaml", Orders: f.Orders}}, ruleset.Merge([]*ruleset.Part{part}, ruleset.Options{}), at) {
		if !p.Warning || p.Order != "" && (p.Line == 0 || p.Column == 0) || p.File != "o.yaml" {
			t.Errorf("not a warning with a position: %+v", p)
		}
		out = append(out, p.Order+" "+p.Field+": "+p.Msg)
	}
	return strings.Join(out, "\n")
}

func TestCheck(t *testing.T) {
	const forSome = "scope: {clients: [192.0.2.0/24]}, "
	for name, tc := range map[string]struct{ orders, want string }{
		"fine":             {"- {id: a, targets: [a.example]}", ""},
		"ends now":         {"- {id: a, until: 2026-05-01T12:00:00Z, targets: [a.example]}", "a until: is in the past"},
		"ends next second": {"- {id: a, until: 2026-05-01T12:00:01Z, targets: [a.example]}", ""},
		"review past":      {"- {id: a, review: 2026-04-01, targets: [a.example]}", "a review: was due by 2026-04-01"},
		"no reference":     {"- {id: a, references: [], targets: [a.example]}", "a references: is missing"},
		"party's lift":     {"- {id: a, targets: [a.example]}\n- {id: l, action: lift, authority: {name: Rights Holder}, references: [], issued: 2026-02-01, lifts: [a], targets: [a.example]}", ""},
		"court's lift":     {"- {id: a, targets: [a.example]}\n- {id: l, action: lift, authority: {name: Court, kind: court}, references: [], issued: 2026-02-01, lifts: [a], targets: [a.example]}", "l references: is missing"},
		"open window":      {"- {id: a, windows: [{from: 2026-04-01}], targets: [a.example]}", "a windows[0]: has no end"},
		"window and until": {"- {id: a, until: 2027-01-01, windows: [{from: 2026-04-01}], targets: [a.example]}", ""},
		"target's window":  {"- {id: a, targets: [{name: a.example, windows: [{from: 2026-04-01}]}]}", "a targets[0].windows[0]: has no end"},
		"past windows":     {"- {id: a, windows: [{from: 2026-04-01, until: 2026-04-02}], targets: [a.example]}", "a windows: are all in the past"},
		"window touches":   {"- {id: a, until: 2026-08-01T00:00Z, windows: [{from: 2026-05-01}, {from: 2026-08-01T00:00Z}], targets: [a.example]}", "a windows[1]: is outside"},
		"target past":      {"- {id: a, targets: [{name: a.example, until: 2026-04-01}]}", "a targets[0].until: is in the past"},
		"target's windows": {"- {id: a, until: 2027-01-01, targets: [{name: a.example, windows: [{from: 2027-02-01}]}]}", "a targets[0].windows[0]: is outside"},
		"exemption past":   {"- {id: a, exempt: [{clients: 192.0.2.1, until: 2026-01-01}], targets: [a.example]}", "a exempt[0].until: is in the past"},
		"acknowledged":     {"- {id: a, served: 2026-03-02T09:00, acknowledged: 2026-03-01, targets: [a.example]}", "a acknowledged: is before served, 2026-03-02T09:00:00Z"},
		"same day":         {"- {id: a, served: 2026-03-02T09:00, acknowledged: 2026-03-02, reported: 2026-03-02, targets: [a.example]}", ""},
		"reported":         {"- {id: a, served: 2026-03-02T09:00, reported: 2026-03-01, targets: [a.example]}", "a reported: is before served"},
		"reported later":   {"- {id: a, reported: 2026-05-02, targets: [a.example]}", "a reported: is in the future, 2026-05-02T00:00:00Z"},
		"target reported":  {"- {id: a, served: 2026-03-01, targets: [{name: a.example, served: 2026-04-02, reported: 2026-04-01}]}", "a targets[0].reported: is before served, 2026-04-02"},
		"target of order":  {"- {id: a, served: 2026-04-02, targets: [{name: a.example, acknowledged: 2026-04-01}]}", "a targets[0].acknowledged: is before served, 2026-04-02"},
		"fewer names":      {"- {id: a, stated_count: 2, targets: [a.example]}", "a stated_count: is 2, and the number of targets is 1: names of the decision are missing"},
		"as many names":    {"- {id: a, stated_count: 1, targets: [a.example]}", ""},
		"more names":       {"- {id: a, stated_count: 1, targets: [a.example, b.example]}", "a stated_count: is 1, and the number of targets is 2: the order may block names that are not in the decision"},
		"suspended":        {"- {id: a, status: suspended, targets: [a.example]}", "a status: is suspended"},
		"draft":            {"- {id: a, status: draft, targets: [a.example]}", "a status: is draft"},
		"country":          {"- {id: a, scope: {countries: [IT]}, targets: [a.example]}", ""},
		"territories":      {"- {id: a, scope: {countries: [FR]}, targets: [a.example]}", "a scope.countries: FR does not include clients in its territories (BL, GF, GP,"},
		"with territories": {"- {id: a, scope: {countries: [FR+]}, targets: [a.example]}", ""},
		"one territory":    {"- {id: a, scope: {countries: [FR, RE]}, targets: [a.example]}", ""},
		"EU":               {"- {id: a, scope: {countries: [EU]}, targets: [a.example]}", "a scope.countries: EU does not include clients in AX, GF, GP, MF, MQ, RE, YT; add"},
		"all of IPv4":      {"- {id: a, scope: {clients: [0.0.0.0/0]}, targets: [a.example]}", "a scope.clients: 0.0.0.0/0 does not include IPv6 clients; add \"::/0\""},
		"all of IPv6":      {"- {id: a, scope: {clients: [\"::/0\"]}, targets: [a.example]}", "a scope.clients: ::/0 does not include IPv4 clients"},
		"all clients":      {"- {id: a, scope: {clients: [0.0.0.0/0, \"::/0\"]}, targets: [a.example]}", ""},
		"all exempt now":   {`- {id: a, exempt: [{clients: [0.0.0.0/0, "::/0"], until: 2099-01-01}], targets: [a.example]}`, "a exempt: covers every client of the scope now: the order blocks no client until an exemption ends"},
		"was exempt":       {`- {id: a, exempt: [{clients: [0.0.0.0/0, "::/0"], until: 2026-01-01}], targets: [a.example]}`, "a exempt[0].until: is in the past"},
		"exempt in two":    {`- {id: a, exempt: [{clients: [0.0.0.0/0], until: 2099-01-01}, {clients: ["::/0"]}], targets: [a.example]}`, "a exempt: covers every client of the scope now"},
		"all exempt":       {"- {id: a, exempt: [0.0.0.0/0], targets: [a.example]}", "a exempt[0].clients: 0.0.0.0/0 does not exempt IPv6 clients"},
		"a lift's slip":    {"- {id: no-1, targets: [a.example]}\n- {id: l, action: lift, authority: {name: Court}, references: [r], issued: 2026-02-01, lifts: [no/1]}", "l lifts[0]: the lift names an order that is not in the set; did you mean \"no-1\"?"},
		"another number":   {"- {id: no-1, targets: [a.example]}\n- {id: l, action: lift, authority: {name: Court}, references: [r], issued: 2026-02-01, lifts: [no-2]}", "l lifts[0]: the lift names an order that is not in the set; did you mean \"no-1\"?"},
		"another id":       {"- {id: no-1, targets: [a.example]}\n- {id: l, action: lift, authority: {name: Court}, references: [r], issued: 2026-02-01, lifts: [other]}", ""},
		"next year":        {"- {id: a, issued: 2027-05-01, targets: [a.example]}", "a issued: is in the future, 2027-05-01"},
		"word quotes":      {"- {id: a, authority: {name: „Gericht“}, targets: [a.example]}", "a authority.name: has quotation marks of a word processor; write \"Gericht\""},
		"quotes inside":    {"- {id: a, authority: {name: Court “A”}, targets: [a.example]}", ""},
		"refused":          {"- {id: a, response: refused, targets: [a.example]}", "a response: refused"},
		"address":          {"- {id: a, targets: [{address: 192.0.2.1}]}", "a targets[0]: is an address, which DNS does not block"},
		"address by dns":   {"- {id: a, targets: [{address: 192.0.2.1, enforced_by: dns}]}", "a targets[0]: is an address in answers"},
		"page":             {"- {id: a, targets: [{url: \"https://a.example/x\"}]}", "a targets[0]: is one page"},
		"no page":          {"- {id: a, targets: [{url: \"magnet:?xt=1\"}]}", "a targets[0]: is a URL without a host name"},
		"whole host":       {"- {id: a, targets: [{url: \"https://a.example/x\", whole_host: true}]}", ""},

		"same target":       {"- {id: a, targets: [a.example]}\n- {id: b, targets: [a.example]}", "b targets[0]: a.example is already covered by order \"a\""},
		"issued decides":    {"- {id: a, issued: 2026-02-01, targets: [a.example]}\n- {id: b, issued: 2026-01-01, targets: [a.example]}", "a targets[0]: a.example is already covered by order \"b\""},
		"wider":             {"- {id: a, targets: [w.a.example]}\n- {id: b, targets: [a.example]}", "a targets[0]: w.a.example is already covered by order \"b\""},
		"exact covers less": {"- {id: a, targets: [{name: a.example, match: exact}]}\n- {id: b, issued: 2026-01-01, targets: [a.example]}", "a targets[0]: a.example (exact) is already covered by order \"b\""},
		"below is not all":  {"- {id: a, issued: 2026-01-01, targets: [\"*.a.example\"]}\n- {id: b, targets: [a.example]}", "a targets[0]: *.a.example is already covered by order \"b\""},
		"below covers":      {"- {id: a, targets: [\"*.a.example\"]}\n- {id: b, targets: [w.a.example]}", "b targets[0]: w.a.example is already covered by order \"a\", target *.a.example"},
		"excepted":          {"- {id: a, targets: [a.example], except: [w.a.example]}\n- {id: b, targets: [w.a.example]}", ""},
		"excepted below":    {"- {id: a, targets: [combo.example], except: [ok.combo.example]}\n- {id: b, targets: [combo.example]}", ""},
		"target's except":   {"- {id: a, targets: [{name: combo.example, except: [ok.combo.example]}]}\n- {id: b, targets: [x.combo.example, combo.example]}", "b targets[0]: x.combo.example is already covered"},
		"excepted beside":   {"- {id: a, targets: [combo.example], except: [ok.combo.example]}\n- {id: b, targets: [x.combo.example]}", "b targets[0]: x.combo.example is already covered"},
		"exact alone":       {"- {id: a, targets: [combo.example], except: [ok.combo.example]}\n- {id: b, targets: [{name: combo.example, match: exact}]}", "b targets[0]: combo.example (exact) is already covered"},
		"lifted below":      {"- {id: a, authority: {name: A}, issued: 2026-01-01, targets: [combo.example]}\n- {id: b, targets: [combo.example]}\n- {id: l, action: lift, authority: {name: A}, references: [r], issued: 2026-02-01, targets: [lift.combo.example]}", ""},
		"lifted below, id":  {"- {id: a, authority: {name: A}, targets: [combo.example]}\n- {id: b, targets: [combo.example]}\n- {id: l, action: lift, authority: {name: B}, references: [r], issued: 2026-02-01, lifts: [a], targets: [lift.combo.example]}", ""},
		"lifted before":     {"- {id: a, authority: {name: A}, issued: 2026-03-01, targets: [combo.example]}\n- {id: b, targets: [combo.example]}\n- {id: c, authority: {name: A}, issued: 2026-01-01, targets: [y.lift.combo.example]}\n- {id: l, action: lift, authority: {name: A}, references: [r], issued: 2026-02-01, targets: [y.lift.combo.example]}", "b targets[0]: combo.example is already covered"},
		"lift not in force": {"- {id: a, authority: {name: A}, targets: [combo.example]}\n- {id: b, targets: [combo.example]}\n- {id: l, action: lift, authority: {name: B}, references: [r], issued: 2026-02-01, from: 2026-08-01, lifts: [a], targets: [lift.combo.example]}", "b targets[0]: combo.example is already covered"},
		"exempting":         {"- {id: a, exempt: [192.0.2.0/24], targets: [combo.example]}\n- {id: b, targets: [combo.example]}", ""},
		"not yet":           {"- {id: a, from: 2026-06-01, targets: [a.example]}\n- {id: b, issued: 2026-01-01, targets: [a.example]}", "a targets[0]: a.example is already covered by order \"b\""},
		"by a pending one":  {"- {id: a, targets: [w.a.example]}\n- {id: b, from: 2026-06-01, targets: [a.example]}", ""},
		"by fewer clients":  {"- {id: a, targets: [w.a.example]}\n- {id: b, " + forSome + "targets: [a.example]}", ""},
		"by more clients":   {"- {id: a, " + forSome + "targets: [w.a.example]}\n- {id: b, targets: [a.example]}", "a targets[0]: w.a.example is already covered"},
		"same clients":      {"- {id: a, " + forSome + "targets: [a.example]}\n- {id: b, " + forSome + "targets: [a.example]}", "b targets[0]: a.example is already covered"},
		"others' clients":   {"- {id: a, " + forSome + "targets: [a.example]}\n- {id: b, scope: {clients: [192.0.2.0/25]}, targets: [a.example]}", ""},
		"lifted":            {"- {id: a, issued: 2026-01-01, targets: [a.example]}\n- {id: b, authority: {name: B}, targets: [a.example]}\n- {id: l, action: lift, authority: {name: Court}, references: [r], issued: 2026-02-01, lifts: [a], targets: [a.example]}", ""},
	} {
		got := warnings(t, tc.orders, nil)
		if tc.want == "" && got != "" || !strings.HasPrefix(got, tc.want) || strings.Count(got, "\n") > strings.Count(tc.want, "\n") {
			t.Errorf("%s: got\n%s\nwant %s", name, got, tc.want)
		}
	}
}

func TestLongLists(t *testing.T) {
	many := make([]string, 15)
	for i := range many {
		many[i] = fmt.Sprintf("n%d.example", i)
	}
	list := strings.Join(many, ", ")
	got := warnings(t, "- {id: a, targets: ["+list+"]}\n- {id: b, targets: ["+list+"]}", nil)
	if strings.Count(got, "already covered by") != maxEach || !strings.Contains(got, "b targets: 5 more targets that another order already covers") {
		t.Errorf("got\n%s", got)
	}
	got = warnings(t, "- {id: a, targets: ["+list+"]}\n- {id: b, targets_from: {file: l}}", map[string]string{"l": "n3.example\n"})
	if got != `b targets_from: n3.example is already covered by order "a", target n3.example` {
		t.Errorf("side list: got\n%s", got)
	}
}

func TestNoExpiry(t *testing.T) {
	f, _ := order.Parse("o.yaml", strings.NewReader(`
version: 1
orders:
- {id: never, authority: {name: C}, references: [r], scope: global, targets: [a.example]}
- {id: windows, authority: {name: C}, references: [r], scope: global, windows: [{until: 2027-01-01}], targets: [b.example]}
- {id: open, authority: {name: C}, references: [r], scope: global, windows: [{until: 2027-01-01}, {from: 2028-01-01}], targets: [c.example]}
`), order.Options{})
	got := Check([]File{{Path: "o.yaml", Orders: f.Orders}}, ruleset.Merge(nil, ruleset.Options{}), at)
	if len(got) != 3 || got[0].Order != "never" || got[1].Field != "windows[1]" || got[2].Order != "open" || got[0].Field != "until" || got[2].Field != "until" {
		t.Errorf("got %v", got)
	}
}
