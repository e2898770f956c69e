package ruleset

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
)

func origin(path string, opt Options) Origin {
	return Origin{Path: path, Files: [32]byte{1}, Options: opt.Digest(), Guard: [32]byte{2}}
}

func write(p *Part, opt Options) []byte {
	var b bytes.Buffer
	if err := WriteSnapshot(&b, origin(p.Path(), opt), Snapshot{p, 7, "Europe/Rome"}); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func read(b []byte, path string, opt Options) (Snapshot, error) {
	return ReadSnapshot(bytes.NewReader(b), int64(len(b)), origin(path, opt), opt)
}

func reread(p *Part, opt Options) *Part {
	s, err := read(write(p, opt), p.Path(), opt)
	if err != nil {
		panic(err)
	}
	return s.Part
}

// snapshotGuard protects a target of the part varied.
var snapshotGuard = &stubGuard{names: []protect{{name: mustName("held.example")}}, nets: []netip.Prefix{netip.MustParsePrefix("198.51.100.7/32")}}

func mustName(s string) dname.Name {
	n, err := dname.Parse(s)
	if err != nil {
		panic(err)
	}
	return n
}

func varied(t testing.TB, opt Options) *Part {
	t.Helper()
	b := NewBuilder("a.yaml", opt)
	var long strings.Builder
	for i := range longListFrom + 2 {
		fmt.Fprintf(&long, "- {id: long%d, issued: 2024-01-%02d, targets: [long.example], exempt: [{clients: [10.%d.0.0/16], until: 2027-01-01}]}\n", i, 1+i%28, i%3)
	}
	text := `version: 1
defaults: {scope: {countries: [IT, EU], clients: [10.0.0.0/8]}, authority: {name: A, country: IT, kind: court}}
orders:
- {id: a, issued: 2024-01-01, references: [R1], targets: [a.example, "*.b.example"], except: [x.a.example]}
- {id: r, response: {redirect: [192.0.2.1, "2001:db8::1"]}, targets: [c.example, {address: 198.51.100.0/24, enforced_by: dns}], justification: J}
- {id: f, served: 2024-01-01, deadline: 2024-02-01, review: 2025-01-01, force: {held.example: R}, targets: [held.example, {name: d.example, deadline: 2024-03-01, except: [e.d.example]}]}
- {id: g, filtering_databases: [{db: D, id: I}], status: shadow, windows: [{from: 2024-01-01, until: 2024-02-01}, {from: 2024-03-01, until: 2024-04-01}], targets: [a.example]}
- {id: l, action: lift, issued: 2024-05-01, lifts: [a, long1], targets: [a.example, long.example]}
- {id: w, action: lift, issued: 2024-05-01, lifts: [r]}
` + long.String()
	if _, ps := order.Parse("a.yaml", strings.NewReader(text), order.Options{Emit: b.Add}); len(ps.Errors()) > 0 {
		t.Fatal(ps)
	}
	p, _ := b.Freeze()
	return p
}

func equal(p, q *Part) bool {
	plain := func(p Part) Part {
		p.bytes, p.names = 0, nil
		p.rules, p.intervals, p.deadlines, p.reviews, p.dutyTargets = fit(p.rules), fit(p.intervals), fit(p.deadlines), fit(p.reviews), fit(p.dutyTargets)
		return p
	}
	return p.names.Same(q.names) && reflect.DeepEqual(plain(*p), plain(*q))
}

func TestSnapshot(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		seed := randomBytes(rng, 500)
		compile := func() (*Part, Options) {
			c := &choices{b: seed}
			opt := Options{Response: c.response(), Addresses: true, Guard: c.guard()}
			c.crowded = c.n(2) == 0
			b := NewBuilder("a.yaml", opt)
			for i := range 1 + c.n(30) {
				b.Add(c.order(fmt.Sprint(i), i))
			}
			p, _ := b.Freeze()
			return p, opt
		}
		p, opt := compile()
		s, err := read(write(p, opt), p.Path(), opt)
		if err != nil {
			t.Fatal(err)
		}
		if s.Expires != 7 || s.Timezone != "Europe/Rome" || !equal(p, s.Part) {
			t.Fatalf("read %+v\nwant %+v", s.Part, p)
		}
		if err := s.Part.Check(); err != nil {
			t.Fatal(err)
		}
		again, _ := compile()
		if q := (Snapshot{again, 7, "Europe/Rome"}); !q.Same(s) {
			t.Fatal("a second compilation is not the same")
		}
	}
}

