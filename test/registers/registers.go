// Package registers has an example of each government register with a preset in blocklistctl. The
// names are invented.
package registers

import (
	_ "embed"
	"testing"

	"go.yaml.in/yaml/v3"
	"golang.org/x/text/encoding/htmlindex"
)

// An Example is a register with two editions. A person has found the expected targets without the
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
	// In contains values for fields that the register does not have. The values apply to all rows.
	In   map[string]string
	Rows int
	// Want contains the targets, each as "ID TARGET" or "ID TARGET until TIME".
	Want []string
	// The server must block the names in Blocked, and no name in Passed, for clients in the
	// register's country.
	Blocked []Question
	Passed  []string
}

// A Question is a name with the order that blocks the name.
type Question struct {
	Name, Order string
	// Decision identifies the decision in the order. It may be empty.
	Decision string
	Address  string // the address of the redirect, or empty
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

// Given returns the values for all rows of an edition, from Set and In.
func (e *Example) Given(edition *Edition) map[string]string {
	given := map[string]string{}
	for _, m := range []map[string]string{e.Set, edition.In} {
		for k, v := range m {
			given[k] = v
		}
	}
	return given
}
