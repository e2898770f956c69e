package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/journal"
)

func TestOddJournals(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, dir := range []string{"empty", "unsigned/records"} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write := func(dir string, events ...journal.Event) {
		j := journal.Open(dir, journal.Options{Origin: "node1", Now: func() time.Time { return time.Date(2026, 5, 1, 8, 0, 0, 0, time.UTC) }})
		for _, e := range events {
			j.Append(journal.Record{Event: e, Order: "court/1"})
		}
		if !j.Close(time.Minute) {
			t.Fatal("the journal does not close")
		}
	}
	write("one")
	write("newer", journal.Received, journal.InForce, "new_event")
	for _, name := range []string{"journal.vkey", "journal.key"} { // the server has not signed anything yet
		text, err := os.ReadFile("one/" + name)
		if err != nil {
			t.Fatal(err)
		}
		os.WriteFile("unsigned/"+name, text, 0o600)
	}
	const noJournal, noKey = "is not the directory of a journal or of a bundle", "is not the directory of a journal with its private key"
	for _, tc := range []struct {
		args                                 string
		missing, empty, unsigned, one, newer string // a part of the output; with "!" if the exit code is not 0
	}{
		{"evidence verify DIR", "!" + noJournal, "!" + noJournal, "!FAULT: checkpoint: is missing", "node1: 2 signed records", `1 records have an event that this version of the program does not know (record 3 is "new_event")`},
		{"evidence prove DIR --order court/1 --out OUT", "!" + noJournal, "!" + noJournal, "!checkpoint: no such file", "!the journal has no record of this order", "3 records of order court/1"},
		{"evidence check DIR", "!" + noJournal, "!" + noJournal, "!checkpoint: no such file", "!the bundle has no record", "!the bundle has no record"},
		{"evidence export DIR --to OUT", "!" + noJournal, "!" + noJournal, "!checkpoint: no such file", "2 records", "5 records"},
		{"evidence stamp DIR --tsa http://127.0.0.1:1/", "!" + noJournal, "!" + noJournal, "!no such file", "!connection refused", "!connection refused"},
		{"evidence prune DIR --before 2026-01-01 --by Ann --reason law", "!" + noKey, "!" + noKey, "0 files", "0 files", "0 files"},
		{"history court/1 --journal DIR", "!" + noJournal, "!" + noJournal, "!no journal has a record of the order", "!no journal has a record of the order", "new_event"},
		{"certificate court/1 --journal DIR", "!" + noJournal, "!" + noJournal, "!no journal has the order", "!no journal has the order", "Certificate of the order court/1"},
		{"report --from 2026-01-01 --to 2026-12-31 --journal DIR", "!" + noJournal, "!" + noJournal, "!checkpoint: is missing", "0  block orders received", "1  block orders received"},
		{"explain a.example --at 2026-05-01T09:00:00Z --journal DIR", "!" + noJournal, "!" + noJournal, "!the journal has no record", "the server did not run at this time", "the server did not run at this time"},
	} {
		for dir, want := range map[string]string{"missing": tc.missing, "empty": tc.empty, "unsigned": tc.unsigned, "one": tc.one, "newer": tc.newer} {
			os.RemoveAll("out")
			args := strings.Fields(strings.NewReplacer("DIR", dir, "OUT", "out").Replace(tc.args))
			code, out, errs := ctl(args...)
			want, bad := strings.CutPrefix(want, "!")
			if (code != exitOK) != bad || !strings.Contains(out+errs, want) {
				t.Errorf("%s: exit %d, want %q\n%s%s", strings.Join(args, " "), code, want, out, errs)
			}
		}
	}
}
