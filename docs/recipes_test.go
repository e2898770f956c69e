package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Each entry is a section below "How to add" in CONTRIBUTING.md. The section must list all files of
// its example.
var recipes = []struct {
	title       string
	names, text *regexp.Regexp
}{
	{"A response type", regexp.MustCompile(`\b(NODATA|nodata)\b`), regexp.MustCompile("`nodata`|\"nodata\"|`response: nodata`")},
	{"A field of an order", regexp.MustCompile(`\b(ReportTo|report_to)\b`), regexp.MustCompile(`\breport_to\b`)},
	{"An option of the directive", regexp.MustCompile(`\b(SDEOption|sde_option)\b`), regexp.MustCompile(`\bsde_option\b`)},
	{"A metric", regexp.MustCompile(`\b(uselessDesc|useless_lifts)\b`), regexp.MustCompile(`(\b|_)useless_lifts\b`)},
	{"An importer", regexp.MustCompile(`\b(Domains|domainsCmd)\b`), regexp.MustCompile(`\bimport domains\b`)},
	{"A command of blocklistctl", regexp.MustCompile(`\bschemaCmd\b`), regexp.MustCompile(`\bblocklistctl schema\b|\n## schema\n`)},
}

func TestRecipes(t *testing.T) {
	page, err := os.ReadFile("../CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	files := sources(t, "..")
	for _, r := range recipes {
		_, section, ok := strings.Cut(string(page), "\n### "+r.title+"\n")
		if !ok {
			t.Errorf("CONTRIBUTING.md has no section %q", r.title)
			continue
		}
		section, _, _ = strings.Cut(section, "\n#")
		var listed []string
		for _, m := range regexp.MustCompile("(?m)^\\* `([^`]+)`").FindAllStringSubmatch(section, -1) {
			listed = append(listed, m[1])
		}
		for _, m := range regexp.MustCompile("`([\\w/.-]*/[\\w/*.-]+|\\w+_test\\.go)`").FindAllStringSubmatch(section, -1) {
			if found, err := filepath.Glob(filepath.Join("..", m[1])); err != nil || len(found) == 0 {
				t.Errorf("%s: there is no file %s", r.title, m[1])
			}
		}
		for path, f := range files {
			pattern := r.text
			if strings.HasSuffix(path, ".go") {
				pattern = r.names
			}
			if names := pattern.MatchString(f); names != slices.Contains(listed, path) {
				t.Errorf("%s: %s names the example: %v, is in the list: %v", r.title, path, names, !names)
			}
		}
		if len(listed) == 0 {
			t.Errorf("%s: there is no list", r.title)
		}
	}
}

// sources returns the text of each file of the repository, by path. For a Go file, the text is only
// the identifiers and the string literals.
func sources(t *testing.T, root string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && path != root || d.Name() == "testdata" || name == "bench" || name == "test") {
			return filepath.SkipDir
		}
		ext := filepath.Ext(name)
		if d.IsDir() || name == "CONTRIBUTING.md" || name == "CHANGELOG.md" || strings.HasSuffix(name, "_test.go") || strings.HasSuffix(name, "_test.yaml") ||
			!slices.Contains([]string{".go", ".md", ".json", ".yaml"}, ext) {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		out[name] = string(text)
		if ext == ".go" {
			out[name], err = code(path, text)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func code(path string, text []byte) (string, error) {
	file, err := parser.ParseFile(token.NewFileSet(), path, text, 0)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Ident:
			b.WriteString(n.Name + "\n")
		case *ast.BasicLit:
			if n.Kind == token.STRING {
				b.WriteString(n.Value + "\n")
			}
		}
		return true
	})
	return b.String(), nil
}
