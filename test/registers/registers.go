// Package registers has examples of the registers for which the program has presets. The examples
// have the layout of the registers, and names that no register has.
package registers

import (
	_ "embed"
	"testing"

	"go.yaml.in/yaml/v3"
	"golang.org/x/text/encoding/htmlindex"
)

// An Example is a register with two editions. The file examples.yaml has the targets that a person
// read in each edition.
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
	// In contains values for all rows that differ from the other edition.
	In   map[string]string
	Rows int
	// Want contains the targets, each as "ID TARGET" or "ID TARGET until TIME".
	Want []string
	// Blocked and Passed contain names that a server blocks or does not block for a client in the country.
	Blocked []Question
	Passed  []string
}

// A Question is a name with the order that blocks the name.
type Question struct {
	Name, Order string
	// Decision is the text with which the order names the decision, or empty.
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

// Given returns the values for all rows of an edition.
func (e *Example) Given(edition *Edition) map[string]string {
	given := map[string]string{}
	for _, m := range []map[string]string{e.Set, edition.In} {
		for k, v := range m {
			given[k] = v
		}
	}
	return given
}
