package dname

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// Browsers also use the non-transitional form of UTS 46. Orders may contain "_" and "--".
var uts46 = idna.New(
	idna.MapForLookup(),
	idna.Transitional(false),
	idna.BidiRule(),
	idna.StrictDomainName(false),
	idna.CheckHyphens(false),
)

// dots converts the label separators of UTS 46, section 4.
var dots = strings.NewReplacer("\u3002", ".", "\uff0e", ".", "\uff61", ".")

// Parse parses a host name in an order. It uses UTS 46 to convert non-ASCII labels to A-labels (RFC
// 5890).
func Parse(s string) (Name, error) {
	var room [MaxWire]byte
	if wire, ok := parsePlain(&room, s); ok {
		return Name{string(wire)}, nil
	}
	ascii := isASCII(s)
	if !ascii {
		if !utf8.ValidString(s) {
			return Name{}, errors.New("is not valid UTF-8")
		}
		s = dots.Replace(s)
	}
	if err := notAName(s); err != nil {
		return Name{}, err
	}
	wire := make([]byte, 0, len(s)+2)
	for label := range strings.SplitSeq(strings.TrimSuffix(s, "."), ".") {
		var err error
		if wire, err = appendLabel(wire, label); err != nil {
			return Name{}, err
		}
	}
	if len(wire)+1 > MaxWire {
		return Name{}, fmt.Errorf("name has %d octets, at most 253 are allowed", len(wire)-1)
	}
	n := Name{string(append(wire, 0))}
	if !ascii && isAddress(n.String()) { // UTS 46 has converted full-width digits to ASCII digits
		return Name{}, errAddress
	}
	if numericEnd(n) {
		return Name{}, errors.New(`ends in a number, as no name does; an IP address is written "address: ..."`)
	}
	return n, nil
}

var plain = func() (t [256]byte) {
	for c := range byte(128) {
		if l := lower(c); 'a' <= l && l <= 'z' || digit(l) || l == '-' || l == '_' {
			t[c] = l
		}
	}
	return t
}()

func parsePlain[T string | []byte](wire *[MaxWire]byte, s T) ([]byte, bool) {
	if len(s) == 0 || len(s) > MaxWire-2 || digit(s[len(s)-1]) {
		return nil, false
	}
	start := 0 // index of the length octet of the current label; wire[i+1] stores s[i]
	for i := range len(s) {
		if c := plain[s[i]]; c != 0 {
			wire[i+1] = c
			continue
		}
		n := i - start
		if s[i] != '.' || n < 1 || n > MaxLabel {
			return nil, false
		}
		wire[start], start = byte(n), i+1
	}
	n := len(s) - start
	if n < 1 || n > MaxLabel { // n is also 0 if s has a trailing dot
		return nil, false
	}
	wire[start], wire[len(s)+1] = byte(n), 0
	return wire[:len(s)+2], true
}

var errAddress = errors.New(`is an IP address, not a name; write "address: ..."`)

func notAName(s string) error {
	switch {
	case s == "":
		return errors.New("name is empty")
	case s == ".":
		return errors.New("is the root, which no order can name")
	case strings.Contains(s, "://"):
		return errors.New(`has a scheme; write the bare name, or "url: ..." for one page`)
	case isAddress(s):
		return errAddress
	case strings.ContainsAny(s, "/?#"):
		return errors.New(`has a path; write the bare name, or "url: ..." for one page`)
	case strings.ContainsRune(s, '*'):
		return errors.New(`"*" may only stand as the whole first label, as in "*.example.com"`)
	case strings.ContainsRune(s, ':'):
		return errors.New("has a port; DNS blocks names whatever the port, write the bare name")
	case strings.ContainsRune(s, '@'):
		return errors.New(`has an "@"; write the bare name`)
	}
	if i := strings.IndexFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }); i >= 0 {
		return errors.New("has blanks or control characters; write one bare name")
	}
	return nil
}

// numericEnd reports whether the last label has only digits. No top-level domain has only digits
// (RFC 3696, section 2).
func numericEnd(n Name) bool {
	var w Wire
	w.SetName(n)
	for _, c := range w.Label(1) {
		if !digit(c) {
			return false
		}
	}
	return true
}

func isAddress(s string) bool {
	if last := strings.TrimSuffix(s, "."); !strings.ContainsAny(s, ":/[") && (last == "" || !digit(last[len(last)-1])) {
		return false
	}
	if _, err := netip.ParseAddrPort(s); err == nil {
		return true
	}
	s = strings.TrimSuffix(strings.TrimPrefix(s, "["), "]")
	if _, err := netip.ParseAddr(strings.TrimSuffix(s, ".")); err == nil {
		return true
	}
	_, err := netip.ParsePrefix(s)
	return err == nil
}

func appendLabel(wire []byte, label string) ([]byte, error) {
	if label == "" {
		return nil, errors.New("has an empty label (two dots in a row, or a leading dot)")
	}
	if !isASCII(label) {
		a, err := uts46.ToASCII(label)
		if err != nil {
			return nil, fmt.Errorf("label %q is not a valid internationalized label: %s", clip(label), unprefix(err))
		}
		if a == "" || strings.ContainsRune(a, '.') {
			return nil, fmt.Errorf("label %q is not one label after UTS 46 mapping", clip(label))
		}
		if i := strings.IndexFunc(label, isPunctuation); i >= 0 && strings.HasPrefix(a, "xn--") {
			r, _ := utf8.DecodeRuneInString(label[i:])
			return nil, fmt.Errorf("has the character %q, which no host name has; is it from a word processor?", r)
		}
		label = a
	}
	if len(label) > MaxLabel {
		return nil, fmt.Errorf("label %q has %d octets, at most %d are allowed", clip(label), len(label), MaxLabel)
	}
	wire = append(wire, byte(len(label)))
	for i := range len(label) {
		c := lower(label[i])
		if !('a' <= c && c <= 'z' || digit(c) || c == '-' || c == '_') {
			return nil, fmt.Errorf("has the character %q, which no host name has", c)
		}
		wire = append(wire, c)
	}
	return wire, nil
}

// clip shortens a label for an error message.
func clip(label string) string {
	const most = 80
	if len(label) <= most {
		return label
	}
	return strings.ToValidUTF8(label[:most], "") + "..."
}

// IDNA 2008 allows some punctuation (RFC 5892, appendix A).
func isPunctuation(r rune) bool {
	return r > unicode.MaxASCII && unicode.IsPunct(r) && !strings.ContainsRune("\u00b7\u05f3\u05f4\u0f0b\u30fb", r)
}

func unprefix(err error) string { return clip(strings.TrimPrefix(err.Error(), "idna: ")) }

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
