package ruleset

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/dns-orders/blocklist/plugin/order"
)

type question struct {
	place twinPlace
	name  QName // the place as a QName
	asked QName
	Query
	twin twinQuery
}

func (c *choices) place(w *world, q *QName) twinPlace {
	name := c.name()
	if c.n(2) == 0 {
		name = w.mentioned[c.n(len(w.mentioned))]
	}
	q.SetName(name)
	host := name
	for c.oneIn(2) && q.Service < twinServiceLabels(name) {
		q.Service++
		host = host.Parent()
	}
	return twinPlace{name: name, host: host}
}

func (c *choices) question(w *world) *question {
	q := &question{}
	if c.oneIn(4) {
		q.place.addr = answered[c.n(len(answered))]
	} else {
		q.place = c.place(w, &q.name)
	}
	q.Client = Client{addresses[c.n(len(addresses))], countries[c.n(len(countries))]}
	if w.opt.NoCountry {
		q.Client.Country = ""
	}
	q.Now = order.Time(c.n(lastSecond))
	q.Shadow = c.oneIn(3)
	q.twin = twinQuery{c: q.Client, now: q.Now, shadow: q.Shadow}
	if c.n(2) == 0 {
		at := c.place(w, &q.asked)
		q.QName, q.twin.asked = &q.asked, &at
	}
	return q
}

func (q *question) judge(s *Set) Verdict {
	if a := q.place.addr; a.IsValid() {
		return s.DecideAddress(a, q.Query)
	}
	return s.Decide(&q.name, q.Query)
}

func (q *question) expect(w *world, cc order.Country, now order.Time) twinVerdict {
	x := q.twin
	x.c.Country, x.now = cc, now
	v := w.twin.decide(q.place, x)
	if q.Shadow {
		v.below = 0 // no caller uses the Subtree of a verdict with Shadow
	}
	return v
}

func (q *question) String() string {
	s := fmt.Sprintf("%s %v (service labels %d) for %v at %d, shadow %v", q.place.name, q.place.addr, q.name.Service, q.Client, q.Now, q.Shadow)
	if q.QName != nil {
		s += fmt.Sprintf(", asked %s (%d)", q.twin.asked.name, q.asked.Service)
	}
	return s
}

func (q *question) flat(v Verdict) (f twinVerdict) {
	if v.Order == nil {
		return f
	}
	if q.Shadow {
		v.Subtree = 0
	}
	return twinVerdict{v.Order.ID, v.TargetLabels, v.Match, v.Response.Kind, v.Subtree}
}

func (q question) alone() *question {
	q.QName, q.twin.asked = nil, nil
	return &q
}

func named(v Verdict) any {
	x := struct {
		id string
		Verdict
	}{id(v), v}
	x.Order = nil
	return x
}

func id(v Verdict) string {
	if v.Order == nil {
		return "-"
	}
	return v.Order.ID
}

func compare(t *testing.T, w *world, c *choices) (*question, Verdict) {
	t.Helper()
	q := c.question(w)
	got := q.judge(w.Set)
	want := q.expect(w, q.Client.Country, q.Now)
	if q.flat(got) != want {
		t.Fatalf("%v%s:\n got %+v\nwant %+v", w, q, q.flat(got), want)
	}
	if len(want.id) > 0 && !q.place.addr.IsValid() && !w.Covers(&q.name.Wire) {
		t.Fatalf("%v%s: blocked but not covered", w, q)
	}
	if !q.place.addr.IsValid() && q.QName == nil {
		compareReasons(t, w, q)
	}
	if other := q.judge(w.other); !reflect.DeepEqual(named(got), named(other)) {
		t.Fatalf("%v%s: long lists change the verdict:\n got %+v\nwant %+v", w, q, named(got), named(other))
	}
	if passed := q.QName != nil && want.id == "" && q.alone().expect(w, q.Client.Country, q.Now).id != ""; got.PassedForQName != passed {
		t.Fatalf("%v%s: passed for the asked name %t, want %t", w, q, got.PassedForQName, passed)
	}
	if got.Until <= q.Now {
		t.Fatalf("%v%s: until %d is not after now", w, q, got.Until)
	}
	if !q.Shadow {
		plain := q.judge(w.plain)
		if q.flat(plain) != want || plain.Until != got.Until || plain.CountryDependent != got.CountryDependent {
			t.Fatalf("%v%s: orders in shadow change the verdict:\n got %+v\nwant %+v", w, q, got, plain)
		}
	}
	for now := q.Now; now < min(got.Until, lastSecond+1); now++ {
		is := q.expect(w, q.Client.Country, now)
		if is != want {
			t.Fatalf("%v%s: until %d, but at %d\n is %+v\nwas %+v", w, q, got.Until, now, is, want)
		}
	}
	if !got.CountryDependent && w.DependsOnCountry() && !w.opt.NoCountry {
		for now := q.Now; now < min(got.Until, lastSecond+1); now++ {
			is := q.expect(w, q.Client.Country, now)
			if cc := otherwise(w, q, now, is); cc != nil {
				t.Fatalf("%v%s: not scoped, but at %d %q gets another verdict than %+v", w, q, now, *cc, is)
			}
		}
	}
	return q, got
}

func otherwise(w *world, q *question, now order.Time, v twinVerdict) *order.Country {
	for i, cc := range countries {
		is := q.expect(w, cc, now)
		if is != v {
			return &countries[i]
		}
	}
	return nil
}

func compareAll(t *testing.T, w *world, c *choices) {
	t.Helper()
	now := order.Time(c.n(lastSecond))
	compareStates(t, w, now)
	compareDuties(t, w, now)
	compareLifts(t, w)
	compareNames(t, w)
	compareShrink(t, w, now)
	compareGuarded(t, w)
}

func FuzzDecide(f *testing.F) {
	f.Add([]byte{})
	r := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		f.Add(randomBytes(r, 400))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c := &choices{b: data}
		w := newWorld(c)
		for range 4 {
			compare(t, w, c)
		}
		compareAll(t, w, c)
	})
}

func TestDecideAgainstTwin(t *testing.T) {
	worlds := 2000
	if testing.Short() {
		worlds = 300
	}
	r := rand.New(rand.NewPCG(3, 4))
	var met struct{ blocked, address, led, shadow, held, scoped, notNow, needless int }
	for range worlds {
		c := &choices{b: randomBytes(r, 3000)}
		w := newWorld(c)
		compareAll(t, w, c)
		for range 10 {
			q, v := compare(t, w, c)
			switch {
			case !v.Blocked():
			case q.Shadow:
				met.shadow++
			case q.place.addr.IsValid():
				met.address++
			case q.QName != nil:
				met.led++
			default:
				met.blocked++
			}
			if v.CountryDependent && !w.opt.NoCountry {
				met.scoped++
				if otherwise(w, q, q.Now, q.flat(v)) == nil {
					met.notNow++
					ever := false
					for now := q.Now; now <= lastSecond; now++ {
						ever = ever || otherwise(w, q, now, q.expect(w, q.Client.Country, now)) != nil
					}
					if !ever {
						met.needless++
					}
				}
			}
		}
		met.held += len(w.Held())
	}
	t.Logf("%+v", met)
	if met.blocked < worlds/3 || met.address < worlds/20 || met.led < worlds/4 || met.shadow < worlds/4 || met.held < worlds/2 {
		t.Errorf("%+v in %d worlds: too few cases", met, worlds)
	}
}
