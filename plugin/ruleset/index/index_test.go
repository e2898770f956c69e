package index

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/dns-orders/blocklist/plugin/dname"
)

type twin struct {
	refs   map[dname.Name]uint32
	marked []dname.Name // in canonical order
}

func build(names []dname.Name) (*Index, *twin) {
	b, t := &Builder{}, &twin{refs: map[dname.Name]uint32{}}
	for i, n := range names {
		if i%1500 == 7 {
			b.Grow(i % 4000)
		}
		b.Add(n, uint32(i))
		t.refs[n] += uint32(i)
	}
	for n, sum := range t.refs {
		if sum%2 == 1 {
			t.marked = append(t.marked, n)
		}
	}
	slices.SortFunc(t.marked, dname.Name.Compare)
	return b.Freeze(func(values []uint32) uint32 {
		sum := uint32(0)
		for _, v := range values {
			sum += v
		}
		return sum
	}, func(ref uint32) bool { return ref%2 == 1 }), t
}

func check(t *testing.T, x *Index, tw *twin, n dname.Name) {
	t.Helper()
	var w dname.Wire
	w.SetName(n)
	hits, below := x.Walk(&w, nil)
	var want []Hit
	for up := n; up.NumLabels() > 0; up = up.Parent() {
		if ref, ok := tw.refs[up]; ok {
			want = append(want, Hit{up.NumLabels(), ref})
		}
	}
	slices.Reverse(want)
	if !slices.Equal(hits, want) {
		t.Fatalf("%s: hits %v, want %v", n, hits, want)
	}
	var wantBelow, gotBelow []dname.Name
	for _, m := range tw.marked {
		if m != n && n.Covers(m) {
			wantBelow = append(wantBelow, m)
		}
	}
	var m dname.Wire
	for i := x.FirstMarked(&w); x.Marked(i, &m) && w.Covers(&m); i++ {
		gotBelow = append(gotBelow, m.Name())
	}
	if below != (len(wantBelow) > 0) || !slices.Equal(gotBelow, wantBelow) {
		t.Fatalf("%s: marked below %v %v, want %v", n, below, gotBelow, wantBelow)
	}
}

