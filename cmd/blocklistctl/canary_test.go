package main

import (
	"os"
	"strings"
	"testing"

	"github.com/dns-orders/blocklist/plugin/journal"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/dns-orders/blocklist/test/journals"
)

// canaries are words of the sealed orders. No output without --sealed may contain a canary.
var canaries = []string{"canary", "1987-", "1988-", "2077-", "198.51.100.", "CAN/"}

const sealedOrders = `version: 1
timezone: Europe/Rome
authorities:
  canary-handle:
    authority: {name: Canary court, country: FR, kind: court}
    disclosure: none
    basis: canary basis
    category: canary category
    justification: canary justification
    contact: ["mailto:canary@isp.example"]
    redress: canary redress
    report_to: canary@court.example
orders:
  - {id: open/1, authority: {name: Court}, scope: global, issued: 2026-04-01, served: 2026-04-01T09:00, references: [1], review: 2027-01-01, targets: [open.example]}
  - {id: open/2, authority: {name: Court}, scope: {countries: [FR]}, issued: 2026-04-01, served: 2026-04-01T09:00, references: [2], review: 2027-01-01, targets: [x.cover.example, same.example]}
  - {id: canary/force, authority: canary-handle, scope: {countries: [FR]}, issued: 1987-01-02, served: 1988-01-03T04:05, deadline: 30m, until: 2077-01-01, references: [CAN/1], subject: canary subject, note: canary note, claimant: canary claimant, stated_count: 7, exempt: [{clients: [198.51.100.0/24], until: 2077-02-02, reference: CAN/2}], targets: [force.canary.example.org, {url: "https://www.canary.example.org/x"}, {name: same.example, references: [CAN/5], note: canary row}, {address: 198.51.100.7}]}
  - {id: canary/pending, authority: canary-handle, scope: global, issued: 1987-01-02, from: 2077-03-03, references: [CAN/3], targets: [pending.canary.example.org]}
  - {id: canary/soon, authority: canary-handle, scope: global, issued: 1987-01-02, from: 2026-05-03, until: 2026-05-05, references: [CAN/3], review: 2026-05-04, targets: [soon.canary.example.org]}
  - {id: canary/ended, authority: canary-handle, scope: global, issued: 1987-01-02, until: 1988-03-03, targets: [ended.canary.example.org]}
  - {id: canary/draft, authority: canary-handle, scope: global, status: draft, issued: 1987-01-02, deadline: 1988-04-04, targets: [draft.canary.example.org]}
  - {id: canary/late, authority: canary-handle, scope: global, issued: 1987-01-02, served: 1988-05-05, deadline: 1988-05-04, targets: [late.canary.example.org]}
  - {id: canary/shadow, authority: canary-handle, scope: global, status: shadow, issued: 1987-01-02, targets: [shadow.canary.example.org]}
  - {id: canary/held, authority: canary-handle, scope: global, issued: 1987-01-02, deadline: 1988-04-04, targets: [canary.local, held.canary.example.org]}
  - {id: canary/windows, authority: canary-handle, scope: global, issued: 1987-01-02, windows: [{from: 1988-06-06, until: 2077-06-06}], targets: [windows.canary.example.org, cover.example]}
  - {id: canary/lifted, authority: canary-handle, scope: global, issued: 1987-01-02, targets: [lifted.canary.example.org, stayed.canary.example.org]}
  - {id: canary/lift, action: lift, lifts: [canary/lifted], authority: {name: Canary appeal}, references: [CAN/4], issued: 1988-07-07, until: 2077-07-07, note: canary lift, targets: [lifted.canary.example.org]}
  - {id: canary/lift/2, action: lift, lifts: [canary/lifted], authority: {name: Canary appeal}, references: [CAN/4], issued: 1988-07-07, until: 2026-05-04, note: canary lift, targets: [stayed.canary.example.org]}
  - {id: canary/useless, action: lift, lifts: [canary/lifte], authority: {name: Canary appeal}, references: [CAN/4], issued: 1988-07-07, targets: [lifted.canary.example.org]}
`

