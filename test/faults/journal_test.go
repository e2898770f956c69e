//go:build e2e

package faults

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/dns-orders/blocklist/plugin/durable"
	"github.com/dns-orders/blocklist/plugin/journal"
)

const journalOK = "coredns_blocklist_journal_ok"

func (l *lab) journalDir() string {
	if l.wrap != nil {
		return l.proc("root") + l.path("disk/journal")
	}
	return l.path("disk/journal")
}

// useJournal makes the server write a journal.
func (l *lab) useJournal() {
	l.t.Helper()
	if l.wrap == nil {
		l.check(os.Mkdir(l.path("disk"), 0o700))
		if os.Getuid() == 0 && !l.root {
			l.check(os.Chown(l.path("disk"), nobody, nobody))
		}
	}
	l.corefile = usualOptions + "\n        journal disk/journal node1"
	l.configure()
	l.reload("Reloading complete")
	l.journalWorks()
}

// journalWorks waits until the journal accepts records.
func (l *lab) journalWorks() {
	l.t.Helper()
	l.until(restoreTime, "the journal to work", func() error {
		s, err := l.web.scrape()
		if ok, has := s[journalOK]; err == nil && (!has || ok != 1) {
			err = fmt.Errorf("%s is %v", journalOK, ok)
		}
		return err
	})
}

func (l *lab) dropJournal() {
	l.t.Helper()
	l.change()
	l.corefile = usualOptions
	l.configure()
	l.reload("Reloading complete")
	dir := l.journalDir()
	l.until(recoverTime, "the journal to be closed", func() error {
		var last journal.Event
		err := journal.Read(dir, func(r journal.Record, _ []byte) bool { last = r.Event; return true })
		if err == nil && last != journal.Stop {
			err = fmt.Errorf("the last record is %q", last)
		}
		return err
	})
	r, err := journal.Verify(dir, journal.VerifyOptions{})
	l.check(err)
	if len(r.Faults) > 0 {
		l.t.Errorf("the journal has faults:\n%s", strings.Join(r.Faults, "\n"))
	}
	inForce := map[string]bool{}
	kept, notKept := 0, 0
	l.check(journal.Read(dir, func(r journal.Record, _ []byte) bool {
		switch r.Event {
		case journal.InForce, journal.Corrected:
			inForce[r.Order] = true
		case journal.Kept:
			kept++
		case journal.NotKept:
			notKept++
		}
		return true
	}))
	if !inForce["urgent/1"] || kept == 0 {
		l.t.Errorf("the journal has no order urgent/1, or no version: %d kept, %d not kept", kept, notKept)
	}
	if l.wrap == nil {
		l.remove("disk")
	}
}

func journalFaults() []fault {
	return []fault{
		{name: "a full disk under the journal", alarm: "no space left on device", metric: journalOK,
			lab: lab{wrap: []string{"sh", "-c", `mkdir -p disk && mount -t tmpfs -o size=512k none disk && exec "$@"`, "sh"}},
			inject: func(l *lab) func() {
				l.useJournal()
				filler := filepath.Join(filepath.Dir(l.journalDir()), "filler")
				l.check(fillDisk(filler))
				for range 5 {
					l.change()
				}
				return func() {
					l.check(os.Remove(filler))
					l.journalWorks()
					l.dropJournal()
				}
			}},
		{name: "a journal that another process has locked", alarm: "locked by another process", metric: journalOK, inject: func(l *lab) func() {
			l.useJournal()
			l.dropped()
			lock, err := durable.LockDir(l.journalDir(), time.Now())
			l.check(err)
			l.corefile = usualOptions + "\n        journal disk/journal node1"
			l.configure()
			l.reload("Reloading complete")
			for range 5 {
				l.change()
			}
			return func() {
				l.check(lock.Close())
				l.journalWorks()
				l.dropJournal()
			}
		}},
	}
}

// dropped makes the server use no journal any more.
func (l *lab) dropped() {
	l.t.Helper()
	l.corefile = usualOptions
	l.configure()
	l.reload("Reloading complete")
	l.until(recoverTime, "the journal to be unlocked", func() error {
		lock, err := durable.LockDir(l.journalDir(), time.Now())
		if err == nil {
			err = lock.Close()
		}
		return err
	})
}
