package register

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/dns-orders/blocklist/plugin/order"
)

func checkLines(t *testing.T, p *Preset, data []byte, opt Options, want *Result, wantErr error) {
	t.Helper()
	opt.Path, opt.Previous = "out.jsonl", asLines(t, opt.Previous)
	got, err := Import(p, data, opt)
	if (err != nil) != (wantErr != nil) {
		t.Fatalf("%s: error %v, and for YAML %v", p.Name, err, wantErr)
	}
	if err != nil {
		return
	}
	if text, wantText := got.Content.Bytes(), asLines(t, want.Content.Bytes()); !bytes.Equal(text, wantText) {
		t.Fatalf("%s: got the lines\n%s\nwant\n%s", p.Name, text, wantText)
	}
	a, b := *got, *want
	a.Content, b.Content = nil, nil
	if !reflect.DeepEqual(a, b) {
		t.Fatalf("%s: got %+v, and for YAML %+v", p.Name, a, b)
	}
}

// asLines returns a YAML file as JSON Lines.
func asLines(t *testing.T, file []byte) []byte {
	t.Helper()
	if len(file) == 0 {
		return nil
	}
	f, problems := order.Parse("out.yaml", bytes.NewReader(file), order.Options{})
	if bad := problems.Errors(); len(bad) > 0 {
		t.Fatal(bad)
	}
	var b bytes.Buffer
	h := order.Header{Serial: f.Serial, ShrinkOK: f.ShrinkOK, Timezone: f.Timezone, Source: f.Source, Expires: f.Expires}
	if err := order.Encode(&b, ".jsonl", h, f.Orders); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestTableLines(t *testing.T) {
	var b strings.Builder
	b.WriteString("Updated: 2026-01-02 10:00:00 +0300\n")
	for i := range 3_000 {
		name, page := fmt.Sprintf("h%d.example.com", i), ""
		switch i % 7 {
		case 1:
			name = "*." + name
		case 2:
			page = fmt.Sprintf("http://h%d.example.com/%d", i, i)
		case 3:
			name += " | " + "www." + name
		case 4:
			name = ""
		case 5:
			name = " H" + name + " "
		}
		fmt.Fprintf(&b, "192.0.2.%d;%s;%s;Court %d;%d;2026-01-0%d\n", i%200+1, name, page, i%3, i/5, i%2+1)
		if i%1000 == 999 {
			b.WriteString("\na;b\n;;;Court;1;2026-01-01\n192.0.2.1;a b;;Court;1;2026-01-01\n")
		}
	}
	for _, more := range []string{"", "192.0.2.1;a.example.com;;;;\n"} {
		data := []byte(b.String() + more)
		var results []Result
		for _, quote := range []string{"none", ""} {
			p := load(t, "ru-csv")
			p.Quote = quote
			opt := options(nil, order.NoTime)
			opt.Fixes = []Fix{{"domain", "h14.example.com", "fixed.example.com", "a test"}}
			opt.Path, opt.SkipRefused = "out.jsonl", 9+strings.Count(more, "\n")
			res, err := Import(p, data, opt)
			if err != nil || res.Content == nil {
				t.Fatalf("error %v, problems %q", err, res.Problems)
			}
			res.Content = Text{res.Content.Bytes()}
			results = append(results, *res)
		}
		if !reflect.DeepEqual(results[0], results[1]) {
			t.Errorf("got %+v\nand as CSV %+v", results[0], results[1])
		}
	}
}
