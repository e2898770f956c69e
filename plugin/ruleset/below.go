package ruleset

import (
	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
)

// maxBelow bounds the names below a blocked one that are looked at to find out
// whether NXDOMAIN is true for them all. Beyond it the answer is the one that
// is always true, NODATA, so that no name costs a query more than this.
const maxBelow = 256

// below says what names below q get, for which d was decided, and until when that
// stays so at least: an NXDOMAIN denies them too, a denied DNSKEY makes them bogus
// once one passes, and a DNSKEY that passes must not once none does.
//
// So does q itself as the name of a service, where the query's type decides (see
// Asked.Service): an NXDOMAIN speaks for all types of a name.
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
	// What an unmentioned name below gets, all get but for those with, or under,
	// an exception, a lift, or a block of another form: the marked names.
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
