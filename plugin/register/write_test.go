package register

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/dns-orders/blocklist/plugin/order"

	"golang.org/x/text/encoding/charmap"
)

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
			f, problems := order.Parse(path, res.Content.Reader(), order.Options{})
			if len(problems.Errors()) > 0 || len(f.Orders) != res.Orders || f.Targets != n {
				t.Fatalf("%s with %d rows: %v", path, n, problems.Errors())
			}
			var b bytes.Buffer
			h := order.Header{Serial: f.Serial, ShrinkOK: -1, Timezone: f.Timezone, Source: f.Source, Expires: f.Expires}
			if err := order.Encode(&b, order.Ext(path), h, f.Orders); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(b.Bytes(), res.Content.Bytes()) {
				t.Errorf("%s with %d rows differs from the output of order.Encode", path, n)
			}
		}
	}
}

func TestVerify(t *testing.T) {
	text := []byte("version: 1\norders: [{id: a, authority: {name: A}, scope: global, targets: [a.example.com]}]\n")
	for n, want := range []string{"1 target, not 0", "", "1 target, not 2"} {
		if err := verify("out.yaml", Text{text}, n); (err != nil) != (want != "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%d targets: got %v, want %q", n, err, want)
		}
	}
}

func TestTimezone(t *testing.T) {
	rome, err := Parse("guarded", []byte(guarded))
	if err != nil {
		t.Fatal(err)
	}
	kyiv, err := Parse("guarded", []byte(strings.ReplaceAll(guarded, "Europe/Rome", "Europe/Kyiv")))
	if err != nil {
		t.Fatal(err)
	}
	rows := append(sites("a", "b", "c", "d"), "e.example.com,free,2026-01-05")
	_, first := imported(t, rome, []byte(guardedTable("2026-02-01", sites("a", "b", "c", "d", "e")...)), options(nil, order.NoTime))
	_, second := imported(t, rome, []byte(guardedTable("2026-03-01", rows...)), options(first, order.NoTime))
	_, third := imported(t, kyiv, []byte(guardedTable("2026-03-05", append(rows, "f.example.com,site,2026-01-05")...)), options(second, order.NoTime))
	if !bytes.Contains(third, []byte("\ntimezone: Europe/Kyiv\n")) {
		t.Errorf("the output keeps the old time zone:\n%s", third)
	}
	for key, until := range map[string]string{"x/2026-01-05 e.example.com": "2026-02-28T23:00:00Z"} {
		if got := contents(t, third)[key]; got != until {
			t.Errorf("%s: got %q, want %q\n%s", key, got, until, third)
		}
	}
}

func TestTooLarge(t *testing.T) {
	var hosts strings.Builder
	for i := range 360_000 {
		fmt.Fprintf(&hosts, "0.0.0.0 h%d.example.com\n", i)
	}
	opt := options(nil, order.NoTime)
	opt.Path, opt.Given = "out.jsonl", map[string]string{"id": "a", "authority": "A", "country": "IT"}
	if got := said(t, load(t, "hosts"), []byte(hosts.String()), opt); !strings.Contains(got, "would have too many targets that are not plain names") {
		t.Errorf("a large hosts file: %q", got)
	}
	exact := make([]order.Target, 400_000)
	for i := range exact {
		exact[i].Match = order.Exact
	}
	small, large := order.New(), order.New()
	small.ID, large.ID, large.Targets = "small", "large", exact
	many := make([]*order.Order, 90_000)
	for i := range many {
		many[i] = small
	}
	for _, tc := range []struct {
		ext    string
		orders []*order.Order
		want   string
	}{
		{".yaml", many[:80_000], ""},
		{".yaml", many, "90000 orders are too many for one file in YAML"},
		{".json", many, "90000 orders are too many for one file in JSON"},
		{".jsonl", many, ""},
		{".jsonl", []*order.Order{small, large}, `the order "large" would have too many targets that are not plain names`},
	} {
		r := run{opt: &Options{Path: "out" + tc.ext}, out: &Result{}}
		for _, o := range tc.orders {
			r.count(o)
		}
		if got := r.tooLarge(); !strings.HasPrefix(got, tc.want) || tc.want == "" && got != "" {
			t.Errorf("%s, %d orders: got %q, want %q", tc.ext, len(tc.orders), got, tc.want)
		}
	}
}

func TestDecodeAll(t *testing.T) {
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	for _, e := range charmap.All {
		for _, text := range []string{"", "a", "\xff", string(every), "abc" + string(every) + "abc"} {
			want, err := e.NewDecoder().String(text)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := decodeAll(e, text); got != want || err != nil {
				t.Errorf("%v: got %q, want %q, error %v", e, got, want, err)
			}
		}
	}
}

func TestSeparatorIn(t *testing.T) {
	for pattern, want := range map[string]string{
		`\s*\|\s*`: "|", `\s*,\s*`: ",", `,`: ",", `\s*; \s*`: "; ", `\s*`: "", `\s+`: "", `[,;]`: "", `,|;`: "", `\s*,?\s*`: "",
		`a\\s*b`: "", `,*`: "", `(,)`: "", `^,`: "", `\d`: "",
	} {
		got := separatorIn(pattern)
		if got != want {
			t.Errorf("%s: got %q, want %q", pattern, got, want)
		}
	}
}
