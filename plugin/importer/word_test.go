package importer

import (
	"reflect"
	"strings"
	"testing"

	"github.com/dns-orders/blocklist/plugin/order"
)

func FuzzWord(f *testing.F) {
	for _, s := range []string{
		"https://www.example.com", "http://example.com/", "HTTPS://Example.COM/page?x=1&y=2", "example.com/page", "*.example.com",
		"https://example.com:8080/x", "https://https://example.com", "http://a.comhttp://b.com", "hxxp://example.com", "http://hxxp.example.com",
		"h**p://example.com", "http:/example.com", "https//example.com", "ftp:example.com", `http:\\example.com`, "http:///example.com", "svn+ssh://example.com",
		"192.0.2.1", "192.0.2.0/24", "192.0.2.1/24", "2001:db8::1", "[2001:db8::1].", "(192.0.2.1)", "http://192.0.2.1/page", "http://192.0.2.1",
		"example.com..", "example..com", "com", "co.uk", "a", "-", ".", "/", "1.example.com", "i.e", "https://", "example.com?", "example.com/..",
		"example.com/%2e%2e", "xn--mnchen-3ya.example", "example.com&and", "~example.com", "example.com.", ".example.com", "example-.com", "a=b.example.com",
	} {
		for seed := range uint(8) {
			f.Add(s, seed*977)
		}
	}
	f.Fuzz(func(t *testing.T, s string, seed uint) {
		if got, want := schemeOf(s), schemes.FindString(s); got != want {
			t.Fatalf("scheme of %q: got %q, want %q", s, got, want)
		}
		_, why := order.ParsePrefix(strings.Trim(s, "[]().,;"))
		if got := isAddress(s); got != (why == "") {
			t.Fatalf("isAddress(%q): got %v, and the order file says %q", s, got, why)
		}
		if plainWord(s) {
			c := cleaner{note: &Note{}}
			if got := c.unwrap(s); got != s || len(c.note.Did) > 0 || c.note.Refused != "" {
				t.Fatalf("plain word %q: got %q, %+v", s, got, c.note)
			}
		}
		if s == "" || s[0] == '#' || simple(s) || !oneWord(s) {
			return
		}
		opt := Options{Decide: map[Form]string{}}
		for _, form := range []Form{Mask, Paths, Ports, Addresses, AddressURLs} {
			words := append(Choices(form), "")
			if w := words[seed%uint(len(words))]; w != "" {
				opt.Decide[form] = w
			}
			seed /= uint(len(words))
		}
		short, full := cleaner{opt: opt, note: &Note{}}, cleaner{opt: opt, note: &Note{}}
		got, want := short.line(s), full.text(s)
		if !reflect.DeepEqual(got, want) && len(got)+len(want) > 0 || !reflect.DeepEqual(short.note, full.note) {
			t.Fatalf("%q: got %v and %+v, want %v and %+v", s, got, short.note, want, full.note)
		}
	})
}
