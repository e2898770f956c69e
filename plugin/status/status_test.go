package status

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/directive"
	"github.com/dns-orders/blocklist/plugin/hits"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/dns-orders/blocklist/plugin/store"
)

type noLog struct{}

func (noLog) Infof(string, ...any)    {}
func (noLog) Warningf(string, ...any) {}
func (noLog) Errorf(string, ...any)   {}

// newBlock returns a server block with an order file.
func newBlock(t testing.TB, name, zone, file string, shadow bool) Block {
	t.Helper()
	d := &directive.Block{Addresses: []string{name}, Config: new(directive.Config)}
	d.Config.Defaults()
	d.Config.Store.Patterns, d.Config.Store.Shadow, d.Config.Store.Rules.NoCountry = []string{file}, shadow, true
	st, err := store.Open(d.Config.Store, noLog{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(st.Close)
	return Block{Name: name, Zones: []string{zone}, Store: st, Hits: hits.New(), Directive: d, Country: func(netip.Addr) order.Country { return "" }}
}

// orderFile writes an order file with n orders.
func orderFile(t testing.TB, n int, extra string) string {
	t.Helper()
	var text strings.Builder
	fmt.Fprintf(&text, `{"version":1,"count":%d,"authorities":{"a":{"authority":{"name":"A"},"scope":"global"}}}`+"\n", n)
	for i := range n {
		fmt.Fprintf(&text, `{"id":"o%d","authority":"a","targets":["o%d.example"]%s}`+"\n", i, i, extra)
	}
	file := filepath.Join(t.TempDir(), "orders.jsonl")
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-time.Minute) // the store would wait before it reads a file that was just written
	os.Chtimes(file, old, old)
	return file
}

func get(h http.Handler, path string) (int, string) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	return w.Code, w.Body.String()
}

func hit(t *testing.T, b *Block, name string, n int) {
	t.Helper()
	q := ruleset.QName{}
	if !q.Set(name) {
		t.Fatal(name)
	}
	now := order.Time(b.Store.Now().Unix())
	v := b.Store.Set().Decide(&q, ruleset.Query{Now: now})
	if v.Order == nil {
		t.Fatalf("%s is not blocked", name)
	}
	for range n {
		b.Hits.Add(b.Store.Set(), v.Order, now, b.Store.Shadow())
	}
}

func TestSharedSet(t *testing.T) {
	file := orderFile(t, 3, "")
	n := &Node{Blocks: []Block{newBlock(t, "dns://.:53", ".", file, false), newBlock(t, "tls://.:853", ".", file, true), {Name: "dns://x.:53", Zones: []string{"x."}}}}
	hit(t, &n.Blocks[0], "o1.example.", 2)
	hit(t, &n.Blocks[1], "www.o1.example.", 3)
	var list Orders
	_, body := get(Handler(n), "/orders")
	if err := json.Unmarshal([]byte(body), &list); err != nil || len(list.Orders) != 3 {
		t.Fatalf("%v\n%s", err, body)
	}
	if o := list.Orders[1]; o.ID != "o1" || o.Hits != 2 || o.Shadow != 3 || len(o.PerBlock) != 2 || o.PerBlock[1].Block != "tls://.:853" {
		t.Errorf("%+v", o)
	}
	var doc Document
	_, body = get(Handler(n), "/status")
	if err := json.Unmarshal([]byte(body), &doc); err != nil || len(doc.Sets) != 1 || len(doc.Sets[0].Files) != 1 || doc.Sets[0].Files[0].Orders != 3 {
		t.Errorf("%v\n%s", err, body)
	}
	if doc.Blocks[0].Mode != "enforce" || doc.Blocks[1].Mode != "shadow" || doc.Blocks[2].Mode != "none" || doc.Blocks[0].Hits[0].Hits != 2 || doc.Blocks[1].Hits[0].Shadow != 3 {
		t.Errorf("%+v", doc.Blocks)
	}
}

