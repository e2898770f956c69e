package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/dns-orders/blocklist/plugin/durable"
	"github.com/dns-orders/blocklist/plugin/printable"
	"github.com/dns-orders/blocklist/plugin/state"
)

type changeFlags struct {
	stateFlags
	Reason string        `required:"" placeholder:"TEXT" help:"Why the change is made. The reason is recorded in the directory."`
	Wait   time.Duration `default:"30s" placeholder:"DURATION" help:"How long to wait for a running server, at most 1h."`
}

// stateForgetCmd is blocklistctl state forget.
type stateForgetCmd struct {
	File string `arg:"" help:"The order file or protect list, as state list shows its path."`
	changeFlags
}

// Help returns the description and the example for --help.
func (*stateForgetCmd) Help() string {
	return `The orders of a file that was removed stay in force, also after a restart. This command forgets the version of the file that is in force, so that its orders end. The lowest serial of the file stays. A file that is there and good is not forgotten.

If the server runs, the server makes the change at its next check of the files. Otherwise the orders end with the next start of the server, unless the file is there again.

Example:

  blocklistctl state forget /etc/coredns/orders/old.yaml --state /var/lib/blocklist --reason "ticket 17: the court moved its orders to another file"`
}

// Run forgets a version.
func (c *stateForgetCmd) Run(e *env) error {
	return c.change(e, state.Change{Command: state.CommandForget, Path: c.File}, func(st *state.State, path string) error { return st.Forget(path) },
		"forgotten; its orders end with the next start of the server, unless the file is there")
}

// stateSetSerialCmd is blocklistctl state set-serial.
type stateSetSerialCmd struct {
	File string `arg:"" help:"The order file, as state list shows its path."`
	N    int64  `arg:"" help:"The lowest serial that the next version of the file may have, at least 0."`
	changeFlags
}

// Help returns the description and the example for --help.
func (*stateSetSerialCmd) Help() string {
	return `The server refuses a version with a lower serial than before, and a serial that jumps far ahead. This command sets the lowest serial that the next version may have. The next version may have exactly this serial, with any bytes.

If the server runs, the server makes the change at its next check of the files, and reads a refused version again. Otherwise the change has effect at the next start of the server.

Example:

  blocklistctl state set-serial /etc/coredns/orders/court.yaml 41 --state /var/lib/blocklist --reason "ticket 18: serial 9000000000 was a typing error"`
}

// Run sets a serial.
func (c *stateSetSerialCmd) Run(e *env) error {
	if c.N < 0 {
		return misuse("a serial is not negative, got %d", c.N)
	}
	return c.change(e, state.Change{Command: state.CommandSetSerial, Path: c.File, Serial: &c.N}, func(st *state.State, path string) error { return st.SetSerial(path, c.N) },
		fmt.Sprintf("the next version may have the serial %d or a higher serial", c.N))
}

// stateAcceptCmd is blocklistctl state accept.
type stateAcceptCmd struct {
	changeFlags
}

// Help returns the description and the example for --help.
func (*stateAcceptCmd) Help() string {
	return `A server with the property verify raises an alarm if its state directory was new, empty or damaged at a start, because the server then does not know the earlier serials: an old version with good signatures may be in force. Compare the serials of state list with the people who sign. Then end the alarm with this command. The first start of a new server needs this command too.

Example:

  blocklistctl state accept --state /var/lib/blocklist --reason "ticket 19: new disk; serials compared with the court's desk"`
}

// Run accepts a directory.
func (c *stateAcceptCmd) Run(e *env) error {
	return c.change(e, state.Change{Command: state.CommandAccept}, func(st *state.State, _ string) error {
		st.Accept()
		return nil
	}, "accepted; the next start raises no alarm about an empty or damaged directory")
}

// changeJSON is the output of a change with --json.
type changeJSON struct {
	Time      string `json:"time"`
	Command   string `json:"command"`
	Path      string `json:"path,omitempty"`
	Serial    *int64 `json:"serial,omitempty"`
	Reason    string `json:"reason"`
	Server    bool   `json:"server"`
	NotStored string `json:"not_stored,omitempty"`
}

