package report

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/evidence"
	"github.com/dns-orders/blocklist/plugin/journal"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/test/journals"
)

var update = flag.Bool("update", false, "write the golden files")

const canary = "canary-4711"

const ordersText = `version: 1
timezone: Europe/Rome
orders:
- id: milan/2026-17
  authority: {name: "Tribunale di Milano", country: IT, kind: court}
  references: ["R.G. 17/2026"]
  basis: art. 156 l. 633/1941
  category: copyright
  issued: 2026-04-20
  served: 2026-04-21T09:00
  acknowledged: 2026-04-21T09:20
  reported: 2026-04-21T12:00
  deadline: 30m
  scope: {countries: [IT]}
  document: {sha256: 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef, verified_by: Ann, approved_by: Bob}
  report_to: "Cancelleria <sezione.imprese@giustizia.example>"
  targets: [a.example, "*.b.example", {name: c.example, match: exact}, {url: "https://d.example/page"}]
- id: athens/5
  authority: {name: "=cmd|' /C calc'!A1", country: GR, kind: regulator}
  category: KEYWORD_PHISHING
  served: 2026-04-28T10:00
  deadline: 2026-04-28T11:00
  scope: global
  targets: [e.example]
- id: us/9
  authority: {name: District Court, country: US, kind: court}
  category: nothing known
  served: 2026-04-22
  scope: global
  targets: [f.example]
- id: ` + canary + `/1
  authority: {name: "Procura ` + canary + `", country: IT, kind: court}
  category: csam
  served: 2026-04-23T08:00
  disclosure: none
  scope: global
  targets: [` + canary + `.example]
`

const removedText = `- id: rome/1
  authority: {name: Tribunale di Roma, country: IT, kind: court}
  category: gambling
  served: 2026-04-10T08:00
  scope: global
  targets: [g.example]
`

func fleet(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for i, node := range []string{"node1", "node2"} {
		minute := func(h, m int) string { return fmt.Sprintf("%02d:%02d:00Z", h, m+2*i) }
		j := journals.New(t, filepath.Join(dir, node), "dns.example.net/journal/"+node, "2026-04-01T00:00:00Z")
		j.Load("/etc/orders.yaml", "version: 1\norders: []\n")
		j.At("2026-04-10T" + minute(7, 0))
		j.Load("/etc/orders.yaml", ordersText[:strings.Index(ordersText, "- id")]+removedText)
		j.Receive("rome/1", false, journal.InForce)
		j.At("2026-04-12T" + minute(7, 0))
		j.Load("/etc/orders.yaml", ordersText[:strings.Index(ordersText, "- id: athens")])
		j.Add(journal.Record{Event: journal.Removed, Order: "rome/1"})
		j.At("2026-04-21T" + minute(7, 10))
		j.Load("/etc/orders.yaml", ordersText[:strings.Index(ordersText, "- id: athens")]+"# served\n")
		j.Receive("milan/2026-17", false, journal.InForce)
		j.Add(journal.Record{Event: journal.SelfTest, Order: "milan/2026-17", Target: "a.example", Server: "127.0.0.1:53", Name: "a.example", Type: "A", Rcode: "NXDOMAIN", EDE: []uint16{17}})
		j.At("2026-04-21T" + minute(7, 15))
		j.Add(journal.Record{Event: journal.FirstAnswer, Order: "milan/2026-17"})
		j.At("2026-04-21T08:00:01Z")
		j.Add(journal.Record{Event: journal.Hits, Order: "milan/2026-17", Count: uint64(100 + i)})
		j.Beat()
		j.At("2026-04-23T" + minute(7, 0))
		j.Load("/etc/orders.yaml", ordersText)
		for _, id := range []string{"us/9", canary + "/1"} {
			j.Receive(id, id != "us/9", journal.InForce)
		}
		if i == 0 { // node2 has not loaded the order
			j.At("2026-04-28T09:30:00Z")
			j.Receive("athens/5", false, journal.InForce)
			j.Add(journal.Record{Event: journal.TargetHeld, Order: "milan/2026-17", Target: "a.example", Why: "a.example is in the protect list"})
			j.Add(journal.Record{Event: journal.Probe, Order: "milan/2026-17", Target: "*.b.example", Server: "192.0.2.53:53", Name: "x.b.example", Type: "A", Rcode: "NOERROR", Why: "the answer has addresses"})
		}
		j.At("2026-05-01T10:30:00Z")
		j.Beat()
		j.At("2026-05-01T11:00:00Z")
		j.Close()
	}
	key := func(node string) string {
		b, err := os.ReadFile(filepath.Join(dir, node, "journal.vkey"))
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(b))
	}
	c := map[string]any{"at": "2026-05-01T00:00:00Z", "nodes": []any{
		map[string]any{"name": "dns.example.net/journal/node1", "key": key("node1"), "dir": "node1", "size": 5},
		map[string]any{"name": "dns.example.net/journal/node2", "key": key("node2"), "dir": "node2", "size": 5},
		map[string]any{"name": "dns.example.net/journal/node3", "key": publicKey(t, "dns.example.net/journal/node3"), "dir": "", "size": 0, "error": "connection refused"},
	}}
	b, _ := json.Marshal(c)
	if err := os.WriteFile(filepath.Join(dir, evidence.CollectedName), b, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func publicKey(t testing.TB, name string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "other")
	journals.New(t, dir, name, "2026-04-01T00:00:00Z").Close()
	b, err := os.ReadFile(filepath.Join(dir, "journal.vkey"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(b))
}

// present returns the order file as the present file.
func present(t testing.TB) []File {
	t.Helper()
	var orders []*order.Order
	_, problems := order.Parse("orders.yaml", strings.NewReader(ordersText), order.Options{Emit: func(o *order.Order) {
		own := *o
		own.Targets = slices.Clone(o.Targets)
		orders = append(orders, &own)
	}})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return []File{{"orders.yaml", orders, rome}}
}

var rome = func() *time.Location {
	z, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		panic(err)
	}
	return z
}()

