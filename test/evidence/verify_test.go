//go:build e2e

// Package evidence checks bundles and journals with programs of other projects.
package evidence

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dns-orders/blocklist/plugin/evidence"
	"github.com/dns-orders/blocklist/test/journals"
)

func makeJournal(t testing.TB) string {
	t.Helper()
	return journals.Make(t, "sealed/1", "hidden.example")
}

func mustProve(t testing.TB, dir, order string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "bundle")
	if _, err := evidence.Prove(dir, order, out); err != nil {
		t.Fatal(err)
	}
	return out
}

func run(t testing.TB, bundle string, args ...string) (string, bool) {
	t.Helper()
	cmd := exec.Command("bash", append([]string{filepath.Join(bundle, "verify.sh")}, args...)...)
	out, err := cmd.CombinedOutput()
	if _, exited := err.(*exec.ExitError); err != nil && !exited {
		t.Fatal(err)
	}
	return string(out), err == nil
}

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
	if want := `OK: 4 records of the order "court/1" are in the journal dns.example.net/journal/node1`; !ok || !strings.HasSuffix(out, want+"\n") || strings.Count(out, "note") != 1 ||
		!strings.Contains(out, "\nnote: records of the order after number 4 may exist") {
		t.Errorf("output %s", out)
	}
	if out, ok := run(t, bundle); !ok || !strings.HasPrefix(out, "note: the key comes from this bundle") {
		t.Errorf("output %s", out)
	}
	if out, ok := run(t, bundle, "dns.example.net/journal/node1+1e36e0f8+AYW7XTMgSEXvGkqzVyfeKfKfSCCPSgu8IqVHcwpJlXE8"); ok {
		t.Errorf("another key is accepted:\n%s", out)
	}
	// The file journal.vkey in the bundle must not be used. The file in the working directory is
	// used instead.
	t.Chdir(t.TempDir())
	const other = "dns.example.net/journal/node1+1e36e0f8+AYW7XTMgSEXvGkqzVyfeKfKfSCCPSgu8IqVHcwpJlXE8"
	for text, want := range map[string]bool{string(key): true, other + "\n": false} {
		if err := os.WriteFile("journal.vkey", []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if out, ok := run(t, bundle, "journal.vkey"); ok != want {
			t.Errorf("the file of the caller has the key %s: accepted %t\n%s", text, ok, out)
		}
	}
	for _, arg := range []string{"", "README", "no-file"} {
		if out, ok := run(t, bundle, arg); ok || !strings.Contains(out, "is no key and no file") {
			t.Errorf("the key %q: %s", arg, out)
		}
	}
	// A key argument must not be read as the name of a file in the bundle.
	trap := filepath.Join(bundle, filepath.FromSlash(other))
	if err := os.MkdirAll(filepath.Dir(trap), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(trap, key, 0o644); err != nil {
		t.Fatal(err)
	}
	if out, ok := run(t, bundle, other); ok {
		t.Errorf("a file of the bundle replaces the key:\n%s", out)
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
	checkpoint, err := os.ReadFile(filepath.Join(bundle, "checkpoint"))
	if err != nil {
		t.Fatal(err)
	}
	text := string(checkpoint)
	size, root := strings.Split(text, "\n")[1], strings.Split(text, "\n")[2]
	outside := func(name, text string) func(string) {
		return func(dir string) {
			os.Mkdir(filepath.Join(dir, "checkpoints"), 0o755)
			os.WriteFile(filepath.Join(dir, "checkpoints", name), []byte(text), 0o644)
		}
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
		"a later stamp":            outside("9999.tsr", ""),
		"a later checkpoint":       outside("9999", "x"),
		"a file with another name": outside("x.tsr", ""),
		"another size":             outside("5", "a\n6\n\n\n"),
		"another root":             func(dir string) { outside(size, strings.Replace(text, root, "AAAA", 1))(dir) },
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

func TestCutBundle(t *testing.T) {
	bundle := mustProve(t, makeJournal(t), "court/1")
	names, err := filepath.Glob(filepath.Join(bundle, "records", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(names, func(x, y string) int { return len(x)*100 - len(y)*100 + strings.Compare(x, y) })
	last := names[len(names)-1]
	os.Remove(last)
	os.Remove(strings.TrimSuffix(last, ".json") + ".tlog-proof")
	day := strings.TrimSuffix(filepath.Base(one(t, filepath.Join(bundle, "daily", "*.json"))), ".json")
	text, err := os.ReadFile(filepath.Join(bundle, "checkpoint"))
	if err != nil {
		t.Fatal(err)
	}
	size := strings.Split(string(text), "\n")[1]
	both := func(want string) {
		t.Helper()
		s, err := evidence.Check(bundle, nil)
		if err != nil {
			t.Fatal(err)
		}
		if out, ok := run(t, bundle); !ok || !strings.Contains(s.Rest(), want) || !strings.Contains(out, "\nnote: "+s.Rest()+"\n") {
			t.Errorf("want %q\nscript %s\nCheck %s", want, out, s.Rest())
		}
	}
	both("records of the order after number 3 may exist; the bundle is known to be complete only up to record " + day + " of the journal, which is of 2026-11-29T")
	for _, name := range []string{size, size + ".0a1b2c3d.cosig", "1.tsr"} {
		os.Mkdir(filepath.Join(bundle, "checkpoints"), 0o755)
		if err := os.WriteFile(filepath.Join(bundle, "checkpoints", name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	both("; the checkpoint has " + size + " records and is of that time or later")
	os.RemoveAll(filepath.Join(bundle, "daily"))
	both("only up to record " + strings.TrimSuffix(filepath.Base(names[len(names)-2]), ".json") + " of the journal")
}

func one(t *testing.T, glob string) string {
	t.Helper()
	all, err := filepath.Glob(glob)
	if err != nil || len(all) != 1 {
		t.Fatalf("%s: %q, %v", glob, all, err)
	}
	return all[0]
}
