package source

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dns-orders/blocklist/plugin/printable"
)

// endings has the endings of order files. The parser decides which format each ending means.
var endings = []string{".yaml", ".yml", ".json", ".jsonl"}

func orderEnding(name string) bool {
	return slices.Contains(endings, strings.ToLower(filepath.Ext(name)))
}

// almostOrder reports whether a name contains the ending of an order file, perhaps with more
// text after the ending: orders.yaml.txt, orders.yaml~, orders.yaml.bak.
func almostOrder(name string) bool {
	return slices.ContainsFunc(endings, func(e string) bool { return strings.Contains(strings.ToLower(name), e) })
}

func hidden(name string) bool { return strings.HasPrefix(name, ".") }

// kind says how a pattern is read. The kind is decided when a file or a directory is first
// found at the pattern's path, and does not change afterwards. A directory that later appears
// in place of a file is a fault and does not change the meaning of the Corefile.
type kind uint8

const (
	undecided kind = iota // nothing is there yet, and the name does not show the kind
	plainFile
	directory
	glob
)

// pattern is one entry of the configuration.
type pattern struct {
	text     string // as configured, cleaned
	abs      string
	kind     kind
	settler  settler
	reported State      // the last report; 0 before the first report, and while the state is Ready
	last     *expansion // the result of the last look
	listedAt time.Time  // the last look that expanded the pattern
}

func newPattern(text string) (*pattern, error) {
	if text == "" {
		return nil, errors.New("empty path")
	}
	if _, err := filepath.Match(text, ""); err != nil {
		return nil, fmt.Errorf("%s: %w", text, err)
	}
	p := &pattern{text: filepath.Clean(text)}
	switch {
	case os.IsPathSeparator(text[len(text)-1]):
		p.kind = directory
	case orderEnding(text) && !hasMeta(text):
		// A directory at this path is an error and is not listed. Docker makes a directory
		// when the file to be mounted does not exist.
		p.kind = plainFile
	}
	var err error
	p.abs, err = filepath.Abs(p.text)
	return p, err
}

// hasMeta reports whether a path has a character that filepath.Match treats in a special way.
func hasMeta(path string) bool {
	if filepath.Separator == '\\' {
		return strings.ContainsAny(path, "*?[")
	}
	return strings.ContainsAny(path, `*?[\`)
}

// spellsEnding reports whether a glob names an ending, as *.txt does. A glob without an ending
// matches order files only: orders/* must not make README.md or a side list an order file.
func (p *pattern) spellsEnding() bool {
	ending := filepath.Ext(p.text)
	return ending != "" && !hasMeta(ending)
}

// expansion is the result of expanding a pattern. It does not change.
type expansion struct {
	paths   []string // order files as shown, sorted bytewise
	ignored []string // other files in the listed directories
	points  []string // directory entries to be watched, as those of a location
	dirs    []string // the directories that were listed, by the path that leads there
	state   State    // Ready, or the reason why there are no paths; 0 if the file system did not answer
	err     error
}

// expand finds the paths that the pattern names. When the result equals old, expand returns
// old.
func (p *pattern) expand(f *files, old *expansion) *expansion {
	x := &expansion{state: Ready}
	if p.kind == undecided {
		p.decide(f)
	}
	switch p.kind {
	case undecided:
		at := f.resolve(p.abs)
		v, _ := at.fault(p.text)
		x.points, x.state, x.err = at.points(), v.state, v.err
	case plainFile:
		x.paths = []string{p.text} // the file has a state of its own
	case directory:
		if err := x.list(f, p, p.text, []string{"*"}); err != nil {
			x.state, x.err = stateOf(err), pathError(p.text, "", err)
		}
	case glob:
		dir, globs := p.text, []string(nil)
		for ; hasMeta(dir); dir = filepath.Dir(dir) {
			globs = append([]string{filepath.Base(dir)}, globs...)
		}
		// A directory that cannot be read is skipped, as in filepath.Glob.
		if err := x.list(f, p, dir, globs); err != nil && stateOf(err) == Pending {
			x.state, x.err = Pending, pathError(p.text, "", err)
		}
	}
	if x.state == Ready && len(x.paths) == 0 {
		what := map[kind]string{directory: "directory", glob: "glob"}[p.kind]
		x.state, x.err = Empty, fmt.Errorf("%s: no order file (%s) in this %s", printable.Line(p.text), strings.Join(endings, " "), what)
	}
	slices.Sort(x.paths)
	if old != nil && x.state == old.state && slices.Equal(x.paths, old.paths) && slices.Equal(x.ignored, old.ignored) &&
		slices.Equal(x.points, old.points) && slices.Equal(x.dirs, old.dirs) {
		return old
	}
	return x
}

// decide sets the kind if a file or a directory is at the path. A name with a * that exists is
// the name of a file.
func (p *pattern) decide(f *files) {
	switch at := f.resolve(p.abs); {
	case at.err == nil && at.mode.IsDir():
		p.kind = directory
	case at.err == nil:
		p.kind = plainFile
	case hasMeta(p.text) && stateOf(at.err) != Pending:
		p.kind = glob
	}
}

// list adds the files below dir that match globs, which has one glob for each level of directories.
// list skips hidden entries unless the glob begins with a dot too. It follows links, because the
// files of a Kubernetes ConfigMap are links.
func (x *expansion) list(f *files, p *pattern, dir string, globs []string) error {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	at := f.directory(abs)
	x.points = append(x.points, at.points()...)
	if at.err != nil {
		return at.err
	}
	if !at.mode.IsDir() {
		return errors.New("is not a directory any more")
	}
	x.dirs = append(x.dirs, abs)
	entries, err := f.readDir(at.end)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name, path := e.Name(), filepath.Join(dir, e.Name())
		match, _ := filepath.Match(globs[0], name) // the syntax was checked by newPattern
		if hidden(name) && !hidden(globs[0]) {
			continue
		}
		switch isDir := f.isDir(filepath.Join(at.end, name), e.Type()); {
		case len(globs) > 1:
			if match && isDir {
				if err := x.list(f, p, path, globs[1:]); err != nil && stateOf(err) == Pending {
					return err
				}
			}
		case isDir:
		case match && (orderEnding(name) || p.kind == glob && p.spellsEnding()):
			x.paths = append(x.paths, path)
		case match || almostOrder(name):
			// A name that was meant as an order file often misses the pattern only just.
			x.ignored = append(x.ignored, path)
		}
	}
	return nil
}

// isDir reports whether path, an entry of the given type, is or leads to a directory.
func (f *files) isDir(path string, t fs.FileMode) bool {
	if t&fs.ModeSymlink == 0 {
		return t.IsDir()
	}
	at := f.resolve(path)
	return at.err == nil && at.mode.IsDir()
}