var april = Options{
	From: time.Date(2026, 4, 1, 0, 0, 0, 0, rome), To: time.Date(2026, 5, 1, 0, 0, 0, 0, rome), Now: time.Date(2026, 5, 1, 10, 45, 0, 0, time.UTC),
	Disclosure: func(id string) order.Disclosure {
		if strings.HasPrefix(id, canary) {
			return order.None
		}
		return order.Full
	},
}

func read(t testing.TB, dir string, files []File) *Data {
	t.Helper()
	nodes, err := Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	d, err := Load(files, nodes)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

var random = regexp.MustCompile(`\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}|root [A-Za-z0-9+/]{43}=|"root": "[^"]*"`)

// golden compares an output with a golden file.
func golden(t *testing.T, name string, got []byte, dir string) {
	t.Helper()
	got = random.ReplaceAll(bytes.ReplaceAll(got, []byte("&#43;"), []byte("+")), []byte("RANDOM"))
	got = bytes.ReplaceAll(got, []byte(dir), []byte("DIR"))
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; -update writes it. Got:\n%s", path, got)
	}
}

func TestGolden(t *testing.T) {
	dir := fleet(t)
	d := read(t, dir, present(t))
	r := Collect(d, april)
	var text, csv, html, dsaText, lumenText bytes.Buffer
	var document bytes.Buffer
	if err := r.WriteJSON(&document, func(s string) string { return s }); err != nil {
		t.Fatal(err)
	}
	js := bytes.TrimSuffix(document.Bytes(), []byte("\n"))
	dsa, problems, err := r.DSA(DSAOptions{Service: "Example DNS"})
	if len(problems) > 0 || err != nil {
		t.Fatal(problems, err)
	}
	for _, err := range []error{r.WriteText(&text), r.WriteCSV(&csv), r.WriteHTML(&html, d), dsa.WriteCSV(&dsaText)} {
		if err != nil {
			t.Error(err)
		}
	}
	notices, notes := r.Lumen("Example ISP")
	for _, n := range notices {
		b, _ := json.MarshalIndent(n, "", "  ")
		fmt.Fprintf(&lumenText, "%s\n", b)
	}
	for _, s := range append(notes, dsa.Notes...) {
		fmt.Fprintf(&lumenText, "note: %s\n", s)
	}
	c, err := NewCertificate(d, "milan/2026-17", april)
	if err != nil {
		t.Fatal(err)
	}
	var page, certificate, eml bytes.Buffer
	for _, err := range []error{c.WriteText(&certificate), c.WriteHTML(&page)} {
		if err != nil {
			t.Error(err)
		}
	}
	cjs, _ := json.MarshalIndent(c, "", "  ")
	n, _, err := NewNotice(d, "milan/2026-17", NoticeOptions{april, "Example ISP, Legal Desk"})
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Mail(&eml, MailOptions{From: "Büro für Recht <legal@isp.example>", Now: april.Now}); err != nil {
		t.Error(err)
	}
	for name, got := range map[string][]byte{
		"report.txt": text.Bytes(), "report.csv": csv.Bytes(), "report.html": html.Bytes(), "report.json": js, "dsa.csv": dsaText.Bytes(), "lumen.txt": lumenText.Bytes(),
		"certificate.txt": certificate.Bytes(), "certificate.html": page.Bytes(), "certificate.json": cjs, "notice.txt": []byte(n.Text()), "notice.eml": eml.Bytes(),
	} {
		golden(t, name, got, dir)
		if bytes.Contains(got, []byte(canary)) {
			t.Errorf("%s names the sealed order", name)
		}
	}
}

func TestWithoutFiles(t *testing.T) {
	d := read(t, fleet(t), nil)
	r := Collect(d, april)
	found := map[string]*Row{}
	for x := range r.Orders() {
		found[x.Order] = x
	}
	if x := found["rome/1"]; x == nil || x.Authority != "Tribunale di Roma" || x.State != "removed" || x.Ended != "2026-04-12T07:02:00Z" || x.Served != "2026-04-10T06:00:00Z" {
		t.Errorf("%+v", x)
	}
	if x := found["milan/2026-17"]; x == nil || x.Acknowledged == "" || x.Targets != 4 {
		t.Errorf("%+v", x)
	}
	if d.Zone.String() != "Europe/Rome" || r.Totals.Sealed != 1 {
		t.Errorf("zone %s, totals %+v", d.Zone, r.Totals)
	}
}
