package order

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/dns-orders/blocklist/plugin/dname"
)

// ListAuthority is the name of the authority of a plain list.
const ListAuthority = "the operator"

func (p *parser) readList(r io.Reader) error {
	size := SizeOf(r)
	if size > maxStream {
		return &syntaxError{0, 0, fmt.Sprintf("is larger than %d GiB; split it into several lists", int64(maxStream)>>30)}
	}
	in := bufio.NewReaderSize(r, 64<<10)
	if begin, err := in.Peek(256); len(begin) > 0 {
		if bad := isText(begin); bad != nil {
			return bad
		}
	} else if !errors.Is(err, io.EOF) {
		return err
	}
	o := &p.draft
	*o = draft{Order: emptyOrder(), ownTerms: true}
	o.ID, o.Line, o.Column = listID(p.file), 1, 1
	o.Authority = Authority{Name: ListAuthority, Kind: KindOperator}
	o.Scope = &Scope{Global: true}
	to := &taker{size: size}
	if p.opt.Targets != nil {
		to.Names, to.took = p.opt.Targets(&o.Order), &o.Plain
	} else {
		to.Names = &listTargets{o, to}
	}
	if err := p.sideLines(o, p.file, in, to); err != nil {
		return err
	}
	switch {
	case p.stopErr != nil:
		return p.stopErr
	case p.cut || p.tooDeep:
		return nil
	case o.NumTargets() == 0 && len(p.problems) == 0 && p.out.ShrinkOK != 0:
		return &syntaxError{1, 1, `has no names, as a full disk or a failed download leaves a file; put the last good version back, or write the line "# shrink_ok: 0" to end all blocks of the list`}
	case o.NumTargets() == 0 || p.failed:
		return nil
	}
	p.out.Count, p.out.Targets = 1, o.NumTargets()
	if p.opt.Emit != nil {
		p.opt.Emit(&o.Order)
	} else {
		result := o.Order
		p.out.Orders = append(p.out.Orders, &result)
	}
	return nil
}

type listTargets struct {
	o  *draft
	at *taker
}

// Grow implements Names.
func (*listTargets) Grow(int) {}

// AddWire implements Names.
func (l *listTargets) AddWire(w *dname.Wire) {
	l.o.Targets = append(l.o.Targets, Target{Match: Subtree, Name: w.Name(), Line: l.at.line, Column: 1})
}

func listID(path string) string {
	id := strings.Map(func(r rune) rune {
		if isID(string(r)) {
			return r
		}
		return '-'
	}, filepath.Base(path))
	return id[:min(len(id), 128)]
}

var shrinkLine = regexp.MustCompile(`^#\s*shrink_ok:\s*(\d{1,18})\s*$`)

// listShrink reads the number of a comment shrink_ok.
func (p *parser) listShrink(line string) {
	if m := shrinkLine.FindStringSubmatch(line); m != nil {
		p.out.ShrinkOK, _ = strconv.ParseInt(m[1], 10, 64) // 18 digits are in range
	}
}
