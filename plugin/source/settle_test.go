package source

import (
	"errors"
	"testing"
	"time"
)

func TestWhole(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	at := func(d time.Duration) int64 { return now.Add(d).UnixNano() }
	just := stamp{size: 9, mtime: at(-time.Millisecond), ctime: at(-time.Millisecond)}
	moved := stamp{size: 9, mtime: at(-8 * time.Millisecond), ctime: at(-4 * time.Millisecond)}
	long := stamp{size: 9, mtime: at(-time.Hour), ctime: at(-time.Hour)}
	for _, c := range []struct {
		name string
		e    evidence
		s    stamp
		want bool
	}{
		{"nothing known", evidence{}, long, false},
		{"at the start, old", evidence{initial: true}, long, true},
		{"at the start, old and empty", evidence{initial: true}, stamp{mtime: at(-time.Hour)}, true},
		{"at the start, as old as Settle", evidence{initial: true}, stamp{size: 1, mtime: at(-Settle)}, true},
		{"at the start, just younger", evidence{initial: true}, stamp{size: 1, mtime: at(1 - Settle)}, false},
		{"at the start, from the future", evidence{initial: true}, stamp{size: 1, mtime: at(time.Hour)}, false},
		{"renamed, in one tick with the write", evidence{how: renamed}, just, true},
		{"renamed, no change time", evidence{how: renamed}, stamp{size: 9, mtime: at(-time.Hour)}, true},
		{"renamed, empty", evidence{how: renamed}, stamp{mtime: at(-time.Hour)}, false},
		{"linked, the inode agrees", evidence{how: created}, moved, true},
		{"created, one tick or a write under way", evidence{how: created}, just, false},
		{"created, nothing happened for long", evidence{how: created}, long, false},
		{"created, no change time", evidence{how: created}, stamp{size: 9, mtime: at(-time.Hour)}, false},
		{"no event, another inode, moved after its write", evidence{other: true}, moved, true},
		{"no event, another inode, one tick", evidence{other: true}, just, false},
		{"written, another inode, chmod after the write", evidence{other: true, how: written}, moved, false},
		{"touched after the last write", evidence{}, moved, false},
		{"link swapped", evidence{swapped: true}, just, true},
		{"link swapped to an empty file", evidence{swapped: true}, stamp{mtime: at(0)}, false},
	} {
		if got := c.e.whole(c.s, now); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestSettler(t *testing.T) {
	start := time.Unix(1_700_000_000, 0)
	content := func(c byte, at time.Duration) observation {
		return observation{version: version{state: Ready, digest: Digest{c}, size: 3}, at: start.Add(at), stamp: stamp{size: 3, mtime: int64(c)}}
	}
	whole := func(v observation) observation { v.whole = true; return v }
	ragged := func(v observation) observation { v.ragged = true; return v }
	detached := func(v observation) observation { v.detached = true; return v }
	stamped := func(v observation, m int64) observation { v.stamp.mtime = m; return v }
	fault := func(s State, at time.Duration) observation {
		return observation{version: version{state: s, err: errors.New("x")}, at: start.Add(at)}
	}
	const ms = time.Millisecond
	type act struct {
		see     observation
		disturb bool
		settles bool
		waiting bool
	}
	for _, c := range []struct {
		name string
		acts []act
		held version
	}{
		{"seen twice, Settle apart", []act{
			{see: content('a', 0), waiting: true},
			{see: content('a', Settle), settles: true},
		}, content('a', 0).version},
		{"seen twice, too early", []act{
			{see: content('a', 0), waiting: true},
			{see: content('a', Settle-1), waiting: true},
		}, version{}},
		{"an early look does not start the time again", []act{
			{see: content('a', 0), waiting: true},
			{see: content('a', 600*ms), waiting: true},
			{see: content('a', Settle), settles: true},
		}, content('a', 0).version},
		{"growing", []act{
			{see: content('a', 0), waiting: true},
			{see: content('b', Settle), waiting: true},
			{see: content('c', 2*Settle), waiting: true},
			{see: content('c', 3*Settle-1), waiting: true},
			{see: content('c', 3*Settle), settles: true},
		}, content('c', 0).version},
		{"the same bytes, written again meanwhile", []act{
			{see: content('a', 0), waiting: true},
			{see: stamped(content('a', Settle), 7), waiting: true},
			{see: stamped(content('a', 2*Settle), 7), settles: true},
		}, content('a', 0).version},
		{"a last line without end", []act{
			{see: ragged(content('a', 0)), waiting: true},
			{see: ragged(content('a', RaggedSettle-1)), waiting: true},
			{see: ragged(content('a', RaggedSettle)), settles: true},
		}, content('a', 0).version},
		{"a last line without end that is renamed", []act{{see: whole(ragged(content('a', 0))), settles: true}}, content('a', 0).version},
		{"detached", []act{
			{see: whole(content('a', 0)), settles: true},
			{see: whole(detached(content('a', ms))), settles: true},
		}, detached(content('a', 0)).version},
		{"a write event in between", []act{
			{see: content('a', 0), waiting: true},
			{disturb: true, waiting: true},
			{see: content('a', Settle), waiting: true},
			{see: content('a', 2*Settle), settles: true},
		}, content('a', 0).version},
		{"whole at once", []act{{see: whole(content('a', 0)), settles: true}}, content('a', 0).version},
		{"whole while another waits", []act{
			{see: content('a', 0), waiting: true},
			{see: whole(content('b', ms)), settles: true},
		}, content('b', 0).version},
		{"touched", []act{
			{see: whole(content('a', 0)), settles: true},
			{disturb: true, waiting: true},
			{see: stamped(content('a', ms), 9)},
		}, content('a', 0).version},
		{"away and back before it counted", []act{
			{see: whole(content('a', 0)), settles: true},
			{see: fault(Missing, ms), waiting: true},
			{see: content('a', 2*ms)},
		}, content('a', 0).version},
		{"away", []act{
			{see: whole(content('a', 0)), settles: true},
			{see: fault(Missing, 0), waiting: true},
			{see: fault(Missing, Settle), settles: true},
			{see: fault(Missing, 9*Settle)},
		}, fault(Missing, 0).version},
		{"one fault after another", []act{
			{see: whole(content('a', 0)), settles: true},
			{see: fault(Missing, 0), waiting: true},
			{see: fault(NotAFile, Settle), waiting: true},
			{see: fault(NotAFile, 2*Settle), settles: true},
		}, fault(NotAFile, 0).version},
		{"back with the same bytes in place", []act{
			{see: whole(fault(Missing, 0)), settles: true},
			{see: content('a', Settle), waiting: true},
			{see: content('a', 2*Settle), settles: true},
		}, content('a', 0).version},
	} {
		t.Run(c.name, func(t *testing.T) {
			var s settler
			for i, a := range c.acts {
				settles := false
				if a.disturb {
					s.disturb()
				} else {
					settles = s.observe(a.see)
				}
				if settles != a.settles || s.waiting != a.waiting {
					t.Fatalf("act %d: settles %v, waiting %v, want %v, %v", i, settles, s.waiting, a.settles, a.waiting)
				}
			}
			if !s.settled.same(c.held) {
				t.Errorf("holds %v, want %v", s.settled, c.held)
			}
		})
	}
}
