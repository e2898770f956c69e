package register

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/dns-orders/blocklist/plugin/order"
)

// checkLines imports the same file into JSON Lines, and compares the result with the result of an
// import into YAML. For YAML, all orders are in memory. For JSON Lines, each order is encoded at once.
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
