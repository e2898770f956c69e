package order

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/dns-orders/blocklist/plugin/dname"
	"go.yaml.in/yaml/v3"
)

var cr = []byte{'\r'}

var sideTable = table[SideList]{
	{"file", func(p *parser, n *yaml.Node, f string, s *SideList) { s.File = p.sidePath(n, f) }},
	{"sha256", func(p *parser, n *yaml.Node, f string, s *SideList) { s.SHA256 = p.sha256(n, f) }},
}

// The side list is not read yet, because exceptions may follow.
func (p *parser) targetsFrom(n *yaml.Node, f string, o *draft) {
	o.Side = &SideList{}
	object(p, n, f, sideTable, o.Side)
	o.sideAt, o.sumAt = lookup(n, "file"), lookup(n, "sha256")
	if o.sideAt == nil && n.Kind == yaml.MappingNode {
		p.fault(n, join(f, "file"), "is required; write the path of the list")
	}
}

// A side list must not be outside the directory of the order file. A malicious order file could
// otherwise read any file.
func (p *parser) sidePath(n *yaml.Node, f string) string {
	s := p.text(n, f)
	if s != "" && (!filepath.IsLocal(s) || filepath.Clean(s) == ".") {
		p.bad(n, f, "must be a path below the directory of the order file, such as lists/names.txt")
		return ""
	}
	return s
}

func (p *parser) readSide(o *draft) {
	file := o.Side.File
	if file == "" || p.opt.OpenSide == nil {
		if file != "" {
			p.bad(o.sideAt, "targets_from.file", "side lists cannot be read here")
		}
		return
	}
	r, err := p.opt.OpenSide(file)
	if err != nil {
		p.bad(o.sideAt, "targets_from.file", "cannot be read: %v", err)
		return
	}
	defer func() { _ = r.Close() }() // Close of a file that was only read can lose no data
	sum, before := sha256.New(), len(p.problems)
	path := filepath.Join(filepath.Dir(p.file), file)
	if SizeOf(r) > maxStream {
		p.bad(o.sideAt, "targets_from.file", "is larger than %d GiB; split it into several lists", int64(maxStream)>>30)
		return
	}
	in := io.Reader(r)
	if o.Side.SHA256 != "" {
		in = io.TeeReader(r, sum)
	}
	if err := p.sideLines(o, path, bufio.NewReaderSize(in, 64<<10), p.taker(o, SizeOf(r))); err != nil {
		p.bad(o.sideAt, "targets_from.file", "cannot be read: %v", err)
		return
	}
	if p.cut || p.tooDeep {
		return // a part of the list was not read
	}
	if o.Side.Len() == 0 && len(p.problems) == before {
		p.bad(o.sideAt, "targets_from.file", "the list has no names; check whether its download failed")
	}
	if got := hex.EncodeToString(sum.Sum(nil)); o.Side.SHA256 != "" && got != o.Side.SHA256 {
		p.add(Problem{Line: o.sumAt.Line, Column: o.sumAt.Column, Field: "targets_from.sha256",
			Msg: "is not the digest of the list " + file + "; if the list is right, write sha256: " + got, Got: o.Side.SHA256, HasGot: true})
	}
}

type taker struct {
	Names
	size        int64 // the size of the list in bytes; 0 if unknown
	read, first int64 // bytes: read so far, and read before the first name
	took        *int  // counts the names; nil if the order stores them
	line        int   // the line of the name that is added
}

const sample = 2048

func (p *parser) taker(o *draft, size int64) *taker {
	if p.opt.Side == nil {
		return &taker{Names: &o.Side.Names}
	}
	return &taker{Names: p.opt.Side(&o.Order), size: size, took: &o.Side.Taken}
}

func (t *taker) add(w *dname.Wire) {
	t.AddWire(w)
	if t.took == nil {
		return
	}
	switch *t.took++; *t.took {
	case 1:
		t.first = t.read // the estimate must not include the lines above the first name
	case sample:
		if left := t.size - t.read; left > 0 {
			t.Grow(int(left * (sample - 1) / (t.read - t.first)))
		}
	}
}

func (p *parser) sideLines(o *draft, path string, r *bufio.Reader, to *taker) error {
	field, own := "", o.sideAt == nil
	if !own {
		field = "targets_from"
		p.owner = place{p.file, o.sideAt.Line, o.sideAt.Column}
		p.file = path
		defer func() { p.file, p.owner = p.owner.file, place{} }()
	}
	except := nameSet(o.Except)
	var w dname.Wire
	add := func(line int) {
		p.countLabels(w.NumLabels(), spot{line: line, col: 1}, field)
		to.line = line
		to.add(&w)
	}
	for line := 1; p.step(line); line++ {
		if to.read > maxStream {
			return &syntaxError{line, 1, fmt.Sprintf("the list is larger than %d GiB", int64(maxStream)>>30)}
		}
		raw, err := r.ReadSlice('\n')
		to.read += int64(len(raw))
		if err == nil && len(except) == 0 && w.SetHost(bytes.TrimSuffix(raw[:len(raw)-1], cr)) {
			add(line)
			continue
		}
		long := errors.Is(err, bufio.ErrBufferFull)
		s := strings.TrimSuffix(string(raw), "\n")
		for errors.Is(err, bufio.ErrBufferFull) { // skips the rest of a line that is too long
			if stop := p.stopped(); stop != nil {
				return stop
			}
			raw, err = r.ReadSlice('\n')
			to.read += int64(len(raw))
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if line == 1 {
			s = strings.TrimPrefix(s, "\uFEFF")
		}
		s = strings.TrimSuffix(s, "\r")
		col := 1 + len(s) - len(strings.TrimLeft(s, " \t"))
		name, why, public := sideName(s, long || len(s) > MaxLine, own)
		if own {
			public = "" // a plain list is never secret
			p.listShrink(s)
		}
		switch {
		case why != "":
			p.add(Problem{Line: line, Column: col, Field: field, Msg: why, Got: strings.TrimSpace(s), HasGot: true, public: public})
		case name.IsZero():
		default:
			if e, hit := except.covering(name); hit {
				p.add(Problem{Line: line, Column: col, Field: "targets_from",
					Msg: "is at or below the order's own exception " + e.String() + "; remove the name or the exception", Got: name.String(), HasGot: true,
					public: "is at or below an exception of the order"})
			}
			w.SetName(name)
			add(line)
		}
		if err != nil {
			return nil
		}
	}
	return p.stopErr
}

// The last result must not quote the line, because a name may be secret.
func sideName(s string, long, plain bool) (name dname.Name, why, public string) {
	if i := strings.IndexByte(s, '#'); i == 0 || i > 0 && (s[i-1] == ' ' || s[i-1] == '\t') {
		s = s[:i]
	}
	s = strings.Trim(s, " \t")
	switch {
	case long:
		why = "line is too long for a name"
	case s == "":
	case !utf8.ValidString(s):
		why = "is not valid UTF-8"
	case plain && isAddress(s):
		why = "is an IP address, and a plain list has only names; an order file in YAML can have addresses"
	case strings.HasPrefix(s, "*.") && plain:
		why = `a name of a plain list includes all names below it; write the name without "*."`
	case strings.HasPrefix(s, "*."):
		why = `a name of a side list includes all names below it; write a target with "*." into the order file`
	default:
		var err error
		if name, err = dname.Parse(s); err != nil {
			return name, err.Error(), "is no name"
		}
	}
	return name, why, why
}
