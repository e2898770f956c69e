package guard

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/dns-orders/blocklist/plugin/order"
)

func TestParse(t *testing.T) {
	long := strings.Repeat("a", order.MaxLine)
	for _, tt := range []struct {
		name, in string
		entries  string // the entries, separated by spaces
		problems []string
	}{
		{"all forms", "google.com\n=www.Example.ORG.\n192.0.2.1\n192.0.2.0/24\n2001:DB8::/32\n2001:db8:0::1\n",
			"google.com =www.example.org 192.0.2.1 192.0.2.0/24 2001:db8::/32 2001:db8::1", nil},
		{"comments and blanks", "# a list\n\n  google.com  # search\n\t=example.org\t#x\n   \n#b.example\n", "google.com =example.org", nil},
		{"a mark and CRLF", "\uFEFFgoogle.com\r\n\r\n=example.org\r\n", "google.com =example.org", nil},
		{"a mark before a comment", "\uFEFF# a list\ngoogle.com\n", "google.com", nil},
		{"a mark before an address", "\uFEFF192.0.2.1\n", "192.0.2.1", nil},
		{"no line feed at the end", "google.com\nexample.org", "google.com example.org", nil},
		{"other scripts", "bücher.example\n=ПРИМЕР.укр\n", "xn--bcher-kva.example =xn--e1afmkfd.xn--j1amh", nil},
		{"a top-level domain", "gov\n=mil\n", "gov =mil", nil},
		{"the whole of IPv4", "0.0.0.0/0\n", "0.0.0.0/0", nil},

		{"twice", "google.com\n=google.com\nGoogle.com. # again\n10.0.0.1\n10.0.0.1/32\n", "google.com =google.com 10.0.0.1",
			[]string{`p.txt:3:1: is already on line 1, got "Google.com."`, `p.txt:5:1: is already on line 4, got "10.0.0.1/32"`}},
		{"empty", "", "", []string{`p.txt: is empty: to protect nothing, write a comment that says so, or drop the property`}},
		{"blank", "\uFEFF\r\n \t\n\n", "", []string{`p.txt: is empty: to protect nothing, write a comment that says so, or drop the property`}},
		{"comments only", "# nothing\n\n", "", []string{`p.txt: has no entry, so it protects nothing`}},

		{"every problem", "google.com\n  https://example.com/\nexample.com/path\n*.example.com\na b.example\n=\n.\n10.0.0.1/24\n=10.0.0.1\n10.0.0.1:53\n10.0.0.0/33\n" +
			"fe80::1%eth0\n::ffff:10.0.0.1\n[::1]:53\nexample.com#x\n\xff.example\n" + long + "\n256.1.1.1\nexample..com\n=*.example.com\na.*.example\nuser@example.com\nexample.com:53\n",
			"", []string{
				`p.txt:2:3: has a scheme or a path; write the bare name, got "https://example.com/"`,
				`p.txt:3:1: has a scheme or a path; write the bare name, got "example.com/path"`,
				`p.txt:4:1: must not have a "*"; a name stands for all below it too, "=name" for itself alone, got "*.example.com"`,
				`p.txt:5:1: has blanks or control characters; write one bare name, got "a b.example"`,
				`p.txt:6:1: name is empty, got "="`,
				`p.txt:7:1: is the root, which no order can name, got "."`,
				`p.txt:8:1: is an address with the length of a network; write 10.0.0.0/24 for the network, or the address alone, got "10.0.0.1/24"`,
				`p.txt:9:1: "=" is for names; write the address alone, got "=10.0.0.1"`,
				`p.txt:10:1: must be an IP address or a network such as 192.0.2.0/24, got "10.0.0.1:53"`,
				`p.txt:11:1: must be an IP address or a network such as 192.0.2.0/24, got "10.0.0.0/33"`,
				`p.txt:12:1: has a zone, which begins with "%"; write the address without the zone, got "fe80::1%eth0"`,
				`p.txt:13:1: is an IPv4-mapped IPv6 address; write the IPv4 address, got "::ffff:10.0.0.1"`,
				`p.txt:14:1: must be an IP address or a network such as 192.0.2.0/24, got "[::1]:53"`,
				`p.txt:15:1: a comment needs a blank before its "#", got "example.com#x"`,
				`p.txt:16:1: is not valid UTF-8, got "\xff.example"`,
				`p.txt:17:1: line is too long for a name, got "` + long[:120] + `..."`,
				`p.txt:18:1: must be an IP address or a network such as 192.0.2.0/24, got "256.1.1.1"`,
				`p.txt:19:1: has an empty label (two dots in a row, or a leading dot), got "example..com"`,
				`p.txt:20:1: must not have a "*"; a name stands for all below it too, "=name" for itself alone, got "=*.example.com"`,
				`p.txt:21:1: must not have a "*"; a name stands for all below it too, "=name" for itself alone, got "a.*.example"`,
				`p.txt:22:1: has an "@"; write the bare name, got "user@example.com"`,
				`p.txt:23:1: has a port; DNS blocks names whatever the port, write the bare name, got "example.com:53"`,
			}},
	} {
		for how, r := range map[string]io.Reader{"at once": strings.NewReader(tt.in), "octet by octet": iotest.OneByteReader(strings.NewReader(tt.in))} {
			l, problems := Parse("p.txt", r)
			var got []string
			for _, p := range problems {
				got = append(got, p.Error())
			}
			if !slices.Equal(got, tt.problems) {
				t.Errorf("%s, %s: problems\n%s\nwant\n%s", tt.name, how, strings.Join(got, "\n"), strings.Join(tt.problems, "\n"))
			}
			if bad := len(problems.Errors()) > 0; bad != (l == nil) {
				t.Errorf("%s, %s: list %v with errors: %v", tt.name, how, l, bad)
			}
			if got := entries(l); got != tt.entries || l.Len() != len(strings.Fields(tt.entries)) {
				t.Errorf("%s, %s: entries %q, want %q; Len = %d", tt.name, how, got, tt.entries, l.Len())
			}
		}
	}
}

