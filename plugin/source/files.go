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

// files has the calls of the file system, which tests replace by calls with faults.
type files struct {
	lstat    func(string) (fs.FileInfo, error)
	readlink func(string) (string, error)
	readDir  func(string) ([]fs.DirEntry, error)
	open     func(string) (openFile, error)

	// dirs caches where each directory leads, so that the files of one directory share the
	// result of one walk.
	dirs map[string]*location
}

// openFile has the methods of *os.File that the package uses.
type openFile interface {
	io.ReadCloser
	Stat() (fs.FileInfo, error)
}

func osFiles() files {
	return files{lstat: os.Lstat, readlink: os.Readlink, readDir: os.ReadDir, open: func(path string) (openFile, error) {
		// O_NONBLOCK is needed because a pipe may replace the file between lstat and open.
		// Opening a pipe without the flag blocks until the pipe has a writer. Reads of a
		// regular file are the same with the flag.
		return os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	}}
}

// once returns a copy of the file system for one look (one scan of the watched paths). The
// copy has an empty cache of directories, so that each look follows each directory once.
func (f files) once() files {
	f.dirs = map[string]*location{}
	return f
}

// stat has the fields of the answer of stat(2) that the package uses.
type stat struct {
	stamp
	mode     fs.FileMode
	inode    uint64 // 0 if the system has no inode numbers
	dev      uint64 // the device number of the file system; 0 if the system has none
	detached bool   // no directory entry leads to the file any more
}

// link is a symbolic link: its own path, and the target text that readlink returns.
type link struct{ at, text string }

// maxLinks is the maximum number of links on the way to a file, as in Linux.
const maxLinks = 40

var errLinks = errors.New("too many levels of symbolic links")

// location describes where a path leads at one moment: the real path and the links on the way.
// A location does not change.
type location struct {
	stat         // of the file at end; zero when err is set
	end   string // the real path of the file; of a missing file, the path that it would have
	entry string // the real path of the last component of the path, which may be a link
	links []link // the links on the way, in the order in which they are followed
	err   error
	at    string // the path where err occurred
}

// points returns the directory entries whose change can make the path lead elsewhere: each
// link on the way, and the last component or the missing component. The caller watches the
// directories of these entries. The other parent directories are not watched, so that only a
// poll notices a rename of a parent directory.
func (l *location) points() (out []string) {
	for _, link := range l.links {
		out = append(out, link.at)
	}
	if l.err != nil {
		return append(out, l.at)
	}
	return append(out, l.end)
}

// sameWay reports whether l and m lead to one file (equal path, inode and device) over equal
// links.
func (l *location) sameWay(m *location) bool {
	return m != nil && l.err == nil && m.err == nil && l.end == m.end && l.inode == m.inode && l.dev == m.dev && slices.Equal(l.links, m.links)
}

// linked reports whether the last component of the path is a symbolic link.
func (l *location) linked() bool {
	return slices.ContainsFunc(l.links, func(link link) bool { return link.at == l.entry })
}

// resolve follows the links of path, which must be absolute and clean. The links on the way
// are part of the result, because an update of a Kubernetes ConfigMap changes a link.
// filepath.EvalSymlinks cannot be used: it does not return the links, and does not say which
// path is missing.
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
	if info == nil { // the root, or a path that ends in a link to "..": both are directories
		if info, err = f.lstat(cur); err != nil {
			l.err, l.at = err, cur
			return l
		}
	}
	l.stat = statOf(info)
	return l
}

// directory returns where the directory at path leads. It follows each path once per look.
func (f *files) directory(path string) *location {
	d := f.dirs[path]
	if d == nil {
		d = f.resolve(path)
		f.dirs[path] = d
	}
	return d
}

// components splits a path at the separators and leaves out empty components and ".".
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

// fault returns the reason why l is not a readable file, for example a missing file or a
// directory. bad is false if there is no reason. shown is the path for error messages.
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

// linkTo returns at, the path of a failed call, if at is behind a symbolic link. Otherwise it
// returns "", because the error message then has the configured path alone.
func (l *location) linkTo(at string) string {
	if len(l.links) == 0 {
		return ""
	}
	return at
}

// pathError returns err with the path shown in front, and without the path in the system's
// error. If err occurred at another path behind a link, this path is the argument at, and the
// error message contains at too.
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

// stateOf returns the State of a path for the error of lstat, readlink, open or read.
func stateOf(err error) State {
	switch {
	case errors.Is(err, errNoAnswer):
		return Pending
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR): // ENOTDIR: a file has replaced a parent directory
		return Missing
	}
	return Unreadable
}
