package main

import (
	"time"

	"github.com/dns-orders/blocklist/plugin/order"
)

const beginsLate = "the block begins after its deadline, so it is late, and blocklistctl due shows it. If the decision itself says this beginning, give the beginning as the deadline: --deadline %s"

func (a *asker) askBeginning(deadline *string, from order.Time, zone *time.Location) {
	if a.yes(question{text: "The block begins after its deadline. Does the decision itself say this beginning?\n  yes  the deadline is the beginning\n  no   the block is late, and blocklistctl due shows it",
		flag: "--deadline",
		help: "For example, a decision says \"within 30 minutes, but not before the match at 20:45\". Then the answer is yes, and the deadline is 20:45."}) {
		*deadline = timeWithOffset(from, zone)
		a.say("The deadline is %s.", *deadline)
	}
}

// The result contains a time of day. Otherwise, a deadline would be the end of the day.
func timeWithOffset(t order.Time, zone *time.Location) string {
	return t.Time().In(zone).Format(time.RFC3339)
}
