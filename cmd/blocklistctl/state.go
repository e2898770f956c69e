package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/dns-orders/blocklist/plugin/directive"
	"github.com/dns-orders/blocklist/plugin/durable"
	"github.com/dns-orders/blocklist/plugin/printable"
	"github.com/dns-orders/blocklist/plugin/state"
)

// stateFlags choose a state directory.
type stateFlags struct {
	State    string `placeholder:"DIR" help:"The state directory, as in the Corefile."`
	Corefile string `placeholder:"FILE" help:"The Corefile of the server, whose blocklist directive has the property state. Without --state, the default is $BLOCKLIST_COREFILE."`
	Block    string `placeholder:"ADDRESS" help:"The server block of the Corefile, for example .:53. Required if the server blocks have different directives."`
}

// dir returns the path of the state directory.
func (f *stateFlags) dir() (string, error) {
	if f.State != "" && f.Corefile != "" {
		return "", misuse("--state and --corefile exclude each other")
	}
	if f.State != "" {
		return f.State, nil
	}
	path := f.Corefile
	if path == "" {
		path = os.Getenv(corefileVariable)
	}
	if path == "" {
		return "", misuse("no state directory: give --state DIR, or --corefile FILE, or set $%s", corefileVariable)
	}
	blocks, err := directive.Corefile(path)
	if err != nil {
		return "", misuse("--corefile: %v", err)
	}
	block, err := directive.Choose(blocks, f.Block)
	if err != nil {
		return "", misuse("%s: %v (--block ADDRESS)", path, err)
	}
	if block.Config.Store.State == "" {
		return "", misuse("%s: the blocklist directive has no property state", path)
	}
	return block.Config.Store.State, nil
}

// stateCmd has the commands about a state directory.
type stateCmd struct {
	List      stateListCmd      `cmd:"" help:"List the stored versions of files, and their lowest serials."`
	Forget    stateForgetCmd    `cmd:"" help:"Forget the stored version of a file that was removed."`
	SetSerial stateSetSerialCmd `cmd:"" help:"Set the lowest serial that the next version of a file may have."`
}

// stateListCmd is blocklistctl state list.
type stateListCmd struct {
	stateFlags
}

// Help returns the description and the example for --help.
func (*stateListCmd) Help() string {
	return `The list shows each file with a stored version, and each file with a floor: the lowest serial that the next version may have. The server may run.

Example:

  blocklistctl state list --state /var/lib/blocklist`
}

// A storedFile is one file of blocklistctl state list.
type storedFile struct {
	Path     string            `json:"path"`
	SHA256   string            `json:"sha256,omitempty"`
	Sides    map[string]string `json:"sides,omitempty"`
	Serial   *int64            `json:"serial,omitempty"`
	Accepted *time.Time        `json:"accepted,omitempty"`
	Floor    *int64            `json:"floor,omitempty"`
}

