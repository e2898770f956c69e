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
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// Extensions are the endings of order files.
var Extensions = []string{".yaml", ".yml", ".json", ".jsonl"}

// File is an order file's top level.
type File struct {
	Path     string
	Serial   int64 // -1 when not given
	ShrinkOK int64 // -1 when not given
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
	// orders is never held whole. What it took must be dropped when Parse
	// returns errors. Orders are not emitted once an error was found.
	Emit func(*Order)
}

// Parse reads the order file in r; path decides on the container by its ending
// and stands in the problems. The file is good when Problems.Errors is empty;
// otherwise none of it may be used. The File is never nil.
func Parse(path string, r io.Reader, opt Options) (*File, Problems) {
	p := &parser{
		decoder: decoder{file: path, loc: time.UTC},
		opt:     opt,
		out:     &File{Path: path, Serial: -1, ShrinkOK: -1},
		ids:     map[string]int{},
	}
	if err := p.parse(filepath.Ext(path), r); err != nil {
		var s *syntaxError
		if errors.As(err, &s) {
			p.add(Problem{Line: s.line, Column: s.col, Msg: s.msg})
		} else {
			p.add(Problem{Msg: "cannot be read: " + err.Error()})
		}
	}
	p.problems.Sort()
	return p.out, p.problems
}

type parser struct {
	decoder
	opt Options
	out *File

	version, count int64 // count is -1 when not given
	// base is what defaults give to every block order, and handles what an
	// authority's entry adds to that.
	base          *draft
	defaultHandle *yaml.Node // authority: HANDLE in defaults
	handles       map[string]*draft
	ids           map[string]int // id -> line
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
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	data = bytes.TrimPrefix(data, bom)
	if len(bytes.TrimSpace(data)) == 0 {
		return &syntaxError{1, 1, `is empty, which lifts nothing; to lift everything write "orders: []"`}
	}
	if err := validUTF8(data, 1); err != nil {
		return err
	}
	var root *yaml.Node
	if ext == ".json" {
		p.json = true
		root, err = parseJSON(data, 1)
	} else {
		root, err = parseYAML(data)
	}
	if err != nil {
		return err
	}
	orders := p.header(root)
	if orders == nil {
		p.fault(root, "orders", `is required; to lift everything write "orders: []"`)
		return nil
	}
	for _, n := range p.list(orders, "orders") {
		p.readOrder(n)
	}
	p.checkCount(root.Line, root.Column)
	return nil
}

var bom = []byte("\uFEFF")

// maxJSONLine bounds one line of JSON Lines, an order of some million names.
const maxJSONLine = 256 << 20

// jsonLines reads the header line and then an order a line, holding one line.
func (p *parser) jsonLines(r io.Reader) error {
	br := bufio.NewReaderSize(r, 256<<10)
	seenHeader := false
	for line := 1; ; line++ {
		data, err := readLine(br)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		last := err != nil
		if line == 1 {
			data = bytes.TrimPrefix(data, bom)
		}
		if len(bytes.TrimSpace(data)) > 0 {
			if err := p.jsonLine(data, line, !seenHeader); err != nil {
				return err
			}
			seenHeader = true
		}
		if last {
			break
		}
	}
	if !seenHeader {
		return &syntaxError{1, 1, "is empty, which lifts nothing"}
	}
	p.checkCount(1, 1)
	return nil
}

func (p *parser) jsonLine(data []byte, line int, header bool) error {
	if err := validUTF8(data, line); err != nil {
		return err
	}
	n, err := parseJSON(data, line)
	if err != nil {
		return err
	}
	if !header {
		p.readOrder(n)
		return nil
	}
	if orders := p.header(n); orders != nil {
		p.fault(orders, "orders", "does not stand in the first line of JSON Lines; write one order a line below it")
	}
	if p.count < 0 {
		p.fault(n, "count", "is required in JSON Lines: the number of orders that follow")
	}
	return nil
}

// readLine returns the next line without its end; the bytes are the caller's.
func readLine(br *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := br.ReadSlice('\n')
		line = append(line, part...)
		if len(line) > maxJSONLine {
			return nil, fmt.Errorf("a line is longer than %d MiB", maxJSONLine>>20)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return bytes.TrimRight(line, "\r\n"), err
		}
	}
}

