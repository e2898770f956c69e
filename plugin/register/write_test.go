package register

import (
	"bytes"
	"testing"

	"github.com/dns-orders/blocklist/plugin/order"
)

// TestEncode checks that the output in batches is equal to the output of order.Encode.
func TestEncode(t *testing.T) {
	p, err := Load("fr-anj", "")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{1, 10, 6_000} {
		for _, path := range []string{"out.yaml", "out.json", "out.jsonl"} {
			res, err := Import(p, bigTable(n), Options{Path: path, AsOf: order.NoTime, Served: order.NoTime, Now: 2e9, DropOK: -1, RowsOK: n})
			if err != nil || res.Content == nil {
				t.Fatalf("%s with %d rows: %v, problems %q", path, n, err, res.Problems)
			}
			f, problems := order.Parse(path, bytes.NewReader(res.Content), order.Options{})
			if len(problems.Errors()) > 0 || len(f.Orders) != res.Orders || f.Targets != n {
				t.Fatalf("%s with %d rows: %v", path, n, problems.Errors())
			}
			var b bytes.Buffer
			h := order.Header{Serial: f.Serial, ShrinkOK: -1, Timezone: f.Timezone, Source: f.Source, Expires: f.Expires}
			if err := order.Encode(&b, order.Ext(path), h, f.Orders); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(b.Bytes(), res.Content) {
				t.Errorf("%s with %d rows differs from the output of order.Encode", path, n)
			}
		}
	}
}
