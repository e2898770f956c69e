package report

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/journal"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/test/journals"
)

type step struct{ at, what string }

// orderText is the order of TestEffect.
const orderText = `version: 1
orders: [{id: x, authority: {name: A}, scope: global, served: 2026-04-10T08:00:00Z, deadline: 2026-04-10T12:00:00Z, targets: [a.example]}]
`

// node makes the journal of a node from steps.
func node(t *testing.T, name string, steps []step) *Node {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	var j *journals.Journal
	for _, s := range steps {
		if j == nil {
			j = journals.New(t, dir, name, s.at)
		} else {
			j.At(s.at)
		}
		switch s.what {
		case "empty":
			j.Load("a.yaml", "version: 1\norders: []\n")
		case "other":
			j.Load("b.yaml", "version: 1\norders: []\n")
		case "load":
			j.Load("a.yaml", orderText)
			j.Receive("x", false, journal.InForce)
		case "loaded": // the same version, after a restart
			j.Load("a.yaml", orderText)
		case "pending":
			j.Load("a.yaml", orderText)
			j.Receive("x", false, journal.Pending)
		case "beat":
			j.Beat()
		case "stop":
			j.Close()
			j = nil
		case "gap":
			j.Add(journal.Record{Event: journal.Gap, Count: 3})
		case "hits":
			j.Add(journal.Record{Event: journal.Hits, Order: "x", Count: 7})
		case "probe":
			j.Add(journal.Record{Event: journal.Probe, Order: "x", Why: "the answer is wrong"})
		default:
			j.Add(journal.Record{Event: journal.Event(s.what), Order: "x", By: map[string]string{"lifted": "y"}[s.what]})
		}
	}
	if j != nil {
		j.At("2026-06-01T00:00:00Z") // after the time of the report
		j.Close()
	}
	nodes, err := Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(nodes[0].Faults) > 0 {
		t.Fatal(nodes[0].Faults)
	}
	return nodes[0]
}

