package order

import (
	"bytes"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/dname"
)

var encodings = []string{".yaml", ".json", ".jsonl"}

func checkEncode(t testing.TB, what string, h Header, orders []*Order, opt Options) {
	t.Helper()
	for _, ext := range encodings {
		var b bytes.Buffer
		if err := Encode(&b, ext, h, orders); err != nil {
			t.Fatalf("%s as %s: %v", what, ext, err)
		}
		checkCut(t, what, ext, h, orders)
		f, problems := Parse("a"+ext, bytes.NewReader(b.Bytes()), opt)
		if len(problems.Errors()) > 0 {
			t.Fatalf("%s as %s: %v\n%s", what, ext, problems, b.String())
		}
		sameOrders(t, what+" as "+ext, normal(f.Orders), normal(orders))
		if f.Serial != h.Serial || f.ShrinkOK != h.ShrinkOK || f.Timezone != h.Timezone || !reflect.DeepEqual(f.Source, h.Source) || f.Expires != h.Expires && (f.Expires != NoTime || h.Expires != 0) || f.Count != len(orders) {
			t.Errorf("%s as %s: header %+v, want %+v", what, ext, f, h)
		}
		if got := format(t, "a"+ext, b.String(), opt); got != b.String() {
			t.Errorf("%s as %s is not canonical: \n%s\nformatted\n%s", what, ext, b.String(), got)
		}
	}
	lines, err := NewLineEncoder(h.Timezone)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range orders { // a line has the same text as the nodes of the order
		nodes := newNodeBuilder()
		lines.e.order(nodes, o)
		if got, want := string(lines.Append(nil, o)), string(appendJSON(nil, nodes.root, compact))+"\n"; got != want {
			t.Errorf("%s: got the line\n%s\nwant\n%s", what, got, want)
		}
	}
}

func normal(orders []*Order) []*Order {
	out := stripped(orders)
	for i, o := range out {
		o.Index = i
		terms := *o.Terms
		o.Terms = &terms
		for _, v := range []reflect.Value{reflect.ValueOf(o).Elem(), reflect.ValueOf(o.Terms).Elem()} {
			for k := range v.NumField() {
				if f := v.Field(k); f.Kind() == reflect.Slice && f.Len() == 0 {
					f.SetZero()
				}
			}
		}
	}
	return out
}

func TestEncodeGood(t *testing.T) {
	for _, path := range glob(t, "good") {
		f := loadGood(t, path)
		checkEncode(t, path, Header{f.Serial, f.ShrinkOK, f.Timezone, f.Source, f.Expires}, f.Orders, Options{OpenSide: openSide("good")})
	}
}

