package order

import (
	"bytes"
	"slices"
	"unicode/utf8"

	"github.com/dns-orders/blocklist/plugin/dname"
)

type quickLine struct {
	on bool // the header has no problem and no defaults
	// known contains the Terms of earlier lines, by the raw text of their fields.
	known   map[string]*Terms
	unknown []byte

	text []byte
	pos  int
	// The character at the offset "seen" has the column "col".
	seen, col int
	raw       []byte // the raw text of the fields in Terms
	wire      dname.Wire
}

// maxKnown is the largest number of Terms that a quickLine keeps.
const maxKnown = 1 << 12

// quickOrder decodes an order in the same way as readOrder. It returns false if the full parser
// must decode the line.
func (p *parser) quickOrder(text []byte, line int) bool {
	q := &p.quick
	q.unknown = q.unknown[:0]
	if !q.on || p.failed {
		return false
	}
	q.text, q.pos, q.seen, q.col, q.raw = text, 0, 0, 1, q.raw[:0]
	o := &p.draft
	*o = *p.base
	deep := p.deep
	if !p.quickFields(o, line, &deep) || q.pos != len(text) {
		return false
	}
	terms := q.known[string(q.raw)]
	if terms == nil {
		q.unknown = append(q.unknown, q.raw...)
		return false
	}
	p.out.Count++
	o.Terms, o.Line, o.Column, o.Index = terms, line, 1, p.out.Count-1
	p.deep = deep
	p.room = o.Targets[:0]
	if p.opt.Emit == nil {
		o.Targets = slices.Clone(o.Targets)
	}
	if len(o.Targets) > 1 {
		before := len(p.problems)
		p.order = o.ID
		p.warnTwice(o)
		p.order = ""
		p.seal(before, o)
	}
	p.noteID(o)
	p.out.Targets += o.NumTargets()
	p.emit(o)
	return true
}

// learn keeps the Terms of a line that the full parser has decoded without a problem.
func (p *parser) learn(problems int) {
	q := &p.quick
	if len(q.unknown) > 0 && len(p.problems) == problems {
		if len(q.known) == maxKnown {
			clear(q.known)
		}
		q.known[string(q.unknown)] = p.draft.Terms
	}
	q.unknown = q.unknown[:0]
}

// quickFields decodes the keys of an order except those in Terms. The keys must be in the sequence
// of Encode.
func (p *parser) quickFields(o *draft, line int, deep *LabelCount) bool {
	q := &p.quick
	last, count := -1, -1
	var authority, scope bool
	if !q.skip('{') {
		return false
	}
	for {
		start := q.pos
		key, ok := q.string()
		k := quickKeys[string(key)]
		if !ok || k.decode == nil && !k.term || k.index <= last || !q.skip(':') {
			return false
		}
		last = k.index
		switch {
		case k.term:
			authority, scope = authority || k.key == "authority" && q.peek() == '{', scope || k.key == "scope"
			if !q.value() {
				return false
			}
			q.raw = append(append(q.raw, q.text[start:q.pos]...), ',')
		case k.key == "target_count":
			if count, ok = q.count(); !ok {
				return false
			}
		case k.key == "targets":
			if !p.quickTargets(o, line, deep) {
				return false
			}
		case !k.decode(p, o):
			return false
		}
		if !q.skip(',') {
			break
		}
	}
	return q.skip('}') && o.ID != "" && authority && scope && len(o.Targets) > 0 && (count < 0 || count == len(o.Targets)) &&
		(o.From == NoTime || o.Until == NoTime || o.From < o.Until)
}

// A quickKey is a key that a quickLine knows.
type quickKey struct {
	key    string
	index  int // the index in fields
	term   bool
	decode func(p *parser, o *draft) bool
}

var quickKeys = func() map[string]quickKey {
	text := func(at func(*draft) *string) func(*parser, *draft) bool {
		return func(p *parser, o *draft) bool {
			s, ok := p.quick.filled()
			*at(o) = string(s)
			return ok
		}
	}
	date := func(e edge, at func(*draft) *Time) func(*parser, *draft) bool {
		return func(p *parser, o *draft) (ok bool) {
			*at(o), ok = p.quickTime(e)
			return ok
		}
	}
	own := func(*parser, *draft) bool { return false } // quickFields decodes the key
	decode := map[string]func(*parser, *draft) bool{
		"id":           (*parser).quickID,
		"references":   (*parser).quickReferences,
		"subject":      text(func(o *draft) *string { return &o.Subject }),
		"note":         text(func(o *draft) *string { return &o.Note }),
		"claimant":     text(func(o *draft) *string { return &o.Claimant }),
		"issued":       date(startOfDay, func(o *draft) *Time { return &o.Issued }),
		"served":       date(startOfDay, func(o *draft) *Time { return &o.Served }),
		"acknowledged": date(startOfDay, func(o *draft) *Time { return &o.Acknowledged }),
		"reported":     date(startOfDay, func(o *draft) *Time { return &o.Reported }),
		"from":         date(startOfDay, func(o *draft) *Time { return &o.From }),
		"until":        date(endOfDay, func(o *draft) *Time { return &o.Until }),
		"review":       date(endOfDay, func(o *draft) *Time { return &o.Review }),
		"target_count": own,
		"targets":      own,
	}
	keys := map[string]quickKey{}
	for i, f := range fields {
		if term := f.use&term != 0; term || decode[f.key] != nil {
			keys[f.key] = quickKey{f.key, i, term, decode[f.key]}
		}
	}
	return keys
}()

