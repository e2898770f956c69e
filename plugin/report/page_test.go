package report

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/net/html"

	"github.com/dns-orders/blocklist/plugin/evidence"
	"github.com/dns-orders/blocklist/plugin/journal"
)

func TestPages(t *testing.T) {
	d := read(t, fleet(t), present(t))
	r := Collect(d, april)
	c, err := NewCertificate(d, "athens/5", april)
	if err != nil {
		t.Fatal(err)
	}
	c.By = `<script>alert("1")</script>`
	c.Faults = []string{`<img onload=x>`}
	r.Faults = c.Faults
	for name, write := range map[string]func(*bytes.Buffer) error{
		"report":      func(b *bytes.Buffer) error { return r.WriteHTML(b, d) },
		"certificate": func(b *bytes.Buffer) error { return c.WriteHTML(b) },
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		text := b.String()
		for _, bad := range []string{"<script", "<link", "<img", " src=", "url(", "@import", "http:", "https:", "&lt;no value", "%!"} {
			if strings.Contains(text, bad) {
				t.Errorf("%s: has %s", name, bad)
			}
		}
		for _, want := range []string{"@media print", "prefers-color-scheme: dark", "size: A4", "overflow-wrap: anywhere", "default-src 'none'", "&lt;img onload=x&gt;"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: lacks %s", name, want)
			}
		}
		var open []string
		count := map[string]int{}
		for z := html.NewTokenizer(strings.NewReader(text)); ; {
			kind := z.Next()
			if kind == html.ErrorToken {
				break
			}
			tag := z.Token().Data
			switch {
			case kind == html.StartTagToken && !slices.Contains([]string{"meta", "br"}, tag):
				open = append(open, tag)
				count[tag]++
			case kind == html.SelfClosingTagToken:
				count[tag]++
			case kind == html.EndTagToken:
				if n := len(open); n == 0 || open[n-1] != tag {
					t.Fatalf("%s: </%s> ends %q", name, tag, open)
				}
				open = open[:len(open)-1]
			}
		}
		if len(open) > 0 || count["h1"] != 1 || count["title"] != 1 {
			t.Errorf("%s: open %q, elements %v", name, open, count)
		}
		if name == "report" && (count["svg"] != 2 || count["polyline"] != 1) {
			t.Errorf("the charts are missing: %v", count)
		}
	}
}

func TestChart(t *testing.T) {
	d := read(t, fleet(t), present(t))
	r := Collect(d, april)
	sum := 0
	for _, b := range r.Bars() {
		sum += b.Count
		if b.Y < chartTop || b.Y+b.Height != chartBase {
			t.Errorf("%+v", b)
		}
	}
	if sum != r.Totals.Measured || sum != 4 {
		t.Errorf("the bars have %d orders, measured %d", sum, r.Totals.Measured)
	}
	if l := r.Line(d); l.Most != 4 { // one order has ended before the others began
		t.Errorf("%+v", l)
	}
	empty := Collect(&Data{Zone: rome}, april)
	if empty.Bars() != nil || empty.Line(&Data{}) != nil {
		t.Error("an empty report has a chart")
	}
	var b bytes.Buffer
	if err := empty.WriteHTML(&b, &Data{}); err != nil || !strings.Contains(b.String(), "The report has no orders.") {
		t.Error(b.String(), err)
	}
}

func TestOutsiders(t *testing.T) {
	dir := fleet(t)
	sub := filepath.Join(dir, "node1")
	points, err := filepath.Glob(filepath.Join(sub, "checkpoints", "*"))
	if err != nil || len(points) < 2 {
		t.Fatalf("%q, %v", points, err)
	}
	for _, p := range points {
		os.WriteFile(p+".tsr", []byte("a stamp"), 0o600)
	}
	skey, _, err := note.GenerateKey(rand.Reader, "witness.example/w")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(sub, "checkpoint")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	vkey, err := journal.ReadVerifier(filepath.Join(sub, "journal.vkey"))
	if err != nil {
		t.Fatal(err)
	}
	n, err := note.Open(text, note.VerifierList(vkey))
	if err != nil {
		t.Fatal(err)
	}
	signed, err := note.Sign(n, signer)
	if err != nil {
		t.Fatal(err)
	}
	os.WriteFile(path, signed, 0o600)
	c, err := NewCertificate(read(t, dir, nil), "milan/2026-17", april)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Faults) > 0 {
		t.Error(c.Faults)
	}
	var first int64
	fmt.Sscan(filepath.Base(points[0]), &first)
	if x := c.Nodes[0]; x.Stamp != first || len(x.Cosignatures) != 1 || x.Cosignatures[0] != (Cosignature{"witness.example/w", x.Signed}) || !x.Complete {
		t.Errorf("%+v, the first checkpoint has %d records", x, first)
	}
	var b strings.Builder
	c.WriteText(&b)
	for _, want := range []string{"openssl ts -verify -data DIR/checkpoints/SIZE", "cosignature of witness.example/w for ", "has a time stamp and contains the record in_force"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("lacks %q:\n%s", want, b.String())
		}
	}
}

// TestCollected checks the errors about collected.json.
func TestCollected(t *testing.T) {
	dir := fleet(t)
	good, err := os.ReadFile(filepath.Join(dir, evidence.CollectedName))
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ was, is, want string }{
		{`"dir":"node1"`, `"dir":"../node1"`, `the directory "../node1" of a node is no name of a directory`},
		{`"dir":"node1"`, `"dir":"/etc"`, `the directory "/etc" of a node is no name of a directory`},
		{`"name":"dns.example.net/journal/node1"`, `"name":"other"`, `the key belongs to "dns.example.net/journal/node1"`},
		{`"name":"dns.example.net/journal/node1"`, `"name":""`, "name is missing"},
		{`"key":"dns`, `"key":"x`, "key"},
		{string(good), "{", "unexpected end of JSON input"},
		{string(good), "{}", "has no nodes"},
		{string(good), `{"nodes":[{"name":"x","key":"","dir":"x"}]}`, "key: is not the key of a journal"},
	} {
		os.WriteFile(filepath.Join(dir, evidence.CollectedName), []byte(strings.Replace(string(good), tc.was, tc.is, 1)), 0o600)
		if _, err := Open(dir, nil); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error %v, want %q", tc.is, err, tc.want)
		}
	}
	os.WriteFile(filepath.Join(dir, evidence.CollectedName), []byte(strings.NewReplacer(`"size":5`, `"size":500`, `"dir":"node2"`, `"dir":"node2","error":"timeout"`).Replace(string(good))), 0o600)
	nodes, err := Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(nodes) != 3 || !strings.Contains(strings.Join(nodes[0].Faults, ""), "says 500 signed records") || nodes[1].Silent != "timeout" || nodes[1].orders["milan/2026-17"] == nil || nodes[2].Silent != "connection refused" {
		t.Errorf("%+v", nodes)
	}
	// Open must use the pinned key and not the key in the journal.
	os.WriteFile(filepath.Join(dir, evidence.CollectedName), good, 0o600)
	os.WriteFile(filepath.Join(dir, "node1", "journal.vkey"), []byte(publicKey(t, "dns.example.net/journal/node1")+"\n"), 0o600)
	nodes, err = Open(dir, nil)
	if err != nil || !strings.Contains(strings.Join(nodes[0].Faults, ""), "is not the given public key") {
		t.Errorf("%v, %v", nodes, err)
	}
	if d, err := Load(nil, append(nodes, nodes[1])); err == nil {
		t.Errorf("a journal that is given twice: %+v", d)
	}
}