// If a running server has locked the state directory, the function asks the server.
func (f *changeFlags) change(e *env, c state.Change, do func(*state.State, string) error, done string) error {
	c.Reason, c.Time = f.Reason, e.now()
	if f.Wait <= 0 || f.Wait > time.Hour {
		return misuse("--wait must be above 0 and at most 1h, got %s", f.Wait)
	}
	if err := c.Check(); err != nil {
		return misuse("--%v", err)
	}
	dir, err := f.dir()
	if err != nil {
		return err
	}
	// Open would create a directory that is not there.
	if _, err := os.Stat(dir); err != nil {
		return err
	}
	if c.Path != "" {
		set, err := state.Read(dir)
		if err != nil {
			return err
		}
		if c.Path, err = knownPath(set, c); err != nil {
			return err
		}
	}
	st, err := state.Open(dir, state.Options{Writer: "blocklistctl", Now: e.now})
	var locked *durable.LockedError
	if errors.As(err, &locked) {
		return f.ask(e, dir, c, locked)
	}
	if err != nil {
		return err
	}
	defer st.Close()
	if c.Command == state.CommandForget {
		if _, ok := st.Set().Versions[c.Path]; !ok {
			return fmt.Errorf("%s: the state directory has no version of this file", c.Path)
		}
	}
	if err := st.Record(c); err != nil {
		return err
	}
	if err := do(st, c.Path); err != nil {
		return err
	}
	if err := st.Close(); err != nil {
		return err
	}
	return e.reportChange(dir, c, state.Answer{Done: done}, false)
}

// reportChange prints a change that was made.
func (e *env) reportChange(dir string, c state.Change, a state.Answer, server bool) error {
	var err error
	about := c.Path
	if about == "" {
		about = dir
	}
	if e.json {
		err = e.writeJSON(changeJSON{c.Time.UTC().Format(time.RFC3339), c.Command, c.Path, c.Serial, c.Reason, server, a.NotStored})
	} else {
		_, err = fmt.Fprintf(e.stdout, "%s: %s\n", printable.Line(about), printable.Line(a.Done))
	}
	if a.NotStored != "" {
		err = errors.Join(err, fmt.Errorf("%s: the change is in force, but the server could not store it, so a restart would undo the change: %s", about, printable.Line(a.NotStored)))
	}
	return err
}

func knownPath(set state.Set, c state.Change) (string, error) {
	abs, err := filepath.Abs(c.Path)
	if err != nil {
		return "", err
	}
	for _, p := range []string{c.Path, abs} {
		_, version := set.Versions[p]
		_, floor := set.Floors[p]
		if version || floor {
			return p, nil
		}
	}
	if info, err := os.Stat(abs); err == nil && info.Mode().IsRegular() && c.Command == state.CommandSetSerial {
		return abs, nil
	}
	return "", fmt.Errorf("%s: the state directory does not know this file; blocklistctl state list shows the files", abs)
}

const (
	askEvery = 50 * time.Millisecond
	// If the server has started the request, the tool waits this much longer.
	answerGrace = 10 * time.Second
)

// After a timeout or Ctrl-C, the function withdraws a request that the server has not started.
func (f *changeFlags) ask(e *env, dir string, c state.Change, locked error) error {
	stop, release := interrupted()
	defer release()
	id, err := state.Ask(dir, c, e.now().Add(f.Wait))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w; this program takes no requests, so stop it first", locked)
	}
	if err != nil {
		return err
	}
	limit, why, grace := time.After(f.Wait), fmt.Sprintf("was not taken within %s", f.Wait), false
	for {
		a, ok, err := state.Answered(dir, id)
		switch {
		case err != nil:
			return err
		case ok && a.Refused != "":
			return fmt.Errorf("%s: refused by the server: %s", c, printable.Line(a.Refused))
		case ok:
			return e.reportChange(dir, c, a, true)
		}
		select {
		case <-time.After(askEvery):
			continue
		case <-limit:
		case <-stop:
			why = "was not taken before the interrupt"
		}
		if grace {
			return fmt.Errorf("%s: the server has taken the request and has not answered yet; its log has the result, and blocklistctl state list shows the files", c)
		}
		withdrawn, err := state.Withdraw(dir, id)
		if err != nil {
			return fmt.Errorf("%s: the request %s and cannot be withdrawn, so the server may still carry it out: %w", c, why, err)
		}
		if withdrawn {
			return fmt.Errorf("%s: the request %s, so it was withdrawn and nothing was changed: %w", c, why, locked)
		}
		limit, grace = time.After(answerGrace), true
	}
}
