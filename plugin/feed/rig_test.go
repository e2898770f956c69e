package feed

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/guard"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/test/clock"
	"github.com/dns-orders/blocklist/test/platform"
)

// begin is the first time of the clock.
var begin = time.Date(2026, 5, 1, 18, 30, 0, 0, time.UTC)

type ticker struct {
	*clock.Clock
	waits []time.Duration
}

func newTicker() *ticker { return &ticker{Clock: clock.New(begin)} }

func (c *ticker) After(d time.Duration) (<-chan time.Time, func()) {
	c.waits = append(c.waits, d)
	c.Add(d)
	return c.Clock.After(0)
}

// A rig is a feed with a platform.
type rig struct {
	t     *testing.T
	p     *platform.Server
	clock *ticker
	opt   Options
	f     *Feed
}

func newRig(t *testing.T, tickets ...platform.Ticket) *rig {
	t.Helper()
	r := &rig{t: t, clock: newTicker()}
	r.p = platform.Start(t, r.clock.Now)
	r.p.Set(tickets...)
	r.opt = Options{Platform: described(t), Base: r.p.Base(), User: platform.User, Password: platform.Password, HTTP: &http.Client{},
		Out: filepath.Join(t.TempDir(), "orders.yaml"), Acknowledge: Never, DropOK: -1, Clock: r.clock, Random: func() float64 { return 0 }, Mode: 0o644}
	return r
}

func described(t testing.TB) *Platform {
	t.Helper()
	p, err := describe(nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func describe(replace *strings.Replacer) (*Platform, error) {
	text, _, err := Platforms.Find("it-piracy-shield", "")
	if err != nil {
		return nil, err
	}
	if replace != nil {
		text = []byte(replace.Replace(string(text)))
	}
	if text, err = platform.Describe(text); err != nil {
		return nil, err
	}
	return Parse("it-piracy-shield", text)
}

func (r *rig) open() {
	r.t.Helper()
	if r.f != nil {
		r.close()
	}
	f, err := Open(r.opt)
	if err != nil {
		r.t.Fatal(err)
	}
	r.f = f
	r.t.Cleanup(r.close)
}

func (r *rig) close() {
	if r.f != nil {
		if err := r.f.Close(); err != nil {
			r.t.Error(err)
		}
	}
	r.f = nil
}

// round does one round without an error.
func (r *rig) round() *Report {
	r.t.Helper()
	if r.f == nil {
		r.open()
	}
	rep, err := r.f.Round(context.Background())
	if err != nil {
		r.t.Fatal(err)
	}
	return rep
}

func (r *rig) fails() error {
	r.t.Helper()
	before := r.bytes()
	if r.f == nil {
		r.open()
	}
	_, err := r.f.Round(context.Background())
	if err == nil {
		r.t.Fatal("the round did not fail")
	}
	if !bytes.Equal(before, r.bytes()) {
		r.t.Fatalf("the order file changed in a failed round: %v", err)
	}
	return err
}

func (r *rig) bytes() []byte {
	r.t.Helper()
	data, err := os.ReadFile(r.opt.Out)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		r.t.Fatal(err)
	}
	return data
}

// orders parses the order file.
func (r *rig) orders() (*order.File, map[string]*order.Order) {
	r.t.Helper()
	return parseOrders(r.t, r.opt.Out)
}

func parseOrders(t *testing.T, path string) (*order.File, map[string]*order.Order) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file, problems := order.Parse(path, bytes.NewReader(data), order.Options{})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	out := map[string]*order.Order{}
	for _, o := range file.Orders {
		out[o.ID] = o
	}
	return file, out
}

func (r *rig) inForce(id string) (out []string) {
	r.t.Helper()
	_, all := r.orders()
	o := all[id]
	if o == nil {
		r.t.Fatalf("there is no order %q", id)
	}
	m := &merge{now: order.FromTime(r.clock.Now())}
	for i := range o.Targets {
		if x := &o.Targets[i]; m.open(o, x) {
			out = append(out, x.String())
		}
	}
	return out
}

// A node is a server in a test.
type node struct {
	name   string
	digest string // the version in force
	since  time.Time
	passes map[string]bool // the names that the server does not block
	asked  int
}

func (n *node) String() string { return n.name }

func (n *node) Since(_ context.Context, digest string) (time.Time, error) {
	if n.digest != digest {
		return time.Time{}, errors.New("does not have this version of the order file in force")
	}
	return n.since, nil
}

func (n *node) Blocks(_ context.Context, name dname.Name, country order.Country) (bool, error) {
	n.asked++
	if country != "IT" {
		return false, errors.New("asked for another country")
	}
	return !n.passes[name.String()], nil
}

// protects returns a guard with a protect list.
func protects(t *testing.T, text string) *guard.Guard {
	t.Helper()
	list, problems := guard.Parse("protect.txt", bytes.NewReader([]byte(text)))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return guard.New(list)
}
