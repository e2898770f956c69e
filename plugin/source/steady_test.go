package source

import (
	"path/filepath"
	"testing"
	"time"
)

func TestSteadyClock(t *testing.T) {
	below := newClock()
	c := &steadyClock{Clock: below}
	last := c.Now()
	var want time.Duration
	begin := last
	for _, step := range []time.Duration{time.Second, -time.Hour, time.Second, 365 * 24 * time.Hour, -time.Minute, -time.Minute, time.Second} {
		below.Add(step)
		want += max(step, 0)
		now := c.Now()
		if now.Before(last) || now.Sub(begin) != want {
			t.Errorf("after %v: %v, want %v", step, now.Sub(begin), want)
		}
		if got := c.below(now); !got.Equal(below.Now()) {
			t.Errorf("after %v: below %v, want %v", step, got, below.Now())
		}
		if got := c.steady(below.Now()); !got.Equal(now) {
			t.Errorf("after %v: steady %v, want %v", step, got, now)
		}
		last = now
	}
}

func TestClockSetBack(t *testing.T) {
	both(t, func(t *testing.T, opts ...option) {
		dir := t.TempDir()
		old(t, filepath.Join(dir, "o.yaml"), "before")
		r := start(t, dir, []string{"o.yaml"}, opts...)
		r.write("o.yaml", small)
		r.pass(Settle / 2)
		r.c.Add(-365 * 24 * time.Hour)
		r.pass(2 * Settle)
		r.want("o.yaml=" + small)
		if look := r.s.LastLook(); look.After(r.c.Now()) {
			t.Errorf("the last look was at %v, and it is %v", look, r.c.Now())
		}
		r.publish("o.yaml", small+"# more\n")
		r.pass(2 * Settle)
		r.want("o.yaml=" + small + "# more\n")
	})
}
