package order

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the errors found into testdata/bad; read them before you commit")

func load(t testing.TB, path string) (*File, Problems) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", path))
	if err != nil {
		t.Fatal(err)
	}
	return Parse(filepath.ToSlash(path), bytes.NewReader(data), Options{OpenSide: openSide(filepath.Dir(path))})
}

func openSide(dir string) func(string) (io.ReadCloser, error) {
	return func(name string) (io.ReadCloser, error) {
		f, err := os.Open(filepath.Join("testdata", dir, name))
		if errors.Is(err, os.ErrNotExist) {
			err = os.ErrNotExist // this error has the same text on every system
		}
		return f, err
	}
}

func glob(t testing.TB, dir string) (paths []string) {
	t.Helper()
	all, err := filepath.Glob(filepath.Join("testdata", dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		if slices.Contains(Extensions, filepath.Ext(p)) {
			p, _ = filepath.Rel("testdata", p)
			paths = append(paths, p)
		}
	}
	if len(paths) == 0 {
		t.Fatalf("no files in testdata/%s", dir)
	}
	return paths
}

const wantMark = "# want: "

// The expected problems are in a comment "# want: " or in a file with the ending ".want".
func TestBad(t *testing.T) {
	for _, path := range glob(t, "bad") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			_, problems := load(t, path)
			if len(problems) == 0 {
				t.Fatal("no problem found")
			}
			got := problems.Error()
			if *update {
				rewrite(t, path, got)
			}
			if want := wanted(t, path); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func wanted(t *testing.T, path string) string {
	file := filepath.Join("testdata", path)
	if want, err := os.ReadFile(file + ".want"); err == nil {
		return strings.TrimSpace(string(want))
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for line := range strings.Lines(string(data)) {
		w, ok := strings.CutPrefix(strings.TrimSpace(line), wantMark)
		if !ok {
			break
		}
		want = append(want, w)
	}
	return strings.Join(want, "\n")
}

func rewrite(t *testing.T, path, got string) {
	file := filepath.Join("testdata", path)
	if _, err := os.Stat(file + ".want"); err == nil || filepath.Ext(path) != ".yaml" {
		if err := os.WriteFile(file+".want", []byte(got+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	body := string(data)
	for strings.HasPrefix(body, wantMark) {
		_, body, _ = strings.Cut(body, "\n")
	}
	head := wantMark + strings.ReplaceAll(got, "\n", "\n"+wantMark) + "\n"
	if err := os.WriteFile(file, []byte(head+body), 0o644); err != nil {
		t.Fatal(err)
	}
}