// sealedLifts has sealed lifts of open orders.
const sealedLifts = `version: 1
orders:
  - {id: open/3, authority: {name: Court}, scope: global, issued: 1986-04-01, references: [3], review: 2027-01-01, targets: [three.example]}
  - {id: open/4, authority: {name: Court}, scope: global, issued: 1986-04-01, references: [4], review: 2027-01-01, targets: [four.example]}
  - {id: canary/lift/open, action: lift, lifts: [open/3], disclosure: code, authority: {name: Canary appeal}, references: [CAN/4], issued: 1987-07-07, until: 2077-07-07}
  - {id: canary/lift/over, action: lift, lifts: [open/4], disclosure: code, authority: {name: Canary appeal}, references: [CAN/4], issued: 1987-07-07, until: 1988-07-07}
`

// sealedBad has errors in sealed orders.
const sealedBad = `version: 1
orders:
  - {id: canary/bad, authority: {name: Canary court}, scope: global, disclosure: code, issued: 1987-02-30, targets: ["canary example"]}
  - {id: canary/unknown, authority: {name: Canary court}, scope: global, disclosre: none, targets: [c.canary.example.org]}
  - {id: canary/lift/3, action: lift, authority: {name: Canary court}, lifts: [canary/bad], issued: 1987-02-30}
`

// sealedSlip has only a slip in the key disclosure.
const sealedSlip = `version: 1
orders:
  - {id: canary/slip, authority: {name: Canary court}, scope: global, disclosre: none, targets: [c.canary.example.org]}
`

