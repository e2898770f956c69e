package ruleset

import (
	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
)

// maxBelow limits the lower names that a query checks before NXDOMAIN. Beyond the limit,
// the answer is NODATA, which is never wrong.
const maxBelow = 256

// below returns the common outcome of all names below q, and the earliest time at which the outcome
// may change.
//
// NXDOMAIN for q also denies all lower names (RFC 8020). With DNSSEC, a denied DNSKEY record of q
// makes lower names bogus, even if the lower names pass.
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
	// All other names below q lie at or below a marked name. A marked name has an
	// exception, a lift, or a block with a response other than NXDOMAIN.
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
