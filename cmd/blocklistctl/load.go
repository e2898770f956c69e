package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/dns-orders/blocklist/plugin/lint"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/dns-orders/blocklist/plugin/source"
	"github.com/dns-orders/blocklist/plugin/store"
)

// orders is an order set as the server would load it at its start, with the
// whole orders besides, which a server does not keep.
type orders struct {
	files    []lint.File
	set      *ruleset.Set
	problems order.Problems // errors and the warnings of parsing and compiling
	found    int            // files, good and bad
	targets  int
	versions []store.Version       // of the good files
	places   map[string]orderPlace // of the orders, by their ids
}

// An orderPlace is the position of an order in its file, and the timezone of the file.
type orderPlace struct {
	path string
	zone *time.Location
}

// all returns the orders of all files.
func (l *orders) all() (out []*order.Order) {
	for _, f := range l.files {
		out = append(out, f.Orders...)
	}
	return out
}

// byID returns the orders by their ids.
func (l *orders) byID() map[string]*order.Order {
	m := map[string]*order.Order{}
	for _, f := range l.files {
		for _, o := range f.Orders {
			m[o.ID] = o
		}
	}
	return m
}

// load reads files, directories and globs by the server's rules. A bad file
// gives its problems and no orders; the others are compiled. compiled, unless nil,
// returns what is compiled in place of an order.
func (e *env) load(patterns []string, s *server, compiled func(*order.Order) *order.Order) *orders {
	l := &orders{places: map[string]orderPlace{}}
	opt := s.Store.Rules
	opt.Guard, l.problems = readGuard(s.Store.Protect)
	paths, errs := source.Expand(patterns)
	for _, err := range errs {
		l.problems = append(l.problems, order.Problem{Msg: err.Error()})
	}
	var parts []*ruleset.Part
	for i, path := range paths {
		e.progress.say("reading %d of %d: %s", i+1, len(paths), path)
		parsed, digest, problems := readFile(path)
		l.found++
		l.problems = append(l.problems, problems...)
		if len(problems.Errors()) > 0 {
			continue
		}
		demands := s.demands(parsed)
		l.problems = append(l.problems, demands...)
		if len(demands) > 0 {
			continue
		}
		b := ruleset.NewBuilder(path, opt)
		for _, o := range parsed.Orders {
			if compiled != nil {
				o = compiled(o)
			}
			b.Add(o)
		}
		part, warnings := b.Freeze()
		if dup := ruleset.Duplicates(part, parts); len(dup) > 0 {
			l.problems = append(l.problems, columns(dup, parsed.Orders)...)
			continue
		}
		l.problems = append(l.problems, columns(warnings, parsed.Orders)...)
		parts = append(parts, part)
		zone := zoneOf(parsed)
		l.files = append(l.files, lint.File{Path: path, Orders: parsed.Orders, Zone: zone})
		l.targets += part.Targets()
		l.versions = append(l.versions, store.Version{Path: path, Digest: digest, Part: part, File: parsed})
		for _, o := range parsed.Orders {
			l.places[o.ID] = orderPlace{path, zone}
		}
	}
	e.progress.say("compiling")
	l.set = ruleset.Merge(parts, opt)
	return l
}

// readFile parses one order file and its side lists. digest is that of the file alone.
func readFile(path string) (parsed *order.File, digest source.Digest, problems order.Problems) {
	f, err := openFile(path, order.MaxBytes(path, false))
	if err != nil {
		return nil, digest, order.Problems{{File: path, Msg: "cannot be read: " + err.Error()}}
	}
	defer f.Close()
	sum, last := sha256.New(), lastByte(0)
	parsed, problems = order.Parse(path, io.TeeReader(f, io.MultiWriter(sum, &last)), order.Options{OpenSide: openSide(path)})
	if ext := order.Ext(path); last != '\n' && (ext == ".yaml" || ext == ".yml") && len(problems.Errors()) == 0 {
		problems = append(problems, order.Problem{File: path, Warning: true,
			Msg: "the last line has no end, so the file may be incomplete; YAML that is cut off is often valid"})
	}
	return parsed, source.Digest(sum.Sum(nil)), problems
}

