package importer

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// Charsets lists the supported character sets. The importer does not guess, because most bytes are
// letters in several sets.
var Charsets = []string{"utf-8", "cp1250", "cp1251"}

func decoderFor(charset string) (func(string) (string, bool), error) {
	var table *charmap.Charmap
	switch strings.ToLower(charset) {
	case "", "utf-8", "utf8":
		return func(s string) (string, bool) { return s, utf8.ValidString(s) }, nil
	case "cp1250", "windows-1250":
		table = charmap.Windows1250
	case "cp1251", "windows-1251":
		table = charmap.Windows1251
	default:
		return nil, fmt.Errorf("charset must be one of %s, got %q", strings.Join(Charsets, ", "), charset)
	}
	return func(s string) (string, bool) {
		out, err := table.NewDecoder().String(s)
		return out, err == nil && !strings.ContainsRune(out, utf8.RuneError)
	}, nil
}
