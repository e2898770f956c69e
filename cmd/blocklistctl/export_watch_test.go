package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/store"
	testclock "github.com/dns-orders/blocklist/test/clock"
)

func TestExportWatch(t *testing.T) {
	dir := t.TempDir()
	orders, file := filepath.Join(dir, "orders.yaml"), filepath.Join(dir, "names.txt")
	put := func(targets string) {
		t.Helper()
		text := "version: 1\norders:\n- {id: a, authority: {name: A}, scope: global, targets: [" + targets + "]}\n"
		if err := os.WriteFile(orders+".new", []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		// The watch waits, because another program may still write a new file. A file with an older
		// time needs no wait.
		if err := os.Chtimes(orders+".new", clock().Add(-time.Hour), clock().Add(-time.Hour)); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(orders+".new", orders); err != nil {
			t.Fatal(err)
		}
	}
	begin := clock()
	at := func(d time.Duration) string { return begin.Add(d).Format(time.RFC3339) }
	put("a.example, {name: b.example, from: " + at(time.Hour) + ", until: " + at(2*time.Hour) + "}")

	c := &exportCmd{Form: "rpz", Country: "IT", Watch: file, TTL: 30 * time.Second, Zone: "rpz.example"}
	maker, err := c.maker()
	if err != nil {
		t.Fatal(err)
	}
	ticks := testclock.New(begin)
	var stderr bytes.Buffer // only the goroutine of follow writes here
	e := &env{stderr: &stderr, now: ticks.Now, progress: newProgress(&stderr)}
	s, err := (&serverFlags{}).server([]string{orders})
	if err != nil {
		t.Fatal(err)
	}
	st, err := store.Open(s.Store, noLog{}, ticks)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- c.follow(ctx, e, st, ticks, maker) }()

	serials := map[string]bool{}
	// The Store notices a change only when the clock advances, so each attempt advances the clock
	// by one second.
	await := func(want string) {
		t.Helper()
		var got string
		for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
			text, _ := os.ReadFile(file)
			var names []string
			serial := ""
			for line := range strings.Lines(string(text)) {
				f := strings.Fields(line)
				if len(f) > 6 && f[3] == "SOA" {
					serial = f[6]
				}
				if name, ok := strings.CutSuffix(f[0], ".example"); ok && !strings.HasPrefix(name, "*") {
					names = append(names, name)
				}
			}
			if got = strings.Join(names, " "); got == want {
				if serials[serial] {
					t.Errorf("%s: serial %s again", want, serial)
				}
				serials[serial] = true
				return
			}
			ticks.Set(ticks.Now().Add(time.Second))
		}
		t.Fatalf("the file has %q, want %q", got, want)
	}
	await("a")
	ticks.Set(begin.Add(time.Hour - time.Second))
	await("a b")
	ticks.Set(begin.Add(2*time.Hour - time.Second))
	await("a")
	put("a.example, c.example")
	await("a c")
	put("a.example], response: refused, note: [")
	put("a.example], response: refused, references: [x")
	put("d.example")
	await("d")
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	// Now the orders use the exported file as a side list.
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c.put(e, exported{maker.Make(st.Set(), 1), 1}, ticks.Now(), []string{file})
	if after, err := os.ReadFile(file); err != nil || !bytes.Equal(after, before) || !strings.Contains(stderr.String(), "would be replaced") {
		t.Errorf("the watch replaced a side list: %v, %s", err, stderr.String())
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
		t.Errorf("left over: %q", left)
	}
}