// lastByte is a Writer that keeps the last byte.
type lastByte byte

func (l *lastByte) Write(p []byte) (int, error) {
	if len(p) > 0 {
		*l = lastByte(p[len(p)-1])
	}
	return len(p), nil
}

// openFile opens a regular file. It checks the type first, because opening a pipe blocks
// until another process writes to the pipe. openFile refuses a file of more than most bytes
// without reading it. The error does not contain the path.
func openFile(path string, most int64) (f *os.File, err error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
	case info.IsDir():
		err = errors.New("is a directory")
	case !info.Mode().IsRegular():
		err = errors.New("is not a regular file")
	case info.Size() > most:
		err = fmt.Errorf("is larger than %d MiB", most>>20)
	default:
		f, err = os.Open(path)
	}
	var at *fs.PathError
	if errors.As(err, &at) {
		err = at.Err
	}
	return f, err
}

// columns gives problems of the compiled set, which knows lines only, the
// columns of their orders.
func columns(problems order.Problems, list []*order.Order) order.Problems {
	at := map[string]int{}
	for _, o := range list {
		at[o.ID] = o.Column
	}
	for i := range problems {
		if problems[i].Column == 0 {
			problems[i].Column = at[problems[i].Order]
		}
	}
	return problems
}

// atTargets gives warnings about single targets, which the compiled set knows by
// their text only, the targets' places in the files.
func atTargets(problems order.Problems, list []*order.Order) order.Problems {
	type key struct{ order, target string }
	at := map[key][]*order.Problem{}
	for i := range problems {
		if p := &problems[i]; p.Field == "targets" && p.HasGot {
			k := key{p.Order, p.Got}
			at[k] = append(at[k], p)
		}
	}
	if len(at) == 0 {
		return problems
	}
	for _, o := range list {
		for i := range o.Targets {
			t := &o.Targets[i]
			k := key{o.ID, heldText(t)}
			if waiting := at[k]; len(waiting) > 0 {
				p := waiting[0]
				p.Line, p.Column, p.Field = t.Line, t.Column, fmt.Sprintf("targets[%d]", i)
				at[k] = waiting[1:]
			}
		}
		if o.Side == nil {
			continue
		}
		for name := range o.Side.Names.All() {
			for _, p := range at[key{o.ID, name.String()}] {
				p.Field = "targets_from"
			}
		}
	}
	return problems
}

// heldText is a target as ruleset.Held writes it.
func heldText(t *order.Target) string {
	switch {
	case t.Kind == order.TargetAddress:
		return t.Attr.Address.String()
	case t.Kind == order.TargetURL:
		return "" // never enforced, so never held
	case t.Match == order.BelowOnly:
		return "*." + t.Name.String()
	}
	return t.Name.String()
}

// mustLoad is load for commands that say something about a whole set: with a bad
// file among them, what they said would be wrong.
func (e *env) mustLoad(patterns []string, s *server, compiled func(*order.Order) *order.Order) (*orders, error) {
	l := e.load(patterns, s, compiled)
	bad := l.problems.Errors()
	if len(bad) == 0 {
		return l, nil
	}
	e.progress.clear()
	bad.Sort()
	if e.json {
		e.writeJSON(struct {
			Problems []problemJSON `json:"problems"`
		}{problemsJSON(bad)})
	}
	for _, p := range bad {
		fmt.Fprintln(e.stderr, problemText(p))
	}
	return nil, errProblems
}

// problemJSON is a problem in JSON.
type problemJSON struct {
	File    string  `json:"file,omitempty"`
	Line    int     `json:"line,omitempty"`
	Column  int     `json:"column,omitempty"`
	Order   string  `json:"order,omitempty"`
	Field   string  `json:"field,omitempty"`
	Message string  `json:"message"`
	Got     *string `json:"got,omitempty"`
	Warning bool    `json:"warning"`
}

func problemsJSON(ps order.Problems) []problemJSON {
	out := make([]problemJSON, len(ps))
	for i, p := range ps {
		out[i] = problemJSON{p.File, p.Line, p.Column, p.Order, p.Field, p.Msg, nil, p.Warning}
		if p.HasGot {
			out[i].Got = &p.Got
		}
	}
	return out
}