func TestLost(t *testing.T) {
	before := mustParse(t, "p.txt", "google.com\n=example.org\n10.0.0.0/8\n1.1.1.1\n")
	for _, tt := range []struct {
		after string
		want  int
	}{
		{"1.1.1.1\n10.0.0.0/8\n# moved about\nother.example\n=example.org\nGOOGLE.com\n", 0},
		{"google.com\nexample.org\n10.0.0.0/9\n1.1.1.1\n", 2},
		{"# nothing\n", 4},
	} {
		after, problems := Parse("p.txt", strings.NewReader(tt.after))
		if got := before.Lost(after); got != tt.want || after == nil {
			t.Errorf("%q: lost %d, want %d; %v", tt.after, got, tt.want, problems)
		}
	}
	if before.Lost(nil) != 4 || (*List)(nil).Lost(before) != 0 {
		t.Error("a nil List is empty")
	}
}

func TestParseFailingReader(t *testing.T) {
	l, problems := Parse("p.txt", io.MultiReader(strings.NewReader("google.com\nexam"), iotest.ErrReader(errors.New("disk on fire"))))
	if l != nil || len(problems) != 1 || problems[0].Error() != "p.txt: cannot be read: disk on fire" || problems[0].Warning {
		t.Errorf("%v, %v", l, problems)
	}
}

