package main

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/dns-orders/blocklist/plugin/directive"
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
	Accept    stateAcceptCmd    `cmd:"" help:"End the alarm about a state directory that was empty or damaged."`
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
		out := struct {
			Files      []storedFile `json:"files"`
			Unaccepted *time.Time   `json:"unaccepted,omitempty"`
		}{Files: files}
		if !set.Unaccepted.IsZero() {
			out.Unaccepted = &set.Unaccepted
		}
		return e.writeJSON(out)
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
	if !set.Unaccepted.IsZero() {
		fmt.Fprintf(&b, "The directory was new, empty or damaged at %s, and state accept was not used since then.\n", set.Unaccepted.Format(time.RFC3339))
	}
	_, err = e.stdout.Write(b.Bytes())
	return err
}

func serialOrDash(n *int64) string {
	if n == nil {
		return "-"
	}
	return fmt.Sprint(*n)
}
