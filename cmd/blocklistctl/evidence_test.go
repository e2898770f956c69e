package main

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/journal"
	"github.com/dns-orders/blocklist/test/journals"
)

func makeJournal(t *testing.T, dir string) {
	t.Helper()
	begin := time.Date(2026, 5, 1, 8, 0, 0, 0, time.UTC)
	var hours atomic.Int64
	opt := journal.Options{Origin: "dns.example.net/journal/node1", Now: func() time.Time { return begin.Add(time.Duration(hours.Load()) * time.Hour) }}
	j := journal.Open(dir, opt)
	load := func(text string) string {
		sum := sha256.Sum256([]byte(text))
		v := journal.Version{File: "/etc/orders.yaml", SHA256: fmt.Sprintf("%x", sum), Orders: 2}
		j.Append(journal.Record{Event: journal.Intent, Files: []journal.Version{v}})
		j.Append(journal.Record{Event: journal.Outcome, Set: "x", Files: []journal.Version{v}})
		j.Keep("/etc/orders.yaml", sum, 0, func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil })
		return v.SHA256
	}
	const head = "version: 1\ndefaults: {authority: {name: A}, scope: global}\norders:\n"
	const sealed = "- {id: hidden/1, disclosure: none, targets: [a.example]}\n"
	sum := load(head + "- {id: court/1, document: {verified_by: Ann, approved_by: Bob}, targets: [a.example, b.example]}\n" + sealed)
	for _, id := range []string{"court/1", "hidden/1"} {
		j.Append(journal.Record{Event: journal.Received, Order: id, Sealed: id != "court/1", File: "/etc/orders.yaml", SHA256: sum})
		j.Append(journal.Record{Event: journal.InForce, Order: id, Sealed: id != "court/1"})
	}
	hours.Add(1)
	j.Append(journal.Record{Event: journal.FirstAnswer, Order: "court/1"})
	j.Do(0, func(b *journal.Batch) { b.Beat(journal.Record{}) })
	hours.Add(1)
	sum = load(head + "- {id: court/1, targets: [b.example]}\n" + sealed)
	j.Append(journal.Record{Event: journal.Corrected, Order: "court/1", File: "/etc/orders.yaml", SHA256: sum})
	hours.Add(1)
	j.Close(time.Minute)
	hours.Add(1)
	j = journal.Open(dir, opt)
	// The first outcome after a start lists the versions in force.
	j.Append(journal.Record{Event: journal.Outcome, Set: "x", Files: []journal.Version{{File: "/etc/orders.yaml", SHA256: sum}}})
	hours.Add(1)
	j.Append(journal.Record{Event: journal.Lifted, Order: "court/1", By: "appeal/1"})
	if !j.Close(time.Minute) {
		t.Fatal("the journal does not close")
	}
}

