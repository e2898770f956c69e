package feed

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/durable"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/test/platform"
)

func ticketOf(id string, age time.Duration, names ...string) platform.Ticket {
	return platform.Ticket{ID: id, Created: begin.Add(-age), FQDN: names}
}

func TestOrders(t *testing.T) {
	first := platform.Ticket{ID: "0b51", Created: begin.Add(-2 * time.Minute), FQDN: []string{"One.example", "two.example"}, IPv4: []string{"203.0.113.7"}, IPv6: []string{"2001:db8::7"}}
	r := newRig(t, first)
	rep := r.round()
	if rep.NewOrders != 1 || rep.Added != 4 || !rep.Written || rep.Serial != 1 || rep.Unasked != 4 {
		t.Errorf("report %+v", rep)
	}
	want := `version: 1
serial: 1
count: 1
source:
  register: it-piracy-shield
orders:
  - id: piracy-shield/0b51
    authority:
      name: Autorità per le garanzie nelle comunicazioni
      country: IT
      kind: regulator
    references:
      - 0b51
    basis: delibera 680/13/CONS, legge 93/2023
    category: copyright
    issued: 2026-05-01T18:28:00Z
    served: 2026-05-01T18:30:00Z
    deadline: 30m
    scope:
      countries:
        - IT
    targets:
      - one.example
      - two.example
      - address: 203.0.113.7
      - address: 2001:db8::7
...
`
	if got := string(r.bytes()); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	before := r.bytes()
	for _, restart := range []bool{false, true} {
		r.clock.Add(5 * time.Minute)
		if restart {
			r.open()
		}
		if rep := r.round(); rep.Written || rep.Unchanged == restart {
			t.Errorf("restart %v: %+v", restart, rep)
		}
		if !bytes.Equal(r.bytes(), before) {
			t.Errorf("restart %v: the file changed:\n%s", restart, r.bytes())
		}
	}
	if n := r.p.Calls("ticket/get/all"); n != 2 {
		t.Errorf("%d requests for the tickets; a round with equal checksums needs none", n)
	}
	first.FQDN = append(first.FQDN, "three.example")
	r.p.Set(first, ticketOf("0b52", -4*time.Minute, "four.example"))
	if rep := r.round(); rep.Serial != 2 || rep.NewOrders != 1 || rep.Added != 2 {
		t.Errorf("%+v", rep)
	}
	_, all := r.orders()
	o := all["piracy-shield/0b51"]
	if o.Served != order.FromTime(begin) || len(o.Targets) != 5 {
		t.Errorf("the first order changed: %+v", o)
	}
	i := slices.IndexFunc(o.Targets, func(x order.Target) bool { return x.String() == "three.example" })
	if a := o.Targets[i].Attr; a == nil || a.Served != order.FromTime(r.clock.Now()) || a.Deadline != a.Served+1800 {
		t.Errorf("the later item has no time of its own: %+v", a)
	}
}