// Run prints the stored versions and the floors.
func (c *stateListCmd) Run(e *env) error {
	dir, err := c.dir()
	if err != nil {
		return err
	}
	set, err := state.Read(dir)
	if err != nil {
		return err
	}
	paths := slices.Collect(maps.Keys(set.Versions))
	for path := range set.Floors {
		if _, ok := set.Versions[path]; !ok {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	files := []storedFile{}
	for _, path := range paths {
		f := storedFile{Path: path}
		if v, ok := set.Versions[path]; ok {
			f.SHA256, f.Accepted = v.Order.String(), &v.Accepted
			if v.Serial != state.NoSerial {
				f.Serial = &v.Serial
			}
			for name, d := range v.Sides {
				if f.Sides == nil {
					f.Sides = map[string]string{}
				}
				f.Sides[name] = d.String()
			}
		}
		if floor, ok := set.Floors[path]; ok {
			f.Floor = &floor.Serial
		}
		files = append(files, f)
	}
	if e.json {
		return e.writeJSON(struct {
			Files []storedFile `json:"files"`
		}{files})
	}
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "FILE\tVERSION\tACCEPTED\tSERIAL\tFLOOR")
	for _, f := range files {
		version, accepted := "-", "-"
		if f.SHA256 != "" {
			version, accepted = f.SHA256[:12], f.Accepted.Format(time.RFC3339)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", printable.Line(f.Path), version, accepted, serialOrDash(f.Serial), serialOrDash(f.Floor))
	}
	w.Flush()
	_, err = e.stdout.Write(b.Bytes())
	return err
}

func serialOrDash(n *int64) string {
	if n == nil {
		return "-"
	}
	return fmt.Sprint(*n)
}

// stateForgetCmd is blocklistctl state forget.
type stateForgetCmd struct {
	File string `arg:"" help:"The order file or protect list, as state list shows its path."`
	stateFlags
	Reason string `required:"" placeholder:"TEXT" help:"Why the version is forgotten. The reason is recorded in the directory."`
}

// Help returns the description and the example for --help.
func (*stateForgetCmd) Help() string {
	return `The orders of a file that was removed stay in force, also after a restart. This command forgets the stored version of the file, so that its orders end with the next start of the server. If the file is there at the next start, the server loads it again. The lowest serial of the file stays. The server must be stopped.

Example:

  blocklistctl state forget /etc/coredns/orders/old.yaml --state /var/lib/blocklist --reason "ticket 17: the court moved its orders to another file"`
}

// Run forgets a version.
func (c *stateForgetCmd) Run(e *env) error {
	return c.change(e, stateChange{Command: "forget", Path: c.File, Reason: c.Reason}, func(st *state.State, path string) error { return st.Forget(path) },
		"forgotten; its orders end with the next start of the server, unless the file is there")
}

// stateSetSerialCmd is blocklistctl state set-serial.
type stateSetSerialCmd struct {
	File string `arg:"" help:"The order file, as state list shows its path."`
	N    int64  `arg:"" help:"The lowest serial that the next version of the file may have, at least 0."`
	stateFlags
	Reason string `required:"" placeholder:"TEXT" help:"Why the serial is set. The reason is recorded in the directory."`
}

// Help returns the description and the example for --help.
func (*stateSetSerialCmd) Help() string {
	return `The server refuses a version with a lower serial than before, and a serial that jumps far ahead. This command sets the lowest serial that the next version may have. The next version may have exactly this serial, with any bytes. The server must be stopped.

Example:

  blocklistctl state set-serial /etc/coredns/orders/court.yaml 41 --state /var/lib/blocklist --reason "ticket 18: serial 9000000000 was a typing error"`
}

// Run sets a serial.
func (c *stateSetSerialCmd) Run(e *env) error {
	if c.N < 0 {
		return misuse("a serial is not negative, got %d", c.N)
	}
	return c.change(e, stateChange{Command: "set-serial", Path: c.File, Serial: &c.N, Reason: c.Reason}, func(st *state.State, path string) error { return st.SetSerial(path, c.N) },
		fmt.Sprintf("the next version may have the serial %d or a higher serial", c.N))
}

// changesName is the name of the file in a state directory that records the changes of this tool.
const changesName = "changes.jsonl"

// maxChanges is the largest size in bytes of the file with the changes that the tool reads.
const maxChanges = 64 << 20

// A stateChange is one line of the file with the changes.
type stateChange struct {
	Time    string `json:"time"`
	Command string `json:"command"`
	Path    string `json:"path"`
	Serial  *int64 `json:"serial,omitempty"`
	Reason  string `json:"reason"`
}

// change records a change and makes it. done is the report of success.
func (f *stateFlags) change(e *env, x stateChange, do func(*state.State, string) error, done string) error {
	if strings.TrimSpace(x.Reason) == "" {
		return misuse("--reason is empty")
	}
	dir, err := f.dir()
	if err != nil {
		return err
	}
	// Open would create a directory that is not there.
	set, err := state.Read(dir)
	if err != nil {
		return err
	}
	if x.Path, err = knownPath(set, x.Path); err != nil {
		return err
	}
	st, err := state.Open(dir, state.Options{Writer: "blocklistctl", Now: e.now})
	var locked *durable.LockedError
	switch {
	case errors.As(err, &locked):
		return fmt.Errorf("%w; stop the server first, because a running server would replace the change", err)
	case err != nil:
		return err
	}
	defer st.Close()
	if _, ok := st.Set().Versions[x.Path]; !ok && x.Command == "forget" {
		return fmt.Errorf("%s: the state directory has no version of this file", x.Path)
	}
	x.Time = e.now().UTC().Format(time.RFC3339)
	if err := record(dir, x); err != nil {
		return err
	}
	if err := do(st, x.Path); err != nil {
		return err
	}
	if err := st.Close(); err != nil {
		return err
	}
	if e.json {
		return e.writeJSON(x)
	}
	_, err = fmt.Fprintf(e.stdout, "%s: %s\n", printable.Line(x.Path), done)
	return err
}

// knownPath returns the path of a file in the state directory. A relative path is relative to the
// working directory.
func knownPath(set state.Set, path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	for _, p := range []string{path, abs} {
		_, version := set.Versions[p]
		_, floor := set.Floors[p]
		if version || floor {
			return p, nil
		}
	}
	return "", fmt.Errorf("%s: the state directory does not know this file; blocklistctl state list shows the files", abs)
}

// record adds a line to the file with the changes, before the change is made. The caller must have locked the directory.
func record(dir string, x stateChange) error {
	path := filepath.Join(dir, changesName)
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if len(old) > maxChanges {
		return fmt.Errorf("%s: has more than %d bytes; move the file to an archive", path, maxChanges)
	}
	line, err := json.Marshal(x)
	if err != nil {
		return err
	}
	return durable.FS{}.WriteFile(path, append(old, append(line, '\n')...), 0o600)
}
