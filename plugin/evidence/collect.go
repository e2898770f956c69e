package evidence

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/dns-orders/blocklist/plugin/durable"
	"github.com/dns-orders/blocklist/plugin/journal"
	"golang.org/x/mod/sumdb/note"
)

// CollectedName is the name of the file with a Collection.
const CollectedName = "collected.json"

// A Collection is the content of collected.json.
type Collection struct {
	At    time.Time       `json:"at"`
	Nodes []CollectedNode `json:"nodes"`
}

// A CollectedNode is the copy of one journal.
type CollectedNode struct {
	Name string `json:"name"`
	Key  string `json:"key"`
	// Dir is relative to the directory of collected.json. Without a copy, Dir may be empty.
	Dir            string     `json:"dir"`
	Size           int64      `json:"size"` // the number of signed records of the copy
	CheckpointTime *time.Time `json:"checkpoint_time"`
	// The time of the newest signed record may be in the future. Ahead is then the difference.
	Ahead string `json:"clock_ahead,omitempty"`
	Error string `json:"error"` // the reason why the copy is not new or not complete, or ""
}

// Failed reports whether any node has an error.
func (c *Collection) Failed() bool {
	for _, n := range c.Nodes {
		if n.Error != "" {
			return true
		}
	}
	return false
}

// Collect copies the journals of the nodes into the directory out, and writes collected.json. If a
// journal does not continue its earlier copy, the earlier copy stays. Collect calls the function
// progress before each node.
func Collect(nodes []*Node, out string, now time.Time, files durable.FS, progress func(i int, n *Node)) (*Collection, error) {
	if err := files.Mkdir(out, 0o700); err != nil {
		return nil, err
	}
	lock, err := durable.LockDir(out, now)
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	if err := files.CleanUp(out); err != nil {
		return nil, err
	}
	before, err := ReadCollection(out)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	c := &Collection{At: now.UTC().Truncate(time.Second), Nodes: []CollectedNode{}}
	for i, n := range nodes {
		progress(i, n)
		c.Nodes = append(c.Nodes, n.collect(out, before, now, files))
	}
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return nil, err
	}
	return c, files.WriteFile(filepath.Join(out, CollectedName), append(text, '\n'), 0o600)
}

// Copied returns the directory with the copy of the node's journal. An empty text means that there
// is no copy. The argument is the directory of collected.json.
func (n *CollectedNode) Copied(dir string) string {
	if n.Dir == "" {
		return ""
	}
	sub := filepath.Join(dir, n.Dir)
	if _, err := os.Stat(filepath.Join(sub, "checkpoint")); errors.Is(err, os.ErrNotExist) {
		return ""
	}
	return sub
}

// ReadCollection reads collected.json. If the file is missing, the error is os.ErrNotExist.
func ReadCollection(dir string) (*Collection, error) {
	path := filepath.Join(dir, CollectedName)
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	c := &Collection{}
	if err := json.Unmarshal(text, c); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for _, n := range c.Nodes {
		if n.Dir != "" && (n.Dir != filepath.Base(n.Dir) || strings.HasPrefix(n.Dir, ".")) {
			return nil, fmt.Errorf("%s: the directory %q of a node is no name of a directory", path, n.Dir)
		}
	}
	return c, nil
}

// collect copies the journal of the node.
func (n *Node) collect(out string, before *Collection, now time.Time, files durable.FS) CollectedNode {
	node := CollectedNode{Name: n.Name, Key: n.Key, Dir: n.Subdir()}
	to := filepath.Join(out, node.Dir)
	copied, err := journal.Copy(n.Dir, to, n.verifier, n.Key, files)
	if err != nil {
		// The earlier copy stays, so collected.json must still describe this copy.
		if before != nil {
			for _, old := range before.Nodes {
				if old.Name == n.Name && old.Key == n.Key {
					node.Size, node.CheckpointTime = old.Size, old.CheckpointTime
				}
			}
		}
		node.Size = max(node.Size, copied.Size)
		node.Error = err.Error()
		return node
	}
	node.Size = copied.Size
	if !copied.Time.IsZero() {
		t := copied.Time.UTC()
		node.CheckpointTime = &t
		if ahead := t.Sub(now); ahead > tolerance {
			node.Ahead = ahead.Round(time.Second).String()
		}
	}
	node.Error = problemsOf(n.Dir, to, n.verifier, copied.Faults)
	return node
}

func problemsOf(dir, copied string, key note.Verifier, faults []string) string {
	var parts []string
	add := func(what string, faults []string, err error) {
		if err != nil {
			faults = []string{err.Error()}
		}
		switch len(faults) {
		case 0:
		case 1:
			parts = append(parts, what+": "+faults[0])
		default:
			parts = append(parts, fmt.Sprintf("%s: %s (and %d more faults)", what, faults[0], len(faults)-1))
		}
	}
	for _, x := range []struct{ what, dir string }{{"the journal of the node", dir}, {"the copy", copied}} {
		var faults []string
		r, err := journal.Verify(x.dir, journal.VerifyOptions{Key: key})
		if r != nil {
			faults = r.Faults
		}
		add(x.what, faults, err)
	}
	if len(parts) == 0 {
		add("not copied", faults, nil)
	}
	return strings.Join(parts, "; ")
}

// Expand returns the directories of all copied journals in a collection. For a directory without
// collected.json, Expand returns the directory itself.
func Expand(dir string) ([]string, error) {
	c, err := ReadCollection(dir)
	if errors.Is(err, os.ErrNotExist) {
		return []string{dir}, nil
	}
	if err != nil {
		return nil, err
	}
	var out []string
	for i := range c.Nodes {
		if sub := c.Nodes[i].Copied(dir); sub != "" {
			out = append(out, sub)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s: has no copy of a journal", filepath.Join(dir, CollectedName))
	}
	return out, nil
}
