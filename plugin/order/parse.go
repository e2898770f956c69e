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

// Extensions are the file name extensions of order files, without ListExtension.
var Extensions = []string{".yaml", ".yml", ".json", ".jsonl"}

// ListExtension is the file name extension of plain lists, which contain only names.
const ListExtension = ".txt"

// Ext returns the extension of a path in lower case.
func Ext(path string) string { return strings.ToLower(filepath.Ext(path)) }

// A File contains the top level of an order file.
type File struct {
	Path     string
	Serial   int64   // -1 if not given
	ShrinkOK int64   // -1 if not given
	Timezone string  // as written, empty if not given
	Source   *Source // nil if not given
	// Expires is the time after which the file is stale. It may be NoTime. The orders of a stale
	// file are still enforced.
	Expires Time
	// Count is the number of orders in the file.
	Count int
	// Targets is the number of targets of all block orders.
	Targets int
	// Orders is empty if Options.Emit is set.
	Orders []*Order
	// Sides lists the paths of all side lists, relative to the file. It includes unreadable lists.
	Sides []string
}

// Options contains optional functions that Parse calls.
type Options struct {
	// OpenSide opens a side list. The name is relative to the directory of the order file.
	OpenSide func(name string) (io.ReadCloser, error)
	Head     func(*File)
	// Emit receives each order until the first error. The order is valid until Emit returns. After
	// an error, drop all emitted orders.
	Emit func(*Order)
	Side func(*Order) Names
	// Targets returns the receiver of the names in long plain lists. Order.Targets does not contain
	// these names. Parse calls Targets before Emit. After an error, drop the names.
	Targets func(*Order) Names
	// Ahead makes Parse use a second CPU for JSON Lines. Do not set Ahead in a server, because
	// queries need the CPU.
	Ahead bool
	// Stop returns true to end Parse with an error.
	Stop func() bool
}

// Names receives the names of a list one by one.
type Names interface {
	// Grow announces that about n more names will follow.
	Grow(n int)
	// AddWire adds a copy of a name. The caller reuses the Wire.
	AddWire(*dname.Wire)
}

// Parse parses an order file. The extension of the path selects the format. The File is never nil.
// It is invalid if the problems contain an error.
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

// The ordinary log gets a message without values, because the file may contain sealed orders.
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

	head          header
	base          *draft
	defaultHandle *yaml.Node // the authority handle in the file's defaults
	handles       map[string]*draft
	ids           *idTable
	sides         distinct[string] // the same paths as out.Sides
	draft         draft            // the current order
	room          []Target         // reused memory for the Targets of draft
	quick         quickLine
	runs          []run      // the long lists of plain names in data
	stopErr       error      // the error with which the load ends
	deep          LabelCount // counts the labels in the file and its side lists
	tooDeep       bool
	intervals     int
}

