package ruleset

import (
	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
)

// maxBelow limits how many names below a blocked name are checked to find out whether NXDOMAIN
// is true for all of them. If there are more, the answer is NODATA, which is always true, so
// that the cost of a query is bounded.
const maxBelow = 256

// below reports the outcome for the names below q, and until when it stays the same at least.
// The decision d is the decision about q. The outcome matters because NXDOMAIN also denies all
// names below q (RFC 8020). It also matters for DNSKEY: a denied DNSKEY makes a passing name
// below bogus, so DNSKEY is denied only while every name below is blocked.
//
// below also checks q as the name of a service, because the query type decides whether a name
// is read so (see Asked.Service) and an NXDOMAIN denies all types of a name.
func (j *judgement) below(q *Asked, p *path, d decision) (Below, order.Time) {
	worst, until := BelowNXDOMAIN, Forever
	if d.entry.response.Kind != order.NXDOMAIN {
		worst = BelowBlocked
	}
	if !d.everywhere {
		n := q.NumLabels()
		places := [...]place{{n, n, true}, {n, n, false}, {n, n - 1, false}, {n, n - 2, false}}
		for _, at := range places[:2+q.ServiceLabels()] {
			d := j.judge(p, at)
			until = min(until, d.until)
			switch {
			case d.entry == nil:
				return BelowPasses, d.until
			case d.entry.response.Kind != order.NXDOMAIN:
				worst = BelowBlocked
			}
		}
	}
	if !p.below {
		return worst, until
	}
	// All names below q have the same outcome as a name below q that the set does not mention,
	// except the marked names: names at or under an exception, a lift, or a block with another
	// response.
	looked := 0
	var name dname.Wire
	for _, part := range j.segments {
		for i := part.names.FirstMarked(&q.Wire); part.names.Marked(i, &name) && q.Covers(&name); i++ {
			if looked++; looked > maxBelow {
				return BelowPasses, Forever
			}
			var room [pathRoom]hit
			lower := j.walk(&name, room[:0])
			for _, generic := range [...]bool{false, true} {
				d := j.judge(&lower, place{name.NumLabels(), name.NumLabels(), generic})
				until = min(until, d.until)
				switch {
				case d.entry == nil:
					return BelowPasses, d.until
				case d.entry.response.Kind != order.NXDOMAIN:
					worst = BelowBlocked
				}
			}
		}
	}
	return worst, until
}
