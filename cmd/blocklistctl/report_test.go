package main

import (
	"bytes"
	"encoding/csv"
	"io"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dns-orders/blocklist/plugin/journal"
	"github.com/dns-orders/blocklist/test/journals"
)

func makeNodes(t *testing.T) {
	t.Helper()
	for i, node := range []string{"node1", "node2"} {
		at := []string{"2026-04-21T07:04:10Z", "2026-04-21T07:05:30Z"}[i]
		j := journals.New(t, node, "dns.example.net/journal/"+node, "2026-04-01T00:00:00Z")
		j.Load("/etc/coredns/orders/report.yaml", "version: 1\norders: []\n")
		j.At(at)
		j.Load("/etc/coredns/orders/report.yaml", "version: 1\norders: [{id: milan/2026-17, authority: {name: A}, scope: global, targets: [a.example]}]\n")
		j.Receive("milan/2026-17", false, journal.InForce)
		j.At("2026-04-21T08:00:01Z")
		j.Add(journal.Record{Event: journal.Hits, Order: "milan/2026-17", Count: uint64(120 + 11*i)})
		j.Beat()
		if i == 0 {
			j.At("2026-04-30T08:12:00Z")
			j.Receive("milan/2026-23", false, journal.InForce)
		}
		j.At("2026-04-30T22:00:01Z")
		j.Beat()
		j.At("2026-05-01T11:00:01Z")
		j.Beat()
		j.At("2026-05-01T13:00:00Z") // after the time of the tests
		j.Close()
	}
}

