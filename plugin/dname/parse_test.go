package dname

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	l63 := strings.Repeat("a", 63)
	n253 := strings.Join([]string{l63, l63, l63, strings.Repeat("b", 61)}, ".")
	for _, tt := range []struct{ in, want string }{
		{"example.com", "example.com"},
		{"EXAMPLE.Com", "example.com"},
		{"example.com.", "example.com"},
		{"com", "com"},
		{"_dmarc.example.com", "_dmarc.example.com"},
		{"-a-.b--c.example", "-a-.b--c.example"},
		{"1.2.3.e164.arpa", "1.2.3.e164.arpa"},
		{"1and1.com", "1and1.com"},
		{"r3---sn-abc.googlevideo.com", "r3---sn-abc.googlevideo.com"},
		{"XN--BCHER-KVA.example", "xn--bcher-kva.example"},
		{"xn--a.example", "xn--a.example"},
		{"bücher.example", "xn--bcher-kva.example"},
		{"BÜCHER.example", "xn--bcher-kva.example"},
		{"bu\u0308cher.example", "xn--bcher-kva.example"},
		{"faß.de", "xn--fa-hia.de"},
		{"βόλος.com", "xn--nxasmm1c.com"},
		{"пример.укр", "xn--e1afmkfd.xn--j1amh"},
		{"例え.テスト", "xn--r8jz45g.xn--zckzah"},
		{"אבג.example", "xn--4dbcd.example"},
		{"_ü.example", "xn--_-eha.example"},
		{"ｅｘａｍｐｌｅ．ｃｏｍ", "example.com"},
		{"例え。テスト", "xn--r8jz45g.xn--zckzah"},
		{"example。com。", "example.com"},
		{"exam\u00adple.com", "example.com"}, // the soft hyphen is removed
		{l63 + ".com", l63 + ".com"},
		{n253, n253},
		{n253 + ".", n253},
	} {
		n, err := Parse(tt.in)
		if err != nil {
			t.Errorf("Parse(%q): %v", tt.in, err)
		} else if n.String() != tt.want {
			t.Errorf("Parse(%q) = %q, want %q", tt.in, n, tt.want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	const (
		empty   = "has an empty label (two dots in a row, or a leading dot)"
		root    = "is the root, which no order can name"
		scheme  = `has a scheme; write the bare name, or "url: ..." for one page`
		path    = `has a path; write the bare name, or "url: ..." for one page`
		port    = "has a port; DNS blocks names whatever the port, write the bare name"
		address = `is an IP address, not a name; write "address: ..."`
		star    = `"*" may only stand as the whole first label, as in "*.example.com"`
		blank   = "has blanks or control characters; write one bare name"
	)
	l63 := strings.Repeat("a", 63)
	for _, tt := range []struct{ in, want string }{
		{"", "name is empty"},
		{".", root},
		{"。", root},
		{"..", empty},
		{".example.com", empty},
		{"example..com", empty},
		{"example.com..", empty},
		{"http://example.com", scheme},
		{"https://example.com/a", scheme},
		{"example.com/", path},
		{"example.com/a?b", path},
		{"example.com?b", path},
		{"example.com#b", path},
		{"example.com:443", port},
		{"192.0.2.1", address},
		{"192.0.2.1.", address},
		{"192.0.2.0/24", address},
		{"192.0.2.1:443", address},
		{"2001:db8::1", address},
		{"[2001:db8::1]", address},
		{"[2001:db8::1]:443", address},
		{"2001:db8::/32", address},
		{"::ffff:192.0.2.1", address},
		{"１９２.0.2.1", address},
		{"*", star},
		{"*.example.com", star}, // targets may begin with "*.", but names may not
		{"a.*.example.com", star},
		{"*a.example.com", star},
		{"user@example.com", `has an "@"; write the bare name`},
		{" example.com", blank},
		{"example.com ", blank},
		{"exam ple.com", blank},
		{"example.com\t", blank},
		{"example.com\x00", blank},
		{"example\u00a0.com", blank},
		{`a\.b.example`, `has the character '\\', which no host name has`},
		{"a,b.example", `has the character ',', which no host name has`},
		{"a!.example", `has the character '!', which no host name has`},
		{"＊.example", `has the character '*', which no host name has`},
		{"\xff.example", "is not valid UTF-8"},
		{"a\u2024b.example", "label \"a\u2024b\" is not a valid internationalized label: disallowed rune U+2024"},
		{"\u00ad.example", "label \"\\u00ad\" is not one label after UTS 46 mapping"},
		{l63 + "a.com", `label "` + l63 + `a" has 64 octets, at most 63 are allowed`},
		{strings.Repeat("ü", 60) + ".com", `label "` + "xn--tda" + strings.Repeat("a", 58)},
		{strings.Repeat(l63+".", 3) + strings.Repeat("b", 62), "name has 254 octets, at most 253 are allowed"},
		{strings.Repeat("a.", 127) + "b", "name has 255 octets, at most 253 are allowed"},
		{"a\u0600.example", "label \"a\\u0600\" is not a valid internationalized label: "},
	} {
		n, err := Parse(tt.in)
		if err == nil {
			t.Errorf("Parse(%q) = %q, want the error %q", tt.in, n, tt.want)
		} else if got := err.Error(); got != tt.want && !strings.HasPrefix(got, tt.want) {
			t.Errorf("Parse(%q): %s\nwant %s", tt.in, got, tt.want)
		}
	}
}

func TestParseLong(t *testing.T) {
	for _, c := range []string{"a", "ü", "\u0600"} {
		if _, err := Parse(strings.Repeat(c, 1<<20)); err == nil || len(err.Error()) > 500 {
			t.Errorf("Parse of 2^20 %q: the error has %d bytes", c, len(err.Error()))
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"example.com", "BÜCHER.example.", "faß.de", "_a.1.xn--a", "例え。テスト", "*.a", "a..b", "1.2.3.4"} {
		f.Add(s, "www."+s)
	}
	f.Fuzz(func(t *testing.T, s, other string) {
		n, err := Parse(s)
		if err != nil {
			if !n.IsZero() || err.Error() == "" {
				t.Fatalf("Parse(%q) = %q with error %q", s, n, err)
			}
			return
		}
		if again, err := Parse(n.String()); err != nil || again != n {
			t.Fatalf("Parse(%q) = %q, which parses to %q, %v", s, n, again, err)
		}
		if again, err := Parse(n.FQDN()); err != nil || again != n {
			t.Fatalf("Parse(%q) = %q, whose FQDN parses to %q, %v", s, n, again, err)
		}
		var set, setName, setWire Wire
		if !set.Set(n.String()) {
			t.Fatalf("Wire.Set(%q) fails", n)
		}
		setName.SetName(n)
		setWire.SetWire([]byte(n.Wire()))
		for _, w := range []*Wire{&set, &setName, &setWire} {
			if w.Name() != n || w.NumLabels() != n.NumLabels() || w.Compare(&set) != 0 {
				t.Fatalf("%q: wire name %q with %d labels", n, w.Name(), w.NumLabels())
			}
		}
		if m, err := Parse(other); err == nil {
			checkOrder(t, n, m)
			checkOrder(t, n, n.Parent())
		}
	})
}

func TestParsePlain(t *testing.T) {
	taken := 0
	for _, s := range []string{
		"example.com", "EXAMPLE.com", "a-b_c--d.example", "xn--80ak6aa92e.com", "1.2.3.x", "_dmarc.example", "localhost",
		strings.Repeat("a", 63) + ".b", strings.Repeat(strings.Repeat("a", 62)+".", 4) + "b",
		"", ".", "a.", ".a", "a..b", "1.2.3.4", "a.1", strings.Repeat("a", 64) + ".b", strings.Repeat("a.", 127) + "b",
		"a b.c", "*.a", "a/b", "a:80", "\u00e9.fr", "a\x00.b", "a.b\n",
	} {
		var room [MaxWire]byte
		var w Wire
		wire, ok := parsePlain(&room, s)
		if w.SetHost([]byte(s)) != ok {
			t.Errorf("%q: parsePlain and SetHost differ in whether they accept the name", s)
		}
		if !ok {
			continue
		}
		n := FromWire(string(wire))
		if w.Name() != n || w.NumLabels() != n.NumLabels() {
			t.Errorf("%q: SetHost has %s", s, w.Name())
		}
		taken++
		if !w.Set(s) || w.Name() != n || notAName(s) != nil {
			t.Errorf("%q: %q, %v", s, n.Wire(), notAName(s))
		}
	}
	if taken != 9 {
		t.Errorf("parsePlain accepted %d names, want 9", taken)
	}
}

// An order for these names would block nothing.
func TestWordProcessor(t *testing.T) {
	for _, s := range []string{"\u201cx.example\u201d", "x.example\u201d", "a\u2014b.example", "x\u2019s.example", "\u00abx\u00bb.example",
		"192.168.001.001", "1.2.3", "1234567", "example.123"} {
		if n, err := Parse(s); err == nil {
			t.Errorf("%q is %s", s, n)
		} else {
			t.Log(err)
		}
	}
	for _, s := range []string{"\u00fcnicode.example", "l\u00b7l.cat", "i\u2764.example", "\u30c6\u30fc\u30fb\u30b9.example", "3com.com", "123.example"} {
		if _, err := Parse(s); err != nil {
			t.Errorf("%q: %v", s, err)
		}
	}
}
