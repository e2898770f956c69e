package order

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/pace"
	"go.yaml.in/yaml/v3"
)

// Extensions are the endings of order files.
var Extensions = []string{".yaml", ".yml", ".json", ".jsonl"}

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
	}
	if err := p.parse(filepath.Ext(path), r); err != nil {
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
	draft         draft    // the order that is being read
	room          []Target // for its targets
}

func (p *parser) parse(ext string, r io.Reader) error {
	switch ext {
	case ".jsonl":
		p.json = true
		return p.jsonLines(r)
	case ".yaml", ".yml", ".json":
	default:
		return &syntaxError{0, 0, fmt.Sprintf("order files end in .yaml, .yml, .json or .jsonl, got %q", ext)}
	}
	data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return err
	}
	if len(data) > maxFile {
		return &syntaxError{0, 0, fmt.Sprintf("is larger than %d MiB; write such a file as JSON Lines", maxFile>>20)}
	}
	data = bytes.TrimPrefix(data, bom)
	if len(bytes.TrimSpace(data)) == 0 {
		return &syntaxError{1, 1, `is empty, which lifts nothing; to lift everything write "orders: []"`}
	}
	if err := plainText(data, 1); err != nil {
		return err
	}
	var root *yaml.Node
	if ext == ".json" {
		p.json = true
		root, err = parseJSON(data, 1)
	} else {
		var doc *yaml.Node
		if doc, err = parseYAML(data); err == nil {
			root = doc.Content[0]
		}
		err = adviseYAML(data, err)
	}
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
		pace.Step(i)
		p.readOrder(n)
	}
	p.checkCount()
	return nil
}

var bom = []byte("\uFEFF")

// maxFile bounds a YAML or JSON document, which is held whole.
const maxFile = 1 << 30

// maxJSONLine bounds one line of JSON Lines, an order of some million names.
const maxJSONLine = 256 << 20

// jsonLines reads the header line and then an order a line, holding one line.
func (p *parser) jsonLines(r io.Reader) error {
	br := bufio.NewReaderSize(r, 256<<10)
	seenHeader := false
	var lines lineReader
	for line := 1; ; line++ {
		pace.Step(line)
		data, err := readLine(br)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		last := err != nil
		if line == 1 {
			data = bytes.TrimPrefix(data, bom)
		}
		if len(bytes.TrimSpace(data)) > 0 {
			n, err := lines.read(data, line)
			switch {
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
	if !seenHeader {
		return &syntaxError{1, 1, `is empty, which lifts nothing; to lift everything write "count": 0`}
	}
	p.checkCount()
	return nil
}

// lineReader reads lines of JSON. The header's nodes are kept; an order's are
// gone with the next line.
type lineReader struct {
	json   jsonReader
	header bool // was read
}

func (r *lineReader) read(data []byte, line int) (*yaml.Node, error) {
	if err := plainText(data, line); err != nil {
		return nil, err
	}
	if !r.header {
		r.header = true
		return parseJSON(data, line)
	}
	return r.json.read(data, line)
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

// readLine returns the next line without its end; the bytes are br's, until it is
// read again.
func readLine(br *bufio.Reader) ([]byte, error) {
	line, err := br.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		line = bytes.Clone(line)
	}
	for errors.Is(err, bufio.ErrBufferFull) {
		var part []byte
		part, err = br.ReadSlice('\n')
		line = append(line, part...)
		if len(line) > maxJSONLine {
			return nil, fmt.Errorf("a line is longer than %d MiB", maxJSONLine>>20)
		}
	}
	return bytes.TrimRight(line, "\r\n"), err
}
