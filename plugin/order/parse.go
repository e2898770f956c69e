package order

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/dns-orders/blocklist/plugin/dname"
	"go.yaml.in/yaml/v3"
)

// Extensions are the endings of order files.
var Extensions = []string{".yaml", ".yml", ".json", ".jsonl"}

// Ext returns the ending of a file's name in lower case, because the letters of an
// ending may have any case.
func Ext(path string) string { return strings.ToLower(filepath.Ext(path)) }

// File is an order file's top level.
type File struct {
	Path     string
	Serial   int64   // -1 when not given
	ShrinkOK int64   // -1 when not given
	Timezone string  // as written, empty when not given
	Source   *Source // nil when not given
	// Expires is when the file becomes stale, NoTime when not given. The orders of
	// a stale file stay in force.
	Expires Time
	// Count is the number of orders in the file.
	Count int
	// Targets is the number of targets of its block orders.
	Targets int
	// Orders are the orders, unless Options.Emit took them.
	Orders []*Order
	// Sides are the side lists that the file names, relative to it, also when
	// they could not be read.
	Sides []string
}

// Options are what Parse needs from outside.
type Options struct {
	// OpenSide opens a side list, given as a path relative to the order file's
	// directory. Without it, side lists are problems.
	OpenSide func(name string) (io.ReadCloser, error)
	// Emit takes each order as soon as it is read, so that a file of a million
	// orders is never held whole. The Order and its Targets are good until Emit
	// returns, what else it points to is nobody's to change. What it took must be
	// dropped when Parse returns errors. Orders are not emitted once an error was
	// found.
	Emit func(*Order)
	// Side, if set, is called with an order that has a side list before the list is
	// read, and returns what takes its names, so that a long list is never held either.
	// Its action, status and times are final; Emit gets the order afterwards.
	// What was taken must be dropped when Parse returns errors.
	Side func(*Order) Names
	// Targets, if set, is called with an order that has a long list of plain names, before
	// Emit gets the order, and returns what takes the names. Order.Plain counts them, and
	// Order.Targets is without them, so that a million names never are a million Targets.
	// What was taken must be dropped when Parse returns errors.
	Targets func(*Order) Names
	// Stop, if set, is called now and then. When it returns true, Parse ends soon and
	// returns an error.
	Stop func() bool
}

// Names takes the names of a side list as they are read.
type Names interface {
	// Grow says that some n names more are to come.
	Grow(n int)
	// AddWire takes a name. The Wire is good until it returns.
	AddWire(*dname.Wire)
}

// Parse reads the order file in r; path decides on the container by its ending
// and stands in the problems. The file is good when Problems.Errors is empty;
// otherwise none of it may be used. The File is never nil.
func Parse(path string, r io.Reader, opt Options) (*File, Problems) {
	p := &parser{
		decoder: decoder{file: path, loc: time.UTC},
		opt:     opt,
		out:     &File{Path: path, Serial: -1, ShrinkOK: -1, Expires: NoTime},
		ids:     newIDTable(),
		sides:   distinct[string]{},
	}
	if err := p.parse(Ext(path), r); err != nil {
		p.addSyntax(err)
	}
	p.problems.Sort()
	if p.cut {
		p.problems = append(p.problems, Problem{File: path, Msg: fmt.Sprintf("has more than %d problems; the rest is not listed", maxProblems)})
	}
	return p.out, p.problems
}

// addSyntax reports what left nothing to look at: a fault of the syntax or of
// reading. Its public text has no value in it, because the file may have sealed
// orders.
func (p *parser) addSyntax(err error) {
	var s *syntaxError
	if errors.As(err, &s) {
		problem := Problem{Line: s.line, Column: s.col, Msg: s.msg}
		if taught := (*taughtError)(nil); errors.As(err, &taught) {
			problem.public = taught.public
		}
		p.add(problem)
	} else {
		p.add(Problem{Msg: "cannot be read: " + err.Error()})
	}
}