func TestWithdrawn(t *testing.T) {
	r := newRig(t, ticketOf("a", time.Minute, "good.example", "error.example"), ticketOf("b", 0, "alone.example"))
	r.round()
	r.clock.Add(time.Minute)
	r.p.Withdraw("a", "error.example")
	r.p.Withdraw("b", "alone.example") // the whole ticket
	rep := r.round()
	if len(rep.Ended) != 2 || rep.Serial != 2 {
		t.Fatalf("%+v", rep)
	}
	_, all := r.orders()
	for _, id := range []string{"piracy-shield/a", "piracy-shield/b"} {
		o := all[id]
		x := o.Targets[len(o.Targets)-1]
		if x.Attr == nil || x.Attr.Until != order.FromTime(r.clock.Now()) || x.Attr.Note != withdrawn {
			t.Errorf("%s: %+v", id, x.Attr)
		}
	}
	if got := r.inForce("piracy-shield/a"); !slices.Equal(got, []string{"good.example"}) {
		t.Errorf("in force: %q", got)
	}
	if a, b := all["piracy-shield/a"].Until, all["piracy-shield/b"].Until; a != order.NoTime || b != order.FromTime(r.clock.Now()) {
		t.Errorf("the orders end %s and %s", a, b)
	}
	if got := r.inForce("piracy-shield/b"); got != nil {
		t.Errorf("in force: %q", got)
	}
	r.clock.Add(time.Minute)
	if rep := r.round(); rep.Written || len(rep.Ended) > 0 {
		t.Errorf("the item ended again: %+v", rep)
	}
	r.p.Set(ticketOf("a", time.Minute, "good.example", "error.example"), ticketOf("b", 0, "alone.example"))
	r.clock.Add(time.Minute)
	back := order.FromTime(r.clock.Now())
	if rep := r.round(); len(rep.Back) != 2 || rep.Serial != 3 {
		t.Errorf("%+v", rep)
	}
	_, all = r.orders()
	if all["piracy-shield/b"].Until != order.NoTime {
		t.Error("the order still has an end")
	}
	x := all["piracy-shield/b"].Targets[0]
	if len(x.Attr.Windows) != 2 || x.Attr.Windows[1].From != back || x.Attr.Windows[1].Until != order.NoTime || x.Attr.Served != back || x.Attr.Note != "" {
		t.Errorf("%+v", x.Attr)
	}
	// The third time.
	r.clock.Add(time.Minute)
	r.p.Withdraw("b", "alone.example")
	r.round()
	_, all = r.orders()
	if x := all["piracy-shield/b"].Targets[0]; x.Attr.Windows[1].Until != order.FromTime(r.clock.Now()) || all["piracy-shield/b"].Until != x.Attr.Windows[1].Until {
		t.Errorf("%+v", x.Attr)
	}
}

func TestWithdrawnInOneSecond(t *testing.T) {
	r := newRig(t, ticketOf("a", 0, "one.example"))
	r.round()
	r.p.Withdraw("a", "one.example")
	r.round()
	r.p.Set(ticketOf("a", 0, "one.example"))
	r.round()
	r.p.Withdraw("a", "one.example")
	r.round()
	if got := r.inForce("piracy-shield/a"); got != nil {
		t.Errorf("in force: %q", got)
	}
}