func TestEncode(t *testing.T) {
	o := New()
	o.ID = "ua-502/2307"
	o.Authority = Authority{"NCU", "UA", KindRegulator}
	o.References = []string{"502/2307", "true", "№ 12", "12", "no", "- a: b #c", "two\nlines", " blank", "tab\t", "\u2028\u0085\x00\x7f", `"\`, "2026-05-01", "\na\n", "a\n\nb", "null", "~", "'", "\uFEFFx", "x\uFEFF\ny", "a\x01\nb", "%a", "? a", "---", "...", "a\n...\nb", "a\n---\nb"}
	o.Note = "first\nsecond\n"
	o.Scope = &Scope{Countries: []Country{"UA", "NO"}}
	o.Issued = at(t, "2024-06-25T21:00:00Z") // midnight in Kyiv
	o.Served = at(t, "2024-06-27T21:00:00Z")
	o.DeadlineAfter, o.Deadline = 2*24*time.Hour, at(t, "2024-06-29T21:00:00Z")
	o.Until = at(t, "2025-06-30T21:00:00Z")
	o.TTL = 90 * time.Second
	o.Response = Response{Redirect, []netip.Addr{netip.MustParseAddr("192.0.2.1")}}
	a := NewAttr()
	a.Served, a.Deadline = o.Served, o.Deadline
	o.Targets = []Target{
		{Match: Subtree, Name: name(t, "ükraine.example")},
		{Match: BelowOnly, Name: name(t, "one.example")},
		{Match: Exact, Name: name(t, "no")},
		{Match: Subtree, Name: name(t, "123.x")},
		{Match: Subtree, Name: name(t, "two.example"), Attr: a},
	}
	checkEncode(t, "an order", Header{Serial: -1, ShrinkOK: -1, Timezone: "Europe/Kyiv"}, []*Order{o}, Options{})
	head := Header{Serial: 1, ShrinkOK: -1, Timezone: "Europe/Kyiv", Source: &Source{Register: "1", AsOf: o.Issued}, Expires: o.Until}
	checkEncode(t, "an import", head, []*Order{o}, Options{})
	checkEncode(t, "no orders", Header{Serial: 3}, nil, Options{})

	o.References, o.Note = []string{"502/2307", "12"}, "first\nsecond"
	var b bytes.Buffer
	if err := Encode(&b, ".yaml", Header{Serial: 4, ShrinkOK: -1, Timezone: "Europe/Kyiv"}, []*Order{o}); err != nil {
		t.Fatal(err)
	}
	const want = `version: 1
serial: 4
count: 1
timezone: Europe/Kyiv
orders:
  - id: ua-502/2307
    authority:
      name: NCU
      country: UA
      kind: regulator
    references:
      - 502/2307
      - "12"
    note: |-
      first
      second
    issued: 2024-06-26
    served: 2024-06-27T21:00:00Z
    deadline: 2d
    until: 2025-06-30
    scope:
      countries:
        - UA
        - "NO"
    targets:
      - xn--kraine-2ya.example
      - '*.one.example'
      - name: "no"
        match: exact
      - 123.x
      - name: two.example
        served: 2024-06-27T21:00:00Z
        deadline: 2024-06-29
    response:
      redirect:
        - 192.0.2.1
    ttl: 90s
...
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

func TestEncodeRefuses(t *testing.T) {
	for _, ext := range encodings {
		if err := Encode(failing{}, ext, Header{Serial: -1, ShrinkOK: -1}, []*Order{New()}); err == nil {
			t.Errorf("%s: no error when the disk is full", ext)
		}
	}
	if err := Encode(&bytes.Buffer{}, ".txt", Header{}, nil); err == nil || !strings.Contains(err.Error(), `".txt"`) {
		t.Error(err)
	}
	if err := Encode(&bytes.Buffer{}, ".yaml", Header{Timezone: "Europe/Atlantis"}, nil); err == nil {
		t.Error("no error for an unknown time zone")
	}
	var b bytes.Buffer
	if err := Encode(&b, ".json", Header{Serial: -1, ShrinkOK: -1}, []*Order{{Action: Lift}}); err != nil {
		t.Fatal(err)
	}
	if _, problems := Parse("a.json", &b, Options{}); len(problems) == 0 {
		t.Error("no problem for an empty order")
	}
}

// TestWrittenDurations checks that parseDuration reverses writtenDuration.
func TestWrittenDurations(t *testing.T) {
	for _, d := range []time.Duration{0, time.Second, 90 * time.Second, time.Minute, 90 * time.Minute, time.Hour, 36 * time.Hour, 24 * time.Hour, 65535 * 24 * time.Hour, 65536 * 24 * time.Hour} {
		if got, err := parseDuration(writtenDuration(d)); err != nil || got != d {
			t.Errorf("%v is written %q, read %v, %v", d, writtenDuration(d), got, err)
		}
	}
	if !slices.Equal([]string{writtenDuration(0), writtenDuration(time.Minute), writtenDuration(36 * time.Hour), writtenDuration(168 * time.Hour)}, []string{"0s", "1m", "36h", "7d"}) {
		t.Error("durations are not written in the expected units")
	}
}

func TestGoodHasAllFields(t *testing.T) {
	notInFiles := map[string]bool{
		"Order.Line": true, "Order.Column": true, "Target.Line": true, "Target.Column": true, // positions in the file
		"Order.Index": true, "Order.Plain": true, "SideList.Taken": true, // set by the parser only
	}
	fields := map[string]bool{} // by type and field: whether a file sets the field
	var walk func(v reflect.Value)
	walk = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.Pointer:
			if !v.IsNil() {
				walk(v.Elem())
			}
		case reflect.Slice:
			for i := range v.Len() {
				walk(v.Index(i))
			}
		case reflect.Struct:
			if v.Type().PkgPath() != reflect.TypeFor[Order]().PkgPath() {
				return
			}
			for i := range v.NumField() {
				f := v.Type().Field(i)
				key := v.Type().Name() + "." + f.Name
				x := v.Field(i)
				set := !x.IsZero() && !(x.Kind() == reflect.Slice && x.Len() == 0)
				if at, ok := x.Interface().(Time); ok && at == NoTime || f.Name == "TTL" && x.Int() < 0 {
					set = false
				}
				fields[key] = fields[key] || set
				walk(x)
			}
		}
	}
	for _, path := range glob(t, "good") {
		for _, o := range loadGood(t, path).Orders {
			walk(reflect.ValueOf(*o))
		}
	}
	for key, set := range fields {
		if !set && !notInFiles[key] {
			t.Errorf("no file of testdata/good sets %s", key)
		}
	}
	for _, key := range []string{"Order.Claimant", "Terms.Redress", "Attr.Acknowledged", "Document.ApprovedBy", "FilteringDatabase.ID", "Exempt.Reference"} {
		if _, ok := fields[key]; !ok {
			t.Errorf("the test does not reach %s", key)
		}
	}
}

