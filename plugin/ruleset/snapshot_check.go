package ruleset

import (
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/dns-orders/blocklist/plugin/coop"
	"github.com/dns-orders/blocklist/plugin/order"
)

// Check returns an error if a query to the part could panic or not end. Call Check for a snapshot
// from an untrusted file.
func (p *Part) Check() error {
	if err := p.names.Check(); err != nil {
		return err
	}
	blocked := 0
	for ref := range p.names.Refs() {
		if int(ref) >= len(p.rules) || ref > 0 && !p.rules[ref-1].last {
			return fmt.Errorf("%w: a name without rules", errSnapshot)
		}
		blocked += int(b2u(blocks(p.list(ref))))
	}
	if blocked != p.blocked {
		return fmt.Errorf("%w: wrong counts", errSnapshot)
	}
	return nil
}

// Same reports whether two compilations of one file have equal results. Each part must
// come from a Builder or have passed Check.
func (s Snapshot) Same(t Snapshot) bool {
	return s.Part.names.Same(t.Part.names) && s.sum() == t.sum() && slices.Equal(s.Part.embeddings, t.Part.embeddings)
}

func (s Snapshot) sum() (out [2][sha256.Size]byte) {
	numbers, texts := sha256.New(), sha256.New()
	c := newWriter(numbers, texts)
	c.fields(&s)
	_ = c.flush() // a hash does not fail
	return [2][sha256.Size]byte{[sha256.Size]byte(numbers.Sum(nil)), [sha256.Size]byte(texts.Sum(nil))}
}

func (p *Part) faulty() error {
	if len(p.schedules) == 0 || p.schedules[never].n != 0 {
		return errSnapshot // the schedule of inactive orders must be empty
	}
	for i, s := range p.schedules {
		coop.Tick(i)
		if uint64(s.off)+uint64(s.n) > uint64(len(p.intervals)) || !tidy(p.ivs(uint32(i))) {
			return errSnapshot
		}
	}
	for _, e := range p.entries.all() {
		if int(e.sched) >= len(p.schedules) {
			return errSnapshot
		}
	}
	for _, n := range p.whole {
		if int(n) >= p.entries.n || p.entries.at(n).action != order.Lift {
			return errSnapshot
		}
	}
	for _, all := range [][]duty{p.deadlines, p.reviews} {
		for i, d := range all {
			coop.Tick(i)
			if int(d.entry) >= p.entries.n || int(d.sched) >= len(p.schedules) || int(d.target) > len(p.dutyTargets) || i > 0 && all[i-1].entry > d.entry {
				return errSnapshot
			}
		}
	}
	if n := len(p.rules); n > 0 && !p.rules[n-1].last {
		return errSnapshot
	}
	for from, to := range runs(p.rules) {
		if !p.ordered(p.rules[from:to]) {
			return errSnapshot
		}
	}
	for _, rules := range p.networks() {
		if n := len(rules); n == 0 || !rules[n-1].last || !p.ordered(rules) {
			return errSnapshot
		}
	}
	return nil
}

func tidy(ivs []interval) bool {
	for i, iv := range ivs {
		if iv.from > iv.until || i > 0 && ivs[i-1].until > iv.from {
			return false
		}
	}
	return true
}

func runs(rules []rule) func(func(from, to int) bool) {
	return func(yield func(from, to int) bool) {
		from := 0
		for i := range rules {
			coop.Tick(i)
			if rules[i].last {
				if !yield(from, i+1) {
					return
				}
				from = i + 1
			}
		}
	}
}

func (p *Part) ordered(list []rule) bool {
	for i, r := range list {
		if int(r.entry) >= p.entries.n || int(r.sched) >= len(p.schedules) || r.kind != except && r.kind.isLift() != (p.entries.at(r.entry).action == order.Lift) {
			return false
		}
		if i > 0 && p.compare(list[i-1], r) > 0 {
			return false
		}
	}
	return true
}
