package ruleset

import (
	"slices"
	"strings"
	"testing"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
)

func TestStandings(t *testing.T) {
	f, problems := order.Parse("o.yaml", strings.NewReader(`
version: 1
defaults: {authority: {name: Court}, scope: global}
orders:
- {id: now, targets: [a.example]}
- {id: later, from: 2026-06-01T00:00:00Z, targets: [a.example]}
- {id: over, until: 2026-04-01T00:00:00Z, targets: [a.example]}
- {id: lifted, targets: [a.example]}
- {id: draft, status: draft, targets: [a.example]}
- {id: lift, action: lift, authority: {name: Court}, issued: 2026-04-01, lifts: [lifted]}
`), order.Options{})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	b := NewBuilder("o.yaml", Options{})
	for _, o := range f.Orders {
		b.Add(o)
	}
	part, _ := b.Freeze()
	s := Merge([]*Part{part}, Options{})
	const at order.Time = 1777636800 // 2026-05-01T12:00:00Z
	var got []string
	for st := range s.Standings(at) {
		got = append(got, st.Order.ID+" "+st.State.String())
		if st.Lift != (st.Order.ID == "lift") || (st.Order.ID == "later") != (st.Until != Forever) {
			t.Errorf("%s: %+v", st.Order.ID, st)
		}
	}
	want := []string{"now in_force", "later pending", "over ended", "lifted lifted", "draft draft", "lift in_force"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for range s.Standings(at) { // may be left early
		break
	}
}

func TestSetBelow(t *testing.T) {
	var q Asked
	n, _ := dname.Parse("a.example")
	if !q.SetBelow(n) || q.NumLabels() != 3 || q.Ancestor(2) != n {
		t.Errorf("below %s: %s", n, q.Name())
	}
	long, err := dname.Parse(strings.Repeat(strings.Repeat("x", 49)+".", 5))
	if err != nil {
		t.Fatal(err)
	}
	if q.SetBelow(long) || q.Name() != long {
		t.Errorf("nothing fits below %s, got %s", long, q.Name())
	}
}
