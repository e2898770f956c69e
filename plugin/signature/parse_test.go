package signature

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"
	"time"
)

// TestParse parses signatures that Debian's minisign has made.
func TestParse(t *testing.T) {
	for _, tc := range []struct {
		path   string
		key    string
		legacy bool
		file   string
	}{
		{"orders.yaml.minisig", "one", false, "orders.yaml"},
		{"orders.yaml.2.minisig", "two", false, "orders.yaml"},
		{"legacy/orders.yaml.minisig", "one", true, "orders.yaml"},
		{"comment.minisig", "one", false, ""},
	} {
		data := file(t, tc.path)
		for _, form := range [][]byte{data, bytes.ReplaceAll(data, []byte("\n"), []byte("\r\n")), bytes.TrimSuffix(data, []byte("\n"))} {
			s, err := Parse(form)
			if err != nil || s.Key != public(t, tc.key).ID() || s.Legacy != tc.legacy || s.File != tc.file {
				t.Errorf("%s: got %+v, %v", tc.path, s, err)
			}
			// The signatures in testdata were made in November 2026.
			if got := s.Signed; tc.file != "" && (got.Year() != 2026 || got.Location() != time.UTC) || tc.file == "" && !got.IsZero() {
				t.Errorf("%s: signed at %v", tc.path, got)
			}
		}
	}
}

func TestParseErrors(t *testing.T) {
	lines := strings.Split(strings.TrimSuffix(string(file(t, "orders.yaml.minisig")), "\n"), "\n")
	legacy := strings.Split(string(file(t, "legacy/orders.yaml.minisig")), "\n")
	sig, global := lines[1], lines[3]
	raw, err := base64.StdEncoding.DecodeString(sig)
	if err != nil {
		t.Fatal(err)
	}
	encode := func(b []byte) string { return base64.StdEncoding.EncodeToString(b) }
	raw[0] = 'X'
	otherAlgorithm := encode(raw)
	with := func(line int, text string) []string {
		out := append([]string(nil), lines...)
		out[line-1] = text
		return out
	}
	trusted := func(text string) []string { return with(3, "trusted comment: "+text) }
	for _, tc := range []struct {
		lines []string
		want  string
	}{
		{[]string{}, "is empty"},
		{lines[:3], "has 3 lines, but a signature has 4: an untrusted comment, the signature, a trusted comment and its signature"},
		{append(with(4, global), ""), "has 5 lines, but a signature has 4: an untrusted comment, the signature, a trusted comment and its signature"},
		{append(with(4, global), "more"), "has 5 lines, but a signature has 4: an untrusted comment, the signature, a trusted comment and its signature"},
		{with(1, "comment: a"), `line 1: must begin with "untrusted comment: "`},
		{with(1, "untrusted comment:"), `line 1: must begin with "untrusted comment: "`},
		{with(1, "untrusted comment: a\tb"), `line 1: the comment has characters that are not printable, got "a\tb"`},
		{with(1, "untrusted comment: \xff"), `line 1: the comment has characters that are not printable, got "\xff"`},
		{with(1, "untrusted comment: \u202eevil"), `line 1: the comment has characters that are not printable, got "\u202eevil"`},
		{with(1, "untrusted comment: a\r\r"), `line 1: the comment has characters that are not printable, got "a\r"`},
		{with(1, "untrusted comment: "+strings.Repeat("a", 1025)), "line 1: the comment is longer than 1024 bytes"},
		{with(2, ""), "line 2: must have 74 bytes in base64, got 0"},
		{with(2, global), "line 2: must have 74 bytes in base64, got 64"},
		{with(2, sig+"="), `line 2: is not base64, got "` + sig[:80] + `..."`},
		{with(2, " "+sig), `line 2: is not base64, got "` + (" " + sig)[:80] + `..."`},
		{with(2, strings.TrimSuffix(encode(raw[:74]), "=")[:98]+"/="), ""},
		{with(2, sig[:50]+"\r"+sig[50:]), "line 2: has a carriage return inside"},
		{with(2, otherAlgorithm), `line 2: the algorithm must be ED or Ed, got "XD"`},
		{with(3, "untrusted comment: a"), `line 3: must begin with "trusted comment: "`},
		{trusted("a\x00b"), `line 3: the comment has characters that are not printable, got "a\x00b"`},
		{trusted("timestamp:1\tfile:a\x1b[2J"), `line 3: the comment has characters that are not printable, got "file:a\x1b[2J"`},
		{trusted(strings.Repeat("a", 1025)), "line 3: the comment is longer than 1024 bytes"},
		{trusted("timestamp:-1"), `line 3: the trusted comment: the timestamp must be a number of seconds since 1970, got "-1"`},
		{trusted("timestamp:"), `line 3: the trusted comment: the timestamp must be a number of seconds since 1970, got ""`},
		{trusted("timestamp:253402300800"), `line 3: the trusted comment: the timestamp must be a number of seconds since 1970, got "253402300800"`},
		{trusted("timestamp:1\ttimestamp:1"), `line 3: the trusted comment: has "timestamp" twice`},
		{trusted("file:a\tfile:b"), `line 3: the trusted comment: has "file" twice`},
		{trusted("timestamp:1\tfile:"), "line 3: the trusted comment: the file name is empty"},
		{[]string{lines[0], legacy[1], lines[2], global}, `line 3: the trusted comment: says "hashed", but the algorithm of the signature is Ed, which does not hash`},
		{with(4, sig), "line 4: must have 64 bytes in base64, got 74"},
		{with(4, "="), `line 4: is not base64, got "="`},
		{with(1, strings.Repeat("a", MaxBytes)), "is larger than 4096 bytes"},
	} {
		text := strings.Join(tc.lines, "\n")
		if len(tc.lines) > 0 {
			text += "\n"
		}
		if tc.want == "" {
			if _, err := Parse([]byte(text)); err == nil || !strings.HasPrefix(err.Error(), "line 2: is not base64") {
				t.Errorf("%q: got %v", text, err)
			}
			continue
		}
		if _, err := Parse([]byte(text)); err == nil || err.Error() != tc.want {
			t.Errorf("%q: got %v, want %s", text, err, tc.want)
		}
	}
}
