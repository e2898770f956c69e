//go:build e2e

package faults

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/dns-orders/blocklist/plugin/state"
)

// These are the metrics about the state directory.
const (
	stateOK         = "coredns_blocklist_state_ok"
	stateUnaccepted = "coredns_blocklist_state_unaccepted"
)

func (l *lab) stateDir() string {
	if l.wrap != nil {
		return l.proc("root") + l.path("state")
	}
	return l.path("state")
}

func (l *lab) useState() {
	l.t.Helper()
	if l.wrap == nil {
		l.makeState()
	}
	l.corefile = usualOptions + "\n        state state"
	l.configure()
	l.reload("Reloading complete")
	l.stored()
}

func (l *lab) makeState() {
	l.t.Helper()
	l.check(os.Mkdir(l.path("state"), 0o700))
	if os.Getuid() == 0 && !l.root {
		l.check(os.Chown(l.path("state"), nobody, nobody))
	}
}

func (l *lab) stored() {
	l.t.Helper()
	const files = 7 // six order files and the protect list
	l.until(recoverTime, "all files to be stored", func() error {
		set, err := state.Read(l.stateDir())
		if err == nil && len(set.Versions) < files {
			err = fmt.Errorf("%d files are stored", len(set.Versions))
		}
		return err
	})
}

func (l *lab) dropState() {
	l.t.Helper()
	l.corefile = usualOptions
	l.configure()
	l.reload("Reloading complete")
	if l.wrap == nil {
		l.check(command("chmod", "-R", "u+rwx", l.path("state")))
		l.remove("state")
	}
}

func (l *lab) restarted(fn func()) {
	l.t.Helper()
	l.asker.paused.Store(true)
	_, err := l.stop()
	l.check(err)
	fn()
	l.start()
	l.asker.paused.Store(false)
}

func (l *lab) accept() {
	l.t.Helper()
	now := time.Now()
	id, err := state.Ask(l.stateDir(), state.Change{Time: now, Command: state.CommandAccept, Reason: "test"}, now.Add(recoverTime))
	l.check(err)
	l.until(recoverTime, "the answer to a request", func() error {
		a, ok, err := state.Answered(l.stateDir(), id)
		if err == nil && !ok {
			err = errors.New("there is no answer")
		}
		if err == nil && a.Refused+a.NotStored != "" {
			err = fmt.Errorf("the answer is %+v", a)
		}
		return err
	})
	s, err := l.web.scrape()
	l.check(err)
	if s[stateUnaccepted] != 0 {
		l.t.Errorf("%s is %v", stateUnaccepted, s[stateUnaccepted])
	}
}

func (l *lab) change() {
	l.t.Helper()
	_, err := l.urgent()
	l.check(err)
}