// TestReports runs the commands about reports.
func TestReports(t *testing.T) {
	dir := t.TempDir()
	text, err := os.ReadFile(filepath.Join("testdata", "docs", "report.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	makeNodes(t)
	const secret = "- {id: hidden/1, authority: milan, served: 2026-04-22, disclosure: none, targets: [h.example]}\n"
	os.WriteFile("report.yaml", append(text, secret...), 0o600)
	const april = "report report.yaml --from 2026-04-01 --to 2026-04-30 --journal node1 --journal node2"
	for _, tc := range []struct {
		args string
		code int
		want string // a part of the output, or of standard error after "! "
	}{
		{april, exitOK, "milan/2026-17: Tribunale di Milano, IT, court; 17/2026\n"},
		{april, exitOK, "    a sealed order; --sealed shows the order\n"},
		{april + " --sealed", exitOK, "hidden/1: Tribunale di Milano, IT, court\n"},
		{april + " --format csv", exitOK, "order,sealed,action,"},
		{april + " --format html", exitOK, "<!DOCTYPE html>\n"},
		{april + " --format dsa --service DNS", exitOK, "All,DNS,2026-04-01/2026-04-30,TOTAL,,TOTAL,3,4,0.33,0.09,"},
		{april + " --format lumen --provider ISP", exitOK, `{"notice":{"type":"CourtOrder",`},
		{april + " --format lumen --provider ISP", exitOK, "! blocklistctl: note: no notice for 1 order: sealed\n"},
		{april + " --format dsa", exitMisuse, "! blocklistctl: --format dsa requires --service NAME\n"},
		{april + " --format lumen --provider ISP --sealed", exitMisuse, "! blocklistctl: --sealed cannot be used with --format lumen"},
		{april + " --map x=KEYWORD_PISHING --format dsa --service D", exitMisuse, `did you mean "KEYWORD_PHISHING"?`},
		{april + " --map x=KEYWORD_PHISHING", exitMisuse, "--map requires --format dsa"},
		{april + " --format dsa --service D --map copyright=KEYWORD_DEFAMATION", exitOK, "KEYWORD_DEFAMATION,,IT,3,4,"},
		{"--json " + april + " --format csv", exitMisuse, `--json and --format csv exclude each other`},
		{april + " --journal node1", exitProblems, "the journal dns.example.net/journal/node1 is given twice: node1 and node1"},
		{april + " --key nothing", exitMisuse, "--key is neither a file nor the key of a journal"},
		{"report report.yaml --from 2026-04-30 --to 2026-04-01", exitMisuse, "--to must be later than --from"},
		{"report report.yaml --from x --to 2026-04-01", exitMisuse, "! blocklistctl: --from: "},
		{"report report.yaml --from 2026-04-01 --to 2026-04-30", exitOK, "note: no journal is given, so it is unknown when the orders were in force\n"},
		{"report --from 2026-04-01 --to 2026-04-30", exitMisuse, "no ORDERS"},
		{"report --from 2026-04-01 --to 2026-04-30 --journal nothing", exitProblems, "nothing/journal.vkey"},
		{"report --from 2026-04-01 --to 2026-04-30 --journal node1", exitOK, "\nmilan/2026-17: A\n"},
		{"certificate milan/2026-17 report.yaml --journal node1 --journal node2", exitOK, "Certificate of the order milan/2026-17\n"},
		{"certificate milan/2026-17 --journal node1 --html page.html", exitOK, "! blocklistctl: page.html is written\n"},
		{"certificate milan/2026-17 --journal node1 --html none/page.html", exitProblems, "none/page.html cannot be written: no such file or directory"},
		{"report report.yaml --from 2026-04-01T10:00 --to 2026-04-30 --format dsa --service D", exitMisuse, "the period must have whole days in the time zone Europe/Rome"},
		{"certificate hidden/1 report.yaml --journal node1", exitProblems, "is sealed; --sealed shows the order"},
		{"certificate hidden/1 report.yaml --journal node1 --sealed", exitOK, "Certificate of the order hidden/1\n"},
		{"certificate none report.yaml --journal node1", exitProblems, `no order file and no journal has the order "none"`},
		{"certificate milan/2026-17 report.yaml", exitMisuse, "--journal is required"},
		{"notice milan/2026-17 report.yaml --journal node1 --journal node2", exitOK, "The order came into force on all of our 2 servers: on the first at 2026-04-21 09:04:10 +02:00, and on the last at 2026-04-21 09:05:30 +02:00."},
		{"notice milan/2026-23 report.yaml --journal node1 --journal node2", exitOK, "The order came into force on 1 of 2 servers at 2026-04-30 10:12:00 +02:00.\n"},
		{"notice milan/2026-23 report.yaml --journal node1 --eml --from legal@isp.example", exitProblems, `has no report_to: give the address with --to`},
		{"notice milan/2026-17 report.yaml --journal node1 --eml", exitMisuse, "--eml requires --from ADDRESS"},
		{"notice milan/2026-17 report.yaml --journal node1 --from a@b.example", exitMisuse, "--from and --to require --eml"},
	} {
		code, out, errs := ctl(strings.Fields(tc.args)...)
		if len(errs) > 0 {
			out += "! " + errs
		}
		if code != tc.code || !strings.Contains(out, tc.want) {
			t.Errorf("%s: exit %d\n%s\nwant %d, with %q", tc.args, code, out, tc.code, tc.want)
		}
		if (strings.Contains(out, "h.example") || strings.Contains(out, "hidden/1") && !strings.Contains(tc.args, "hidden/1")) && !strings.Contains(tc.args, "--sealed") {
			t.Errorf("%s shows the sealed order:\n%s", tc.args, out)
		}
		if args := append([]string{"--json"}, strings.Fields(tc.args)...); code == exitOK && !strings.Contains(tc.args, "--format") && !strings.Contains(tc.args, "--html") {
			_, out, _ := ctl(args...)
			oneDocument(t, args, []byte(out))
		}
	}
	page, err := os.ReadFile("page.html")
	if err != nil || !bytes.Contains(page, []byte("<h1>Certificate of the order milan/2026-17</h1>")) {
		t.Errorf("%s, %v", page, err)
	}
}

func TestReportFaults(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "docs", "report.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	os.WriteFile("report.yaml", text, 0o600)
	makeNodes(t)
	path := filepath.Join("node2", "records", "000000000000.jsonl")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	os.WriteFile(path, bytes.Replace(b, []byte(`"2026-04-21T07:05:30`), []byte(`"2026-04-21T07:01:30`), 1), 0o600)
	for _, format := range []string{"text", "json", "csv", "html", "dsa --service D", "lumen --provider P"} {
		code, out, errs := ctl(strings.Fields("report report.yaml --from 2026-04-01 --to 2026-04-30 --journal node1 --journal node2 --format " + format)...)
		if code != exitProblems || !strings.Contains(out+errs, "was changed") || !strings.Contains(errs, "a journal with a fault is no evidence") {
			t.Errorf("%s: exit %d\n%s\n%s", format, code, out, errs)
		}
	}
	for _, args := range []string{"certificate milan/2026-17", "certificate milan/2026-17 --html x.html", "notice milan/2026-17", "notice milan/2026-17 --eml --from a@b.example"} {
		code, out, errs := ctl(append(strings.Fields(args), "--journal", "node2", "report.yaml")...)
		if code != exitProblems || !strings.Contains(out+errs, "was changed") {
			t.Errorf("%s: exit %d\n%s\n%s", args, code, out, errs)
		}
	}
}

func TestHostileTexts(t *testing.T) {
	t.Chdir(t.TempDir())
	makeNodes(t)
	const hostile = `version: 1
orders:
- id: milan/2026-17
  authority: {name: "=HYPERLINK(\"http://x\")<script>alert(1)</script>\u202e", country: IT, kind: court}
  references: ["a\r\nBcc: x@evil.example", "Füße"]
  category: "+copyright"
  served: 2026-04-21T09:00Z
  scope: global
  subject: "@sum"
  report_to: "Ämt\r\nBcc: x@evil.example <desk@authority.example>"
  targets: [a.example]
`
	os.WriteFile("report.yaml", []byte(hostile), 0o600)
	const args = "report.yaml --journal node1"
	_, out, _ := ctl(strings.Fields("report " + args + " --from 2026-04-01 --to 2026-04-30 --format csv")...)
	rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		for _, cell := range row {
			if cell != "" && strings.ContainsAny(cell[:1], "=+-@") || strings.ContainsAny(cell, "\r\n\u202e") {
				t.Errorf("cell %q", cell)
			}
		}
	}
	for _, cmd := range []string{"report " + args + " --from 2026-04-01 --to 2026-04-30 --format html", "report " + args + " --from 2026-04-01 --to 2026-04-30", "certificate milan/2026-17 " + args, "notice milan/2026-17 " + args} {
		_, out, _ := ctl(strings.Fields(cmd)...)
		if strings.Contains(out, "\u202e") || strings.Contains(out, "\r") || strings.Contains(cmd, "html") && strings.Contains(out, "<script") {
			t.Errorf("%s:\n%s", cmd, out)
		}
	}
	code, out, errs := ctl(append(strings.Fields("notice milan/2026-17 "+args+" --eml --from"), "Büro <legal@isp.example>")...)
	if code != exitProblems || !strings.Contains(errs, "is no mail address") { // the blanks of report_to cannot be a name
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
	for _, bad := range []string{"Ämt@authority.example", "amt@ämter.example", "\"a\\\nb\"@authority.example"} {
		code, out, errs = ctl(append(strings.Fields("notice milan/2026-17 "+args+" --eml"), "--to", bad, "--from", "Büro <legal@isp.example>")...)
		if code != exitProblems || out != "" {
			t.Errorf("%q: exit %d\n%s%s", bad, code, out, errs)
		}
	}
	code, out, errs = ctl(append(strings.Fields("notice milan/2026-17 "+args+" --eml"), "--to", "Ämt <amt@authority.example>", "--from", "Büro <legal@isp.example>")...)
	if code != exitOK {
		t.Fatal(errs)
	}
	m, err := mail.ReadMessage(strings.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil || subject != "Effect given to order a Bcc: x@evil.example, Füße" || m.Header.Get("Bcc") != "" || len(m.Header) != 9 {
		t.Errorf("subject %q, header %q, %v", subject, m.Header, err)
	}
	body, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	if err != nil || !strings.Contains(string(body), "Order: a Bcc: x@evil.example, Füße\r\n") {
		t.Errorf("%s, %v", body, err)
	}
	for line := range strings.Lines(out) {
		if len(line) > 80 || !strings.HasSuffix(line, "\r\n") || strings.ContainsFunc(line, func(r rune) bool { return r > '~' }) {
			t.Errorf("line %q", line)
		}
	}
}

// Without a journal, a report must not print 0 for an unknown number.
func TestReportWithoutJournal(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "docs", "report.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	makeNodes(t)
	os.WriteFile("report.yaml", text, 0o600)
	const (
		none   = "report report.yaml --from 2026-04-01 --to 2026-04-30"
		silent = "report report.yaml --from 2026-01-01 --to 2026-02-28 --journal node1"
	)
	for _, tc := range []struct {
		args string
		want []string
	}{
		{none, []string{"   unknown  of these late\n", "         2  block orders in force at the end of the period, by the order files\n", "   unknown  of these in force on all nodes\n", "   unknown  block orders that ended in the period\n", "   unknown  answers changed\n",
			"no journal says whether the order was in force; by the order files at the end of the period: in_force\n", "nothing is known of the servers\n"}},
		{none + " --format html", []string{"<li><b>2</b>block orders in force at the end of the period, by the order files</li>", "<li><b>unknown</b>answers changed</li>", "<li><b>unknown</b>of these late</li>", "nothing is known of the servers"}},
		{"--json " + none, []string{`"in_force": 2,`, `"in_force_by_files": true`, `"everywhere": null`, `"ended": null`, `"late": null`, `"answers_changed": null`, `"state_by_files": "in_force"`}},
		{none + " --format csv", []string{",,,,,0,,,,unknown,,,1,,,in_force\r\n"}},
		{none + " --format dsa --service D", []string{"not in the median: 2 of 2 orders, without a known time on the last server"}},
		{silent, []string{"         2  block orders in force at the end of the period, by the order files\n", "   unknown  answers changed\n", "no node has records in the period"}},
		{"report --from 2026-01-01 --to 2026-02-28 --journal node1", []string{"   unknown  block orders in force at the end of the period\n"}},
		{none + " --journal node1", []string{"         2  block orders in force at the end of the period\n", "       120  answers changed\n"}},
	} {
		code, out, errs := ctl(strings.Fields(tc.args)...)
		for _, want := range tc.want {
			if code != exitOK || !strings.Contains(out, want) {
				t.Errorf("%s: exit %d\n%s%s\nwant %q", tc.args, code, out, errs, want)
			}
		}
	}
}