// TestBlock checks which server block explains a name.
func TestBlock(t *testing.T) {
	file := orderFile(t, 1, "")
	root, other := newBlock(t, "dns://.:53", ".", file, false), newBlock(t, "dns://sub.example.:53", "sub.example.", file, false)
	again := root
	again.Name = "tls://.:853"
	dark := newBlock(t, "dns://.:5353", ".", file, true)
	for _, tt := range []struct {
		name, query string
		blocks      []Block
		code        int
		want        string
	}{
		{"the only block", "name=o0.example", []Block{root}, 200, `"server_block": "dns://.:53"`},
		{"the longest zone", "name=a.sub.example", []Block{root, other}, 200, `"server_block": "dns://sub.example.:53"`},
		{"the longest zone first", "name=o0.sub.example", []Block{other, dark}, 200, `"server_block": "dns://sub.example.:53"`},
		{"the zone itself", "name=SUB.example.", []Block{root, other}, 200, `"server_block": "dns://sub.example.:53"`},
		{"not the zone", "name=notsub.example", []Block{root, other}, 200, `"server_block": "dns://.:53"`},
		{"no block", "name=a.example", []Block{other}, 404, "no server block receives the queries for this name"},
		{"two equal blocks", "name=o0.example", []Block{root, again}, 200, `"server_block": "dns://.:53"`},
		{"two different blocks", "name=o0.example", []Block{root, dark}, 400, `choose one with the parameter server_block: [\"dns://.:53\" \"dns://.:5353\"]`},
		{"a chosen block", "name=o0.example&server_block=dns://.:5353", []Block{root, dark}, 200, `"server_block": "dns://.:5353"`},
	} {
		if code, body := get(Handler(&Node{Blocks: tt.blocks}), "/explain?"+tt.query); code != tt.code || !strings.Contains(body, tt.want) {
			t.Errorf("%s: %d, want %d with %s\n%s", tt.name, code, tt.code, tt.want, body)
		}
	}
}

func TestPage(t *testing.T) {
	n := &Node{Blocks: []Block{newBlock(t, "dns://.:53", ".", orderFile(t, 3*maxRows, `,"references":["<script>"]`), false)}}
	hit(t, &n.Blocks[0], "o1400.example.", 1)
	hit(t, &n.Blocks[0], "o1499.example.", 2)
	code, body := get(Handler(n), "/")
	first, second := strings.Index(body, "<code>o1499</code>"), strings.Index(body, "<code>o1400</code>")
	if code != 200 || first < 0 || second < first || strings.Index(body, "<code>o0</code>") < second || strings.Count(body, "<code>o") != maxRows || !strings.Contains(body, fmt.Sprintf("%d of %d", maxRows, 3*maxRows)) {
		t.Errorf("%d, the positions are %d and %d, %d orders", code, first, second, strings.Count(body, "<code>o"))
	}
	if strings.Contains(body, "<script>") || !strings.Contains(body, "&lt;script&gt;") {
		t.Error("a text of an order file is not escaped")
	}
}

func TestPanic(t *testing.T) {
	file := orderFile(t, 1, "")
	b := newBlock(t, "dns://.:53", ".", file, false)
	b.Country = func(netip.Addr) order.Country { panic("client 192.0.2.7") }
	var logged string
	h := Handler(&Node{Blocks: []Block{b}, Bug: func(stack []byte) { logged = string(stack) }})
	if code, body := get(h, "/explain?name=o0.example&client=192.0.2.7"); code != 500 || !strings.Contains(body, "an error in the program") {
		t.Errorf("%d %s", code, body)
	}
	if !strings.Contains(logged, "explanation") || strings.Contains(logged, "192.0.2.7") {
		t.Errorf("the log has %q", logged)
	}
	for range busy + 1 { // the request has ended
		if code, _ := get(h, "/status"); code != 200 {
			t.Error(code)
		}
	}
}

func TestSlowClient(t *testing.T) {
	h := Handler(&Node{Blocks: []Block{newBlock(t, "dns://.:53", ".", orderFile(t, 100, ""), false)}})
	stuck, free := make(chan struct{}, busy), make(chan struct{})
	var wg sync.WaitGroup
	for range busy {
		wg.Go(func() { h.ServeHTTP(&slow{http.Header{}, stuck, free}, httptest.NewRequest("GET", "/orders", nil)) })
		<-stuck
	}
	if code, _ := get(h, "/status"); code != 200 {
		t.Error(code)
	}
	close(free)
	wg.Wait()
}

type slow struct {
	header http.Header
	stuck  chan struct{}
	free   chan struct{}
}

func (s *slow) Header() http.Header { return s.header }
func (s *slow) WriteHeader(int)     {}
func (s *slow) Write(p []byte) (int, error) {
	select {
	case s.stuck <- struct{}{}:
	default:
	}
	<-s.free
	return len(p), nil
}

// BenchmarkOrders measures the document with 100,000 orders.
func BenchmarkOrders(b *testing.B) {
	n := &Node{Blocks: []Block{newBlock(b, "dns://.:53", ".", orderFile(b, 100_000, ""), false)}}
	h := Handler(n)
	for b.Loop() {
		w := &drop{header: http.Header{}}
		h.ServeHTTP(w, httptest.NewRequest("GET", "/orders", nil))
		b.SetBytes(w.n)
	}
}

type drop struct {
	header http.Header
	n      int64
}

func (d *drop) Header() http.Header { return d.header }
func (d *drop) WriteHeader(int)     {}
func (d *drop) Write(p []byte) (int, error) {
	n, err := io.Discard.Write(p)
	d.n += int64(n)
	return n, err
}