func stateFaults() []fault {
	ends := func(l *lab, undo func()) func() {
		return func() {
			undo()
			l.until(recoverTime, "the state directory to work", l.healthy)
			l.change()
			l.stored()
			l.dropState()
		}
	}
	modes := func(l *lab, mode fs.FileMode) {
		for _, sub := range []string{"blob", "part", "request", ""} {
			l.check(os.Chmod(filepath.Join(l.path("state"), sub), mode))
		}
	}
	current := func(l *lab) string { return filepath.Join(l.path("state"), "current.json") }
	return []fault{
		{name: "a full disk under the state directory", alarm: "no space left on device", metric: stateOK,
			lab: lab{wrap: []string{"sh", "-c", `mkdir -p state && mount -t tmpfs -o size=512k none state && exec "$@"`, "sh"}},
			inject: func(l *lab) func() {
				l.useState()
				filler := filepath.Join(l.stateDir(), "filler")
				l.check(fillDisk(filler))
				l.change()
				return ends(l, func() {
					l.check(os.Remove(filler))
					l.change() // otherwise the next attempt comes after 30 seconds
				})
			}},
		{name: "a state directory that becomes read-only", alarm: "permission denied", metric: stateOK, inject: func(l *lab) func() {
			l.useState()
			modes(l, 0o500)
			l.change()
			return ends(l, func() {
				modes(l, 0o700)
				l.change()
			})
		}},
		{name: "the loss of the state directory", alarm: "was removed or replaced", metric: stateOK, inject: func(l *lab) func() {
			l.useState()
			// The server may still write into the directory. So rename it before you remove it.
			l.check(os.Rename(l.path("state"), l.path("lost")))
			l.remove("lost")
			return ends(l, l.makeState)
		}},
		{name: "a file in place of the state directory", alarm: "was removed or replaced", metric: stateOK, inject: func(l *lab) func() {
			l.useState()
			l.check(os.Rename(l.path("state"), l.path("away")))
			l.writeInPlace("state", "not a directory\n")
			return ends(l, func() {
				l.check(os.Remove(l.path("state")))
				l.check(os.Rename(l.path("away"), l.path("state")))
			})
		}},
		{name: "an older copy in place of the state directory", alarm: "was removed or replaced", metric: stateOK, inject: func(l *lab) func() {
			l.useState()
			l.until(recoverTime, "a copy of the state directory", func() error {
				os.RemoveAll(l.path("older"))
				return command("cp", "-a", l.path("state"), l.path("older"))
			})
			l.change()
			l.stored()
			l.check(os.Rename(l.path("state"), l.path("away")))
			l.check(os.Rename(l.path("older"), l.path("state")))
			return ends(l, func() { l.remove("away") })
		}},
		{name: "a restart with state whose list of versions is cut off", alarm: "has no checksum in the last line", metric: stateUnaccepted, value: 1, inject: func(l *lab) func() {
			l.useState()
			l.restarted(func() {
				info, err := os.Stat(current(l))
				l.check(err)
				l.check(os.Truncate(current(l), info.Size()/2))
			})
			return ends(l, l.accept)
		}},
		{name: "a restart with state whose list of versions is gone", alarm: "no version is known", metric: stateUnaccepted, value: 1, inject: func(l *lab) func() {
			l.useState()
			l.restarted(func() { l.check(os.Remove(current(l))) })
			return ends(l, l.accept)
		}},
		{name: "a restart with state that may not be read", alarm: "permission denied", metric: stateUnaccepted, value: 1, inject: func(l *lab) func() {
			l.useState()
			l.restarted(func() { l.check(os.Chmod(current(l), 0)) })
			return ends(l, l.accept)
		}},
		{name: "a restart with state whose copies are cut off", alarm: "cannot be put into force", inject: func(l *lab) func() {
			l.useState()
			l.restarted(func() {
				blobs, err := filepath.Glob(filepath.Join(l.path("state"), "blob", "sha256-*"))
				l.check(err)
				for _, b := range blobs {
					l.check(os.Truncate(b, 10))
				}
			})
			return ends(l, func() {})
		}, logOnly: true},
		{name: "SIGKILL in a storm of stored versions, and a restart without a file", alarm: "single.yaml", fresh: true, resets: true, inject: func(l *lab) func() {
			l.useState()
			for i := range 50 {
				l.write(court, courtFile(8+i, numbered("court", 50)))
			}
			l.asker.paused.Store(true)
			l.kill()
			l.check(os.Rename(l.path(single), l.path("gone")))
			l.start()
			l.asker.paused.Store(false)
			return func() { l.check(os.Rename(l.path("gone"), l.path(single))) }
		}},
	}
}

// command runs a program.
func command(args ...string) error {
	if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
		return fmt.Errorf("%q: %w: %s", args, err, out)
	}
	return nil
}

// fillDisk writes a file until the disk is full.
func fillDisk(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	block := make([]byte, 4096)
	for err == nil {
		_, err = f.Write(block)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		return errors.Join(err, f.Close())
	}
	return f.Close()
}
