package source

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// maxLinks is how many links a path may lead through, as in Linux.
const maxLinks = 40

var errLinks = errors.New("too many levels of symbolic links")

// link is a symbolic link on the way: where it is and what it says.
type link struct{ at, text string }

// place is where a path leads at one moment.
type place struct {
	end   string      // the real path, or what it would be if what is missing were there
	links []link      // passed on the way, in order
	info  fs.FileInfo // of end; nil when err is set
	err   error
	at    string // where err occurred
	// points are the directory entries, by real path, whose change leads the
	// path elsewhere: each link, the last component, the missing one. Their
	// directories are the ones to watch. Other parents are not among them: when
	// one of those is renamed the next poll finds out.
	points []string
}

// resolve follows path, which must be absolute, by hand: filepath.EvalSymlinks
// tells neither the links that it passed, which are what a Kubernetes update
// changes, nor how far it came. cache, if not nil, keeps the answers for parents
// during one scan.
func (f *files) resolve(path string, cache map[string]fs.FileInfo) (p place) {
	vol := filepath.VolumeName(path)
	root := vol + string(filepath.Separator)
	cur, rest := root, components(path[len(vol):])
	for len(rest) > 0 {
		name := rest[0]
		rest = rest[1:]
		if name == ".." {
			cur = filepath.Dir(cur)
			continue
		}
		at := filepath.Join(cur, name)
		info, err := f.lstatVia(cache, at, len(rest) > 0)
		if err == nil && info.Mode()&fs.ModeSymlink != 0 {
			var text string
			p.points = append(p.points, at)
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
			p.points = append(p.points, at)
			return p
		}
		cur = at
		if len(rest) == 0 {
			p.end, p.info = at, info
			p.points = append(p.points, at)
			return p
		}
	}
	// The root, or a link that ends in "..": a directory, whatever it is.
	p.end = cur
	if p.info, p.err = f.lstat(cur); p.err != nil {
		p.at = cur
	}
	return p
}

func (f *files) lstatVia(cache map[string]fs.FileInfo, path string, parent bool) (fs.FileInfo, error) {
	if !parent || cache == nil {
		return f.lstat(path)
	}
	if info, ok := cache[path]; ok {
		return info, nil
	}
	info, err := f.lstat(path)
	if err == nil {
		cache[path] = info
	}
	return info, err
}

// components splits a path, without the empty ones and the dots.
func components(path string) []string {
	parts := strings.FieldsFunc(path, func(r rune) bool {
		return r < 0x80 && os.IsPathSeparator(uint8(r))
	})
	out := parts[:0]
	for _, c := range parts {
		if c != "." {
			out = append(out, c)
		}
	}
	return out
}

// linksNotIn returns the links of p that before has not, text included. A link
// that is gone does not count: `rm orders.yaml; cat > orders.yaml` where a link
// stood is a write in place.
func (p place) linksNotIn(before place) []link {
	var out []link
next:
	for _, l := range p.links {
		for _, b := range before.links {
			if l == b {
				continue next
			}
		}
		out = append(out, l)
	}
	return out
}

// within says that path is below dir.
func within(dir, path string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && rel != "." && filepath.IsLocal(rel)
}

// fault is what stands at p when no bytes can be read from it; ok is false when
// they perhaps can. Messages show the path as shown.
func (p place) fault(shown string) (v version, ok bool) {
	switch {
	case p.err != nil:
		at := p.at
		if len(p.links) == 0 {
			at = "" // the parent's name adds nothing to the path's own
		}
		return version{state: stateOf(p.err), err: pathError(shown, at, p.err)}, true
	case !p.info.Mode().IsRegular():
		return version{state: NotAFile, err: pathError(shown, "", errNotAFile(p.info.Mode()))}, true
	}
	return version{}, false
}