type parser struct {
	decoder
	opt Options
	out *File

	head header
	// base is what defaults give to every block order, and handles what an
	// authority's entry adds to that.
	base          *draft
	defaultHandle *yaml.Node // authority: HANDLE in defaults
	handles       map[string]*draft
	ids           *idTable
	sides         distinct[string] // those of out.Sides
	draft         draft            // the order that is being read
	room          []Target         // for its targets
	data          []byte           // of the document or the line
	runs          []run            // in the text
	stopErr       error            // ends the load
	deep          LabelCount       // of the file and its side lists
	tooDeep       bool
	// intervals is how many windows targets with attributes have, with their orders'.
	intervals int
}

func (p *parser) parse(ext string, r io.Reader) error {
	switch ext {
	case ".jsonl":
		p.json = true
		return p.jsonLines(r)
	case ".yaml", ".yml", ".json":
	default:
		return &syntaxError{0, 0, fmt.Sprintf("order files end in .yaml, .yml, .json or .jsonl, got %q", filepath.Ext(p.file))}
	}
	p.json = ext == ".json"
	doc, err := p.readDocument(r)
	if err != nil {
		return err
	}
	if len(bytes.TrimSpace(doc.text)) == 0 {
		return &syntaxError{1, 1, `is empty, which lifts nothing; to lift everything write "orders: []"`}
	}
	root, err := p.tree(doc)
	if err != nil || !p.header(root) {
		return err
	}
	if p.head.orders == nil {
		if lookup(root, "orders") != nil {
			return nil // reported
		}
		p.fault(root, "orders", `is required; to lift everything write "orders: []"`)
		return nil
	}
	for i, n := range p.list(p.head.orders, "orders") {
		if !p.step(i) {
			break
		}
		p.readOrder(n)
	}
	return p.end()
}

// tree parses a document.
func (p *parser) tree(doc *outline) (*yaml.Node, error) {
	if err := p.stopped(); err != nil {
		return nil, err
	}
	p.data, p.runs = doc.text, doc.runs
	if p.json {
		j := jsonReader{runs: doc.runs, stop: p.stopped}
		return j.read(doc.text, 1)
	}
	if len(doc.runs) > 0 && !doc.odd {
		if root, err := parseYAML(doc.text, doc.runs, p.stopped); err == nil && doc.putBack(root.Content[0]) {
			return root.Content[0], nil
		}
	}
	// The names are not where they were expected, or there is an error: the text as it is
	// gives the tree or the error.
	p.runs = nil
	if err := doc.check(doc.all()); err != nil {
		return nil, err
	}
	root, err := parseYAML(doc.text, nil, p.stopped)
	if err != nil {
		return nil, adviseYAML(doc.text, err)
	}
	return root.Content[0], nil
}

// end checks what only the end of the file shows.
func (p *parser) end() error {
	if p.stopErr != nil {
		return p.stopErr
	}
	if !p.cut && !p.tooDeep {
		p.checkCount()
	}
	return nil
}

var bom = []byte("\uFEFF")

