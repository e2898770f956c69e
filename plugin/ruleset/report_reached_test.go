package ruleset

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/dns-orders/blocklist/plugin/order"
)

// meetSlowly compares one lift with one order.
func meetSlowly(m *meeting, e *entry) {
	l := m.lift
	if !l.reaches(e) {
		return
	}
	m.reached = true
	if e.file != l.file && e.rank == l.rank && (m.tie == nil || *e.file < *m.tie.file) {
		m.tie = e
	}
}

// meetWorld returns random lifts and orders of two authorities in three files. Many
// decision times are equal.
func meetWorld(r *rand.Rand, n int) (lifts, orders []*entry) {
	files := []string{"c", "a", "b"}
	var commons []*Common
	for f := range files {
		for a := range 2 {
			for _, action := range []order.Action{order.Block, order.Lift} {
				terms := &order.Terms{Authority: order.Authority{Name: fmt.Sprint(a)}}
				commons = append(commons, &Common{Terms: terms, action: action, file: &files[f]})
			}
		}
	}
	times := []order.Time{order.NoTime, 10, 20, 30}
	index := int32(0)
	for range n {
		c := commons[r.IntN(len(commons))]
		index++
		e := &entry{Order: Order{ID: fmt.Sprint(index), Common: c}, rank: Rank{times[r.IntN(4)], times[r.IntN(4)]}, index: index, isIssued: true}
		if c.action == order.Lift {
			if e.rank.decided == order.NoTime {
				e.rank.decided = 10 // a lift always has a decision time
			}
			lifts = append(lifts, e)
		} else {
			orders = append(orders, e)
		}
	}
	return lifts, orders
}

func TestMeetTwin(t *testing.T) {
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 1))
		lifts, orders := meetWorld(r, 1+r.IntN(14))
		x := &lifters{}
		var fast, slow []*meeting
		for _, l := range lifts {
			fast, slow = append(fast, &meeting{lift: l}), append(slow, &meeting{lift: l})
			x.add(fast[len(fast)-1])
		}
		for _, e := range orders {
			x.meet(e)
			for _, m := range slow {
				meetSlowly(m, e)
			}
		}
		x.finish()
		for i, m := range fast {
			if m.reached != slow[i].reached || m.tie != slow[i].tie {
				t.Fatalf("seed %d: lift %s reaches %t, ties with %v; the slow twin %t, %v", seed, m.lift.ID, m.reached, m.tie, slow[i].reached, slow[i].tie)
			}
		}
	}
}
