package feed

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/order"
)

func FuzzTickets(f *testing.F) {
	one := `{"ticket_id":"z","status":"in-test-take","fqdn":["z.example"],"ipv4":["192.0.2.1"],"ipv6":["2001:db8::1"],"metadata":{"created_at":"2026-05-01T18:00:00.123456+02:00"}}`
	f.Add(`{"status":"success","data":[` + one + `]}`)
	f.Add(`{"data":[` + one + `,` + strings.Replace(one, `"z"`, `"\u0000 /y"`, 1) + `]}`)
	f.Add(`{"data":[{"ticket_id":"é","status":"in-test-wait","fqdn":["*.a.example","http://b.example/x","com","café.example"],"ipv4":["192.0.2.0/24"],"metadata":{"created_at":"2026-05-01 18:00:00"}}]}`)
	f.Add(`{"data":[{"ticket_id":"q","status":"new","metadata":{"created_at":"2026-05-01T18:00:00"}}]}`)
	p := described(f)
	f.Fuzz(func(t *testing.T, text string) {
		list, err := p.parseTickets([]byte(text))
		if err != nil {
			return
		}
		feed := &Feed{opt: Options{Platform: p, Out: "orders.yaml", DropOK: -1}, st: &state{}}
		feed.st.index()
		rep := &Report{}
		m := feed.newMerge(&pulled{tickets: list}, rep, begin)
		if err := m.run(nil); err != nil {
			t.Fatalf("%v", err)
		}
		data, _, err := feed.encode(&order.File{Serial: -1, Expires: order.NoTime}, m.orders)
		if err != nil {
			t.Fatalf("%v\n%q", err, text)
		}
		items := 0
		for _, x := range list {
			if x.ready {
				items += len(x.items)
			}
		}
		targets := 0
		for _, o := range m.orders {
			targets += len(o.Targets)
		}
		if rep.Items != items || rep.Added != targets || len(rep.Refused) != rep.Unprocessed || rep.Added+rep.Unprocessed > items {
			t.Errorf("%d items, %d targets, %+v", items, targets, rep)
		}
		// The same answer changes nothing.
		file, problems := order.Parse("orders.yaml", bytes.NewReader(data), order.Options{})
		if len(problems.Errors()) > 0 {
			t.Fatal(problems)
		}
		again := feed.newMerge(m.x, &Report{}, begin.Add(time.Minute))
		if err := again.run(file.Orders); err != nil || again.changed {
			t.Errorf("the same answer changes the orders: %v: %+v\n%q", err, again.rep, text)
		}
	})
}

func TestPlatforms(t *testing.T) {
	names, err := Platforms.Names("")
	if err != nil || len(names) == 0 {
		t.Fatalf("descriptions %q, error %v", names, err)
	}
	good, err := os.ReadFile("platforms/it-piracy-shield.yaml")
	if err != nil {
		t.Fatal(err)
	}
	good = []byte(strings.NewReplacer("statuses: {}", "statuses: {done: take}", `protected: ""`, "protected: NO").Replace(string(good)))
	for _, name := range names {
		if _, err := Load(name, ""); err != nil {
			t.Errorf("%v", err)
		}
	}
	for _, x := range []struct{ was, is, want string }{
		{"base: https://psp01.agcom.it/api", "base: http://psp01.agcom.it/api", "base: the password would cross the network in clear text"},
		{"base: https://psp01", "base: https://me:you@psp01", "base: must not have a password"},
		{"match: subtree", "match: all", `match: must be exact or subtree, got "all"`},
		{"addresses: network", "addresses: x", "addresses: must be network, dns or none"},
		{"done: take", "done: maybe", "tickets.statuses.done: must be take or wait"},
		{"  status: status\n  #", "  #", "tickets.statuses: needs tickets.status"},
		{"final: {}", "final: {x: late}", "final: needs answer.code"},
		{"reason: reason, ", "", "unprocessed: protected and invalid need reason"},
		{"txt/checksum}", "txt/checksum, digest: md5}", "lists.names.digest: must be sha256"},
		{"window: 48h", "window: 2 days", "line 42: window: must be a time such as 48h"},
		{"max_drop: 10%", "max_drop: 10", "guards.max_drop: must be a percentage"},
		{"scope: {countries: [IT]}", "scope: global", "order.scope: needs countries"},
		{"deadline: 30m", "deadline: 2026-05-01", "order.deadline: must be a duration"},
		{"category: copyright", "served: now", "order.served: is made by the feed"},
		{"id: piracy-shield", "id: PS/", "id: must have lower-case letters"},
		{"title:", "titel:", `line 2: unknown key "titel"; did you mean "title"?`},
		{"platform: it-piracy-shield", "platform: other", `platform: must be the name of the file`},
		{"  id: ticket_id\n", "", "tickets.id: is required"},
		{"timezone: Europe/Rome", "timezone: Rome", "timezone: must be an IANA time zone"},
	} {
		text := strings.Replace(string(good), x.was, x.is, 1)
		if text == string(good) {
			t.Fatalf("the description has no %q", x.was)
		}
		if _, err := Parse("it-piracy-shield", []byte(text)); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%q: got %v, want %q", x.is, err, x.want)
		}
	}
	if _, err := Load("nowhere", ""); err == nil || !strings.Contains(err.Error(), `there is no platform "nowhere"; blocklistctl platform list shows all platforms`) {
		t.Error(err)
	}
}
