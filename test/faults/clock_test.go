//go:build e2e

package faults

import (
	"fmt"
	"time"
)

type dated struct {
	name       string
	begin, end time.Duration
}

const day = 24 * time.Hour

var datedOrders = []dated{
	{"ends-soon", -2 * time.Hour, 30 * time.Minute},
	{"begins-soon", 30 * time.Minute, 400 * day},
	{"half-year", -180 * day, 180 * day},
	{"two-years", -400 * day, 400 * day},
	{"last-year", -400 * day, -200 * day},
}

var (
	freed      = []string{"freed.example", "www.freed.example"}
	freedSince = time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
)

func clocks() (out []fault) {
	for what, step := range map[string]time.Duration{"an hour forward": time.Hour, "an hour back": -time.Hour, "a year forward": 365 * day, "a year back": -365 * day} {
		out = append(out, fault{name: "a clock that is set " + what, tries: 2, inject: func(l *lab) func() {
			l.useState()
			now := time.Now().UTC().Truncate(time.Second)
			text := head + "orders:\n"
			for _, d := range datedOrders {
				text += fmt.Sprintf("  - {id: dated/%s, from: %s, until: %s, targets: [%s.example]}\n", d.name, now.Add(d.begin).Format(time.RFC3339), now.Add(d.end).Format(time.RFC3339), d.name)
			}
			text += "  - {id: dated/always, targets: [always.example]}\n"
			l.write("orders/dated.yaml", text)
			l.inForce(recoverTime, "always.example")
			l.setClock(now, 0)
			l.setClock(now, step)
			return func() {
				l.setClock(now, 0)
				for _, d := range datedOrders {
					l.model.set(unsure, d.name+".example")
				}
				l.model.set(unsure, "always.example")
				l.write("orders/dated.yaml", head+"orders: []\n")
				l.until(recoverTime, "the dated orders to end", func() error {
					if got := l.client.ask("always.example"); got != pass {
						return fmt.Errorf("always.example: %s", got)
					}
					return nil
				})
				l.remove("orders/dated.yaml")
				l.dropState()
			}
		}})
	}
	return out
}

func (l *lab) setClock(now time.Time, step time.Duration) {
	l.t.Helper()
	for _, d := range datedOrders {
		l.model.set(unsure, d.name+".example")
	}
	l.model.set(unsure, freed...)
	l.write("clock", step.String()+"\n")
	at := time.Now().Add(step).Sub(now)
	want := map[string]string{}
	for _, d := range datedOrders {
		want[d.name+".example"] = pass
		if d.begin <= at && at < d.end {
			want[d.name+".example"] = nxdomain
		}
	}
	for _, n := range freed {
		want[n] = pass
		if now.Add(at).Before(freedSince) {
			want[n] = nxdomain
		}
	}
	l.until(alarmTime, "the answers to follow the clock", func() error {
		for n, answer := range want {
			if got := l.client.ask(n); got != answer {
				return fmt.Errorf("%s: %s, want %s", n, got, answer)
			}
		}
		return nil
	})
	for n, answer := range want {
		l.model.set(answer, n)
	}
}