func (p *parser) quickID(o *draft) bool {
	s, ok := p.quick.string()
	if !ok {
		return false
	}
	id := string(s)
	if !isID(id) || p.ids.find(id).line > 0 {
		return false
	}
	o.ID = id
	return true
}

func (p *parser) quickReferences(o *draft) bool {
	q := &p.quick
	if !q.skip('[') {
		return false
	}
	for {
		s, ok := q.filled()
		if !ok {
			return false
		}
		o.References = append(o.References, string(s))
		if !q.skip(',') {
			return q.skip(']')
		}
	}
}

// quickTime returns a time that an earlier line had.
func (p *parser) quickTime(e edge) (Time, bool) {
	s, ok := p.quick.string()
	if !ok {
		return NoTime, false
	}
	known, ok := p.times[writtenTime{string(s), p.loc, e}]
	return known.t, ok
}

func (p *parser) quickTargets(o *draft, line int, deep *LabelCount) bool {
	q := &p.quick
	o.Targets = p.room[:0]
	if !q.skip('[') {
		return false
	}
	for {
		t := Target{Match: Subtree, Line: line, Column: q.column()}
		switch q.peek() {
		case '"':
			s, ok := q.string()
			if !ok || !q.name(&t, s) {
				return false
			}
		default:
			if !p.quickTarget(&t) {
				return false
			}
		}
		if t.Kind == TargetName && deep.Add(t.Name.NumLabels()) {
			return false
		}
		o.Targets = append(o.Targets, t)
		if !q.skip(',') {
			return q.skip(']')
		}
	}
}

// name sets the name of a target. The text has "*." before the name if the target is BelowOnly.
func (q *quickLine) name(t *Target, s []byte) bool {
	if base, below := bytes.CutPrefix(s, []byte("*.")); below {
		s, t.Match = base, BelowOnly
	}
	if !q.wire.SetHost(s) {
		return false
	}
	t.Name = q.wire.Name()
	return true
}

// quickTarget decodes a target that is a mapping. It begins with a name, a URL or an address. A match
// and times may follow.
func (p *parser) quickTarget(t *Target) bool {
	q := &p.quick
	if !q.skip('{') {
		return false
	}
	key, ok := q.string()
	kind := string(key)
	if !ok || !q.skip(':') {
		return false
	}
	s, ok := q.filled()
	if !ok {
		return false
	}
	var a *Attr
	last := 0
	switch kind {
	case "name":
		if !q.name(t, s) {
			return false
		}
	case "url":
		url := string(bytes.TrimSpace(s))
		if _, why := URLHost(url); why != "" {
			return false
		}
		a = NewAttr()
		t.Kind, a.URL = TargetURL, url
	case "address":
		prefix, why := ParsePrefix(string(s))
		if why != "" {
			return false
		}
		a = NewAttr()
		t.Kind, a.Address = TargetAddress, prefix
	default:
		return false
	}
	for q.skip(',') {
		key, ok := q.string()
		if !ok || !q.skip(':') {
			return false
		}
		at := 0
		switch string(key) {
		case "match":
			s, ok := q.string()
			if at = 1; !ok || t.Kind != TargetName || t.Match == BelowOnly || string(s) != "exact" {
				return false
			}
			t.Match = Exact
		case "from", "until":
			if a == nil {
				a = NewAttr()
			}
			if string(key) == "from" {
				at = 2
				a.From, ok = p.quickTime(startOfDay)
			} else {
				at = 3
				a.Until, ok = p.quickTime(endOfDay)
			}
			if !ok {
				return false
			}
		}
		if at <= last {
			return false
		}
		last = at
	}
	t.Attr = a
	return q.skip('}') && (a == nil || a.From == NoTime || a.Until == NoTime || a.From < a.Until)
}

func (q *quickLine) peek() byte {
	if q.pos < len(q.text) {
		return q.text[q.pos]
	}
	return 0
}

// skip skips the byte c. It returns false if another byte is next.
func (q *quickLine) skip(c byte) bool {
	if q.peek() != c {
		return false
	}
	q.pos++
	return true
}

// column returns the column of the next byte, in characters from 1.
func (q *quickLine) column() int {
	q.col += utf8.RuneCount(q.text[q.seen:q.pos])
	q.seen = q.pos
	return q.col
}

// string returns the content of a string without escapes.
func (q *quickLine) string() ([]byte, bool) {
	if !q.skip('"') {
		return nil, false
	}
	start := q.pos
	for ; q.pos < len(q.text); q.pos++ {
		switch c := q.text[q.pos]; {
		case c == '"':
			q.pos++
			return q.text[start : q.pos-1], true
		case c < ' ' || c == '\\':
			return nil, false
		}
	}
	return nil, false
}

// filled returns the content of a string that is not blank.
func (q *quickLine) filled() ([]byte, bool) {
	s, ok := q.string()
	return s, ok && len(bytes.TrimSpace(s)) > 0
}

func (q *quickLine) count() (n int, ok bool) {
	const most = 9
	start := q.pos
	for digit(q.peek()) && q.pos-start < most {
		n = 10*n + int(q.text[q.pos]-'0')
		q.pos++
	}
	return n, q.pos > start && q.text[start] != '0' && !digit(q.peek())
}

func (q *quickLine) value() bool {
	depth := 0
	for q.pos < len(q.text) {
		switch q.text[q.pos] {
		case '"':
			if _, ok := q.string(); !ok {
				return false
			}
			if depth == 0 {
				return true
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth < 0 {
				return true // the end of the order follows a number or a word
			}
			if depth == 0 {
				q.pos++
				return true
			}
		case ',':
			if depth == 0 {
				return true
			}
		}
		q.pos++
	}
	return false
}
