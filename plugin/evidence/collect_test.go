package evidence

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/durable"
	"github.com/dns-orders/blocklist/plugin/journal"
)

// makeNode makes a journal with a name.
func makeNode(t *testing.T, dir, name string, n int) string {
	t.Helper()
	j := journal.Open(dir, journal.Options{Origin: name})
	for i := range n {
		j.Append(journal.Record{Event: journal.InForce, Order: fmt.Sprint("court/", i)})
	}
	j.Do(0, func(b *journal.Batch) { b.Beat(journal.Record{}) })
	if !j.Close(patience) {
		t.Fatal("the journal does not close")
	}
	text, err := os.ReadFile(filepath.Join(dir, "journal.vkey"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

func TestCollect(t *testing.T) {
	base := t.TempDir()
	text := "nodes:\n"
	for i := range 3 {
		name := fmt.Sprintf("dns.example.net/journal/node%d", i)
		key := makeNode(t, filepath.Join(base, fmt.Sprint("n", i)), name, 50+i)
		text += fmt.Sprintf("- {name: %s, key: %s, dir: n%d}\n", name, key, i)
	}
	nodes, err := ParseInventory(filepath.Join(base, "inventory.yaml"), []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	out, now := filepath.Join(base, "out"), time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	collect := func() *Collection {
		t.Helper()
		c, err := Collect(nodes, out, now, durable.FS{}, func(int, *Node) {})
		if err != nil {
			t.Fatal(err)
		}
		kept, err := ReadCollection(out)
		if err != nil || fmt.Sprint(kept.Failed()) != fmt.Sprint(c.Failed()) || len(kept.Nodes) != len(c.Nodes) {
			t.Fatalf("%+v, %v", kept, err)
		}
		return c
	}
	first := collect()
	if first.Failed() || first.Nodes[1].Size != 55 || first.Nodes[1].Dir != "dns.example.net_journal_node1" || first.Nodes[1].CheckpointTime == nil {
		t.Fatalf("%+v", first)
	}
	os.RemoveAll(filepath.Join(base, "n0"))
	key, _ := os.ReadFile(filepath.Join(base, "n1", "journal.key"))
	vkey, _ := os.ReadFile(filepath.Join(base, "n1", "journal.vkey"))
	os.RemoveAll(filepath.Join(base, "n1"))
	os.Mkdir(filepath.Join(base, "n1"), 0o755)
	os.WriteFile(filepath.Join(base, "n1", "journal.key"), key, 0o600)
	os.WriteFile(filepath.Join(base, "n1", "journal.vkey"), vkey, 0o600)
	makeNode(t, filepath.Join(base, "n1"), "", 80)
	makeNode(t, filepath.Join(base, "n2"), "", 80)
	second := collect()
	for i, want := range []string{"no such file or directory", "the journal was rewritten: its first 55 records are not those of the copy", ""} {
		n := second.Nodes[i]
		if want == "" && n.Error != "" || !strings.Contains(n.Error, want) {
			t.Errorf("node %d: %q", i, n.Error)
		}
		if old := first.Nodes[i]; i < 2 && (n.Size != old.Size || !n.CheckpointTime.Equal(*old.CheckpointTime)) || i == 2 && n.Size <= old.Size {
			t.Errorf("node %d: %+v", i, n)
		}
		r, err := journal.Verify(filepath.Join(out, n.Dir), journal.VerifyOptions{})
		if err != nil || len(r.Faults) > 0 || r.Size != n.Size {
			t.Errorf("node %d: %+v, %v", i, r, err)
		}
	}
	if dirs, err := Expand(out); err != nil || len(dirs) != 3 {
		t.Errorf("%q, %v", dirs, err)
	}
	if dirs, err := Expand(filepath.Join(base, "n2")); err != nil || len(dirs) != 1 {
		t.Errorf("%q, %v", dirs, err)
	}

	record := filepath.Join(base, "n2", "records", "000000000000.jsonl")
	b, err := os.ReadFile(record)
	if err != nil {
		t.Fatal(err)
	}
	os.WriteFile(record, []byte(strings.Replace(string(b), "court/3\"", "court/4\"", 1)), 0o600)
	if n := collect().Nodes[2]; !strings.HasPrefix(n.Error, "the journal of the node: records/000000000000.jsonl:5: record 4 was changed") {
		t.Errorf("%q", n.Error)
	}
	if r, err := journal.Verify(filepath.Join(out, first.Nodes[2].Dir), journal.VerifyOptions{}); err != nil || len(r.Faults) > 0 {
		t.Errorf("%+v, %v", r, err)
	}
	if err := filepath.WalkDir(out, func(path string, d os.DirEntry, err error) error {
		if strings.HasSuffix(path, ".key") {
			t.Errorf("a private key was copied: %s", path)
		}
		return err
	}); err != nil {
		t.Error(err)
	}

	lock, err := durable.LockDir(out, now)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	var locked *durable.LockedError
	if _, err := Collect(nodes, out, now, durable.FS{}, func(int, *Node) {}); !errors.As(err, &locked) {
		t.Errorf("error %v", err)
	}
}

func TestNeverCopied(t *testing.T) {
	out := t.TempDir()
	makeNode(t, out, "dns.example.net/journal/own", 1) // a journal in the directory itself is no copy
	makeNode(t, filepath.Join(out, "n1"), "dns.example.net/journal/node1", 1)
	write := func(nodes string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(out, CollectedName), []byte(`{"nodes":[`+nodes+`]}`), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	never := `{"name":"dns.example.net/journal/node0","dir":"","error":"connection refused"}`
	write(never + `,{"name":"dns.example.net/journal/node1","dir":"n1"},{"name":"dns.example.net/journal/node2","dir":"n2"}`)
	if dirs, err := Expand(out); err != nil || len(dirs) != 1 || dirs[0] != filepath.Join(out, "n1") {
		t.Errorf("%q, %v", dirs, err)
	}
	write(never)
	if dirs, err := Expand(out); err == nil || !strings.Contains(err.Error(), "has no copy of a journal") {
		t.Errorf("%q, %v", dirs, err)
	}
	for _, dir := range []string{"..", ".", "a/b", "/etc", ".hidden"} {
		write(`{"name":"x","dir":"` + dir + `"}`)
		if _, err := ReadCollection(out); err == nil || !strings.Contains(err.Error(), "is no name of a directory") {
			t.Errorf("%q: %v", dir, err)
		}
	}
}

func TestInventory(t *testing.T) {
	key := makeNode(t, filepath.Join(t.TempDir(), "n"), "a.example/j", 1)
	for text, want := range map[string]string{
		"":                              `i.yaml: has no nodes: the inventory is a list "nodes" of entries with name, key and dir`,
		"nodes: []":                     `i.yaml: has no nodes: the inventory is a list "nodes" of entries with name, key and dir`,
		"node: [1]":                     `i.yaml:1: unknown field, got "node"; an inventory has the field nodes`,
		"nodes: [1, {name: a}, {x: y}]": "i.yaml:1: a node must have name, key and dir\ni.yaml:1: the node has no key dir\ni.yaml:1: unknown field, got \"x\"; a node has name, key and dir\ni.yaml:1: the node has no name key dir",
		"nodes:\n- {name: b.example/j, key: " + key + ", dir: /a}\n- {name: a.example/j, key: no, dir: /a/}\n":       "i.yaml:2: key: is the key of \"a.example/j\", and not of \"b.example/j\"\ni.yaml:3: key: is not the public key of a journal, got \"no\"\ni.yaml:3: dir: is that of the node in line 2, got \"/a\"",
		"nodes:\n- {name: a.example/j, key: " + key + ", dir: a}\n- {name: a.example_j, key: " + key + ", dir: b}\n": "i.yaml:3: key: is the key of \"a.example/j\", and not of \"a.example_j\"\ni.yaml:3: name: is that of the node in line 2, got \"a.example_j\"\ni.yaml:3: key: is that of the node in line 2, got \"" + key + "\"",
		"nodes:\n- {name: a.example/j, key: [1], dir: {}}":                                                           "i.yaml:2: key: must be a text\ni.yaml:2: dir: must be a text\ni.yaml:2: the node has no key dir",
		"nodes:\n- {name: ../../etc, key: " + key + ", dir: a}":                                                      "i.yaml:2: key: is the key of \"a.example/j\", and not of \"../../etc\"\ni.yaml:2: name: must not begin with a point, and not be collected.json or LOCK, got \"../../etc\"",
		"nodes: [{}]\n---\nnodes: []\n":                                                                              "i.yaml: has more than one document",
		"nodes: {":                                                                                                   `i.yaml: line 1: did not find expected node content`,
	} {
		if _, err := ParseInventory("i.yaml", []byte(text)); err == nil || err.Error() != want {
			t.Errorf("%q:\n%v\nwant\n%s", text, err, want)
		}
	}
}
