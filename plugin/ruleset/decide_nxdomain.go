package ruleset

import (
	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
)

// maxBelow limits how many names below a blocked name are checked to find out whether NXDOMAIN
// is true for all of them. If there are more, the answer is NODATA, which is always true, so
// that the cost of a query is bounded.
const maxBelow = 256

// below returns the outcome for the names below q, and the earliest time at which this outcome
// may change. d is the decision about q. The outcome decides whether NXDOMAIN is true for q,
// because NXDOMAIN also denies all names below q (RFC 8020). The outcome also decides whether
// DNSKEY is denied: if a name below passes, a denied DNSKEY would make that name bogus.
//
// If q may be the name of a service (see QName.Service), below counts q itself as a name
// below. Queries of another type for q may pass, and NXDOMAIN would deny all types.
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
	// Names below q have the outcome found above, unless they are at or below a marked name.
	// Marked names have an exception, a lift, or a block with a response other than NXDOMAIN.
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
