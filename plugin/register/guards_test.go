package register

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/dns-orders/blocklist/plugin/order"
)

// guarded is a preset with all guards.
const guarded = `preset: guarded
title: An example
seen: none
format: table
timezone: Europe/Rome
dates: ["2006-01-02"]
first_line: '^as of (?P<as_of>.*)$'
as_of: {dates: ["2006-01-02"]}
layouts:
  - columns: {name: name, kind: kind, issued: issued, removed: "removed?"}
    where: {kind: {take: [site], leave: [app], end: [free]}}
order: {authority: {name: Example Authority}, scope: global}
group: [issued]
id: x/{issued}
guards: {min_rows: 4, max_drop: 25%}
`

// guardedTable returns an edition with sites of one decision.
func guardedTable(asOf string, rows ...string) string {
	return "as of " + asOf + "\nname,kind,issued\n" + strings.Join(rows, "\n") + "\n"
}

// sites returns a row for each name.
func sites(names ...string) (rows []string) {
	for _, n := range names {
		rows = append(rows, n+".example.com,site,2026-01-05")
	}
	return rows
}

func TestGuards(t *testing.T) {
	p, err := Parse("guarded", []byte(guarded))
	if err != nil {
		t.Fatal(err)
	}
	good := guardedTable("2026-02-01", sites("a", "b", "c", "d", "e")...)
	_, first := imported(t, p, []byte(good), options(nil, order.NoTime))
	day := func(text string) order.Time {
		x, err := p.Time(text)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	more := guardedTable("2026-03-01", sites("a", "b", "c", "d", "e", "f")...)
	fewer := guardedTable("2026-03-01", sites("a", "b", "c", "f")...)
	lift := func(drop int) func(*Options) {
		return func(o *Options) { o.Vanished, o.DropOK = Lift, drop }
	}
	for name, tc := range map[string]struct {
		data   string
		change func(*Options)
		want   string // the reason, or empty if the output is written
	}{
		"a new row":                   {more, nil, ""},
		"the time of the first line":  {more, func(o *Options) { o.AsOf = day("2026-03-01") }, ""},
		"another time":                {more, func(o *Options) { o.AsOf = day("2026-03-02") }, "the file is of 2026-02-28T23:00:00Z, and --as-of is 2026-03-01T23:00:00Z"},
		"a time in the future":        {more, func(o *Options) { o.Now = day("2026-02-20") }, "which is later than the present time"},
		"now":                         {more, func(o *Options) { o.Now = day("2026-03-01") }, ""},
		"an earlier time":             {guardedTable("2026-01-31", sites("a", "b", "c", "d", "e", "f")...), nil, "which is earlier than the previous output"},
		"the same time":               {guardedTable("2026-02-01", sites("a", "b", "c", "d", "e", "f")...), nil, ""},
		"no first line":               {strings.TrimPrefix(more, "as of 2026-03-01\n"), nil, "line 1 must match"},
		"a bad time":                  {strings.Replace(more, "as of 2026-03-01", "as of May", 1), nil, `the time of the file, "May", is not of the form`},
		"vanished rows":               {fewer, nil, "no longer has the rows of 2 targets in force"},
		"vanished rows, kept":         {fewer, func(o *Options) { o.Vanished = Keep }, ""},
		"too many ends":               {fewer, lift(-1), "ends the blocks of 2 of 5 targets in force, more than 25 %"},
		"too many ends, wrong number": {fewer, lift(3), "--drop-ok 2 confirms the number"},
		"too many ends, less":         {fewer, lift(1), "--drop-ok 2 confirms the number"},
		"too many ends, confirmed":    {fewer, lift(2), ""},
		"one end":                     {guardedTable("2026-03-01", sites("a", "b", "c", "d")...), lift(-1), ""},
		"all rows in a new decision":  {strings.ReplaceAll(guardedTable("2026-03-01", sites("a", "b", "c", "d", "e")...), "2026-01-05", "2026-02-05"), lift(-1), ""},
		"a status that ends":          {guardedTable("2026-03-01", append(sites("a", "b", "c", "d"), "e.example.com,free,2026-01-05")...), nil, ""},
		"another status":              {guardedTable("2026-03-01", append(sites("a", "b", "c", "d", "e"), "f.example.com,shop,2026-01-05")...), nil, `the column kind has the value "shop"`},
		"another status in two rows":  {guardedTable("2026-03-01", append(sites("a", "b", "c", "d", "e"), "f.example.com,shop,2026-01-05", "g.example.com,shop,2026-01-05")...), nil, `2 rows have the value "shop" in the column kind`},
		"too many ends by a status":   {guardedTable("2026-03-01", append(sites("a", "b", "c"), "d.example.com,free,2026-01-05", "e.example.com,free,2026-01-05")...), nil, "ends the blocks of 2 of 5 targets in force"},
		"a refused row":               {guardedTable("2026-03-01", append(sites("a", "b", "c", "d", "e"), "f g,site,2026-01-05")...), nil, "1 row refused; nothing is written"},
		"a refused row, confirmed":    {guardedTable("2026-03-01", append(sites("a", "b", "c", "d", "e", "h"), "f g,site,2026-01-05")...), func(o *Options) { o.SkipRefused = 1 }, ""},
		"a refused row, too many":     {guardedTable("2026-03-01", append(sites("a", "b", "c", "d", "e"), "f g,site,2026-01-05")...), func(o *Options) { o.SkipRefused = 2 }, "1 row refused, not 2 as --skip-refused confirms"},
		"no refused row":              {more, func(o *Options) { o.SkipRefused = 1 }, "no row was refused, and --skip-refused confirms 1"},
		"a bad date":                  {guardedTable("2026-03-01", append(sites("a", "b", "c", "d", "e"), "f.example.com,site,2026-02-31")...), nil, "1 row refused"},
		"a row without a decision":    {guardedTable("2026-03-01", append(sites("a", "b", "c", "d", "e"), "f.example.com,site,")...), nil, "1 row refused"},
		"a short row":                 {guardedTable("2026-03-01", append(sites("a", "b", "c", "d", "e"), "f.example.com")...), nil, "1 row refused"},
		"a bad removal date":          {strings.ReplaceAll(strings.ReplaceAll(more, "name,kind,issued", "name,kind,issued,removed"), "2026-01-05", "2026-01-05,soon"), nil, "6 rows refused"},
		"a digest":                    {more, func(o *Options) { o.SHA256 = strings.Repeat("0", 64) }, "has the SHA-256 digest"},
		"a small first import":        {guardedTable("2026-03-01", sites("a", "b", "c")...), func(o *Options) { o.Previous = nil }, "has 3 rows, and the preset expects at least 4"},
		"a small one, wrong number":   {guardedTable("2026-03-01", sites("a", "b", "c")...), func(o *Options) { o.Previous, o.RowsOK = nil, 2 }, "--rows-ok 3 confirms the number"},
		"a small one, confirmed":      {guardedTable("2026-03-01", sites("a", "b", "c")...), func(o *Options) { o.Previous, o.RowsOK = nil, 3 }, ""},
		"no order":                    {guardedTable("2026-03-01", "A,app,", "B,app,", "C,app,", "D,app,"), func(o *Options) { o.Previous = nil }, "no row is an order"},
		"another register": {more, func(o *Options) {
			o.Previous = bytes.Replace(first, []byte("register: guarded"), []byte("register: x"), 1)
		}, `comes from the register "x"`},
		"no register":              {more, func(o *Options) { o.Previous = []byte("version: 1\norders: []\n") }, "comes from no register"},
		"a broken previous output": {more, func(o *Options) { o.Previous = first[:len(first)/2] }, "the previous output: "},
		"an archive":               {"PK\x03\x04", nil, "is an XLSX file or a ZIP archive"},
		"another character set":    {"as of \xff\n", nil, "line 1 is not UTF-8"},
		"a double encoding":        {"\u00ef\u00bb\u00bfas of 2026-03-01\n", nil, "written as UTF-8 again"},
	} {
		opt := options(first, order.NoTime)
		if tc.change != nil {
			tc.change(&opt)
		}
		res, err := Import(p, []byte(tc.data), opt)
		said, written := fmt.Sprint(err), false
		if err == nil {
			said, written = strings.Join(res.Problems, "\n"), res.Content != nil
		}
		if tc.want == "" && (said != "" || !written && len(res.Kept) == 0) || tc.want != "" && (written || !strings.Contains(said, tc.want)) {
			t.Errorf("%s: written %v, got %q, want %q", name, written, said, tc.want)
		}
	}
}

func TestNoTime(t *testing.T) {
	text := strings.ReplaceAll(strings.ReplaceAll(guarded, "first_line", "# first_line"), "as_of:", "# as_of:")
	p, err := Parse("guarded", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	table := func(rows ...string) []byte {
		_, text, _ := strings.Cut(guardedTable("", rows...), "\n")
		return []byte(text)
	}
	_, first := imported(t, p, table(sites("a", "b", "c", "d", "e")...), options(nil, order.NoTime))
	opt := options(first, order.NoTime)
	if res, _ := imported(t, p, table(sites("a", "b", "c", "d", "e", "f")...), opt); res.Added != 1 || res.Content == nil {
		t.Errorf("got %+v", res)
	}
	opt.Vanished = Lift
	if res, err := Import(p, table(sites("a", "b", "c", "d")...), opt); err != nil || !strings.Contains(strings.Join(res.Problems, "\n"), "give --as-of") {
		t.Errorf("error %v, got %+v", err, res)
	}
}

func TestServed(t *testing.T) {
	p, err := Parse("guarded", []byte(strings.Replace(guarded, "scope: global}", "scope: global, deadline: 48h}", 1)))
	if err != nil {
		t.Fatal(err)
	}
	opt := options(nil, order.NoTime)
	opt.Served = 1.77e9
	_, first := imported(t, p, []byte(guardedTable("2026-02-01", sites("a", "b", "c", "d")...)), opt)
	opt.Previous, opt.Served = first, 1.78e9
	_, second := imported(t, p, []byte(guardedTable("2026-03-01", append(sites("a", "b", "c", "d"), "e.example.com,site,2026-02-05")...)), opt)
	f, problems := order.Parse("out.yaml", bytes.NewReader(second), order.Options{})
	if len(problems.Errors()) > 0 || len(f.Orders) != 2 {
		t.Fatal(problems, len(f.Orders))
	}
	opt.Previous, opt.Served = nil, order.NoTime
	_, first = imported(t, p, []byte(guardedTable("2026-02-01", sites("a", "b", "c", "d")...)), opt)
	opt.Previous, opt.Served = first, 1.78e9
	_, third := imported(t, p, []byte(guardedTable("2026-03-01", sites("a", "b", "c", "d", "e")...)), opt)
	if g, problems := order.Parse("out.yaml", bytes.NewReader(third), order.Options{}); len(problems.Errors()) > 0 || g.Orders[0].Served != order.NoTime || g.Orders[0].Deadline != order.NoTime {
		t.Errorf("an order without a time served: %v\n%s", problems, third)
	}
	for i, want := range []order.Time{1.77e9, 1.78e9} {
		if o := f.Orders[i]; o.Served != want || o.Deadline != want+48*3600 {
			t.Errorf("%s: served %s, deadline %s", o.ID, o.Served, o.Deadline)
		}
	}
}

func TestCharset(t *testing.T) {
	if _, err := decode("a\nb\x81\n", "windows-1250"); err != nil && !strings.Contains(err.Error(), "line 2 has a byte") {
		t.Errorf("got %v", err)
	}
	if _, err := decode("a\nb\xd2\n", "windows-1253"); err == nil || !strings.Contains(err.Error(), "line 2 has a byte that windows-1253 does not have") {
		t.Errorf("got %v", err)
	}
}

func TestProgress(t *testing.T) {
	var steps []string
	opt := options(nil, order.NoTime)
	opt.Progress = func(step string) { steps = append(steps, step) }
	data := bigTable(9_000)
	_, out := imported(t, load(t, "fr-anj"), data, opt)
	opt.Previous = out
	imported(t, load(t, "fr-anj"), data, opt)
	all := strings.Join(steps, "\n")
	for _, want := range []string{"4096 rows\n8192 rows\n", "reading the previous output\nmerging\nencoding part 1 of "} {
		if !strings.Contains(all, want) {
			t.Errorf("no %q in\n%s", want, all)
		}
	}
}
