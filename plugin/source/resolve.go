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

// maxLinks is how many links a path may lead through, as in Linux.
const maxLinks = 40

var errLinks = errors.New("too many levels of symbolic links")

// link is a symbolic link on the way: its path and its text.
type link struct{ at, text string }

// stat holds what matters of stat(2)'s answer about a file.
type stat struct {
	stamp
	mode     fs.FileMode
	inode    uint64 // 0 where the system has none
	detached bool   // the file has no link left
}

// place is where a path leads at one moment. A place does not change.
type place struct {
	stat         // of end; zero when err is set
	end   string // the real path, or the path that what is missing would have
	entry string // the real path of the last component itself, which may be a link
	links []link // passed on the way, in order
	err   error
	at    string // where err occurred
}

// points returns the directory entries, by real path, whose change leads the path
// elsewhere: each link, and the last component or the missing component. The directories
// of the points are to be watched. Other parents are not among them: when one of them is
// renamed, the next poll finds out.
func (p *place) points() (out []string) {
	for _, l := range p.links {
		out = append(out, l.at)
	}
	if p.err != nil {
		return append(out, p.at)
	}
	return append(out, p.end)
}

// resolve follows path, which must be absolute and clean. filepath.EvalSymlinks returns
// neither the links that it passed, which are what a Kubernetes update changes, nor how
// far it came. dirs, if not nil, has the places of directories during one look.
func (f *files) resolve(path string, dirs map[string]*place) *place {
	p := &place{}
	vol := filepath.VolumeName(path)
	cur, rest := vol+string(filepath.Separator), components(path[len(vol):])
	if dir, base := filepath.Dir(path), filepath.Base(path); dirs != nil && dir != path {
		d := dirs[dir]
		if d == nil {
			d = f.resolve(dir, dirs)
			dirs[dir] = d
		}
		if d.err != nil {
			return &place{end: filepath.Join(d.end, base), links: d.links, err: d.err, at: d.at}
		}
		p.links, cur, rest = slices.Clip(d.links), d.end, []string{base}
	}
	for len(rest) > 0 {
		name := rest[0]
		rest = rest[1:]
		if name == ".." {
			cur = filepath.Dir(cur)
			continue
		}
		at := filepath.Join(cur, name)
		if len(rest) == 0 && p.entry == "" {
			p.entry = at
		}
		info, err := f.lstat(at)
		if err == nil && info.Mode()&fs.ModeSymlink != 0 {
			var text string
			if text, err = f.readlink(at); err == nil && len(p.links) == maxLinks {
				err = errLinks
			}
			if err == nil {
				p.links = append(p.links, link{at, text})
				if filepath.IsAbs(text) {
					vol = filepath.VolumeName(text)
					cur, text = vol+string(filepath.Separator), text[len(vol):]
				}
				rest = append(components(text), rest...)
				continue
			}
		}
		if err != nil {
			p.end = filepath.Join(append([]string{at}, rest...)...)
			p.err, p.at = err, at
			return p
		}
		cur = at
		if len(rest) == 0 {
			p.end, p.stat = at, statOf(info)
			return p
		}
	}
	// The root, or a link that ends in "..": a directory.
	p.end = cur
	info, err := f.lstat(cur)
	if err != nil {
		p.err, p.at = err, cur
	} else {
		p.stat = statOf(info)
	}
	return p
}

// components splits a path, without empty components and dots.
func components(path string) []string {
	parts := strings.FieldsFunc(path, func(r rune) bool {
		return r < 0x80 && os.IsPathSeparator(uint8(r))
	})
	return slices.DeleteFunc(parts, func(c string) bool { return c == "." })
}

// linked reports whether the last component of the path is itself a link.
func (p *place) linked() bool {
	return slices.ContainsFunc(p.links, func(l link) bool { return l.at == p.entry })
}

// within reports whether path is below dir.
func within(dir, path string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && rel != "." && filepath.IsLocal(rel)
}

// fault returns why no bytes can be read from p. bad is false when they perhaps can.
// Messages show the path as shown.
func (p *place) fault(shown string) (v version, bad bool) {
	switch {
	case errors.Is(p.err, errHangs):
		return version{state: Pending, err: pathError(shown, "", p.err)}, true
	case p.err != nil && stateOf(p.err) == Missing && p.linked():
		return version{state: Missing, dangling: true, err: fmt.Errorf("%s: is a link that leads nowhere: %s does not exist",
			printable.Line(shown), printable.Line(p.at))}, true
	case p.err != nil:
		at := p.at
		if len(p.links) == 0 {
			at = "" // the parent's name adds nothing to the path's own
		}
		return version{state: stateOf(p.err), err: pathError(shown, at, p.err)}, true
	case !p.mode.IsRegular():
		return version{state: NotAFile, err: pathError(shown, "", errNotAFile(p.mode))}, true
	}
	return version{}, false
}