func validUTF8(data []byte, line int) error {
	if utf8.Valid(data) {
		return nil
	}
	start := 0
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && size == 1 {
			return &syntaxError{line, i - start + 1, fmt.Sprintf("is not valid UTF-8, got byte 0x%02x", data[i])}
		}
		if r == '\n' {
			line, start = line+1, i+1
		}
		i += size
	}
	return nil
}

// header decodes the top level and returns its orders, nil when there are none.
// defaults and authorities are read before orders wherever they stand.
func (p *parser) header(root *yaml.Node) (orders *yaml.Node) {
	p.count = -1
	p.base = &draft{Order: emptyOrder()}
	p.handles = map[string]*draft{}
	var defaults, authorities *yaml.Node
	p.object(root, "", map[string]func(*yaml.Node, string){
		"version":   func(n *yaml.Node, f string) { p.version = p.natural(n, f); p.checkVersion(n, f) },
		"serial":    func(n *yaml.Node, f string) { p.out.Serial = p.natural(n, f) },
		"count":     func(n *yaml.Node, f string) { p.count = p.natural(n, f) },
		"shrink_ok": func(n *yaml.Node, f string) { p.out.ShrinkOK = p.natural(n, f) },
		"timezone": func(n *yaml.Node, f string) {
			loc, err := time.LoadLocation(p.text(n, f))
			if err != nil || n.Value == "Local" {
				p.bad(n, f, "must be an IANA time zone such as Europe/Rome")
				return
			}
			p.loc = loc
		},
		"defaults":    func(n *yaml.Node, f string) { defaults = n },
		"authorities": func(n *yaml.Node, f string) { authorities = n },
		"orders":      func(n *yaml.Node, f string) { orders = n },
	})
	if p.version == 0 {
		p.fault(root, "version", "is required: 1")
	}
	if defaults != nil {
		for _, kv := range p.fill(p.base, defaults, "defaults") {
			p.defaultHandle = kv
		}
	}
	if authorities != nil {
		for _, kv := range p.mapping(authorities, "authorities") {
			f := join("authorities", kv.key.Value)
			a := p.base.clone()
			a.Authority = Authority{}
			for _, n := range p.fill(a, kv.value, f) {
				p.bad(n, join(f, "authority"), "must be a mapping with name, country and kind")
			}
			if a.Authority.Name == "" && kv.value.Kind == yaml.MappingNode {
				p.fault(kv.value, join(f, "authority"), "is required")
			}
			p.handles[kv.key.Value] = a
		}
	}
	return orders
}

func (p *parser) checkVersion(n *yaml.Node, f string) {
	if p.version != 1 {
		p.bad(n, f, "this program reads version 1")
	}
}

func (p *parser) checkCount(line, col int) {
	if p.count >= 0 && int(p.count) != p.out.Count {
		p.add(Problem{Line: line, Column: col, Field: "count",
			Msg: fmt.Sprintf("does not match the %d orders that follow: the file may be cut off", p.out.Count),
			Got: fmt.Sprint(p.count), HasGot: true})
	}
}

// fill decodes the entries of defaults or of an authority into base. It returns
// the value of authority when that is a handle.
func (p *parser) fill(base *draft, n *yaml.Node, f string) (handle []*yaml.Node) {
	before := len(p.problems)
	base.ownTerms = true
	for _, kv := range p.mapping(n, f) {
		key := join(f, kv.key.Value)
		switch spec := fieldByKey[kv.key.Value]; {
		case spec == nil:
			p.fault(kv.key, key, "unknown key")
			base.doubt = true
		case spec.use&filled == 0:
			p.fault(kv.key, key, "cannot be filled in; write it on each order")
		case spec.key == "authority" && kv.value.Kind == yaml.ScalarNode:
			handle = append(handle, kv.value)
		default:
			spec.decode(p, kv.value, key, base)
		}
	}
	p.seal(before, base)
	base.ownTerms = false
	return handle
}

