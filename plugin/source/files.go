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

type files struct {
	lstat    func(string) (fs.FileInfo, error)
	readlink func(string) (string, error)
	readDir  func(string) ([]fs.DirEntry, error)
	open     func(string) (openFile, error)

	dirs map[string]*location
}

type openFile interface {
	io.ReadCloser
	Stat() (fs.FileInfo, error)
}

func osFiles() files {
	return files{lstat: os.Lstat, readlink: os.Readlink, readDir: os.ReadDir, open: func(path string) (openFile, error) {
		// Without O_NONBLOCK, opening a pipe blocks. A pipe may replace the file after the lstat.
		return os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	}}
}

func (f files) once() files {
	f.dirs = map[string]*location{}
	return f
}

type stat struct {
	stamp
	mode     fs.FileMode
	inode    uint64 // 0 if the system has no inode numbers
	dev      uint64 // the device number of the file system; 0 if the system has none
	detached bool   // no directory entry leads to the file any more
}

type link struct{ at, text string }

const maxLinks = 40

var errLinks = errors.New("too many levels of symbolic links")

type location struct {
	stat         // of the file at end; zero when err is set
	end   string // the real path; for a missing file, the path that it would have
	entry string // the real path of the last component, which may be a link
	links []link // the links on the way, in the sequence of the walk
	err   error
	at    string // the path where err occurred
}

func (l *location) points() (out []string) {
	for _, link := range l.links {
		out = append(out, link.at)
	}
	if l.err != nil {
		return append(out, l.at)
	}
	return append(out, l.end)
}

func (l *location) sameWay(m *location) bool {
	return m != nil && l.err == nil && m.err == nil && l.end == m.end && l.inode == m.inode && l.dev == m.dev && slices.Equal(l.links, m.links)
}

func (l *location) linked() bool {
	return slices.ContainsFunc(l.links, func(link link) bool { return link.at == l.entry })
}

// The path must be absolute and clean. The result includes the links, unlike that of
// filepath.EvalSymlinks.
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
	if info == nil { // the root, or a link to "..": both are directories
		if info, err = f.lstat(cur); err != nil {
			l.err, l.at = err, cur
			return l
		}
	}
	l.stat = statOf(info)
	return l
}

func (f *files) directory(path string) *location {
	d := f.dirs[path]
	if d == nil {
		d = f.resolve(path)
		f.dirs[path] = d
	}
	return d
}

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

func (l *location) linkTo(at string) string {
	if len(l.links) == 0 {
		return ""
	}
	return at
}

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

func stateOf(err error) State {
	switch {
	case errors.Is(err, errNoAnswer):
		return Pending
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR): // ENOTDIR: a file has replaced a parent directory
		return Missing
	}
	return Unreadable
}