func TestSnapshotInUse(t *testing.T) {
	p := varied(t, Options{Guard: snapshotGuard})
	done := make(chan bool)
	go func() {
		useAll(p, Options{Guard: snapshotGuard}, 1)
		close(done)
	}()
	before := write(p, Options{})
	if <-done; !bytes.Equal(write(p, Options{}), before) {
		t.Error("two snapshots of one part differ")
	}
}

func TestSnapshotTerms(t *testing.T) {
	terms := &order.Terms{}
	fill(t, reflect.ValueOf(terms).Elem(), "terms")
	terms.Response = order.Response{Kind: order.Redirect, Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.1")}}
	b := NewBuilder("a.yaml", Options{})
	b.Add(&order.Order{ID: "a", Terms: terms})
	p, _ := b.Freeze()
	if got := reread(p, Options{}).entries.at(0).Terms; !reflect.DeepEqual(got, terms) {
		t.Errorf("got %+v\nwant %+v", got, terms)
	}
}

func fill(t *testing.T, v reflect.Value, name string) {
	switch x := v.Addr().Interface().(type) {
	case *netip.Addr:
		*x = netip.MustParseAddr("192.0.2.1")
		return
	case *netip.Prefix:
		*x = netip.MustParsePrefix("192.0.2.0/24")
		return
	case *time.Duration:
		*x = -5
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(name)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Uint8:
		v.SetUint(1)
	case reflect.Int64:
		v.SetInt(3)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(t, v.Index(0), name+"0")
		fill(t, v.Index(1), name+"1")
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem(), name)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i), v.Type().Field(i).Name)
		}
	default:
		t.Fatalf("%s: cannot fill a %v", name, v.Type())
	}
}

func TestSnapshotDamaged(t *testing.T) {
	p := varied(t, Options{})
	good := write(p, Options{})
	if s, err := read(good, "a.yaml", Options{}); err != nil || !equal(p, s.Part) {
		t.Fatalf("the snapshot is not good: %v", err)
	}
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 1 << (i % 8)
		if _, err := read(bad, "a.yaml", Options{}); err == nil {
			t.Errorf("byte %d of %d is flipped and not noticed", i, len(good))
		}
	}
	for i := range good {
		if _, err := read(good[:i], "a.yaml", Options{}); err == nil {
			t.Errorf("a cut after %d bytes is not noticed", i)
		}
		if _, err := ReadSnapshot(bytes.NewReader(good[:i]), int64(len(good)), origin("a.yaml", Options{}), Options{}); err == nil {
			t.Errorf("a file that ends after %d bytes is not noticed", i)
		}
	}
	if _, err := read(append(bytes.Clone(good), 0), "a.yaml", Options{}); err == nil {
		t.Error("an added byte is not noticed")
	}
}