// Without --sealed, no command may print a canary. Only words that the user typed are allowed.
func TestSealedWords(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{"o.yaml": sealedOrders, "old.yaml": "version: 1\norders: []\n", "bad.yaml": sealedBad, "slip.yaml": sealedSlip, "lifts.yaml": sealedLifts,
		"Corefile": ".:53 {\n    blocklist o.yaml {\n        home FR\n    }\n}\n"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	j := journals.New(t, "node", "dns.example.net/journal/node", "2026-04-01T00:00:00Z")
	j.Load("/etc/o.yaml", sealedOrders)
	for _, id := range []string{"canary/force", "canary/lifted", "canary/draft"} {
		j.Receive(id, true, journal.InForce)
		j.Add(journal.Record{Event: journal.TargetHeld, Order: id, Sealed: true, Target: "x.canary.example.org", Why: "canary"},
			journal.Record{Event: journal.Hits, Order: id, Sealed: true, Count: 7},
			journal.Record{Event: journal.Suspended, Order: id, Sealed: true, By: "canary person"})
	}
	j.Receive("open/1", false, journal.InForce)
	j.Load("/etc/canary-file.yaml", "version: 1\norders: [{id: canary/other, authority: {name: Canary}, scope: global, disclosure: none, targets: [other.canary.example.org]}]\n")
	j.Receive("canary/other", true, journal.InForce)
	j.At("2026-05-01T11:30:00Z")
	j.Beat()
	j.Close()

	sealed := []string{ruleset.SealedLabel("canary/force"), ruleset.SealedLabel("canary/lifted")}
	var steps []string
	add := func(list ...string) { steps = append(steps, list...) }
	add("check o.yaml", "check --corefile Corefile", "check o.yaml --against old.yaml", "check old.yaml --against o.yaml", "check bad.yaml", "check slip.yaml", "list slip.yaml", "check o.yaml bad.yaml", "check o.yaml o.yaml")
	for _, o := range []string{"table", "wide", "csv", "json"} {
		add("list o.yaml -o "+o, "list o.yaml --targets -o "+o, "list o.yaml --late -o "+o, "list o.yaml --at 2026-05-03T12:00:00Z -o "+o, "list o.yaml --at 2026-03-01 --targets -o "+o)
	}
	add("list bad.yaml", "list o.yaml --digest "+sealed[0])
	for _, o := range []string{"text", "csv", "json", "html", "ics"} {
		add("due o.yaml --all -o "+o, "due o.yaml --days 3000 --all -o "+o, "due o.yaml bad.yaml -o "+o, "due --corefile Corefile --all -o "+o)
	}
	add("show "+sealed[0]+" o.yaml", "show "+sealed[1]+" o.yaml", "show open/1 o.yaml", "show same.example o.yaml", "show no.such o.yaml")
	add("diff old.yaml o.yaml", "diff o.yaml old.yaml", "diff old.yaml bad.yaml")
	add("explain same.example o.yaml", "explain same.example o.yaml --country FR", "explain same.example --corefile Corefile", "explain same.example o.yaml --at 2026-04-20T00:00:00Z",
		"explain same.example --at 2026-04-20T00:00:00Z --journal node", "explain open.example bad.yaml", "explain three.example lifts.yaml", "explain four.example lifts.yaml", "show open/3 lifts.yaml", "show open/4 lifts.yaml",
		"list lifts.yaml", "due lifts.yaml --days 3000 --all", "due lifts.yaml --days 3000 --all -o ics", "check lifts.yaml")
	for _, form := range []string{"rpz", "unbound", "dnsmasq", "hosts", "adblock", "domains"} {
		add("export " + form + " o.yaml --country FR --approximate leave-out")
	}
	for _, o := range []string{"text", "json", "csv", "html", "dsa --service S", "lumen --provider P"} {
		add("report o.yaml --from 2026-04-01 --to 2026-04-30 --journal node --format "+o, "report --from 2026-04-01 --to 2026-04-30 --journal node --format "+o,
			"report o.yaml --from 1986-01-01 --to 2026-04-30 --format "+o)
	}
	add("history same.example --journal node", "certificate open/1 o.yaml --journal node", "notice open/1 o.yaml --journal node", "certificate open/1 --journal node")
	ran := 0
	for _, step := range steps {
		for _, json := range []bool{false, true} {
			args := strings.Fields(step)
			if json {
				args = append([]string{"--json"}, args...)
			}
			code, out, errs := ctl(args...)
			if json && code == exitMisuse && strings.Contains(errs, "exclude each other") || json && strings.Contains(errs, "--json and -o") {
				continue
			}
			if code == exitMisuse {
				t.Errorf("%s: %s", step, errs)
			}
			ran++
			noCanary(t, step, out+errs)
		}
	}
	if ran < 2*len(steps)-40 {
		t.Errorf("only %d runs", ran)
	}
	for _, word := range []string{"canary/force", "force.canary.example.org", "stayed.canary.example.org", "lifted.canary.example.org", "pending.canary.example.org", "ended.canary.example.org",
		"shadow.canary.example.org", "held.canary.example.org", "www.canary.example.org", "CAN/1", "canary/lift", "canary/other", "other.canary.example.org"} {
		for _, step := range []string{"show WORD o.yaml", "list o.yaml --target WORD", "list o.yaml --id WORD", "list o.yaml --reference WORD", "explain WORD o.yaml", "explain WORD o.yaml --country FR",
			"explain WORD o.yaml --client 198.51.100.9 --country FR", "explain WORD o.yaml --at 2026-05-06T00:00:00Z", "explain WORD --at 2026-04-20T00:00:00Z --journal node", "history WORD --journal node", "certificate WORD o.yaml --journal node", "notice WORD o.yaml --journal node"} {
			if strings.HasPrefix(step, "explain") && strings.Contains(word, "/") {
				continue // the tool reads the word as the URL of a host
			}
			_, out, errs := ctl(strings.Fields(strings.ReplaceAll(step, "WORD", word))...)
			_, json, more := ctl(strings.Fields("--json " + strings.ReplaceAll(step, "WORD", word))...)
			for _, out := range []string{out + errs, json + more} {
				noCanary(t, step+": "+word, strings.NewReplacer(word, "WORD", "198.51.100.9", "CLIENT").Replace(out))
			}
		}
	}
}

func noCanary(t *testing.T, step, out string) {
	t.Helper()
	for _, word := range canaries {
		if i := strings.Index(strings.ToLower(out), strings.ToLower(word)); i >= 0 {
			t.Errorf("%s: the output has %q: ...%s...", step, word, strings.ReplaceAll(out[max(0, i-160):min(len(out), i+160)], "\n", "\n    "))
			return
		}
	}
}

// TestSealedHint checks that show gives the same message for a sealed name and an unknown name.
func TestSealedHint(t *testing.T) {
	t.Chdir(t.TempDir())
	os.WriteFile("o.yaml", []byte(sealedOrders), 0o600)
	message := func(name string) string {
		code, out, errs := ctl("show", name, "o.yaml")
		if code != exitProblems || out != "" || !strings.Contains(errs, "only with --sealed") {
			t.Errorf("%s: exit %d\n%s%s", name, code, out, errs)
		}
		return strings.ReplaceAll(errs, name, "NAME")
	}
	if a, b := message("force.canary.example.org"), message("nobody.blocks.example.org"); a != b {
		t.Errorf("the messages differ:\n%s\n%s", a, b)
	}
	if code, out, errs := ctl("show", "force.canary.example.org", "o.yaml", "--sealed"); code != exitOK || !strings.Contains(out, "canary note") {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
}