func (p *parser) parse(ext string, r io.Reader) error {
	switch ext {
	case ".jsonl":
		p.json = true
		return p.jsonLines(r)
	case ListExtension:
		return p.readList(r)
	case ".yaml", ".yml", ".json":
	default:
		return &syntaxError{0, 0, fmt.Sprintf("order files end in .yaml, .yml, .json or .jsonl, and plain lists of names in .txt, got %q", filepath.Ext(p.file))}
	}
	p.json = ext == ".json"
	doc, err := p.readDocument(r)
	if err != nil {
		return err
	}
	// A control character ends the reading, so a blank doc.text does not always mean an empty file.
	if !doc.control && len(bytes.TrimSpace(doc.text)) == 0 {
		return &syntaxError{1, 1, "is empty, as a full disk or a failed copy leaves a file; put the last good version back"}
	}
	root, err := p.tree(doc)
	if !doc.control && plainList(doc.text) && (err != nil || root.Kind != yaml.MappingNode) && !errors.Is(err, errStopped) {
		return &syntaxError{1, 1, "looks like a plain list of names, not like an order file; blocklistctl import domains makes an order file from a list"}
	}
	if err != nil || !p.header(root) {
		return err
	}
	if p.head.orders == nil {
		if lookup(root, "orders") != nil || misspelled(root, "orders") {
			return nil // already reported
		}
		p.fault(root, "orders", `is required; write the orders below this key. Only a file without orders has "orders: []", which ends all orders that the file had`)
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

func (p *parser) jsonLines(r io.Reader) error {
	if SizeOf(r) > maxStream {
		return &syntaxError{0, 0, fmt.Sprintf("is larger than %d GiB; split it into several files", int64(maxStream)>>30)}
	}
	br := bufio.NewReaderSize(r, chunk)
	seenHeader := false
	var lines lineReader
	lines.json.stop = p.stopped
	var ahead *lookAhead
	for line, read := 1, int64(0); p.step(line); line++ {
		if p.opt.Ahead && seenHeader && ahead == nil {
			ahead = newLookAhead(br, line)
			defer ahead.close()
		}
		var l fileLine
		if ahead != nil {
			l = ahead.next()
		} else {
			l = lines.fileLine(br, line)
		}
		err := l.err
		var bad error // a bad line in a readable stream
		if s := (*syntaxError)(nil); errors.As(err, &s) {
			bad = err
		} else if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		last := errors.Is(err, io.EOF)
		switch read += int64(l.size); {
		case read > maxStream:
			return &syntaxError{line, 1, fmt.Sprintf("the file is larger than %d GiB; split it into several files", int64(maxStream)>>30)}
		case p.out.Count >= maxOrders && !l.blank:
			return &syntaxError{line, 1, fmt.Sprintf("the file has more than %d orders; split it into several files", maxOrders)}
		}
		switch {
		case bad == nil && l.blank:
		case bad == nil && seenHeader && l.text != nil && len(l.text.runs) == 0 && p.quickOrder(l.text.text, line):
		default:
			n, err := l.node, l.fault
			switch {
			case bad != nil:
				err = bad
			case l.text != nil:
				p.data, p.runs = l.text.text, l.text.runs
				n, err = lines.read(l.text)
			default:
				p.data, p.runs = nil, nil // a short line has no long list
			}
			switch {
			case errors.Is(err, errStopped):
				return err
			case !seenHeader:
				if err != nil || !p.lineHeader(n) {
					return err // the orders need the values of the header
				}
				if p.opt.Head != nil {
					p.opt.Head(p.out)
				}
				p.quick.on, p.quick.known = p.head.defaults == nil && len(p.problems) == 0, map[string]*Terms{}
			case err != nil:
				p.out.Count++
				p.addSyntax(err)
			default:
				before := len(p.problems)
				p.readOrder(n)
				p.learn(before)
			}
			seenHeader = true
		}
		if last {
			break
		}
	}
	if !seenHeader && p.stopErr == nil {
		return &syntaxError{1, 1, "is empty, as a full disk or a failed copy leaves a file; put the last good version back"}
	}
	return p.end()
}

// A lineReader reads JSON Lines. The nodes of a line are valid until the next line. The nodes of
// the header stay valid.
type lineReader struct {
	json   jsonReader
	line   input
	header bool // the header was already read
}

// The line is valid until the next call.
func (r *lineReader) next(br *bufio.Reader, line int) (t *input, size int, err error) {
	t = &r.line
	*t = newInput(true, line)
	part, err := br.ReadSlice('\n')
	if size = len(part); !errors.Is(err, bufio.ErrBufferFull) {
		// Nearly all lines are short and end here.
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

func (p *parser) lineHeader(n *yaml.Node) bool {
	if !p.header(n) {
		return false
	}
	if p.head.orders != nil {
		p.fault(p.head.orders, "orders", "is no key of the first line of JSON Lines; write each order on a line of its own below")
	}
	if lookup(n, "count") == nil {
		p.fault(n, "count", "is required in JSON Lines: the number of orders that follow")
	}
	return true
}