func TestOperator(t *testing.T) {
	r := newRig(t, ticketOf("a", time.Minute, "one.example", "two.example"))
	r.round()
	text := strings.Replace(string(r.bytes()), "      - one.example\n", "      - {name: one.example, until: \"2026-05-01T18:31:00Z\", note: our own site}\n", 1)
	text = strings.Replace(text, "count: 1\n", "count: 2\n", 1)
	text = strings.Replace(text, "...\n", "  - {id: desk/1, authority: {name: Desk, kind: operator}, scope: global, targets: [desk.example]}\n...\n", 1)
	if err := os.WriteFile(r.opt.Out, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	r.clock.Add(2 * time.Minute)
	r.p.Set(ticketOf("a", time.Minute, "one.example", "two.example", "three.example"))
	if rep := r.round(); rep.Operator != 1 || !rep.Written {
		t.Errorf("%+v", rep)
	}
	if got := r.inForce("piracy-shield/a"); !slices.Equal(got, []string{"two.example", "three.example"}) {
		t.Errorf("in force: %q", got)
	}
	r.p.Withdraw("a", "two.example")
	r.round()
	text = strings.Replace(string(r.bytes()), "    scope:\n      countries:\n", "    until: \"2026-05-01T18:32:30Z\"\n    scope:\n      countries:\n", 1)
	if err := os.WriteFile(r.opt.Out, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	r.p.Set(ticketOf("a", time.Minute, "one.example", "two.example", "three.example"))
	r.clock.Add(2 * time.Minute)
	if rep := r.round(); rep.Operator != 3 || rep.Written {
		t.Errorf("%+v", rep)
	}
	if got := r.inForce("desk/1"); !slices.Equal(got, []string{"desk.example"}) {
		t.Errorf("in force: %q", got)
	}
}

func reasonOf(protected bool) string {
	if protected {
		return platform.Protected
	}
	return platform.Invalid
}

func TestUnprocessed(t *testing.T) {
	r := newRig(t, platform.Ticket{ID: "a", Created: begin, FQDN: []string{"cdn.bank.com", "ok.example", "com", "203.0.113.9", "*.star.example", "x y"},
		IPv4: []string{"127.0.0.1", "2001:db8::1", "8.8.8.0/23", "8.8.4.4"}, IPv6: []string{"::ffff:8.8.8.8"}})
	r.opt.Guard = protects(t, "bank.com\n8.8.4.4\n")
	r.opt.Acknowledge = Written
	r.opt.Addresses = true
	rep := r.round()
	if rep.Unprocessed != 10 || len(rep.Refused) != 10 || rep.Added != 1 || rep.Acknowledged != 11 || len(rep.Problems) > 0 {
		t.Errorf("%+v", rep)
	}
	if got := r.inForce("piracy-shield/a"); !slices.Equal(got, []string{"ok.example"}) {
		t.Errorf("in force: %q", got)
	}
	why := map[string]string{"cdn.bank.com": "is protected (protect.txt:1: bank.com)", "8.8.4.4": "is protected (protect.txt:2: 8.8.4.4)",
		"2001:db8::1": "is no IPv4 address", "8.8.8.0/23": "is wider than /24"}
	for _, x := range rep.Refused {
		if a := r.p.Acks()[x.Value]; a.Processed || a.Reason != reasonOf(x.Protected) {
			t.Errorf("%q: acknowledged as %+v", x.Value, a)
		}
		if w := why[x.Value]; w != "" && x.Why != w {
			t.Errorf("%q: %q, want %q", x.Value, x.Why, w)
		}
		if x.Protected != (x.Value == "cdn.bank.com" || strings.HasPrefix(x.Value, "8.8.") || x.Value == "127.0.0.1") {
			t.Errorf("%q: protected %v", x.Value, x.Protected)
		}
	}
	if a := r.p.Acks()["ok.example"]; !a.Processed {
		t.Errorf("%+v", a)
	}
	// Each item is acknowledged once, also after a restart.
	r.open()
	if rep := r.round(); rep.Acknowledged != 0 || len(rep.Refused) != 0 || rep.Unprocessed != 10 {
		t.Errorf("%+v", rep)
	}
	// The operator no longer protects the name.
	r.opt.Guard = protects(t, "8.8.4.4\n")
	r.clock.Add(time.Minute)
	r.open()
	if rep := r.round(); rep.Added != 1 || rep.Acknowledged != 1 || rep.Unprocessed != 9 {
		t.Errorf("%+v", rep)
	}
	if a := r.p.Acks()["cdn.bank.com"]; !a.Processed {
		t.Errorf("%+v", a)
	}
}

func TestAcknowledge(t *testing.T) {
	r := newRig(t, platform.Ticket{ID: "a", Created: begin, FQDN: []string{"One.example", "two.example"}, IPv4: []string{"203.0.113.7"}})
	one, two := &node{name: "node1"}, &node{name: "node2", passes: map[string]bool{"two.example": true}}
	r.opt.Nodes, r.opt.Acknowledge = []Node{one, two}, ByStatus
	load := func(n *node) {
		sum := sha256.Sum256(r.bytes())
		n.digest, n.since = hex.EncodeToString(sum[:]), r.clock.Now()
	}
	rep := r.round()
	if rep.Pending != 2 || rep.Unasked != 1 || rep.Acknowledged != 0 || len(rep.Problems) != 2 || rep.Oldest != order.FromTime(begin) {
		t.Errorf("%+v", rep)
	}
	r.clock.Add(10 * time.Second)
	load(one)
	if rep := r.round(); rep.Acknowledged != 0 || rep.Pending != 2 || len(r.p.Acks()) != 0 {
		t.Errorf("%+v", rep)
	}
	r.clock.Add(10 * time.Second)
	load(two)
	r.clock.Add(10 * time.Second)
	rep = r.round()
	if rep.Acknowledged != 1 || rep.Pending != 1 || len(rep.Problems) != 1 || !strings.Contains(rep.Problems[0], `node2: has the order file in force and does not block "two.example"`) {
		t.Errorf("%+v", rep)
	}
	want := map[string]platform.Ack{"One.example": {Processed: true, InForce: "2026-05-01T18:30:20+00:00", Count: 1}}
	if got := r.p.Acks(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if rep.Written {
		t.Error("the order is reported, although one item is not")
	}
	two.passes = nil
	r.opt.Addresses = true
	r.open()
	if rep := r.round(); rep.Acknowledged != 2 || rep.Pending != 0 || !rep.Written {
		t.Errorf("%+v", rep)
	}
	_, all := r.orders()
	if o := all["piracy-shield/a"]; o.Reported != order.FromTime(r.clock.Now()) {
		t.Errorf("reported %s", o.Reported)
	}
	if len(r.f.st.Answers) != 0 {
		t.Errorf("the state still has %+v", r.f.st.Answers)
	}
	before := r.bytes()
	r.open()
	if rep := r.round(); rep.Acknowledged+rep.Pending+rep.Unasked != 0 || rep.Written || !bytes.Equal(before, r.bytes()) {
		t.Errorf("%+v", rep)
	}
	for v, a := range r.p.Acks() {
		if a.Count != 1 {
			t.Errorf("%s was acknowledged %d times", v, a.Count)
		}
	}
}

func TestAcknowledgeAgain(t *testing.T) {
	set := platform.Ticket{ID: "a", Created: begin, FQDN: []string{"a.example", "b.example"}, IPv4: []string{"203.0.113.7"}}
	r := newRig(t, set)
	r.opt.Acknowledge = Written
	r.round()
	r.clock.Add(time.Minute)
	r.p.Withdraw("a", "b.example")
	r.round()
	r.p.Set(set)
	r.clock.Add(time.Minute)
	if rep := r.round(); len(rep.Back) != 1 || rep.Acknowledged != 1 || r.p.Acks()["b.example"].Count != 2 {
		t.Errorf("%+v, %+v", rep, r.p.Acks())
	}
	r.open()
	if rep := r.round(); rep.Acknowledged != 0 || rep.Written {
		t.Errorf("%+v", rep)
	}
}

func TestChangedMeanwhile(t *testing.T) {
	r := newRig(t, ticketOf("a", 0, "a.example"))
	r.opt.Acknowledge = Written
	edited := false
	r.p.Check(func(string, bool) {
		if !edited {
			edited = true
			text := strings.Replace(string(r.bytes()), "category: copyright", "category: football", 1)
			if err := os.WriteFile(r.opt.Out, []byte(text), 0o644); err != nil {
				t.Error(err)
			}
		}
	})
	r.open()
	if _, err := r.f.Round(context.Background()); err == nil || !strings.Contains(err.Error(), "has changed during the round; nothing was written") {
		t.Error(err)
	}
	if !strings.Contains(string(r.bytes()), "football") {
		t.Error("the edit is lost")
	}
	r.open()
	r.round()
	_, all := r.orders()
	if o := all["piracy-shield/a"]; o.Category != "football" || o.Reported == order.NoTime || r.p.Acks()["a.example"].Count != 1 {
		t.Errorf("%+v, %+v", o, r.p.Acks())
	}
}

func TestLate(t *testing.T) {
	r := newRig(t, ticketOf("old", 49*time.Hour, "old.example"), ticketOf("edge", 48*time.Hour-time.Second, "edge.example"))
	r.opt.Acknowledge = Written
	r.clock.Add(0)
	r.p.Now = func() time.Time { return r.clock.Now().Add(2 * time.Second) } // the clocks differ
	if rep := r.round(); rep.Acknowledged != 1 || len(rep.Problems) != 0 {
		t.Errorf("%+v", rep)
	}
	if len(r.p.Acks()) != 0 || r.p.Calls("ticket/item/set/processed") != 1 {
		t.Errorf("%v", r.p.Acks())
	}
	if a := r.f.st.Answers; len(a) != 1 || a[0].Rejected != "the time for acknowledgements is over (code in-test-late)" {
		t.Errorf("%+v", a)
	}
	r.open()
	r.round()
	if n := r.p.Calls("ticket/item/set/processed"); n != 1 {
		t.Errorf("%d requests", n)
	}
	if _, all := r.orders(); all["piracy-shield/edge"].Reported != order.NoTime {
		t.Error("the order is reported, although the platform rejected the acknowledgement")
	}
}

// TestThousands pulls and acknowledges 10,000 items.
func TestThousands(t *testing.T) {
	var tickets []platform.Ticket
	for i := range 100 {
		x := platform.Ticket{ID: fmt.Sprintf("t%03d", i), Created: begin.Add(time.Duration(i) * time.Second)}
		for j := range 100 {
			x.FQDN = append(x.FQDN, fmt.Sprintf("n%d.t%d.example", j, i))
		}
		tickets = append(tickets, x)
	}
	r := newRig(t, tickets...)
	n := &node{name: "node", since: begin}
	r.opt.Nodes, r.opt.Acknowledge = []Node{n}, ByStatus
	r.opt.HTTP = r.p.Client() // keeps its connections
	if rep := r.round(); rep.Added != 10_000 || rep.Pending != 10_000 {
		t.Fatalf("added %d, pending %d", rep.Added, rep.Pending)
	}
	sum := sha256.Sum256(r.bytes())
	n.digest = hex.EncodeToString(sum[:])
	if rep := r.round(); rep.Acknowledged != 10_000 || rep.Pending != 0 {
		t.Fatalf("acknowledged %d, pending %d: %q", rep.Acknowledged, rep.Pending, rep.Problems)
	}
	file, all := r.orders()
	for id, o := range all {
		if o.Reported == order.NoTime || len(o.Targets) != 100 {
			t.Fatalf("%s: reported %s, %d targets", id, o.Reported, len(o.Targets))
		}
	}
	if file.Serial != 2 || len(r.p.Acks()) != 10_000 || n.asked != 10_000 {
		t.Errorf("serial %d, %d acknowledgements, %d questions", file.Serial, len(r.p.Acks()), n.asked)
	}
}

func TestLimit(t *testing.T) {
	r := newRig(t, ticketOf("a", 0, "a.example", "b.example", "c.example"))
	r.opt.Acknowledge, r.opt.Limit = Written, time.Minute
	r.p.Check(func(string, bool) { r.clock.Add(40 * time.Second) })
	if rep := r.round(); rep.Acknowledged != 2 || rep.Pending != 1 {
		t.Errorf("%+v", rep)
	}
	if rep := r.round(); rep.Acknowledged != 1 || rep.Pending != 0 {
		t.Errorf("%+v", rep)
	}
}

func TestOneProcess(t *testing.T) {
	r := newRig(t, ticketOf("a", 0, "a.example"))
	r.round()
	link := filepath.Join(t.TempDir(), "link.yaml")
	if err := os.Symlink(r.opt.Out, link); err != nil {
		t.Fatal(err)
	}
	for _, out := range []string{r.opt.Out, link} {
		opt := r.opt
		opt.Out = out
		_, err := Open(opt)
		var locked *durable.LockedError
		if !errors.As(err, &locked) {
			t.Errorf("%s: %v", out, err)
		}
	}
}

// TestWait checks the time between two rounds.
func TestWait(t *testing.T) {
	r := newRig(t)
	r.open()
	const interval = 2 * time.Minute
	for i, want := range []time.Duration{interval, 4 * time.Minute, 8 * time.Minute, maxWait, maxWait} {
		r.f.failed = i
		if got := r.f.Wait(interval, nil); got != want {
			t.Errorf("after %d failures: %s, want %s", i, got, want)
		}
	}
	r.f.failed = 1
	for after, want := range map[time.Duration]time.Duration{time.Second: 4 * time.Minute, 7 * time.Minute: 7 * time.Minute, 24 * time.Hour: maxWait} {
		if got := r.f.Wait(interval, &Fault{After: after}); got != want {
			t.Errorf("Retry-After %s: %s, want %s", after, got, want)
		}
	}
	r.f.failed, r.f.last = 0, Report{Written: true, Pending: 1}
	if got := r.f.Wait(interval, nil); got != soon {
		t.Errorf("with a new order file: %s", got)
	}
	r.f.failed, r.f.last = 1, Report{}
	r.f.opt.Random = func() float64 { return 1 }
	if got := r.f.Wait(interval, nil); got != 5*time.Minute {
		t.Errorf("with the largest jitter: %s", got)
	}
}

func TestRun(t *testing.T) {
	r := newRig(t, ticketOf("a", 0, "a.example"))
	r.p.Fault(refuse(503, "Service Unavailable"))
	r.open()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var errs []error
	r.f.Run(ctx, time.Minute, func(rep *Report, err error, wait time.Duration) {
		errs = append(errs, err)
		switch len(errs) {
		case 2:
			r.p.Fault(nil)
		case 4:
			cancel()
		}
	})
	if len(errs) != 4 || errs[0] == nil || errs[1] == nil || errs[2] != nil || errs[3] != nil {
		t.Errorf("%q", errs)
	}
	if got, want := fmt.Sprint(r.clock.waits), "[2m0s 4m0s 1m0s 1m0s]"; got != want {
		t.Errorf("waits %s, want %s", got, want)
	}
}

func TestSealed(t *testing.T) {
	r := newRig(t, ticketOf("secret-1", 0, "secret-a.example", "secret-b.example", "secret-com."), ticketOf("secret-2", time.Second, "secret-c.example"))
	p, err := describe(strings.NewReplacer("  category: copyright\n", "  disclosure: none\n"))
	if err != nil {
		t.Fatal(err)
	}
	if !p.Sealed() {
		t.Fatal("the platform is not sealed")
	}
	n := &node{name: "node", since: begin, passes: map[string]bool{"secret-a.example": true}}
	r.opt.Platform, r.opt.Nodes, r.opt.Acknowledge = p, []Node{n}, ByStatus
	open := func(err error, rep *Report) {
		t.Helper()
		if out := fmt.Sprintf("%+v %v", rep, err); strings.Contains(out, "secret-") || !strings.Contains(out, "sealed") {
			t.Error(out)
		}
	}
	open(nil, r.round())
	sum := sha256.Sum256(r.bytes())
	n.digest = hex.EncodeToString(sum[:])
	open(nil, r.round())
	r.p.Withdraw("secret-1", "secret-b.example")
	open(nil, r.round())
	r.p.Fault(on(tickets, say("application/json", `{"status":"success","data":[{"ticket_id":"secret-9","fqdn":["secret-d.example"],"status":"in-test-take","metadata":{"created_at":"2026-05-01T18:00:00Z"}}]}`)))
	r.p.Set(ticketOf("secret-1", 0, "secret-a.example"), ticketOf("secret-3", 0, "secret-e.example"))
	open(r.fails(), nil)
	r.p.Fault(nil)
	r.clock.Add(time.Hour)
	r.p.Set()
	open(r.fails(), nil)
}

func TestSilentNode(t *testing.T) {
	r := newRig(t, ticketOf("a", 0, "a.example", "b.example", "com"))
	n := &silent{}
	r.opt.Nodes, r.opt.Acknowledge = []Node{n}, ByStatus
	rep := r.round()
	if n.asked != 1 || rep.Acknowledged != 1 || rep.Pending != 2 || len(rep.Problems) != 1 {
		t.Errorf("asked %d times: %+v", n.asked, rep)
	}
}

type silent struct{ asked int }

func (n *silent) String() string { return "silent" }

func (n *silent) Since(context.Context, string) (time.Time, error) { return begin, nil }

func (n *silent) Blocks(context.Context, dname.Name, order.Country) (bool, error) {
	n.asked++
	return false, errors.New("the server cannot be reached")
}

func TestMetrics(t *testing.T) {
	r := newRig(t, ticketOf("a", 0, "a.example", "b.example"))
	r.opt.Nodes, r.opt.Acknowledge = []Node{&node{name: "node"}}, ByStatus
	r.open()
	r.p.Fault(refuse(500, ""))
	rep, _ := r.f.Round(context.Background())
	if text := string(r.f.Metrics(rep)); strings.Contains(text, "items") || !strings.Contains(text, "blocklist_feed_failures{platform=\"it-piracy-shield\"} 1\n") {
		t.Errorf("before the first answer:\n%s", text)
	}
	r.p.Fault(nil)
	r.round()
	r.p.Fault(refuse(500, ""))
	r.clock.Add(25 * time.Minute)
	rep, _ = r.f.Round(context.Background())
	want := map[string]string{"items_pending": "2", "oldest_pending_age_seconds": "1500", "failures": "1", "tickets": "1",
		"last_success_timestamp_seconds": fmt.Sprint(begin.Unix()), "last_round_timestamp_seconds": fmt.Sprint(begin.Add(25 * time.Minute).Unix())}
	lint, err := promlint.New(bytes.NewReader(r.f.Metrics(rep))).Lint()
	if err != nil || len(lint) > 0 {
		t.Errorf("%v, %v", lint, err)
	}
	for name, value := range want {
		if line := fmt.Sprintf("blocklist_feed_%s{platform=\"it-piracy-shield\"} %s\n", name, value); !strings.Contains(string(r.f.Metrics(rep)), line) {
			t.Errorf("no %q in\n%s", line, r.f.Metrics(rep))
		}
	}
}