// TestEvidence runs the commands about evidence on a journal.
func TestEvidence(t *testing.T) {
	t.Chdir(t.TempDir())
	makeJournal(t, "journal")
	os.WriteFile("orders.yaml", nil, 0o600)
	key, err := os.ReadFile("journal/journal.vkey")
	if err != nil {
		t.Fatal(err)
	}
	keyText := strings.TrimSpace(string(key))
	const name = "dns.example.net/journal/node1"
	for _, tc := range []struct {
		args string
		code int
		want string
	}{
		{"history court/1 --journal journal", exitOK, `order court/1 on ` + name + `
  enforced from 2026-05-01 08:00:00 UTC until 2026-05-01 11:00:00 UTC, when the server was stopped (version V1)
  enforced from 2026-05-01 12:00:00 UTC until 2026-05-01 13:00:00 UTC: lifted by appeal/1 (version V2)
    2026-05-01 08:00:00  received     file /etc/orders.yaml (version V1), verified by Ann, approved by Bob
    2026-05-01 08:00:00  in_force
    2026-05-01 09:00:00  first_answer
    2026-05-01 10:00:00  corrected    file /etc/orders.yaml (version V2)
    2026-05-01 13:00:00  lifted       by appeal/1
`},
		{"history www.a.example --journal journal", exitOK, `order court/1 on ` + name + `
  enforced from 2026-05-01 08:00:00 UTC until 2026-05-01 10:00:00 UTC, when the name was no longer a target (version V1)
    2026-05-01 08:00:00  received     file /etc/orders.yaml (version V1), verified by Ann, approved by Bob
    2026-05-01 08:00:00  in_force
    2026-05-01 09:00:00  first_answer
    2026-05-01 10:00:00  corrected    file /etc/orders.yaml (version V2)
    2026-05-01 13:00:00  lifted       by appeal/1
order sealed:SEAL on ` + name + `
  enforced from 2026-05-01 08:00:00 UTC until 2026-05-01 11:00:00 UTC, when the server was stopped
  enforced from 2026-05-01 12:00:00 UTC until 2026-05-01 13:00:00 UTC, when the server was stopped
    2026-05-01 08:00:00  received
    2026-05-01 08:00:00  in_force
`},
		{"history none.example --journal journal", exitProblems, "the journals have no order for none.example\n"},
		{"history _.. --journal journal", exitProblems, "! blocklistctl: no journal has a record of the order, and \"_..\" is no name: "},
		{"explain www.a.example --journal journal --at 2026-05-01T09:30:00Z --sealed", exitOK, `www.a.example was blocked for every client at 2026-05-01T09:30:00Z
by order "court/1" (A) at /etc/orders.yaml:4
target: a.example
since:  2026-05-01T08:00:00Z, when the server first had the order in force
until:  no known end
note:   decided by the order files that the journal dns.example.net/journal/node1 has for this time; "blocklistctl evidence verify" checks the journal
note:`},
		{"explain a.example --journal journal --at 2026-05-01T10:30:00Z", exitOK, `a.example was blocked for every client at 2026-05-01T10:30:00Z
by order "sealed:SEAL" (sealed; --sealed shows the order)
target: not shown`},
		{"explain b.example --journal journal --at 2026-05-01T11:30:00Z", exitOK, `b.example would be blocked for every client at 2026-05-01T11:30:00Z
by order "court/1" (A) at /etc/orders.yaml:4
target: b.example
since:  unknown: the order has no from, served or issued
until:  no known end
note:   decided by the order files that the journal dns.example.net/journal/node1 has for this time; "blocklistctl evidence verify" checks the journal
note:   the server did not run at this time: it was stopped at 2026-05-01T11:00:00Z, so it answered no query`},
		{"explain c.example --journal journal --at 2026-05-01T10:30:00Z", exitOK, "c.example was not blocked for any client at 2026-05-01T10:30:00Z"},
		{"explain b.example --journal journal --at 2026-04-01", exitProblems, "! blocklistctl: journal: the journal begins after this time\n"},
		{"explain b.example orders.yaml --journal journal --at 2026-05-01", exitMisuse, "! blocklistctl: --journal cannot be used with ORDERS\n"},
		{"explain b.example --journal journal", exitMisuse, "! blocklistctl: --journal requires --at with a past time\n"},
		{"explain b.example --journal nothing --at 2026-05-01", exitProblems, "! blocklistctl: nothing: is not the directory of a journal or of a bundle: open nothing/journal.vkey: no such file or directory\n"},
		{"evidence verify journal --key " + keyText, exitOK, name + ": 20 signed records, 0 not signed yet, 0 pruned; 2 good checkpoints; 2 good versions of files; 0 faults\n"},
		{"evidence verify journal --key nothing", exitMisuse, "! blocklistctl: --key is neither a file nor the key of a journal, got \"nothing\"\n"},
		{"evidence prove journal --order court/1 --out bundle", exitOK, "bundle: 5 records of order court/1 in the journal " + name + ", which has 20 signed records; the daily record of 2026-05-01 commits to the last record of the order, 2 records came later; records of the order after number 5 may exist"},
		{"evidence prove journal --order court/2 --out other", exitProblems, "! blocklistctl: the journal has no record of this order\n"},
		{"evidence check bundle --key journal/journal.vkey", exitOK, "bundle: 5 records of order court/1 in the journal " + name + ", which has 20 signed records; the daily record of 2026-05-01 commits to the last record of the order, 2 records came later; records of the order after number 5 may exist"},
		{"evidence export journal --to out", exitOK, "out: 20 records, also those of sealed orders\n"},
		{"evidence prune journal --before 2026-05-01T07:00:00Z --by Ann --reason old", exitOK, "0 files of records deleted\n"},
		{"evidence verify nothing", exitProblems, "! blocklistctl: nothing: is not the directory of a journal or of a bundle: open nothing/journal.vkey: no such file or directory\n"},
	} {
		code, out, errs := ctl(strings.Fields(tc.args)...)
		for line := range strings.Lines(errs) {
			out += "! " + line
		}
		out = strings.NewReplacer("sealed:"+sealedLabel("hidden/1")[7:], "sealed:SEAL").Replace(out)
		for i, v := range versionsOf(t) {
			out = strings.ReplaceAll(out, "version "+v[:12], fmt.Sprint("version V", i+1))
		}
		if code != tc.code || !strings.HasPrefix(out, tc.want) || strings.HasSuffix(tc.want, "\n") && out != tc.want {
			t.Errorf("%s: exit %d\n%s\nwant %d\n%s", tc.args, code, out, tc.code, tc.want)
		}
		if code, out, _ := ctl(append([]string{"--json"}, strings.Fields(strings.Replace(tc.args, "--out bundle", "--out bundle2", 1))...)...); code == exitOK && !strings.HasPrefix(tc.args, "evidence export") {
			oneDocument(t, append([]string{"--json"}, strings.Fields(tc.args)...), []byte(out))
		}
	}

	if err := os.RemoveAll("bundle/daily"); err != nil {
		t.Fatal(err)
	}
	records, err := filepath.Glob("bundle/records/*.json")
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(records, func(x, y string) int { return cmp.Or(len(x)-len(y), strings.Compare(x, y)) })
	os.Remove(records[0])
	os.Remove(strings.TrimSuffix(records[0], "json") + "tlog-proof")
	if code, out, _ := ctl("evidence", "check", "bundle", "--key", keyText); code != exitOK || !strings.HasSuffix(out, "; the records before number 2 of the order are not in the bundle; there is no daily record after the first record; records of the order after number 5 may exist; the bundle is known to be complete only up to record 18 of the journal, which is of 2026-05-01T13:00:00.000000000Z by the clock of the server; the checkpoint has 20 records and is of that time or later\n") {
		t.Errorf("exit %d\n%s", code, out)
	}

	// A changed record.
	path := filepath.Join("journal", "records", "000000000000.jsonl")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	os.WriteFile(path, bytes.Replace(b, []byte("first_answer"), []byte("first_amswer"), 1), 0o600)
	code, out, _ := ctl("evidence", "verify", "journal")
	if code != exitProblems || !strings.Contains(out, "\nFAULT: records/000000000000.jsonl:9: record 8 was changed\n") || !strings.Contains(out, "note: the public key comes from the journal itself") {
		t.Errorf("exit %d\n%s", code, out)
	}
}

