// Package registers has an example of each government register that blocklistctl can import with a
// preset. An example has the layout of the real register, but its names are invented.
package registers

import (
	_ "embed"
	"testing"

	"go.yaml.in/yaml/v3"
	"golang.org/x/text/encoding/htmlindex"
)

// An Example is a register with two editions. The expected targets are in examples.yaml. A person
// has read the targets from the text of each edition, without the program.
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
	// In contains values for fields that the register itself does not have. The values apply to all
	// rows of this edition only.
	In   map[string]string
	Rows int
	// Want contains the targets, each as "ID TARGET" or "ID TARGET until TIME".
	Want []string
	// Blocked contains names that the server must block for a client in the country of the
	// register. Passed contains names that the server must not block.
	Blocked []Question
	Passed  []string
}

// A Question is a name with the order that blocks the name.
type Question struct {
	Name, Order string
	// Decision is the text that the order uses to identify the decision, or empty.
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

// Given returns the values that apply to all rows of an edition. It combines Set of the example
// with In of the edition.
func (e *Example) Given(edition *Edition) map[string]string {
	given := map[string]string{}
	for _, m := range []map[string]string{e.Set, edition.In} {
		for k, v := range m {
			given[k] = v
		}
	}
	return given
}