func TestSnapshotOrigin(t *testing.T) {
	opt := Options{Response: order.Response{Kind: order.NODATA}, Addresses: true}
	p := varied(t, opt)
	good := write(p, opt)
	for name, edit := range map[string]func(*Origin){
		"path":    func(o *Origin) { o.Path = "b.yaml" },
		"files":   func(o *Origin) { o.Files[0]++ },
		"options": func(o *Origin) { o.Options = Options{Response: opt.Response}.Digest() },
		"guard":   func(o *Origin) { o.Guard[31]++ },
	} {
		o := origin("a.yaml", opt)
		edit(&o)
		if _, err := ReadSnapshot(bytes.NewReader(good), int64(len(good)), o, opt); !errors.Is(err, ErrOrigin) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	// The program of another version has another fingerprint.
	other := bytes.Clone(good)
	other[8]++
	binary.LittleEndian.PutUint64(other[headerSize-8:], xxhash.Sum64(other[:headerSize-8]))
	if _, err := read(other, "a.yaml", opt); !errors.Is(err, ErrOrigin) {
		t.Errorf("fingerprint: error %v", err)
	}
	seen := map[[32]byte]bool{}
	for _, o := range []Options{
		{}, {NoCountry: true}, {Addresses: true}, {Response: order.Response{Kind: order.NODATA}}, {NAT64: ownPrefixes[:1]}, {NAT64: ownPrefixes[:2]},
		{Response: order.Response{Kind: order.Redirect, Addresses: answered[:1]}}, {Response: order.Response{Kind: order.Redirect, Addresses: answered[:2]}},
	} {
		seen[o.Digest()] = true
	}
	if len(seen) != 8 || (Options{}).Digest() != (Options{Response: order.Response{Kind: order.NXDOMAIN}}).Digest() {
		t.Errorf("%d digests", len(seen))
	}
}

func TestSnapshotRebuilt(t *testing.T) {
	p := varied(t, Options{})
	for _, q := range []*Part{p.Without(func(id string) bool { return id == "a" }), p.Ruled(Options{Response: order.Response{Kind: order.NODATA}})} {
		if err := WriteSnapshot(io.Discard, Origin{}, Snapshot{Part: q}); err != ErrRebuilt {
			t.Errorf("error %v", err)
		}
	}
}

func TestSnapshotForged(t *testing.T) {
	for _, tc := range []struct {
		name string
		edit func(p *Part)
		want string // which function must notice the change
	}{
		{"nothing", func(p *Part) {}, ""},
		{"entry of a rule", func(p *Part) { p.rules[0].entry = 1000 }, "read"},
		{"schedule of a rule", func(p *Part) { p.rules[0].sched = 1000 }, "read"},
		{"no last rule", func(p *Part) { p.rules[len(p.rules)-1].last = false }, "read"},
		{"kind of a rule", func(p *Part) { p.rules[0].kind = liftExact }, "read"},
		{"schedule of an order", func(p *Part) { p.entries.at(0).sched = 1000 }, "read"},
		{"schedule", func(p *Part) { p.schedules[1].n = 1000 }, "read"},
		{"the empty schedule", func(p *Part) { p.schedules[0].n = 1 }, "read"},
		{"intervals", func(p *Part) { p.intervals[0] = interval{2, 1} }, "read"},
		{"whole lift", func(p *Part) { p.whole[0] = 1000 }, "read"},
		{"whole block", func(p *Part) { p.whole[0] = 0 }, "read"},
		{"duty of an order", func(p *Part) { p.deadlines[0].entry = 1000 }, "read"},
		{"duty of a target", func(p *Part) { p.deadlines[0].target = 1000 }, "read"},
		{"schedule of a duty", func(p *Part) { p.reviews[0].sched = 1000 }, "read"},
		{"sequence of rules", func(p *Part) {
			p.rules[len(p.rules)-2], p.rules[len(p.rules)-1] = p.rules[len(p.rules)-1], p.rules[len(p.rules)-2]
		}, "read"},
		{"lists of rules", func(p *Part) { p.rules[len(p.rules)-1].last, p.rules[len(p.rules)-5].last = true, true }, "compare"},
		{"first rule of a list", func(p *Part) { p.rules = p.rules[:1]; p.longLists = nil }, "check"},
		{"count of names", func(p *Part) { p.blocked++ }, "check"},
		{"id", func(p *Part) { p.entries.at(0).ID = "other" }, "compare"},
		{"time of an order", func(p *Part) { p.entries.at(0).rank.decided++ }, "compare"},
		{"line", func(p *Part) { p.entries.at(0).line++ }, "compare"},
		{"status", func(p *Part) { p.entries.at(0).Common.status = order.Draft }, "compare"},
		{"authority", func(p *Part) { p.entries.at(0).Terms.Authority.Name = "B" }, "compare"},
		{"forced target", func(p *Part) { clear(p.entries.at(2).force) }, "compare"},
		{"interval", func(p *Part) { p.intervals[1].until++ }, "compare"},
		{"own dates", func(p *Part) { p.ownDates = !p.ownDates }, "compare"},
		{"deadline", func(p *Part) { p.deadlines[0].at++ }, "compare"},
		{"held name", func(p *Part) { p.held.names = nil }, "compare"},
		{"network", func(p *Part) { p.addrs = nil }, "compare"},
	} {
		opt := Options{Guard: snapshotGuard}
		p := varied(t, opt)
		tc.edit(p)
		found := ""
		s, err := read(write(p, opt), "a.yaml", opt)
		switch {
		case err != nil:
			found = "read"
		case s.Part.Check() != nil:
			found = "check"
		case !s.Same(Snapshot{varied(t, opt), 7, "Europe/Rome"}):
			found = "compare"
		}
		if found != tc.want {
			t.Errorf("%s: found by %q, want %q; %v", tc.name, found, tc.want, err)
		}
	}
	p := varied(t, Options{})
	if s := (Snapshot{Part: p, Expires: 1}); s.Same(Snapshot{Part: p, Expires: 2}) || s.Same(Snapshot{Part: p, Expires: 1, Timezone: "UTC"}) {
		t.Error("the fields of the file are not compared")
	}
}

func seal(b, like []byte) []byte {
	names := func(b []byte) uint64 { // the offset of the index
		size := func(at int) uint64 { return binary.LittleEndian.Uint64(b[at:]) % uint64(len(b)) }
		return headerSize + size(48) + size(56) + 8
	}
	copy(b, like[:48])
	at := names(b)
	if at+80+8 > uint64(len(b)) {
		return b
	}
	fix := func(part []byte) {
		binary.LittleEndian.PutUint64(part[len(part)-8:], xxhash.Sum64(part[:len(part)-8]))
	}
	binary.LittleEndian.PutUint64(b[64:], uint64(len(b))-at)
	copy(b[at:], like[names(like):][:16])
	fix(b[:headerSize])
	fix(b[headerSize:at])
	fix(b[at:][:80])
	fix(b[at+80:])
	return b
}

func FuzzReadSnapshot(f *testing.F) {
	opt := Options{Guard: snapshotGuard, Addresses: true}
	good := write(varied(f, opt), opt)
	f.Add(good, uint64(1))
	rng := rand.New(rand.NewPCG(3, 4))
	for i := range 200 {
		bad := bytes.Clone(good)
		for range 1 + i%3 {
			bad[rng.IntN(len(bad))] ^= byte(1 << rng.IntN(8))
		}
		f.Add(bad, rng.Uint64())
	}
	f.Fuzz(func(t *testing.T, b []byte, seed uint64) {
		b = bytes.Clone(b)
		if len(b) < len(good) {
			b = append(b, good[len(b):]...)
		}
		s, err := read(seal(b, good), "a.yaml", opt)
		if err != nil || s.Part.Check() != nil {
			return
		}
		useAll(s.Part, opt, seed)
	})
}

func useAll(p *Part, opt Options, seed uint64) {
	set := Merge([]*Part{p}, opt)
	c := &choices{b: binary.LittleEndian.AppendUint64(bytes.Repeat([]byte{1, 0, 2, 3}, 20), seed)}
	ask := func(name string) {
		var q QName
		q.Set(name)
		for _, now := range []order.Time{0, 1_704_000_000, 1_740_000_000} {
			for _, cc := range countries {
				query := Query{Client: Client{addresses[c.n(len(addresses))], cc}, Now: now, Shadow: c.n(2) == 0}
				set.Covers(&q.Wire)
				set.Decide(&q, query)
				set.Explain(&q, query.Client, now)
			}
		}
	}
	for _, name := range []string{"a.example", "x.a.example", "b.example", "y.b.example", "c.example", "held.example", "e.d.example", "long.example", "example", "."} {
		ask(name)
	}
	for name := range p.names.All() {
		ask(name.String())
	}
	for _, a := range answered {
		set.CoversAddress(a)
		set.DecideAddress(a, Query{Now: 1_740_000_000})
	}
	set.Warnings()
	set.Held()
	set.NextChange(1)
	set.Deadlines(1_740_000_000)
	p.BlockedAt(1_740_000_000)
	p.Ruled(Options{Response: order.Response{Kind: order.NODATA}})
	p.Without(func(id string) bool { return id == "a" })
	Compare(p, p, 3)
}