func versionsOf(t *testing.T) (out []string) {
	t.Helper()
	err := journal.Read("journal", func(r journal.Record, _ []byte) bool {
		if r.Event == journal.Kept {
			out = append(out, r.SHA256)
		}
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestExplainHeldInPast(t *testing.T) {
	t.Chdir(t.TempDir())
	const text = "version: 1\norders:\n- {id: court/1, authority: {name: A}, scope: {countries: [IT]}, targets: [a.example]}\n" +
		"- {id: hidden/1, authority: {name: A}, scope: global, disclosure: none, targets: [b.example]}\n"
	j := journals.New(t, "journal", "dns.example.net/journal/node1", "2026-05-01T08:00:00Z")
	j.Load("/etc/orders.yaml", text)
	j.Receive("court/1", false, journal.Held)
	j.Add(journal.Record{Event: journal.TargetHeld, Order: "court/1", Why: "no country"})
	j.Receive("hidden/1", true, journal.InForce)
	j.Add(journal.Record{Event: journal.TargetHeld, Order: "hidden/1", Sealed: true, Target: "b.example", Why: "secret"})
	j.At("2026-05-01T09:00:00Z")
	j.Add(journal.Record{Event: journal.TargetFreed, Order: "hidden/1", Sealed: true, Target: "b.example"})
	j.At("2026-05-01T10:00:00Z")
	j.Beat()
	j.Close()
	for _, tc := range []struct{ args, verdict, note string }{
		{"a.example --country IT --at 2026-05-01T08:30:00Z", "a.example may not have been blocked for ", `held order "court/1" and did not enforce the order for this name: no country` + "\n"},
		{"a.example --at 2026-05-01T08:30:00Z", "a.example may have been blocked for some clients", `held order "court/1"`},
		{"b.example --at 2026-05-01T08:30:00Z", "b.example may not have been blocked for every client", `held order "` + sealedLabel("hidden/1") + "\" and did not enforce the order for this name\n"},
		{"b.example --at 2026-05-01T09:30:00Z", "b.example was blocked for every client", "note:"},
	} {
		code, out, errs := ctl(append([]string{"explain", "--journal", "journal"}, strings.Fields(tc.args)...)...)
		if code != exitOK || !strings.HasPrefix(out, tc.verdict) || !strings.Contains(out, tc.note) || strings.Contains(out, "secret\n") {
			t.Errorf("%s: exit %d\n%s%s", tc.args, code, out, errs)
		}
	}
}