// seal marks the problems from index start on when they may tell of a sealed
// order.
func (p *parser) seal(start int, o *draft) {
	if !o.doubt && !o.Disclosure.Sealed() {
		return
	}
	for i := start; i < len(p.problems); i++ {
		p.problems[i].Sealed = true
	}
}

func emptyOrder() Order {
	return Order{Terms: &Terms{TTL: -1}, Issued: NoTime, Served: NoTime, From: NoTime, Until: NoTime, Review: NoTime, Deadline: NoTime}
}

// clone returns a copy of o with Terms of its own.
func (o *draft) clone() *draft {
	c := *o
	terms := *o.Terms
	c.Terms = &terms
	return &c
}

// lookup returns the value of a key without reporting anything.
func lookup(n *yaml.Node, key string) *yaml.Node {
	if n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key && !isNull(n.Content[i+1]) {
			return n.Content[i+1]
		}
	}
	return nil
}

// readOrder decodes one order, checks it and hands it on.
func (p *parser) readOrder(n *yaml.Node) {
	before := len(p.problems)
	p.out.Count++
	if id := lookup(n, "id"); id != nil && id.Kind == yaml.ScalarNode {
		p.order = id.Value
	}
	defer func() { p.order = "" }()

	o := p.startOrder(n)
	o.Line, o.Column, o.Index = n.Line, n.Column, p.out.Count-1
	p.checkID(n, o)
	for _, kv := range p.mapping(n, "") {
		switch spec := fieldByKey[kv.key.Value]; {
		case spec == nil:
			p.fault(kv.key, kv.key.Value, "unknown key")
			o.doubt = true
		case o.Action == Lift && spec.use&onLift == 0:
			p.fault(kv.key, kv.key.Value, "says how to block and does not go on a lift")
		default:
			if spec.use&term != 0 && !o.ownTerms && kv.value.Kind != yaml.AliasNode && !(spec.key == "authority" && kv.value.Kind == yaml.ScalarNode) {
				terms := *o.Terms
				o.Terms, o.ownTerms = &terms, true
			}
			spec.decode(p, kv.value, kv.key.Value, o)
		}
	}
	p.finish(n, o)
	p.seal(before, o)
	if !o.Lifting() {
		p.out.Targets += o.NumTargets()
	}
	if len(p.problems.Errors()) > 0 {
		return
	}
	result := o.Order
	if p.opt.Emit != nil {
		p.opt.Emit(&result)
	} else {
		p.out.Orders = append(p.out.Orders, &result)
	}
}

// startOrder returns the draft that the order's own fields go into: what its
// authority and the defaults fill in. A lift takes only the authority.
func (p *parser) startOrder(n *yaml.Node) *draft {
	base := p.base
	handle := lookup(n, "authority")
	if handle == nil {
		handle = p.defaultHandle
	}
	doubt := false
	if handle != nil && handle.Kind == yaml.ScalarNode {
		if a, ok := p.handles[handle.Value]; ok {
			base = a
		} else {
			p.bad(handle, "authority", "names no entry of authorities")
			doubt = true
		}
	}
	action := Block
	if a := lookup(n, "action"); a != nil {
		action = choice(&p.decoder, a, "action", []string{"block", "lift"}, Block, Lift)
	}
	var o draft
	if action == Lift {
		o = draft{Order: emptyOrder(), ownTerms: true}
		o.Authority = base.Authority
	} else {
		o = *base
	}
	o.Action = action
	o.doubt = o.doubt || doubt
	return &o
}

// Lifting reports whether o is a lift.
func (o *Order) Lifting() bool { return o.Action == Lift }

func (p *parser) checkID(n *yaml.Node, o *draft) {
	id := lookup(n, "id")
	if id == nil {
		p.fault(n, "id", "is required")
		return
	}
	o.ID = p.text(id, "id")
	if o.ID == "" {
		return
	}
	if !idPattern.MatchString(o.ID) {
		p.bad(id, "id", "must be 1 to 128 of A-Z a-z 0-9 . _ : / -")
		return
	}
	if line, dup := p.ids[o.ID]; dup {
		p.bad(id, "id", "is used twice, first on line %d", line)
		return
	}
	p.ids[strings.Clone(o.ID)] = id.Line
}
