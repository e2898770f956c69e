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

var endings = []string{".yaml", ".yml", ".json", ".jsonl"}

// A .txt file in a configured directory is not an order file, because it may be a side list.
const listEnding = ".txt"

func orderEnding(name string) bool {
	return slices.Contains(endings, strings.ToLower(filepath.Ext(name)))
}

func almostOrder(name string) bool {
	return slices.ContainsFunc(endings, func(e string) bool { return strings.Contains(strings.ToLower(name), e) })
}

func hidden(name string) bool { return strings.HasPrefix(name, ".") }

type kind uint8

const (
	undecided kind = iota // nothing is at the path yet, and the text does not show the kind
	plainFile
	directory
	glob
)

type pattern struct {
	text     string // the configured text, cleaned by filepath.Clean
	abs      string
	kind     kind
	settler  settler
	reported State      // in the last report; 0 at first, and while the state is Ready
	last     *expansion // the files that the last scan found
	listedAt time.Time  // the time of the last scan that listed the files
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
	case (orderEnding(text) || strings.EqualFold(filepath.Ext(text), listEnding)) && !hasMeta(text):
		// If the file of a mount is missing, Docker creates a directory with the name of the file.
		// This directory must cause an error.
		p.kind = plainFile
	}
	var err error
	p.abs, err = filepath.Abs(p.text)
	return p, err
}

func hasMeta(path string) bool {
	if filepath.Separator == '\\' {
		return strings.ContainsAny(path, "*?[")
	}
	return strings.ContainsAny(path, `*?[\`)
}

// A glob without an ending, like orders/*, must not match README.md.
func (p *pattern) spellsEnding() bool {
	ending := filepath.Ext(p.text)
	return ending != "" && !hasMeta(ending)
}

type expansion struct {
	paths   []string // the order files, as shown to the user, sorted bytewise
	ignored []string // other files in the listed directories
	points  []string // directory entries whose directories must be watched; see location.points
	dirs    []string // the listed directories, as absolute paths with their links
	state   State    // Ready, or why no file was found; 0 if the file system did not answer
	err     error
}

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
		x.paths = []string{p.text} // a missing file is reported by the path, not by the pattern
	case directory:
		if err := x.list(f, p, p.text, []string{"*"}); err != nil {
			x.state, x.err = stateOf(err), pathError(p.text, "", err)
		}
	case glob:
		dir, globs := p.text, []string(nil)
		for ; hasMeta(dir); dir = filepath.Dir(dir) {
			globs = append([]string{filepath.Base(dir)}, globs...)
		}
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

// An existing file comes before a glob, because a file name may contain a "*".
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

// The files of a Kubernetes ConfigMap are links, so links must be followed.
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
		match, _ := filepath.Match(globs[0], name) // newPattern has checked the syntax
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
			x.ignored = append(x.ignored, path)
		}
	}
	return nil
}

func (f *files) isDir(path string, t fs.FileMode) bool {
	if t&fs.ModeSymlink == 0 {
		return t.IsDir()
	}
	at := f.resolve(path)
	return at.err == nil && at.mode.IsDir()
}