func TestEncodeRuns(t *testing.T) {
	name := func(s string, m Match) Target {
		n, err := dname.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		return Target{Name: n, Match: m}
	}
	var plain []Target
	for i := range 12 {
		plain = append(plain, name(fmt.Sprintf("%d-a_b.example.com", i), Subtree))
	}
	exact, below := slices.Clone(plain), slices.Clone(plain)
	for i := range plain {
		exact[i].Match, below[i].Match = Exact, BelowOnly
	}
	until := NewAttr()
	until.Until = 1.8e9
	ended := name("z.example.com", Subtree)
	ended.Attr = until
	for what, tc := range map[string]struct {
		among []Target
		note  string
	}{
		"plain names":          {nil, ""},
		"names like numbers":   {[]Target{name("1.e5", Subtree), name("1.2e5", Subtree), name("0x1.e1", Subtree)}, ""},
		"an A-label":           {[]Target{name("a.xn--p1ai", Subtree), name("xn--p1ai", Subtree), name("com", Subtree), name("no", Subtree), name("null", Subtree)}, ""},
		"a name alone":         {[]Target{name("y.example.com", Exact)}, ""},
		"exact names":          {exact, ""},
		"names below":          {below, ""},
		"the names below":      {[]Target{name("y.example.com", BelowOnly)}, ""},
		"an end":               {[]Target{ended}, ""},
		"a text with a mark":   {nil, "run-0.4d1f6c0b9ae27583.invalid"},
		"a text like a name":   {nil, "targets:\n  - a.example.com"},
		"a name like a mark":   {[]Target{name("run-0.4d1f6c0b9ae27583.invalid", Subtree)}, ""},
		"several kinds":        {[]Target{ended, name("y.example.com", Exact), name("1.e5", Subtree)}, ""},
		"a name with a hyphen": {[]Target{name("_x.example.com", Subtree), name("a-.example.com", Subtree)}, ""},
	} {
		for _, targets := range [][]Target{slices.Concat(plain, tc.among), slices.Concat(tc.among, plain), slices.Concat(plain, tc.among, plain), slices.Concat(plain[:3], tc.among, plain[:7]), plain[:2]} {
			o := New()
			o.ID, o.Note, o.Issued, o.Targets = "a", tc.note, 1.7e9, targets
			terms := *o.Terms
			terms.Authority.Name, terms.Scope = "A", &Scope{Global: true}
			o.Terms = &terms
			second := *o
			second.ID, second.Note = "b", ""
			orders := []*Order{o, &second}
			h := Header{Serial: 7, ShrinkOK: -1, Timezone: "Europe/Rome", Expires: NoTime}
			for _, ext := range encodings {
				checkCut(t, what, ext, h, orders)
			}
		}
	}
}

// checkCut checks that Encode gives the same output as encode.
func checkCut(t testing.TB, what, ext string, h Header, orders []*Order) {
	t.Helper()
	was := longRun
	defer func() { longRun = was }()
	var want bytes.Buffer
	if err := encode(&want, ext, h, orders); err != nil {
		t.Fatal(err)
	}
	for _, longRun = range []int{was, 2, 3} {
		var got bytes.Buffer
		if err := Encode(&got, ext, h, orders); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Bytes(), want.Bytes()) {
			t.Errorf("%s as %s, runs of %d: got\n%s\nwant\n%s", what, ext, longRun, got.Bytes(), want.Bytes())
		}
	}
}
