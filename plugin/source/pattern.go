package source

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dns-orders/blocklist/plugin/printable"
)

// endings are those of order files in a directory; what they mean is for the
// parser to know.
var endings = []string{".yaml", ".yml", ".json", ".jsonl"}

func orderEnding(name string) bool {
	return slices.Contains(endings, strings.ToLower(filepath.Ext(name)))
}

// almostOrder reports whether a name has an order file's ending and more behind it:
// orders.yaml.txt, orders.yaml~, orders.yaml.bak.
func almostOrder(name string) bool {
	return slices.ContainsFunc(endings, func(e string) bool { return strings.Contains(strings.ToLower(name), e) })
}

func hidden(name string) bool { return strings.HasPrefix(name, ".") }

// kind is how a pattern is read. It is decided when something is first found
// there and then stays: a directory that appears where a file stood is a fault,
// not a new meaning of the Corefile.
type kind uint8

const (
	undecided kind = iota // nothing there yet, and the name does not tell
	plainFile
	directory
	glob
)

// pattern is one entry of the configuration.
type pattern struct {
	text string // as configured, cleaned
	abs  string
	kind kind
	set  settler
	told State      // as last reported; 0 before, and while it is Ready
	last *expansion // as last found
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
		// Also when a directory stands there: Docker makes one when the file to
		// be mounted does not exist, and that must be an error, not "no orders".
		p.kind = plainFile
	}
	var err error
	p.abs, err = filepath.Abs(p.text)
	return p, err
}