func name(t testing.TB, s string) dname.Name {
	n, err := dname.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestIndex(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	random := func(letters int) dname.Name {
		parts := make([]string, 1+r.IntN(5))
		for i := range parts {
			parts[i] = fmt.Sprintf("l%d", r.IntN(letters))
		}
		return name(t, strings.Join(parts, "."))
	}
	for _, size := range []int{0, 1, 2, 12, 13, 200, 20000} {
		letters := 3 + size/100
		var names []dname.Name
		for range size {
			names = append(names, random(letters))
		}
		built, tw := build(names)
		for _, x := range []*Index{built, again(t, built)} {
			if x.Len() != len(tw.refs) {
				t.Errorf("%d names: Len %d, want %d", size, x.Len(), len(tw.refs))
			}
			all := map[dname.Name]uint32{}
			for n, ref := range x.All() {
				if _, twice := all[n]; twice {
					t.Errorf("%s comes twice", n)
				}
				all[n] = ref
			}
			if fmt.Sprint(all) != fmt.Sprint(tw.refs) {
				t.Errorf("%d names: All differs", size)
			}
			for i := range min(500, size) {
				for n := names[i]; n.NumLabels() > 0; n = n.Parent() {
					check(t, x, tw, n)
				}
			}
			for range 500 {
				check(t, x, tw, random(letters+1))
			}
		}
	}
}

func TestJoin(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	random := func() (names []dname.Name) {
		for range 1 + r.IntN(60) {
			s := fmt.Sprintf("l%d", r.IntN(4))
			for range r.IntN(4) {
				s = fmt.Sprintf("l%d.%s", r.IntN(4), s)
			}
			names = append(names, name(t, s))
		}
		return names
	}
	for range 2000 {
		names := random()
		other := slices.Clone(names)
		for range r.IntN(4) {
			switch i := r.IntN(len(other)); r.IntN(4) {
			case 0:
				other = slices.Insert(other, i, random()...)
			case 1:
				other = slices.Delete(other, i, i+r.IntN(len(other)-i))
			case 2:
				r.Shuffle(len(other), func(i, j int) { other[i], other[j] = other[j], other[i] })
			case 3:
				other = random()
			}
			if len(other) == 0 {
				other = random()
			}
		}
		checkJoin(t, names, other)
		checkJoin(t, names, nil)
	}
	var none *Index
	for range none.Join(nil) {
		t.Error("a nil index yields a name")
	}
}

func TestHashes(t *testing.T) {
	var deep []dname.Name
	for i := range 3000 { // more parents than the cache has places
		deep = append(deep, name(t, fmt.Sprintf("a.b%d.c%d.example", i, i%1500)), name(t, fmt.Sprintf("b%d.c%d.example", i, i%1500)))
	}
	deep = append(deep, name(t, "b1.example"), name(t, "ab.example"), name(t, "example"), name(t, "a.b.example"))
	all := map[uint64]dname.Name{}
	hashes := func(names []dname.Name, key uint64) map[dname.Name]uint64 {
		x, s := build(names)
		byRef := map[uint32]dname.Name{}
		for n, ref := range s.refs {
			byRef[ref] = n
		}
		out := map[dname.Name]uint64{}
		for h, ref := range x.Hashes(key) {
			out[byRef[ref]] = h
			if n, ok := all[h]; ok && n != byRef[ref] {
				t.Errorf("%s and %s have the same hash", n, byRef[ref])
			}
			all[h] = byRef[ref]
		}
		return out
	}
	one, other := hashes(deep, 1), hashes(deep, 2)
	slices.Reverse(deep)
	if again := hashes(deep, 1); len(one) != len(deep) || !maps.Equal(one, again) {
		t.Error("the hashes depend on the sequence of the names")
	}
	for n, h := range one {
		if other[n] == h {
			t.Errorf("%s has the same hash with another key", n)
		}
	}
	var none *Index
	for range none.Hashes(1) {
		t.Error("a nil index yields a name")
	}
}

func checkJoin(t *testing.T, names, other []dname.Name) {
	t.Helper()
	x, xs := build(names)
	y, ys := build(other)
	type joined struct {
		name       dname.Name
		ref, other uint32
		both       bool
	}
	var got, want []joined
	var w dname.Wire
	for p := range x.Join(y) {
		p.Name(&w)
		got = append(got, joined{w.Name(), p.Ref, p.Other, p.Both})
	}
	for n := range x.All() {
		ref, both := ys.refs[n]
		want = append(want, joined{n, xs.refs[n], ref, both})
	}
	for i := range got {
		if !got[i].both {
			got[i].other = 0
		}
	}
	if !slices.Equal(got, want) {
		t.Fatalf("%v beside %v:\ngot  %v\nwant %v", names, other, got, want)
	}
}

func TestSpace(t *testing.T) {
	var b Builder
	const n = 20_000
	for i := range n {
		b.Add(name(t, fmt.Sprintf("name%d.example", i)), 0)
	}
	for i := range n {
		b.Add(name(t, fmt.Sprintf("www.name%d.example", i)), 0)
	}
	if b.dead == 0 {
		t.Error("no record was rewritten")
	}
	x := b.Freeze(nil, func(uint32) bool { return false })
	live := 0
	for range x.records() {
		live++
	}
	if per := float64(x.Bytes()) / (2 * n); live != 2*n+1 || x.Len() != 2*n || per > 22 {
		t.Errorf("%d names, %d records, %.1f bytes each", x.Len(), live, per)
	}
}

func TestLongNames(t *testing.T) {
	deep := name(t, strings.TrimSuffix(strings.Repeat("a.", 127), "."))
	wide := name(t, strings.Repeat("x", 63)+"."+strings.Repeat("y", 63)+"."+strings.Repeat("z", 63)+"."+strings.Repeat("w", 61))
	x, tw := build([]dname.Name{name(t, "q"), deep, name(t, "r"), wide, wide.Parent()})
	for n := deep; n.NumLabels() > 0; n = n.Parent() {
		check(t, x, tw, n)
	}
	check(t, x, tw, wide)
	check(t, x, tw, wide.Parent())
}

func FuzzIndex(f *testing.F) {
	f.Add("a.b\nb\nc.b\nx.a.b\n")
	f.Add("com\nexample.com\nwww.example.com\nexample.org")
	f.Fuzz(func(t *testing.T, text string) {
		var added, asked []dname.Name
		for i, line := range strings.Split(text, "\n") {
			var w dname.Wire
			if !w.Set(line) || w.NumLabels() == 0 {
				continue
			}
			asked = append(asked, w.Name())
			if i%2 == 0 {
				added = append(added, w.Name())
			}
		}
		built, tw := build(added)
		x := again(t, built)
		checkJoin(t, added, asked)
		checkJoin(t, asked, added)
		for _, n := range asked {
			check(t, x, tw, n)
			if n.NumLabels() > 1 {
				check(t, x, tw, n.Parent())
			}
		}
	})
}

func TestGrowOften(t *testing.T) {
	var b Builder
	tables, arenas, table, arena := 0, 0, 0, 0
	for list := range 500 {
		b.Grow(100)
		for i := range 100 {
			b.Add(name(t, fmt.Sprintf("n%d.list%d.example", i, list)), uint32(list))
		}
		if n := len(b.x.buckets); n != table {
			tables, table = tables+1, n
		}
		if n := cap(b.x.arena); n != arena {
			arenas, arena = arenas+1, n
		}
	}
	if tables > 40 || arenas > 40 {
		t.Errorf("%d tables and %d arenas were made for 500 lists", tables, arenas)
	}
}

func TestGrowAfterOdd(t *testing.T) {
	var b Builder
	for i := range 2000 {
		b.Add(name(t, strings.Repeat("a.", 120)+fmt.Sprintf("x%d.example", i)), 0)
	}
	before := b.x.Bytes()
	const n = 100_000
	b.Grow(n)
	if took := b.x.Bytes() - before; took > 60*n {
		t.Errorf("%d more names take %d bytes", n, took)
	}
}

func TestFull(t *testing.T) {
	b := Builder{Max: maxName + 1000}
	for i := range 100 {
		if b.Add(name(t, fmt.Sprintf("n%d.example", i)), uint32(i)); i == 10 && b.Full() {
			t.Fatal("full with 11 names")
		}
	}
	if b.Full() {
		t.Fatal("full with 100 names")
	}
	for i := range 100 {
		b.Add(name(t, fmt.Sprintf("m%d.example", i)), uint32(i))
	}
	if !b.Full() {
		t.Fatal("not full")
	}
	x := b.Freeze(func([]uint32) uint32 { return 0 }, func(uint32) bool { return false })
	var w dname.Wire
	if w.SetName(name(t, "n99.example")); !x.Covers(&w) {
		t.Error("an added name is not found")
	}
	if w.SetName(name(t, "m99.example")); x.Covers(&w) || x.Len() < 100 || x.Len() >= 200 {
		t.Errorf("%d names", x.Len())
	}
}

func TestHasBelow(t *testing.T) {
	var b Builder
	for i, name := range []string{"a.example", "x.b.example", "b.example", "y.z.c.test"} {
		n, err := dname.Parse(name)
		if err != nil {
			t.Fatal(err)
		}
		b.Add(n, uint32(i))
	}
	x := b.Freeze(func([]uint32) uint32 { return 0 }, func(uint32) bool { return false })
	for name, want := range map[string]bool{
		"a.example": false, "b.example": true, "x.b.example": false, "example": true, "c.test": true, "z.c.test": true,
		"y.z.c.test": false, "none.example": false, "none.test": false, "none": false, "n.x.b.example": false,
	} {
		var w dname.Wire
		w.Set(name + ".")
		if got := x.HasBelow(&w); got != want {
			t.Errorf("%s: %t, want %t", name, got, want)
		}
	}
}
