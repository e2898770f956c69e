package ruleset

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"github.com/dns-orders/blocklist/plugin/order"
)

// TestCrowd asks two sets of the same orders, most of them on two names: one with
// crowds, the other without. Verdicts must be alike.
func TestCrowd(t *testing.T) {
	was := crowdFrom
	t.Cleanup(func() { crowdFrom = was })
	clients := []Client{{}, {Addr: netip.MustParseAddr("192.0.2.1")}, {Addr: netip.MustParseAddr("198.51.100.1"), Country: "DE"}}
	r := rand.New(rand.NewPCG(5, 6))
	blocked := 0
	for range 300 {
		text := crowdOf(r, 1+r.IntN(40))
		crowdFrom = 1_000
		slow := set(t, text)
		crowdFrom = 2
		fast := set(t, text)
		for _, name := range []string{"c.example", "www.c.example", "x.www.c.example", "y.c.example"} {
			for _, c := range clients {
				for now := order.Time(0); now < 12*day; now += day / 2 {
					q := Query{Client: c, Now: now, Shadow: r.IntN(4) == 0}
					if r.IntN(4) == 0 {
						q.Asked = asked(t, "led.example")
					}
					got, want := fast.Judge(asked(t, name), q), slow.Judge(asked(t, name), q)
					if got.Blocked() {
						blocked++
						if !want.Blocked() || got.Order.ID != want.Order.ID {
							t.Fatalf("%s\n%s at %v, %+v: got %v, want %v", text, name, now.Time(), q, got.Order, want.Order)
						}
						got.Order, want.Order = nil, nil
					}
					// Which of several lifts is found first says until when, and whether a
					// country was asked for; what either may say is the twin's to check.
					got.Until, want.Until, got.Scoped, want.Scoped = 0, 0, false, false
					if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
						t.Fatalf("%s\n%s at %v, %+v:\n got %+v\nwant %+v", text, name, now.Time(), q, got, want)
					}
				}
			}
		}
	}
	if blocked < 1000 {
		t.Errorf("%d of the verdicts block: too few to compare anything", blocked)
	}
}

const day order.Time = 24 * 3600

// crowdOf writes n orders, in the first days of 1970.
func crowdOf(r *rand.Rand, n int) string {
	var b strings.Builder
	pick := func(s ...string) string { return s[r.IntN(len(s))] }
	date := func() string { return fmt.Sprintf("1970-01-%02d", 1+r.IntN(10)) }
	target := func() string {
		name := pick("c.example", "c.example", "'*.c.example'", "www.c.example", "led.example")
		if name != "'*.c.example'" && r.IntN(4) == 0 {
			name = "{name: " + name + ", match: exact}"
		} else if r.IntN(6) == 0 {
			name = "{name: " + name + ", except: [x.www.c.example]}"
		}
		return name
	}
	for i := range n {
		fmt.Fprintf(&b, "- {id: o%d, issued: %s, targets: [%s], authority: {name: %s}", i, date(), target(), pick("A", "B"))
		if r.IntN(2) == 0 {
			fmt.Fprintf(&b, ", action: lift")
			if r.IntN(2) == 0 {
				fmt.Fprintf(&b, ", lifts: [o%d]", (i+1+r.IntN(n))%(n+1)) // another one
			}
		} else {
			b.WriteString(pick("", "", ", response: nodata") + pick("", "", ", status: shadow", ", status: suspended"))
		}
		if r.IntN(3) == 0 {
			b.WriteString(", from: " + date())
		}
		if r.IntN(3) == 0 {
			b.WriteString(", until: 1970-01-11")
		}
		b.WriteString(pick("", "", ", scope: {countries: [DE]}", ", scope: {clients: [192.0.2.0/24]}"))
		if r.IntN(5) == 0 {
			b.WriteString(", except: [" + pick("x.www.c.example", "y.c.example") + "]")
		}
		b.WriteString("}\n")
	}
	return b.String()
}
