package store

import (
	"fmt"
	"strings"
	"testing"
)

func TestSplitKeepsNames(t *testing.T) {
	names := func(from, to int) string {
		return strings.TrimPrefix(many(to), many(from))
	}
	for _, tc := range []struct {
		name       string
		successors []string // the names in each new file
		blocked    string
	}{
		{"the same few names in each file", []string{names(0, 5), names(0, 5), names(0, 5), names(0, 5)}, "n0.example n39.example"},
		{"each file has a part of the names", []string{names(0, 10), names(10, 20), names(20, 30), names(30, 38)}, "n0.example"},
		{"half of the names, in two files", []string{names(0, 10), names(10, 20), names(10, 20), names(0, 10)}, "n0.example"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t)
			var specs []string
			for i := range tc.successors {
				specs = append(specs, fmt.Sprintf("o%d: %s", i, many(40)))
			}
			w.write("a.yaml", orders("", specs...))
			w.mustStart()
			w.remove("a.yaml")
			for i, heir := range tc.successors {
				w.write(fmt.Sprintf("b%d.yaml", i), orders("", fmt.Sprintf("o%d: %s", i, heir)))
			}
			w.step()
			w.wantBlocked(tc.blocked, "n0.example", "n39.example")
		})
	}
}
