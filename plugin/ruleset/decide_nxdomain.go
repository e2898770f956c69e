package ruleset

import (
	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
)

// If more than maxBelow lower names exist, the answer is NODATA. NODATA is never wrong.
const maxBelow = 256

// NXDOMAIN for q also denies all names below q (RFC 8020). All these names must therefore get
// NXDOMAIN.
func (j *judgement) below(q *QName, p *path, d decision) (SubtreeOutcome, order.Time) {
	worst, until := SubtreeNXDOMAIN, Forever
	if d.entry.response.Kind != order.NXDOMAIN {
		worst = SubtreeBlocked
	}
	if !d.everywhere {
		n := q.NumLabels()
		places := [...]position{{n, n, true}, {n, n, false}, {n, n - 1, false}, {n, n - 2, false}}
		for _, at := range places[:2+q.ServiceLabels()] {
			d := j.judge(p, at)
			until = min(until, d.until)
			switch {
			case d.entry == nil:
				return SubtreePasses, d.until
			case d.entry.response.Kind != order.NXDOMAIN:
				worst = SubtreeBlocked
			}
		}
	}
	if !p.below {
		return worst, until
	}
	// Only marked names and the names below them can have another outcome than q.
	looked := 0
	var name dname.Wire
	for _, part := range j.segments {
		for i := part.names.FirstMarked(&q.Wire); part.names.Marked(i, &name) && q.Covers(&name); i++ {
			if looked++; looked > maxBelow {
				return SubtreePasses, Forever
			}
			var room [pathRoom]hit
			lower := j.walk(&name, room[:0])
			for _, generic := range [...]bool{false, true} {
				d := j.judge(&lower, position{name.NumLabels(), name.NumLabels(), generic})
				until = min(until, d.until)
				switch {
				case d.entry == nil:
					return SubtreePasses, d.until
				case d.entry.response.Kind != order.NXDOMAIN:
					worst = SubtreeBlocked
				}
			}
		}
	}
	return worst, until
}
