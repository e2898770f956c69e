package source

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/dns-orders/blocklist/plugin/printable"
)

// files is the file system. Tests replace it by one with faults.
type files struct {
	lstat    func(string) (fs.FileInfo, error)
	readlink func(string) (string, error)
	readDir  func(string) ([]fs.DirEntry, error)
	open     func(string) (openFile, error)

	// dirs has the locations of the directories that resolve has followed, so that the files
	// of a directory share one location of the directory.
	dirs map[string]*location
}

// openFile is the part of *os.File that the package uses.
type openFile interface {
	io.ReadCloser
	Stat() (fs.FileInfo, error)
}

func osFiles() files {
	return files{lstat: os.Lstat, readlink: os.Readlink, readDir: os.ReadDir, open: func(path string) (openFile, error) {
		// If a pipe replaces the file between lstat and open, open would block for ever
		// without O_NONBLOCK. The flag does not change reads of a regular file.
		return os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	}}
}

// once returns the file system for one look. The look resolves each directory once.
func (f files) once() files {
	f.dirs = map[string]*location{}
	return f
}

// stat is the part of the answer of stat(2) that matters.
type stat struct {
	stamp
	mode     fs.FileMode
	inode    uint64 // 0 where the system has none
	dev      uint64 // the file system; 0 where the system has none
	detached bool   // no directory entry leads to the file any more
}

// link is a symbolic link: its path and its text.
type link struct{ at, text string }

// maxLinks is the maximum number of links on the way to a file, as in Linux.
const maxLinks = 40

var errLinks = errors.New("too many levels of symbolic links")

// location says where a path leads at one moment. A location does not change.
type location struct {
	stat         // of end; zero when err is set
	end   string // the real path; of a missing file, the path that the file would have
	entry string // the real path of the last component, which may be a link
	links []link // the links on the way, in order
	err   error
	at    string // the path where err occurred
}

// points returns the directory entries, by real path, that decide where the path leads: each
// link, and the last component or the missing component. Their directories are to be watched.
// Other parents are not among the points. A poll finds out when a parent is renamed.
func (l *location) points() (out []string) {
	for _, link := range l.links {
		out = append(out, link.at)
	}
	if l.err != nil {
		return append(out, l.at)
	}
	return append(out, l.end)
}

// sameWay reports whether two locations lead to the same file over the same links.
func (l *location) sameWay(m *location) bool {
	return m != nil && l.err == nil && m.err == nil && l.end == m.end && l.inode == m.inode && l.dev == m.dev && slices.Equal(l.links, m.links)
}

// linked reports whether the last component of the path is a link.
func (l *location) linked() bool {
	return slices.ContainsFunc(l.links, func(link link) bool { return link.at == l.entry })
}

// resolve follows path, which must be absolute and clean. filepath.EvalSymlinks does not
// return the links on the way, which are the part that a Kubernetes update changes, and does
// not say where the path ends when a component is missing.
func (f *files) resolve(path string) *location {
	l := &location{}
	cur, rest := path, []string(nil)
	if dir := filepath.Dir(path); dir != path {
		d := f.directory(dir)
		if d.err != nil {
			return &location{end: filepath.Join(d.end, filepath.Base(path)), links: d.links, err: d.err, at: d.at}
		}
		l.links, cur, rest = slices.Clip(d.links), d.end, []string{filepath.Base(path)}
		l.entry = filepath.Join(cur, rest[0])
	}
	info, err := fs.FileInfo(nil), error(nil)
	for len(rest) > 0 {
		name := rest[0]
		rest = rest[1:]
		info = nil
		if name == ".." {
			cur = filepath.Dir(cur)
			continue
		}
		at := filepath.Join(cur, name)
		text := ""
		if info, err = f.lstat(at); err == nil && info.Mode()&fs.ModeSymlink != 0 {
			if text, err = f.readlink(at); err == nil && len(l.links) == maxLinks {
				err = errLinks
			}
		}
		switch {
		case err != nil:
			l.end, l.err, l.at = filepath.Join(append([]string{at}, rest...)...), err, at
			return l
		case text == "":
			cur = at
			continue
		}
		l.links = append(l.links, link{at, text})
		if filepath.IsAbs(text) {
			vol := filepath.VolumeName(text)
			cur, text = vol+string(filepath.Separator), text[len(vol):]
		}
		rest = append(components(text), rest...)
	}
	l.end = cur
	if info == nil { // the root, or a link that ends in "..": a directory
		if info, err = f.lstat(cur); err != nil {
			l.err, l.at = err, cur
			return l
		}
	}
	l.stat = statOf(info)
	return l
}

// directory resolves the path of a directory, once for each look.
func (f *files) directory(path string) *location {
	d := f.dirs[path]
	if d == nil {
		d = f.resolve(path)
		f.dirs[path] = d
	}
	return d
}

// components splits a path, and leaves out empty components and dots.
func components(path string) []string {
	parts := strings.FieldsFunc(path, func(r rune) bool {
		return r < 0x80 && os.IsPathSeparator(uint8(r))
	})
	return slices.DeleteFunc(parts, func(c string) bool { return c == "." })
}

// within reports whether path is below dir.
func within(dir, path string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && rel != "." && filepath.IsLocal(rel)
}

// fault returns the reason why the file at l cannot be read, and reports whether there is one. shown
// is the path for error messages.
func (l *location) fault(shown string) (v version, bad bool) {
	switch {
	case errors.Is(l.err, errNoAnswer):
		return version{state: Pending, err: pathError(shown, "", l.err)}, true
	case l.err != nil && stateOf(l.err) == Missing && l.linked():
		return version{state: Missing, dangling: true, err: fmt.Errorf("%s: is a link that leads nowhere: %s does not exist",
			printable.Line(shown), printable.Line(l.at))}, true
	case l.err != nil:
		return version{state: stateOf(l.err), err: pathError(shown, l.linkTo(l.at), l.err)}, true
	case l.mode.IsDir():
		return version{state: NotAFile, err: pathError(shown, "", errors.New("is a directory"))}, true
	case !l.mode.IsRegular():
		return version{state: NotAFile, err: pathError(shown, "", errors.New("is not a regular file"))}, true
	}
	return version{}, false
}

// linkTo returns at if there is a link on the way to the file, and else "". An error message names
// at only for a file behind a link.
func (l *location) linkTo(at string) string {
	if len(l.links) == 0 {
		return ""
	}
	return at
}

// pathError returns err with the shown path in front, in place of the path in the system's error. If
// at is not empty, the error also names at, which is the path behind a link where err occurred.
func pathError(shown, at string, err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	if at != "" && at != shown {
		return fmt.Errorf("%s: %s: %w", printable.Line(shown), printable.Line(at), err)
	}
	return fmt.Errorf("%s: %w", printable.Line(shown), err)
}

// stateOf returns the State of a path that cannot be followed or read.
func stateOf(err error) State {
	switch {
	case errors.Is(err, errNoAnswer):
		return Pending
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR): // ENOTDIR: a parent is a file now
		return Missing
	}
	return Unreadable
}
