package guard

import (
	"cmp"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/publicsuffix"
)

var update = flag.Bool("update", false, "write the rules of golang.org/x/net/publicsuffix into suffixes.txt")

// With the flag -update, TestSuffixList writes suffixes.txt.
func TestSuffixList(t *testing.T) {
	want := "# Made by go generate from golang.org/x/net/publicsuffix:\n# " + publicsuffix.List.String() + "\n" +
		"# It is subject to the terms of the Mozilla Public License, v. 2.0 (https://mozilla.org/MPL/2.0/).\n" +
		strings.Join(netRules(t), "\n") + "\n"
	if *update {
		if err := os.WriteFile("suffixes.txt", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if suffixList != want {
		t.Error("suffixes.txt is not the list of golang.org/x/net/publicsuffix; was it updated? Run: go generate ./plugin/guard")
	}
}

// netRules reads the test source of golang.org/x/net, because the API of x/net cannot list the
// rules.
func netRules(t testing.TB) (rules []string) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "golang.org/x/net").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(strings.TrimSpace(string(dir)), "publicsuffix/table_test.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok || v.Names[0].Name != "rules" {
			return true
		}
		for _, e := range v.Values[0].(*ast.CompositeLit).Elts {
			s, err := strconv.Unquote(e.(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			rules = append(rules, s)
		}
		return false
	})
	slices.SortFunc(rules, func(a, b string) int {
		return cmp.Or(parsed(strings.TrimLeft(a, "*.!")).Compare(parsed(strings.TrimLeft(b, "*.!"))), cmp.Compare(a, b))
	})
	if len(rules) < 9000 {
		t.Fatalf("found %d rules only: publicsuffix/table_test.go has changed its form", len(rules))
	}
	return rules
}

type truth map[string][]rule // the key is a top-level domain, which makes the tests fast enough

type rule struct {
	labels    []string // a label "*" matches any label
	exception bool
}

func newTruth() truth {
	tr := truth{}
	for line := range strings.Lines(suffixList) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "#") {
			continue
		}
		name, exception := strings.CutPrefix(line, "!")
		labels := strings.Split(name, ".")
		slices.Reverse(labels)
		tr[labels[0]] = append(tr[labels[0]], rule{labels, exception})
	}
	return tr
}

func (tr truth) isSuffix(labels []string) bool {
	if len(labels) == 0 {
		return false
	}
	length := 1 // if no rule matches, publicsuffix.org says that the rule is "*"
	for _, r := range tr[labels[0]] {
		if !r.matches(labels) {
			continue
		}
		if r.exception {
			return len(labels) == len(r.labels)-1
		}
		length = max(length, len(r.labels))
	}
	return len(labels) == length
}

func (r rule) matches(labels []string) bool {
	if len(labels) < len(r.labels) {
		return false
	}
	for i, l := range r.labels {
		if l != "*" && l != labels[i] {
			return false
		}
	}
	return true
}

func (tr truth) hasBelow(labels []string) bool {
	if len(labels) == 0 {
		return true
	}
	return slices.ContainsFunc(tr[labels[0]], func(r rule) bool {
		return !r.exception && len(r.labels) > len(labels) && slices.Equal(r.labels[:len(labels)], labels)
	})
}