func entries(l *List) string {
	var words []string
	if l != nil {
		for _, e := range l.entries {
			words = append(words, e.String())
		}
	}
	return strings.Join(words, " ")
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"google.com\n=a.example # x\n10.0.0.0/8\n\n", "\uFEFFa.example\r\n", "a.example\na.example\n", "=::1\n", "*.a\n", "a.example#b\n#", "\x00", "", "# nothing",
		"=" + strings.Repeat("a", order.MaxLine-2) + "\nb.example", strings.Repeat(" ", order.MaxLine) + "a.example"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		l, problems := Parse("p", strings.NewReader(s))
		lines := strings.Split(strings.TrimPrefix(s, "\uFEFF"), "\n")
		said := map[int]int{}
		for _, p := range problems {
			if p.Line > 0 {
				said[p.Line]++
			}
			if _, rest, _ := strings.Cut(p.Error(), ": "); rest == "" || strings.ContainsAny(p.Error(), "\n\r") {
				t.Errorf("%q", p.Error())
			}
		}
		if l != nil {
			for _, e := range l.entries {
				said[e.line]++
			}
			for i, line := range lines {
				word := strings.Trim(line, blanks)
				want := 1
				if word == "" || word[0] == '#' {
					want = 0
				}
				if said[i+1] != want {
					t.Errorf("line %d, %q, has %d entries and problems", i+1, line, said[i+1])
				}
			}
			again, problems := Parse("p", strings.NewReader("#\n"+strings.ReplaceAll(entries(l), " ", "\n")))
			if len(problems.Errors()) > 0 || entries(again) != entries(l) {
				t.Errorf("%q is read as %q: %v", entries(l), entries(again), problems)
			}
		}
		for n, times := range said {
			if times != 1 || n > len(lines) {
				t.Errorf("line %d has %d entries and problems", n, times)
			}
		}
	})
}

type lines struct {
	n, i, read int
	line       func(i int) string
	rest       string
}

func (l *lines) Read(p []byte) (int, error) {
	if l.rest == "" {
		if l.i == l.n {
			return 0, io.EOF
		}
		l.rest = l.line(l.i)
		l.i++
	}
	n := copy(p, l.rest)
	l.rest = l.rest[n:]
	l.read += n
	return n, nil
}

type sized struct{ lines }

func (sized) Size() int64 { return 65 << 20 }

func TestLimits(t *testing.T) {
	deep := strings.Repeat("a.", 100)
	for what, tc := range map[string]struct {
		in   lines
		most int // the maximum number of bytes that Parse may read
		want string
	}{
		"too many entries":  {lines{n: 1_100_000, line: func(i int) string { return fmt.Sprintf("n%d.example\n", i) }}, 20 << 20, `p.txt:1000001:1: the list has more than 1000000 entries, got "n1000000.example"`},
		"too many problems": {lines{n: 100_000, line: func(int) string { return "x y\n" }}, 1 << 20, "p.txt: has more than 10000 problems; the rest is not listed"},
		"too many labels":   {lines{n: 100_000, line: func(i int) string { return fmt.Sprintf("%sn%d.example\n", deep, i) }}, 1 << 20, `p.txt:1031:1: the names up to here have more than 100000 labels beyond the fourth of each name; one more is allowed for each name, got "` + deep[:120] + `..."`},
		"too large":         {lines{n: 70, line: func(int) string { return "#" + strings.Repeat("x", 1<<20) + "\n" }}, 66 << 20, "p.txt: is larger than 64 MiB"},
		"one line":          {lines{n: 70 << 4, line: func(int) string { return strings.Repeat("x", 1<<16) }}, 66 << 20, "p.txt: is larger than 64 MiB"},
		"a long line":       {lines{n: 1, line: func(int) string { return strings.Repeat("\u202ex", 5000) + "\n" }}, 1 << 20, `p.txt:1:1: line is too long for a name, got "` + strings.Repeat(`\u202ex`, 30) + `..."`},
	} {
		l, problems := Parse("p.txt", &tc.in)
		if got := problems.Error(); l != nil || !strings.HasSuffix(got, tc.want) || len(problems) > 10_002 {
			t.Errorf("%s: %d problems, got %.300s, want %s", what, len(problems), got[max(0, len(got)-300):], tc.want)
		}
		if tc.in.read > tc.most {
			t.Errorf("%s: %d bytes were read", what, tc.in.read)
		}
	}
	in := &sized{lines{n: 1, line: func(int) string { return "a.example\n" }}}
	if _, problems := Parse("p.txt", in); problems.Error() != "p.txt: is larger than 64 MiB" || in.read > 0 {
		t.Errorf("by size: %d bytes were read, %v", in.read, problems)
	}
	l, problems := Parse("p.txt", &lines{n: 20_000, line: func(int) string { return "a.example\n" }})
	if l.Len() != 1 || len(problems) != 10_000 || len(problems.Errors()) > 0 {
		t.Errorf("%d entries, %d problems, %d errors", l.Len(), len(problems), len(problems.Errors()))
	}
}
