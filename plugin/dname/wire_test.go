package dname

import (
	"bytes"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

func TestWireSet(t *testing.T) {
	l63 := strings.Repeat("a", 63)
	n255 := strings.Join([]string{l63, l63, l63, strings.Repeat("b", 61)}, ".")
	for _, tt := range []struct{ in, want string }{
		{".", "\x00"},
		{"com", "\x03com\x00"},
		{"com.", "\x03com\x00"},
		{"WWW.Example.COM.", "\x03www\x07example\x03com\x00"},
		{`a\.b.c.`, "\x03a.b\x01c\x00"},
		{`a\.`, "\x02a.\x00"},
		{`\\.`, "\x01\\\x00"},
		{`\000\255.x`, "\x02\x00\xff\x01x\x00"},
		{`\065.x`, "\x01a\x01x\x00"}, // an escaped letter is a letter
		{`\A.x`, "\x01a\x01x\x00"},
		{`\12x.y`, "\x0312x\x01y\x00"}, // a backslash without three digits escapes only the next octet
		{`a\032b.x`, "\x03a b\x01x\x00"},
		{`*.example`, "\x01*\x07example\x00"},
		{"b\xfccher.x", "\x06b\xfccher\x01x\x00"}, // octets above 127 are allowed
		{l63 + ".", "\x3f" + l63 + "\x00"},
		{n255 + ".", "\x3f" + l63 + "\x3f" + l63 + "\x3f" + l63 + "\x3d" + strings.Repeat("b", 61) + "\x00"},
		{n255, "\x3f" + l63 + "\x3f" + l63 + "\x3f" + l63 + "\x3d" + strings.Repeat("b", 61) + "\x00"},
		{strings.Repeat("a.", 127), strings.Repeat("\x01a", 127) + "\x00"},
		{strings.Repeat(`\000.`, 127), strings.Repeat("\x01\x00", 127) + "\x00"},
	} {
		var w Wire
		if !w.Set(tt.in) || string(w.Suffix(w.NumLabels())) != tt.want {
			t.Errorf("Set(%q): %q, want %q", tt.in, w.buf[:w.n], tt.want)
		}
	}
	for _, in := range []string{
		"", "..", ".a", "a..b", "a..", `\`, `a\`, `a.\`, `\256.x`, `\999`,
		l63 + "a", l63 + "a.com", n255 + "b", n255 + "b.", n255 + ".c", strings.Repeat("a.", 128), strings.Repeat("a.", 127) + "a",
		strings.Repeat("a", 1000), strings.Repeat(".", 300),
	} {
		var w Wire
		if w.Set(in) {
			t.Errorf("Set(%q) succeeds: %q", in, w.Name())
		}
		// Set must work again after a Set that failed.
		if !w.Set("b.c") || w.Name().String() != "b.c" {
			t.Errorf("Set after Set(%q): %q", in, w.Name())
		}
	}
}

func TestWireParts(t *testing.T) {
	var w Wire
	w.Set("a.bc.Example")
	for k, want := range []string{".", "example", "bc.example", "a.bc.example"} {
		if got := w.Ancestor(k); got.String() != want {
			t.Errorf("Ancestor(%d) = %q, want %q", k, got, want)
		}
	}
	for k, want := range []string{"", "example", "bc", "a"} {
		if k > 0 && string(w.Label(k)) != want {
			t.Errorf("Label(%d) = %q, want %q", k, w.Label(k), want)
		}
	}
	if n := testing.AllocsPerRun(100, func() { w.Set("a.bc.Example.") }); n != 0 {
		t.Errorf("Set allocates %v times", n) // a query must not allocate memory
	}
}

func pack(s string) ([]byte, error) {
	buf := make([]byte, 512)
	if !strings.HasSuffix(s, ".") || oddBackslashes(s[:len(s)-1]) {
		s += "."
	}
	n, err := dns.PackDomainName(s, buf, 0, nil, false)
	for i, c := range buf[:n] {
		buf[i] = lower(c) // a length octet is below 64, so lower does not change it
	}
	return buf[:n], err
}

func oddBackslashes(s string) bool {
	return (len(s)-len(strings.TrimRight(s, `\`)))%2 == 1
}

// miekg/dns takes the number modulo 256.
func badEscape(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' {
			if i+3 < len(s) && digit(s[i+1]) && digit(s[i+2]) && digit(s[i+3]) && s[i+1:i+4] > "255" {
				return true
			}
			i++
		}
	}
	return false
}

func checkPresentation(t *testing.T, s string) {
	t.Helper()
	var w Wire
	ok := w.Set(s)
	want, err := pack(s)
	if badEscape(s) || err == nil && len(want) > MaxWire { // miekg/dns even packs names of 256 octets
		if ok {
			t.Fatalf("Set(%q) accepts a name that no message can carry", s)
		}
		return
	}
	if err != nil || s == "" || oddBackslashes(s) {
		return // a backslash at the end of s would escape the dot that pack appends
	}
	if !ok || !bytes.Equal(w.Suffix(w.NumLabels()), want) {
		t.Fatalf("Set(%q): %v, %q, want %q", s, ok, w.buf[:w.n], want)
	}
}

func checkWire(t *testing.T, b []byte) {
	t.Helper()
	s, _, err := dns.UnpackDomainName(b, 0)
	if err != nil {
		return
	}
	var w Wire
	if !w.Set(s) {
		t.Fatalf("Set(%q), unpacked from %q, fails", s, b)
	}
	wire := w.Name().Wire()
	again, err := pack(string(AppendPresentation(nil, wire)))
	if err != nil || string(again) != wire {
		t.Fatalf("%q: presentation %q packs to %q, %v", wire, AppendPresentation(nil, wire), again, err)
	}
	// miekg/dns does not escape "$".
	if got := strings.ReplaceAll(string(AppendPresentation(nil, wire)), `\$`, "$"); got != lowerString(s) {
		t.Fatalf("%q: presentation %q, miekg's %q", wire, got, s)
	}
	if w.Name().FQDN() != string(AppendPresentation(nil, []byte(wire))) {
		t.Fatalf("%q: FQDN %q", wire, w.Name().FQDN())
	}
}

func lowerString(s string) string {
	b := []byte(s)
	for i, c := range b {
		b[i] = lower(c)
	}
	return string(b)
}

func TestMiekg(t *testing.T) {
	for c := range 256 {
		checkWire(t, []byte{2, byte(c), 'a', 3, 'c', 'o', 'm', 0})
		checkPresentation(t, string([]byte{'a', '\\', byte(c), '.', 'x'}))
		checkPresentation(t, string([]byte{'a', byte(c), '.', 'x'}))
	}
}

// FuzzWire compares Set and AppendPresentation with miekg/dns.
func FuzzWire(f *testing.F) {
	f.Add("Example.COM", []byte("\x03WWW\x07example\x03com\x00"))
	f.Add(`a\.b\000\255.`, []byte("\x04a.\x00\xff\x00"))
	f.Add(strings.Repeat("a.", 127), bytes.Repeat([]byte("\x01a"), 127))
	f.Add(`\256.\`, []byte("\x00"))
	f.Fuzz(func(t *testing.T, s string, b []byte) {
		checkPresentation(t, s)
		checkWire(t, b)
	})
}