func TestEffect(t *testing.T) {
	begin := step{"2026-04-01T00:00:00Z", "empty"}
	beat := step{"2026-05-01T00:00:01Z", "beat"}
	for name, tc := range map[string]struct {
		nodes [][]step
		want  string // in force/known, first, last, hours, on time, state
		notes string // a part of the notes
	}{
		"both in time": {[][]step{
			{begin, {"2026-04-10T09:00:00Z", "load"}, beat},
			{begin, {"2026-04-10T11:00:00Z", "load"}, beat},
		}, "2/2 09:00 11:00 3 yes in_force", ""},
		"one late": {[][]step{
			{begin, {"2026-04-10T09:00:00Z", "load"}, beat},
			{begin, {"2026-04-10T12:00:01Z", "load"}, beat},
		}, "2/2 09:00 12:00 4 no in_force", ""},
		"one never": {[][]step{
			{begin, {"2026-04-10T09:00:00Z", "load"}, beat},
			{begin, beat},
		}, "1/2 09:00 09:00 - no partly_in_force", ""},
		"pending everywhere": {[][]step{{begin, {"2026-04-10T09:00:00Z", "pending"}, beat}}, "0/1 - - - no pending", ""},
		"before served":      {[][]step{{begin, {"2026-04-09T09:00:00Z", "load"}, beat}}, "1/1 09:00 09:00 0 yes in_force", ""},
		"lifted before the deadline": {[][]step{
			{begin, {"2026-04-10T09:00:00Z", "pending"}, {"2026-04-10T10:00:00Z", "lifted"}, beat},
		}, "0/1 - - -  lifted by y ended 2026-04-10T10:00:00Z", ""},
		"lifted": {[][]step{
			{begin, {"2026-04-10T09:00:00Z", "load"}, {"2026-04-20T10:00:00Z", "lifted"}, beat},
		}, "1/1 09:00 09:00 1 yes lifted by y ended 2026-04-20T10:00:00Z", ""},
		"the journal began later": {[][]step{
			{{"2026-04-15T00:00:00Z", "load"}, beat},
		}, "1/1 00:00 00:00 - unknown in_force at latest", "the journal begins at"},
		"the files are loaded one after another": {[][]step{
			{{"2026-04-15T00:00:00Z", "other"}, {"2026-04-15T00:00:10Z", "load"}, beat},
		}, "1/1 00:00 00:00 - unknown in_force at latest", ""},
		"a new node says nothing about the begin": {[][]step{
			{begin, {"2026-04-10T09:00:00Z", "load"}, beat},
			{{"2026-04-15T00:00:00Z", "load"}, beat},
		}, "2/2 09:00 09:00 1 yes in_force", ""},
		"a node that ended before": {[][]step{
			{begin, {"2026-04-10T09:00:00Z", "load"}, beat},
			{begin, {"2026-04-05T00:00:00Z", "stop"}},
		}, "1/1 09:00 09:00 1 yes in_force", "node1: the journal ends at"},
		"a node that began after the end": {[][]step{
			{begin, {"2026-04-10T09:00:00Z", "load"}, {"2026-04-12T00:00:00Z", "removed"}, beat},
			{{"2026-04-15T00:00:00Z", "empty"}, beat},
		}, "1/1 09:00 09:00 1 yes removed ended 2026-04-12T00:00:00Z", ""},
		"a silent node": {[][]step{
			{begin, {"2026-04-10T09:00:00Z", "load"}, beat},
			{{"2026-01-01T00:00:00Z", "empty"}, {"2026-01-02T00:00:00Z", "stop"}},
		}, "1/1 09:00 09:00 1 yes in_force silent node1", ""},
		"stopped at the end": {[][]step{
			{begin, {"2026-04-10T09:00:00Z", "load"}, {"2026-04-30T20:00:00Z", "stop"}},
		}, "1/1 09:00 09:00 1 yes stopped", "node0: stopped once in the period"},
		"restarted": {[][]step{
			{begin, {"2026-04-10T09:00:00Z", "load"}, {"2026-04-20T20:00:00Z", "stop"}, {"2026-04-20T21:00:00Z", "loaded"}, beat},
		}, "1/1 09:00 09:00 1 yes in_force", ""},
		"changed while in force": {[][]step{
			{begin, {"2026-04-10T09:00:00Z", "load"}, {"2026-04-12T09:00:00Z", "corrected"}, {"2026-05-01T09:00:00Z", "corrected"}},
		}, "1/1 09:00 09:00 1 yes in_force corrected 2026-04-12T09:00:00Z", ""},
		"changed before the order is in force": {[][]step{
			{begin, {"2026-04-10T08:30:00Z", "pending"}, {"2026-04-10T08:40:00Z", "corrected"}, {"2026-04-10T09:00:00Z", "in_force"}, beat},
		}, "1/1 09:00 09:00 1 yes in_force", ""},
		"a gap": {[][]step{
			{begin, {"2026-04-09T09:00:00Z", "gap"}, {"2026-04-10T09:00:00Z", "load"}, beat},
		}, "1/1 09:00 09:00 1 yes in_force", "lost events once"},
		"hits belong to the hour before": {[][]step{
			{begin, {"2026-03-31T23:00:00Z", "beat"}, {"2026-04-10T09:00:00Z", "load"}, {"2026-04-10T10:00:01Z", "hits"}, {"2026-05-01T00:00:01Z", "hits"}, {"2026-05-01T01:00:01Z", "hits"}},
		}, "1/1 09:00 09:00 1 yes in_force answers 14", ""},
		"clocks that differ by five minutes": {[][]step{
			{begin, {"2026-04-10T09:00:00Z", "load"}, beat},
			{begin, {"2026-04-10T09:05:00Z", "load"}, beat},
		}, "2/2 09:00 09:05 1.08 yes in_force", "by its own clock"},
		"a clock that is set back in force": {[][]step{
			{begin, {"2026-04-10T11:00:00Z", "load"}, {"2026-04-10T10:05:00Z", "lifted"}, beat},
		}, "1/1 11:00 11:00 3 yes lifted by y ended 2026-04-10T10:05:00Z", "node0: the clock was set once in the period (-55m0s); the sequence of its records is certain"},
		"a clock that was ahead of the end of the period": {[][]step{
			{begin, {"2026-04-10T09:00:00Z", "pending"}, {"2026-05-01T10:00:00Z", "in_force"}, {"2026-04-30T10:00:00Z", "lifted"}, {"2026-04-30T11:00:00Z", "beat"}},
		}, "0/1 - - - no lifted by y ended 2026-04-30T10:00:00Z", "node0: the clock was set once in the period (-24h0m0s)"},
		"a prober is no node": {[][]step{
			{begin, {"2026-04-10T09:00:00Z", "load"}, beat},
			{{"2026-04-11T00:00:00Z", "probe"}},
		}, "1/1 09:00 09:00 1 yes in_force", ""},
		"in force after the period": {[][]step{{begin, {"2026-05-02T09:00:00Z", "load"}, beat}}, "0/1 - - - no unknown", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var nodes []*Node
			for i, steps := range tc.nodes {
				nodes = append(nodes, node(t, fmt.Sprint("node", i), steps))
			}
			var orders []*order.Order
			_, problems := order.Parse("a.yaml", strings.NewReader(orderText), order.Options{Emit: func(o *order.Order) { own := *o; orders = append(orders, &own) }})
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			d, err := Load([]File{{"a.yaml", orders, time.UTC}}, nodes)
			if err != nil {
				t.Fatal(err)
			}
			r := Collect(d, Options{From: time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC), Now: time.Date(2026, 5, 2, 0, 0, 0, 0, time.UTC), Disclosure: april.Disclosure})
			x := slices.Collect(r.Orders())[0]
			clock := func(s string) string {
				if s == "" {
					return "-"
				}
				return s[11:16]
			}
			got := fmt.Sprintf("%d/%d %s %s %s %s %s", x.InForce, x.Known, clock(x.First), clock(x.Last), cmp.Or(number(x.Hours), "-"), x.OnTime, x.State)
			for _, more := range []struct {
				is   bool
				text string
			}{{x.By != "", " by " + x.By}, {x.Ended != "", " ended " + x.Ended}, {x.AtLatest, " at latest"}, {len(r.Silent) > 0, " silent " + strings.Join(r.Silent, ",")}, {x.Answers != nil && *x.Answers > 0, " answers " + known(x.Answers)}, {x.Corrected != "", " corrected " + x.Corrected}} {
				if more.is {
					got += more.text
				}
			}
			if got != tc.want || !strings.Contains(strings.Join(r.Notes, "\n"), tc.notes) {
				t.Errorf("got  %s\nwant %s\nnotes %q", got, tc.want, r.Notes)
			}
		})
	}
}
