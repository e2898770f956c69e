package register

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestParallel(t *testing.T) {
	badRow, badFile := errors.New("bad row"), errors.New("bad file")
	for _, n := range []int{0, 1, rowBatch - 1, rowBatch, rowBatch + 1, 20 * rowBatch} {
		for _, bad := range []int{-1, 0, 1, rowBatch, n - 1} { // the row with an error
			for _, end := range []error{nil, badFile} {
				read := func(pass func(int) error) error {
					for i := range n {
						if err := pass(i); err != nil {
							return err
						}
					}
					return end
				}
				collect := func(to *[]int) func(int) error {
					return func(at int) error {
						*to = append(*to, at)
						if at == bad {
							return badRow
						}
						return nil
					}
				}
				var got, want []int
				gotErr, wantErr := parallel(read, collect(&got)), read(collect(&want))
				if gotErr != wantErr || !slices.Equal(got, want) {
					t.Errorf("%d rows, bad row %d, end %v: got %d rows and %v, want %d rows and %v", n, bad, end, len(got), gotErr, len(want), wantErr)
				}
			}
		}
	}
}

// TestOwners compares the owners of a zone with a map.
func TestOwners(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	all := owners{index: map[string]int32{}}
	twin := map[string]int32{}
	var names []string
	for record := range 6 * blockSize {
		name := fmt.Sprintf("%d.example", rnd.IntN(4*blockSize))
		switch record % 1000 {
		case 1:
			name = strings.Repeat("long.", nameBlock/4) + name
		case 2:
			name = ""
		}
		o := all.find(name, record)
		if _, ok := twin[name]; !ok {
			twin[name], names = int32(record), append(names, name)
		}
		if o.name != name || o.first != twin[name] {
			t.Fatalf("record %d: got the owner %q of record %d, want %q of record %d", record, o.name, o.first, name, twin[name])
		}
	}
	for i, name := range names {
		if all.at(i).name != name {
			t.Fatalf("owner %d: got %q, want %q", i, all.at(i).name, name)
		}
	}
	if all.n != len(names) || all.n < 2*blockSize {
		t.Errorf("%d owners, want %d", all.n, len(names))
	}
}

func TestZoneRedirects(t *testing.T) {
	zone := func(lines ...string) []byte { return []byte(strings.Join(lines, "\n") + "\n") }
	opt := options(nil, 1.9e9)
	opt.Given = map[string]string{"id": "x", "authority": "A", "country": "IT"}
	_, got := imported(t, load(t, "rpz"), zone("a.example A 192.0.2.1", "*.a.example A 192.0.2.1", "b.example A 192.0.2.1", "*.b.example A 192.0.2.1",
		"a.example A 192.0.2.2", "*.a.example A 192.0.2.2", "b.example A 192.0.2.3"), opt)
	for _, want := range []string{
		"redirect:\n        - 192.0.2.1\n        - 192.0.2.2\n", // a.example and the names below
		"redirect:\n        - 192.0.2.1\n        - 192.0.2.3\n", // b.example
		"redirect:\n        - 192.0.2.1\n    ",
		"- a.example\n", "name: b.example\n        match: exact\n", "- '*.b.example'\n",
	} {
		if !strings.Contains(string(got), want) {
			t.Errorf("the output has no %q:\n%s", want, got)
		}
	}
}