// hasMeta says whether filepath.Glob would see more than a name in it.
func hasMeta(path string) bool {
	if filepath.Separator == '\\' {
		return strings.ContainsAny(path, "*?[")
	}
	return strings.ContainsAny(path, `*?[\`)
}

// expansion is what a pattern names at one moment. It does not change, and an equal
// expansion is the same pointer.
type expansion struct {
	paths   []string // as shown, bytewise
	ignored []string // files beside them that are no order files
	points  []string // entries to be watched, as of place.points
	dirs    []string // to be watched, by real path: what comes and goes in them counts
	state   State    // Ready, or why there are no paths; 0 when in doubt
	err     error
	entries []fs.DirEntry // of a directory without links
}

// expand finds out which paths the pattern names. old is the expansion before, or nil.
func (p *pattern) expand(f *files, old *expansion) *expansion {
	if p.kind == undecided {
		p.decide(f)
	}
	var x *expansion
	switch p.kind {
	case plainFile:
		x = &expansion{paths: []string{p.text}, state: Ready} // the file has a state of its own
	case directory:
		x = p.expandDir(f, old)
	case glob:
		x = p.expandGlob(f)
	default:
		at := f.resolve(p.abs, nil)
		v, _ := at.fault(p.text)
		x = &expansion{points: at.points(), state: v.state, err: v.err}
	}
	if old != nil && x.state == old.state && slices.Equal(x.paths, old.paths) && slices.Equal(x.ignored, old.ignored) &&
		slices.Equal(x.points, old.points) && slices.Equal(x.dirs, old.dirs) {
		return old
	}
	return x
}

// decide determines whether the pattern is a file, a directory or a glob. A name with *
// in it that exists is that file.
func (p *pattern) decide(f *files) {
	at := f.resolve(p.abs, nil)
	switch {
	case at.err == nil && at.mode.IsDir():
		p.kind = directory
	case at.err == nil:
		p.kind = plainFile
	case hasMeta(p.text) && stateOf(at.err) != Pending:
		p.kind = glob
	}
}

// expandDir lists the order files of a directory. Hidden files and sub-folders are left
// out, links to files are not (the files of a ConfigMap are links).
func (p *pattern) expandDir(f *files, old *expansion) *expansion {
	at := f.resolve(p.abs, nil)
	x := &expansion{points: at.points()}
	if at.err != nil {
		x.state, x.err = stateOf(at.err), pathError(p.text, "", at.err)
		return x
	}
	if !at.mode.IsDir() {
		x.state, x.err = Unreadable, fmt.Errorf("%s: is not a directory any more", printable.Line(p.text))
		return x
	}
	x.dirs = []string{at.end}
	entries, err := f.readDir(at.end)
	if err != nil {
		x.state, x.err = stateOf(err), pathError(p.text, "", err)
		return x
	}
	if old != nil && old.entries != nil && slices.Equal(x.points, old.points) && old.dirs[0] == at.end &&
		slices.EqualFunc(entries, old.entries, func(a, b fs.DirEntry) bool { return a.Name() == b.Name() && a.Type() == b.Type() }) {
		return old
	}
	links := false
	for _, e := range entries {
		path := filepath.Join(p.text, e.Name())
		links = links || e.Type()&fs.ModeSymlink != 0
		switch {
		case hidden(e.Name()) || f.isDir(filepath.Join(at.end, e.Name()), e.Type()):
		case orderEnding(e.Name()):
			x.paths = append(x.paths, path)
		default:
			x.ignored = append(x.ignored, path)
		}
	}
	if !links {
		x.entries = entries
	}
	slices.Sort(x.paths)
	return x.orEmpty(p.text, "directory")
}

// expandGlob lists what filepath.Glob finds, without directories, and without hidden
// files and hidden directories that the pattern does not name by a dot of its own. Unless
// the pattern spells out an ending (`*.txt`), only order files are taken, as in a
// directory: `orders/*` must not take README.md or a side list for an order file.
func (p *pattern) expandGlob(f *files) *expansion {
	x := &expansion{}
	x.watchGlob(f, p.text)
	found, err := f.glob(p.text) // the pattern was checked; Glob returns no other error
	if err != nil {
		x.state, x.err = stateOf(err), pathError(p.text, "", err)
		return x
	}
	any := !hasMeta(filepath.Ext(p.text)) && filepath.Ext(p.text) != ""
	for _, path := range found {
		switch {
		case hiddenBeyond(p.text, path) || f.isDir(path, fs.ModeIrregular):
		case any || orderEnding(path):
			x.paths = append(x.paths, path)
		default:
			x.ignored = append(x.ignored, path)
		}
	}
	// A name that was meant as an order file is often just beyond the pattern.
	beside, _ := f.glob(filepath.Join(filepath.Dir(p.text), "*"))
	for _, path := range beside {
		if almostOrder(filepath.Base(path)) && !hidden(filepath.Base(path)) && !slices.Contains(found, path) && !f.isDir(path, fs.ModeIrregular) {
			x.ignored = append(x.ignored, path)
		}
	}
	slices.Sort(x.paths)
	return x.orEmpty(p.text, "glob")
}

// watchGlob notes, for each component from the last to the first wildcard, the
// directories in which it is looked for.
func (x *expansion) watchGlob(f *files, pat string) {
	for rest := pat; hasMeta(rest); rest = filepath.Dir(rest) {
		dir, _ := filepath.Split(rest)
		dirs := []string{filepath.Clean(dir)}
		if hasMeta(dir) {
			dirs, _ = f.glob(dirs[0])
		}
		for _, d := range dirs {
			abs, err := filepath.Abs(d)
			if err != nil {
				continue
			}
			at := f.resolve(abs, nil)
			x.points = append(x.points, at.points()...)
			if at.err == nil && at.mode.IsDir() {
				x.dirs = append(x.dirs, at.end)
			}
		}
	}
}

// hiddenBeyond says that a component of path is hidden and the pattern's is not.
func hiddenBeyond(pat, path string) bool {
	want, got := components(pat), components(path)
	for i, c := range got {
		if c != ".." && hidden(c) && (i >= len(want) || !hidden(want[i])) {
			return true
		}
	}
	return false
}

func (x *expansion) orEmpty(text, what string) *expansion {
	x.state = Ready
	if len(x.paths) == 0 {
		x.state, x.err = Empty, fmt.Errorf("%s: no order file (%s) in this %s", printable.Line(text), strings.Join(endings, " "), what)
	}
	return x
}

// isDir reports whether path, an entry of the given type, is or leads to a directory. The
// type is ModeIrregular when it is not known.
func (f *files) isDir(path string, t fs.FileMode) bool {
	if t == fs.ModeIrregular {
		info, err := f.lstat(path)
		if err != nil {
			return false
		}
		t = info.Mode().Type()
	}
	if t&fs.ModeSymlink == 0 {
		return t.IsDir()
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return false
	}
	at := f.resolve(abs, nil)
	return at.err == nil && at.mode.IsDir()
}
