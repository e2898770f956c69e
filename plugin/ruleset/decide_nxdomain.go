package ruleset

import (
	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
)

// maxBelow is the largest number of lower names that a query checks before the answer NXDOMAIN. If
// there are more lower names, the answer is NODATA, which is never wrong.
const maxBelow = 256

// below returns the common outcome of all names below q, and the earliest time at which the outcome
// may change.
//
// The answer for q may be NXDOMAIN only if all lower names get NXDOMAIN, because NXDOMAIN also
// denies the lower names (RFC 8020). With DNSSEC, a lower name that passes may still be bogus,
// because the DNSKEY record of q is denied.
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
	// Check the marked names below q, and the names below them. A marked name has an exception, a
	// lift, or a block with a response other than NXDOMAIN. All names that are not checked have the
	// outcome from above.
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
