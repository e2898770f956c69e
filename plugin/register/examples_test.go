package register

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/test/registers"
)

func edition(t *testing.T, e *registers.Example, ed *registers.Edition, previous []byte) Options {
	t.Helper()
	p := load(t, e.Preset)
	opt := options(previous, order.NoTime)
	opt.Given, opt.RowsOK = e.Given(ed), ed.Rows
	if opt.Vanished = p.Vanished; opt.Vanished == Refuse {
		opt.Vanished = Lift
	}
	if ed.AsOf != "" {
		asOf, err := p.Time(ed.AsOf)
		if err != nil {
			t.Fatal(err)
		}
		opt.AsOf = asOf
	}
	return opt
}

func wanted(ed *registers.Edition) map[string]string {
	want := map[string]string{}
	for _, w := range ed.Want {
		key, until, _ := strings.Cut(w, " until ")
		want[key] = until
	}
	return want
}

func TestExamples(t *testing.T) {
	names, err := Presets.Names("")
	if err != nil {
		t.Fatal(err)
	}
	var tested []string
	for _, e := range registers.Examples(t) {
		tested = append(tested, e.Preset)
		t.Run(e.Preset, func(t *testing.T) {
			p := load(t, e.Preset)
			var out []byte
			for i, ed := range []*registers.Edition{&e.First, &e.Second} {
				data, opt := e.Bytes(t, ed), edition(t, &e, ed, out)
				res, err := Import(p, data, opt)
				if err != nil {
					t.Fatal(err)
				}
				opt.DropOK = len(res.Ended)
				for _, c := range res.Ended {
					if c.Why == "moved" {
						opt.DropOK--
					}
				}
				res, out = imported(t, p, data, opt)
				compare(t, fmt.Sprintf("edition %d", i+1), contents(t, out), wanted(ed))
				if res.Content == nil || res.Serial != int64(i+1) || len(res.Refused) > 0 || i == 0 && res.Rows != ed.Rows {
					t.Errorf("edition %d: serial %d, refused %v, %d rows", i+1, res.Serial, res.Refused, res.Rows)
				}
				opt.Previous = out
				if res, again := imported(t, p, data, opt); res.Content != nil || !bytes.Equal(again, out) {
					t.Errorf("edition %d: a second import changes the output", i+1)
				}
			}
			wrongDownloads(t, p, &e, out)
		})
	}
	slices.Sort(tested)
	if !slices.Equal(tested, names) {
		t.Errorf("the examples are of the presets %q, want %q", tested, names)
	}
}

func wrongDownloads(t *testing.T, p *Preset, e *registers.Example, out []byte) {
	t.Helper()
	opt := edition(t, e, &e.Second, out)
	opt.Vanished = "" // as an operator imports without flags
	whole := e.Bytes(t, &e.Second)
	older := opt
	if older.AsOf -= 86400; opt.AsOf == order.NoTime {
		older.AsOf = order.NoTime
	}
	for name, tc := range map[string]struct {
		data []byte
		opt  Options
		want string // a part of the reason, or empty
	}{
		"an HTML page":      {[]byte("<!doctype html>\n<html><body>Error 500</body></html>\n"), opt, "is an HTML page"},
		"an empty file":     {nil, opt, "is empty"},
		"a blank file":      {[]byte("\n\n"), opt, "is empty"},
		"a compressed file": {[]byte("\x1f\x8b\x08\x00rest"), opt, "is a gzip file"},
		"a PDF document":    {[]byte("%PDF-1.7\n"), opt, "is a PDF document"},
		"half a file":       {whole[:len(whole)/2], opt, ""},
		"the older edition": {e.Bytes(t, &e.First), older, ""},
		"another digest":    {whole, func(o Options) Options { o.SHA256 = strings.Repeat("0", 64); return o }(opt), "has the SHA-256 digest"},
	} {
		res, err := Import(p, tc.data, tc.opt)
		said := fmt.Sprint(err)
		if err == nil {
			said = strings.Join(res.Problems, "\n")
		}
		switch {
		case !strings.Contains(said, tc.want):
			t.Errorf("%s: got %q, want %q", name, said, tc.want)
		case res == nil || res.Content == nil:
		case p.Vanished != Keep:
			t.Errorf("%s: was written", name)
		case len(res.Ended) > 0:
			t.Errorf("%s: ends %v", name, res.Ended)
		}
		if name == "the older edition" && p.Vanished != Keep && !strings.Contains(said, "earlier than the previous output") {
			t.Errorf("%s: got %q", name, said)
		}
		if tc.want == "" && said == "" && p.Vanished != Keep {
			t.Errorf("%s: no reason", name)
		}
	}
}

func TestExampleTargets(t *testing.T) {
	for _, e := range registers.Examples(t) {
		if len(wanted(&e.First)) == 0 || maps.Equal(wanted(&e.First), wanted(&e.Second)) {
			t.Errorf("%s: the editions have %d and %d targets", e.Preset, len(e.First.Want), len(e.Second.Want))
		}
	}
}