// jsonLines reads the header line and then an order a line, holding one line.
func (p *parser) jsonLines(r io.Reader) error {
	if SizeOf(r) > maxStream {
		return &syntaxError{0, 0, fmt.Sprintf("is larger than %d GiB; split it into several files", int64(maxStream)>>30)}
	}
	br := bufio.NewReaderSize(r, chunk)
	seenHeader := false
	var lines lineReader
	lines.json.stop = p.stopped
	for line, read := 1, int64(0); p.step(line); line++ {
		t, size, err := lines.next(br, line)
		var bad error // of the line, and not of the stream
		if s := (*syntaxError)(nil); errors.As(err, &s) {
			bad = err
		} else if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		last := errors.Is(err, io.EOF)
		switch read += int64(size); {
		case read > maxStream:
			return &syntaxError{line, 1, fmt.Sprintf("the file is larger than %d GiB; split it into several files", int64(maxStream)>>30)}
		case p.out.Count >= maxOrders && len(bytes.TrimSpace(t.text)) > 0:
			return &syntaxError{line, 1, fmt.Sprintf("the file has more than %d orders; split it into several files", maxOrders)}
		}
		if bad != nil || len(bytes.TrimSpace(t.text)) > 0 {
			var n *yaml.Node
			err := bad
			if bad == nil {
				p.data, p.runs = t.text, t.runs
				n, err = lines.read(t)
			}
			switch {
			case errors.Is(err, errStopped):
				return err
			case !seenHeader:
				if err != nil || !p.lineHeader(n) {
					return err // without it nothing can be said of the orders
				}
			case err != nil:
				// The other lines stand by themselves, so their problems are listed too.
				p.out.Count++
				p.addSyntax(err)
			default:
				p.readOrder(n)
			}
			seenHeader = true
		}
		if last {
			break
		}
	}
	if !seenHeader && p.stopErr == nil {
		return &syntaxError{1, 1, `is empty, which lifts nothing; to lift everything write "count": 0`}
	}
	return p.end()
}

// lineReader reads lines of JSON. The header's nodes are kept; an order's are
// gone with the next line.
type lineReader struct {
	json   jsonReader
	line   input
	header bool // was read
}

// next returns the next line without its end, and the octets that were read. The line is
// good until next is called again. A line that is too large, or no UTF-8, is a
// syntaxError, and what follows in the line is passed over.
func (r *lineReader) next(br *bufio.Reader, line int) (t *input, size int, err error) {
	t = &r.line
	*t = newInput(true, line)
	part, err := br.ReadSlice('\n')
	if size = len(part); !errors.Is(err, bufio.ErrBufferFull) {
		// Nearly every line is short, and cannot make a large tree.
		t.buf = bytes.TrimRight(part, "\r\n")
		t.text = t.buf
		if line == 1 {
			t.text = bytes.TrimPrefix(t.buf, bom)
		}
		if bad := plainText(t.text, line); bad != nil && (err == nil || errors.Is(err, io.EOF)) {
			return t, size, bad
		}
		return t, size, err
	}
	var bad error
	for {
		full := errors.Is(err, bufio.ErrBufferFull)
		if bad == nil {
			if t.buf = append(t.buf, part...); len(t.buf) > maxDocument {
				bad = &syntaxError{line, 1, fmt.Sprintf("the line is larger than %d MiB; write the names into side lists", maxDocument>>20)}
			} else if !full {
				t.buf = bytes.TrimRight(t.buf, "\r\n")
			}
		}
		if bad == nil {
			bad = t.look(!full)
			if s := (*syntaxError)(nil); errors.As(bad, &s) && s.line == 0 {
				bad = &syntaxError{line, 1, bad.Error()}
			}
		}
		if bad != nil {
			t.buf, t.text = nil, nil
		}
		if !full {
			break
		}
		if r.json.stop != nil {
			if err := r.json.stop(); err != nil {
				return t, size, err
			}
		}
		part, err = br.ReadSlice('\n')
		size += len(part)
	}
	if bad != nil && (err == nil || errors.Is(err, io.EOF)) {
		return t, size, bad
	}
	return t, size, err
}

func (r *lineReader) read(t *input) (*yaml.Node, error) {
	if !r.header {
		r.header = true
		j := jsonReader{runs: t.runs, stop: r.json.stop}
		return j.read(t.text, t.firstLine)
	}
	r.json.runs = t.runs
	return r.json.read(t.text, t.firstLine)
}

// lineHeader reads the first line of JSON Lines. It reports whether it is one.
func (p *parser) lineHeader(n *yaml.Node) bool {
	if !p.header(n) {
		return false
	}
	if p.head.orders != nil {
		p.fault(p.head.orders, "orders", "does not stand in the first line of JSON Lines; write one order a line below it")
	}
	if lookup(n, "count") == nil {
		p.fault(n, "count", "is required in JSON Lines: the number of orders that follow")
	}
	return true
}
