// Package registers has an example of each government register with a preset in blocklistctl. The
// names are invented.
package registers

import (
	_ "embed"
	"testing"

	"go.yaml.in/yaml/v3"
	"golang.org/x/text/encoding/htmlindex"
)

// An Example is a register with two editions. A person found the expected targets without the
// program.
type Example struct {
	Preset  string
	File    string // the name of the file
	Charset string
	Set     map[string]string
	First   Edition
	Second  Edition
}

// An Edition is one edition of a register.
type Edition struct {
	Text string
	AsOf string `yaml:"as_of"`
	// In contains values for fields that are not in the register. The values apply to all rows.
	In   map[string]string
	Rows int
	// Want contains the expected targets. Each has the form "ID TARGET" or "ID TARGET until TIME".
	Want []string
	// For clients in the country of the register, the server must block the names in Blocked. It
	// must not block the names in Passed.
	Blocked []Question
	Passed  []string
}

// A Question is a name and the order that blocks it.
type Question struct {
	Name, Order string
	Decision    string
	Address     string // the address of the redirect, or empty
}

//go:embed examples.yaml
var file []byte

// Examples returns one example of each preset.
func Examples(t testing.TB) (all []Example) {
	t.Helper()
	if err := yaml.Unmarshal(file, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// Bytes returns the text of an edition in the character set of the register.
func (e *Example) Bytes(t testing.TB, edition *Edition) []byte {
	t.Helper()
	if e.Charset == "" {
		return []byte(edition.Text)
	}
	set, err := htmlindex.Get(e.Charset)
	if err != nil {
		t.Fatal(err)
	}
	text, err := set.NewEncoder().String(edition.Text)
	if err != nil {
		t.Fatal(err)
	}
	return []byte(text)
}

// Given returns the values that apply to all rows of an edition.
func (e *Example) Given(edition *Edition) map[string]string {
	given := map[string]string{}
	for _, m := range []map[string]string{e.Set, edition.In} {
		for k, v := range m {
			given[k] = v
		}
	}
	return given
}
