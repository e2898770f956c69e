package main

import (
	"fmt"
	"time"

	"github.com/dns-orders/blocklist/plugin/order"
)

// The command check warns about a file that expires within expiresSoon.
const expiresSoon = 7 * 24 * time.Hour

func (l *orders) expiring(now order.Time) (problems order.Problems) {
	for _, v := range l.versions {
		at := v.File.Expires
		if at == order.NoTime || at.Time().Sub(now.Time()) > expiresSoon {
			continue
		}
		msg := "is %s: the file must be renewed before that time"
		if at <= now {
			msg = "was %s: the file is stale, which does not end its orders"
		}
		problems = append(problems, order.Problem{File: v.Path, Field: "expires", Msg: fmt.Sprintf(msg, endOfDay(at, zoneOf(v.File))), Warning: true})
	}
	return problems
}
