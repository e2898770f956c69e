package order

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"slices"
	"strings"
	"testing"
)

func TestDemands(t *testing.T) {
	sum := sha256.Sum256([]byte("b.example\n"))
	sha := hex.EncodeToString(sum[:])
	const serialWanted = "a.yaml: serial: is required when signatures are checked, so that an old version is not accepted again; write serial: 1, and a higher number in each new version"
	const because = ", because the Corefile says: require approval"
	order := func(fields string) string {
		return "version: 1\nserial: 1\norders:\n- {id: o, authority: {name: A}, scope: global, targets: [a.example]" + fields + "}\n"
	}
	signed, approved := Demands{Signed: true}, Demands{Approved: true}
	at := `a.yaml:4:3: order "o": document: `
	for _, tc := range []struct {
		demands Demands
		text    string
		want    []string
	}{
		{Demands{}, "version: 1\norders: []\n", nil},
		{signed, "version: 1\norders: []\n", []string{serialWanted}},
		{signed, order(""), nil},
		{signed, order(", targets_from: {file: s.txt, sha256: " + sha + "}"), nil},
		{signed, order(", targets_from: {file: s.txt}"), []string{`a.yaml:4:3: order "o": targets_from: sha256 is required when signatures are checked, because the signature covers only the order file`}},
		{approved, order(", targets_from: {file: s.txt}, document: {sha256: " + sha + ", verified_by: Ann, approved_by: Bob}"), nil},
		{approved, order(""), []string{at + "sha256 of the served document is required" + because}},
		{approved, order(", document: {verified_by: Ann, approved_by: Bob}"), []string{at + "sha256 of the served document is required" + because}},
		{approved, order(", document: {sha256: " + sha + ", verified_by: Ann}"), []string{at + "verified_by and approved_by are required" + because}},
		{approved, order(", document: {sha256: " + sha + ", verified_by: 'Ann  Lee', approved_by: ' ann lee'}"), []string{at + "verified_by and approved_by must be two different people" + because}},
		{approved, order(", status: draft"), nil},
		{approved, order(", status: shadow"), nil},
		{approved, order(", status: suspended"), nil},
		{approved, order(", disclosure: none"), []string{at + "sha256 of the served document is required" + because}},
		{approved, "version: 1\norders:\n- {id: o, action: lift, authority: {name: A}, issued: 2026-01-01, lifts: [x]}\n", []string{`a.yaml:3:3: order "o": document: sha256 of the served document is required` + because}},
	} {
		opt := Options{OpenSide: func(string) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("b.example\n")), nil }}
		f, problems := Parse("a.yaml", strings.NewReader(tc.text), opt)
		for _, o := range f.Orders {
			problems = append(problems, tc.demands.Order("a.yaml", o)...)
		}
		problems = append(problems, tc.demands.File(f)...).Errors()
		var got []string
		for _, p := range problems {
			got = append(got, p.Error())
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("%s: got %q\nwant %q", tc.text, got, tc.want)
		}
		secret := strings.Contains(tc.text, "disclosure: none") || strings.Contains(tc.text, "action: lift")
		for _, p := range problems {
			if secret && strings.Contains(p.Redacted(), `"o"`) {
				t.Errorf("the log names an order that may be sealed: %s", p.Redacted())
			}
		}
	}
}
