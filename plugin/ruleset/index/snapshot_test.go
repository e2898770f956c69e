package index

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/cespare/xxhash/v2"

	"github.com/dns-orders/blocklist/plugin/dname"
)

func written(t testing.TB, x *Index) []byte {
	t.Helper()
	var b bytes.Buffer
	n, err := x.WriteTo(&b)
	if err != nil || n != int64(b.Len()) {
		t.Fatal(n, b.Len(), err)
	}
	return b.Bytes()
}

func read(b []byte) (*Index, error) { return Read(bytes.NewReader(b), int64(len(b))) }

func again(t testing.TB, x *Index) *Index {
	t.Helper()
	y, err := read(written(t, x))
	if err != nil {
		t.Fatal(err)
	}
	if err := y.Check(); err != nil {
		t.Fatal(err)
	}
	if y.key != x.key || y.names != x.names || y.topLevel != x.topLevel || !reflect.DeepEqual(y.buckets, x.buckets) ||
		!bytes.Equal(y.arena, x.arena) || !reflect.DeepEqual(y.nodes, x.nodes) || fmt.Sprint(y.marked) != fmt.Sprint(x.marked) {
		t.Error("another index was read")
	}
	return y
}

func some(t testing.TB, n int) *Index {
	r := rand.New(rand.NewPCG(1, 3))
	var names []dname.Name
	for range n {
		names = append(names, name(t, strings.Repeat("w.", r.IntN(4))+fmt.Sprintf("n%d.l%d.t%d", r.IntN(n), r.IntN(1+n/5), r.IntN(1+n/50))))
	}
	x, _ := build(names)
	return x
}

func TestKeys(t *testing.T) {
	if x, y := some(t, 10), some(t, 10); x.key == y.key || x.key == 0 {
		t.Errorf("keys %x and %x", x.key, y.key)
	}
}

func TestRead(t *testing.T) {
	for _, n := range []int{0, 1, 2, 12, 13, 100, 3000} {
		again(t, some(t, n))
	}
}

func TestFlips(t *testing.T) {
	small := written(t, some(t, 30))
	for i := range small {
		for bit := range 8 {
			b := bytes.Clone(small)
			b[i] ^= 1 << bit
			if _, err := read(b); !errors.Is(err, errDamaged) && !errors.Is(err, errOther) {
				t.Fatalf("bit %d of byte %d: error %v", bit, i, err)
			}
		}
		if _, err := read(small[:i]); !errors.Is(err, errDamaged) {
			t.Fatalf("cut to %d bytes: error %v", i, err)
		}
	}
	if _, err := read(append(bytes.Clone(small), 0)); !errors.Is(err, errDamaged) {
		t.Errorf("one byte more: error %v", err)
	}
	if _, err := Read(bytes.NewReader(small), int64(len(small)+1)); !errors.Is(err, errDamaged) {
		t.Errorf("wrong size: error %v", err)
	}

	large := written(t, some(t, 20_000))
	r := rand.New(rand.NewPCG(1, 4))
	for range 300 {
		i := r.IntN(len(large))
		was := large[i]
		large[i] ^= byte(1 + r.IntN(255))
		if _, err := read(large); err == nil {
			t.Errorf("byte %d changed from %x to %x: no error", i, was, large[i])
		}
		large[i] = was
	}
	if _, err := read(large); err != nil {
		t.Error(err)
	}
}

func seal(b []byte) {
	if len(b) < headerSize+8 {
		return
	}
	copy(b, magic)
	binary.LittleEndian.PutUint64(b[8:], fingerprint())
	binary.LittleEndian.PutUint64(b[headerSize-8:], xxhash.Sum64(b[:headerSize-8]))
	binary.LittleEndian.PutUint64(b[len(b)-8:], xxhash.Sum64(b[headerSize:len(b)-8]))
}

func TestOtherForm(t *testing.T) {
	b := written(t, some(t, 10))
	b[8]++
	binary.LittleEndian.PutUint64(b[headerSize-8:], xxhash.Sum64(b[:headerSize-8]))
	if _, err := read(b); !errors.Is(err, errOther) {
		t.Errorf("error %v", err)
	}
}

// If you intend the change, update the number here. Programs must then build their indexes again.
func TestFingerprint(t *testing.T) {
	if got := fingerprint(); got != 0x63591969c9fe098e {
		t.Errorf("fingerprint %#x", got)
	}
}

func TestHugeHeader(t *testing.T) {
	good := written(t, some(t, 10))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for at := 16; at < headerSize-8; at += 8 {
		for _, v := range []uint64{1 << 31, 1 << 33, 1 << 62, 1<<64 - 1} {
			b := bytes.Clone(good)
			binary.LittleEndian.PutUint64(b[at:], v)
			seal(b)
			if x, err := read(b); err == nil && x.Check() == nil && at != 16 {
				t.Errorf("%d at %d: no error", v, at)
			}
		}
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 10<<20 {
		t.Errorf("took %d bytes", took)
	}
}

func TestCheck(t *testing.T) {
	good := written(t, some(t, 20))
	refused := 0
	for i := headerSize; i < len(good)-8; i++ {
		for bit := range 8 {
			b := bytes.Clone(good)
			b[i] ^= 1 << bit
			seal(b)
			if !survives(t, b) {
				refused++
			}
		}
	}
	if all := 8 * (len(good) - 8 - headerSize); refused < all/2 || refused == all {
		t.Errorf("%d of %d changes were refused", refused, all)
	}
}

func survives(t *testing.T, b []byte) bool {
	t.Helper()
	x, err := read(b)
	if err != nil {
		return false
	}
	if x.Check() != nil {
		return false
	}
	n := 0
	for w := range x.Wires() {
		n++
		hits, _ := x.Walk(w, nil)
		if len(hits) == 0 || hits[len(hits)-1].Labels != w.NumLabels() || !x.Covers(w) {
			t.Fatalf("%s is not found", w.Name())
		}
		var m dname.Wire
		for i := x.FirstMarked(w); x.Marked(i, &m) && w.Covers(&m); i++ {
		}
	}
	if n != x.Len() {
		t.Fatalf("%d names, Len %d", n, x.Len())
	}
	for range x.Join(x) {
	}
	again(t, x)
	return true
}

func FuzzRead(f *testing.F) {
	for _, n := range []int{0, 1, 13, 60} {
		f.Add(written(f, some(f, n)))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		survives(t, b)
		b = bytes.Clone(b)
		seal(b)
		survives(t, b)
	})
}

func TestWriteError(t *testing.T) {
	x := some(t, 20_000)
	size := len(written(t, x))
	for _, room := range []int{0, 10, headerSize, size / 2, size - 1} {
		if n, err := x.WriteTo(&limited{room}); err != io.ErrShortWrite || n != int64(room) {
			t.Errorf("room for %d: %d bytes, error %v", room, n, err)
		}
	}
}

type limited struct{ left int }

func (l *limited) Write(p []byte) (int, error) {
	if len(p) > l.left {
		n := l.left
		l.left = 0
		return n, io.ErrShortWrite
	}
	l.left -= len(p)
	return len(p), nil
}
