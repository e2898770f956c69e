//go:build e2e

// Package evidence contains tests that check bundles and journals with programs of other
// projects.
package evidence

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/evidence"
	"github.com/dns-orders/blocklist/plugin/journal"
)

const patience = 30 * time.Second

// makeJournal makes a journal with two public orders and a sealed order.
func makeJournal(t testing.TB) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "journal")
	begin := time.Date(2026, 11, 29, 1, 0, 0, 0, time.UTC)
	var calls atomic.Int64
	j := journal.Open(dir, journal.Options{
		Origin: "dns.example.net/journal/node1", Now: func() time.Time { return begin.Add(time.Duration(calls.Add(1)) * time.Second) },
	})
	add := func(r journal.Record) { j.Append(r) }
	for i := range 300 {
		switch i {
		case 10:
			add(journal.Record{Event: journal.Received, Order: "court/1", File: "/etc/a.yaml"})
			add(journal.Record{Event: journal.InForce, Order: "court/1"})
		case 100:
			add(journal.Record{Event: journal.FirstAnswer, Order: "court/1"})
		case 200:
			j.Do(0, func(b *journal.Batch) { b.Beat(journal.Record{}) })
		case 250:
			add(journal.Record{Event: journal.Lifted, Order: "court/1", By: "sealed:0123456789ab"})
		}
		r := journal.Record{Event: journal.InForce, Order: "sealed/1", Target: "hidden.example", Sealed: true}
		if i%2 == 0 {
			r = journal.Record{Event: journal.Hits, Order: fmt.Sprint("other/", i%5), Count: uint64(i)}
		}
		add(r)
	}
	if !j.Close(patience) {
		t.Fatal("the journal does not close")
	}
	return dir
}

func mustProve(t testing.TB, dir, order string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "bundle")
	if _, err := evidence.Prove(dir, order, out); err != nil {
		t.Fatal(err)
	}
	return out
}

// run runs verify.sh of a bundle. It returns the output, and whether the script has
// accepted the bundle.
func run(t testing.TB, bundle string, args ...string) (string, bool) {
	t.Helper()
	cmd := exec.Command("bash", append([]string{filepath.Join(bundle, "verify.sh")}, args...)...)
	out, err := cmd.CombinedOutput()
	if _, exited := err.(*exec.ExitError); err != nil && !exited {
		t.Fatal(err)
	}
	return string(out), err == nil
}

// TestVerifyScript runs verify.sh with bash, openssl and the other programs. The script
// and Check must agree about changed bundles.
func TestVerifyScript(t *testing.T) {
	for _, program := range []string{"bash", "openssl", "xxd", "awk"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Fatalf("%v: verify.sh needs this program", err)
		}
	}
	dir := makeJournal(t)
	bundle := mustProve(t, dir, "court/1")
	key, err := os.ReadFile(filepath.Join(dir, "journal.vkey"))
	if err != nil {
		t.Fatal(err)
	}
	out, ok := run(t, bundle, strings.TrimSpace(string(key)))
	if want := `OK: 4 records of the order "court/1" are in the journal dns.example.net/journal/node1`; !ok || !strings.HasSuffix(out, want+"\n") || strings.Contains(out, "note") {
		t.Errorf("output %s", out)
	}
	if out, ok := run(t, bundle); !ok || !strings.HasPrefix(out, "note: the key comes from this bundle") {
		t.Errorf("output %s", out)
	}
	if out, ok := run(t, bundle, "dns.example.net/journal/node1+1e36e0f8+AYW7XTMgSEXvGkqzVyfeKfKfSCCPSgu8IqVHcwpJlXE8"); ok {
		t.Errorf("another key is accepted:\n%s", out)
	}
	names, err := filepath.Glob(filepath.Join(bundle, "records", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(names, func(x, y string) int { return len(x)*100 - len(y)*100 + strings.Compare(x, y) })
	edit := func(path, old, new string) func(string) {
		return func(dir string) {
			path := filepath.Join(dir, path)
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Contains(b, []byte(old)) {
				t.Fatalf("%s does not contain %q", path, old)
			}
			os.WriteFile(path, bytes.Replace(b, []byte(old), []byte(new), 1), 0o644)
		}
	}
	base := func(n int) string { return "records/" + filepath.Base(names[n]) }
	proof := func(n int) string { return strings.TrimSuffix(base(n), ".json") + ".tlog-proof" }
	remove := func(paths ...string) func(string) {
		return func(dir string) {
			for _, p := range paths {
				os.Remove(filepath.Join(dir, p))
			}
		}
	}
	day := "daily/" + filepath.Base(one(t, filepath.Join(bundle, "daily", "*.json")))
	first, err := os.ReadFile(filepath.Join(bundle, proof(0)))
	if err != nil {
		t.Fatal(err)
	}
	hash := strings.Split(string(first), "\n")[2] // the first hash of the proof
	for name, change := range map[string]func(string){
		"a changed event":              edit(base(1), "in_force", "in_farce"),
		"a changed index":              edit(proof(0), "index 1", "index 2"),
		"a changed size":               edit("checkpoint", "\n3", "\n4"),
		"a missing hash":               edit(proof(0), hash+"\n", ""),
		"one more hash":                edit(proof(0), hash+"\n", hash+"\n"+hash+"\n"),
		"a missing record":             remove(base(1), proof(1)),
		"a changed daily record":       edit(day, `"root":"`, `"root":"A`),
		"a changed last proof":         edit("daily/last.proof", "index ", "index 1"),
		"a checkpoint of another name": edit("checkpoint", "node1", "node2"),
		"no records": func(dir string) {
			os.RemoveAll(filepath.Join(dir, "records"))
			os.Mkdir(filepath.Join(dir, "records"), 0o755)
		},
	} {
		t.Run(name, func(t *testing.T) {
			cp := filepath.Join(t.TempDir(), "bundle")
			if err := os.CopyFS(cp, os.DirFS(bundle)); err != nil {
				t.Fatal(err)
			}
			change(cp)
			out, ok := run(t, cp)
			if ok || !strings.Contains(out, "FAILED: ") && !strings.Contains(out, "No such file") {
				t.Errorf("verify.sh accepts the bundle:\n%s", out)
			}
			if s, err := evidence.Check(cp, nil); err == nil {
				t.Errorf("Check accepts the bundle: %+v", s)
			}
		})
	}
}

func one(t *testing.T, glob string) string {
	t.Helper()
	all, err := filepath.Glob(glob)
	if err != nil || len(all) != 1 {
		t.Fatalf("%s: %q, %v", glob, all, err)
	}
	return all[0]
}
