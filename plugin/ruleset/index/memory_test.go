package index

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/dns-orders/blocklist/plugin/dname"
)

func TestMain(m *testing.M) {
	mapFrom = 64
	os.Exit(m.Run())
}

func numbered(t testing.TB, n int) *Index {
	t.Helper()
	var b Builder
	for i := range n {
		b.Add(numberedName(t, i), uint32(i))
	}
	return b.Freeze(first, func(uint32) bool { return true })
}

func first(values []uint32) uint32 { return values[0] }

func numberedName(t testing.TB, i int) dname.Name {
	n, err := dname.Parse(fmt.Sprintf("n%d.p%d.example", i, i%7))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func wantMapped(t *testing.T, most int64) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) {
		runtime.GC()
		got := Mapped()
		if got <= most {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d bytes are mapped, want %d", got, most)
		}
	}
}

func TestMemory(t *testing.T) {
	wantMapped(t, 0)
	x := numbered(t, 20_000)
	size := Mapped()
	if size < int64(x.Bytes()) || size > int64(x.Bytes())*5/4 {
		t.Errorf("%d bytes are mapped for an index of %d bytes", size, x.Bytes())
	}
	var file bytes.Buffer
	if _, err := x.WriteTo(&file); err != nil {
		t.Fatal(err)
	}
	y, err := Read(bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if err := y.Check(); err != nil || !x.Same(y) {
		t.Errorf("the index that was read differs: %v", err)
	}
	if got := Mapped(); got < size+int64(y.Bytes())*9/10 {
		t.Errorf("%d bytes are mapped for indexes of %d and %d bytes", got, x.Bytes(), y.Bytes())
	}
	file.Bytes()[file.Len()-1] ^= 1
	if _, err := Read(bytes.NewReader(file.Bytes()), int64(file.Len())); err == nil {
		t.Error("a damaged index is accepted")
	}
	runtime.KeepAlive(y)
	wantMapped(t, size) // only x is left
	func() {
		var b Builder
		for i := range 1000 {
			b.Add(numberedName(t, i), 0)
		}
	}()
	runtime.KeepAlive(x)
	wantMapped(t, 0)
}

func TestMemoryOfManyLoads(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	wantMapped(t, 0)
	was := minLimit
	minLimit = 1 << 20
	defer func() { minLimit = was }()
	var file bytes.Buffer
	if _, err := numbered(t, 5000).WriteTo(&file); err != nil {
		t.Fatal(err)
	}
	most := int64(0)
	for range 1000 {
		if _, err := Read(bytes.NewReader(file.Bytes()), int64(file.Len())); err != nil {
			t.Fatal(err)
		}
		for collecting.Load() { // on a busy machine, the collection may come late
			runtime.Gosched()
		}
		most = max(most, Mapped())
	}
	if most > 16<<20 {
		t.Errorf("%d bytes were mapped for indexes of %d bytes", most, file.Len())
	}
	wantMapped(t, 0)
}

func TestMemoryFallback(t *testing.T) {
	was := mapping
	mapping = func(uintptr) unsafe.Pointer { return nil }
	defer func() { mapping = was }()
	before := Mapped()
	x := numbered(t, 1000)
	if got := Mapped(); got > before {
		t.Errorf("%d bytes are mapped, %d before", got, before)
	}
	if err := x.Check(); err != nil {
		t.Error(err)
	}
}

func TestMemoryOfDeadRecords(t *testing.T) {
	wantMapped(t, 0)
	var b Builder
	for _, prefix := range []string{"", "n."} { // the second name makes the record of the first name dead
		for i := range 5000 {
			n, err := dname.Parse(fmt.Sprintf("%sa-long-label-%d.example", prefix, i))
			if err != nil {
				t.Fatal(err)
			}
			b.Add(n, 1)
		}
	}
	x := b.Freeze(first, func(uint32) bool { return false })
	if size := Mapped(); size > int64(x.Bytes())*5/4 {
		t.Errorf("%d bytes are mapped for an index of %d bytes", size, x.Bytes())
	}
	runtime.KeepAlive(x)
}

// TestKeepAlive parses the source code, because a test cannot make the collector run at the worst
// moment.
func TestKeepAlive(t *testing.T) {
	safe := map[string]string{
		"Len": "reads no array", "Bytes": "reads no array", "All": "calls Wires", "FirstMarked": "calls Marked",
		"Wires": "calls records", "Refs": "calls records", "Hashes": "calls records",
	}
	also := map[string]bool{"Index.records": true, "Index.lacks": true, "Builder.rebuild": true}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range text.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Recv == nil || safe[f.Name.Name] != "" {
				continue
			}
			star, ok := f.Recv.List[0].Type.(*ast.StarExpr)
			if !ok {
				continue
			}
			of := star.X.(*ast.Ident).Name
			if !also[of+"."+f.Name.Name] && (of != "Index" || !f.Name.IsExported()) {
				continue
			}
			found := false
			ast.Inspect(f, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if ok && len(call.Args) == 1 {
					fun, ok := call.Fun.(*ast.SelectorExpr)
					arg, same := call.Args[0].(*ast.Ident)
					found = found || ok && same && fun.Sel.Name == "KeepAlive" && arg.Name == f.Recv.List[0].Names[0].Name
				}
				return true
			})
			if !found {
				t.Errorf("%s: the method %s does not call runtime.KeepAlive", file, f.Name.Name)
			}
		}
	}
}

// A missing runtime.KeepAlive can crash this test.
func TestUseWhileFreed(t *testing.T) {
	const names = 400
	var now atomic.Pointer[Index]
	now.Store(numbered(t, names))
	var file bytes.Buffer
	if _, err := now.Load().WriteTo(&file); err != nil {
		t.Fatal(err)
	}
	uses := []func(){
		func() {
			for i := range names {
				var w dname.Wire
				w.SetName(numberedName(t, i))
				if hits, _ := now.Load().Walk(&w, nil); len(hits) != 1 || hits[0].Ref != uint32(i) {
					t.Errorf("Walk found %v for %d", hits, i)
				}
				if !now.Load().Covers(&w) || now.Load().HasBelow(&w) {
					t.Error("a name is not covered")
				}
			}
		},
		func() {
			n := 0
			for range now.Load().Refs() {
				n++
			}
			for range now.Load().Wires() {
				n++
			}
			for range now.Load().Join(now.Load()) {
				n++
			}
			if n != 3*names {
				t.Errorf("%d names", n)
			}
		},
		func() {
			var w, name dname.Wire
			w.Set("p3.example.")
			if i := now.Load().FirstMarked(&w); !now.Load().Marked(i, &name) || name.NumLabels() != 3 || !now.Load().HasBelow(&w) {
				t.Errorf("marked name %d", i)
			}
		},
		func() {
			if err := now.Load().Check(); err != nil {
				t.Error(err)
			}
			if !now.Load().Same(now.Load()) {
				t.Error("not the same")
			}
			if n, err := now.Load().WriteTo(new(bytes.Buffer)); err != nil || n != int64(file.Len()) {
				t.Errorf("%d bytes written: %v", n, err)
			}
		},
	}
	stop := make(chan struct{})
	var group sync.WaitGroup
	for _, use := range uses {
		group.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					use()
				}
			}
		})
	}
	for range 60 {
		x, err := Read(bytes.NewReader(file.Bytes()), int64(file.Len()))
		if err != nil {
			t.Fatal(err)
		}
		now.Store(x)
		runtime.GC()
	}
	close(stop)
	group.Wait()
	now.Store(nil)
	wantMapped(t, 0)
}
