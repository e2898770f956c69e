package export

import (
	"slices"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/rpz"
)

type capability struct {
	kinds                 []order.ResponseKind
	subtree, exact, below bool
	ttls                  []order.ResponseKind
	exceptions            exceptions
	denials               bool
	// A form with denials must have this function.
	both  func(own, below *rpz.Answer) bool
	leaks string
}

type exceptions int

const (
	noExceptions     exceptions = iota
	plainExceptions             // no name below an exception may be blocked
	nestedExceptions            // names below an exception may be blocked
)

type fitting struct {
	capability
	mode     Approximation
	tree     *rpz.Tree
	nodes    []rpz.Node // a copy of the nodes of tree
	parent   []int32
	problems []Problem
}

// In the mode Exact, callers must not use a tree with problems.
func fit(t *rpz.Tree, c capability, mode Approximation) (*rpz.Tree, []Problem) {
	f := &fitting{capability: c, mode: mode, tree: t, nodes: append([]rpz.Node(nil), t.Nodes...), parent: t.Parents()}
	f.fitKinds()
	f.fitExceptions()
	for i := range f.nodes {
		f.fitShape(i)
	}
	if f.denials {
		f.fitDenials()
	}
	return t.With(f.nodes), f.problems
}

func (f *fitting) problem(i int, why string) {
	f.problems = append(f.problems, Problem{f.nodes[i].Name().String(), why})
}

func (f *fitting) above(i int) *rpz.Answer {
	if f.parent[i] < 0 {
		return nil
	}
	return f.nodes[f.parent[i]].Below
}

func (f *fitting) fitKinds() {
	can := map[order.ResponseKind]bool{}
	for _, k := range f.kinds {
		can[k] = true
	}
	odd := func(a *rpz.Answer) bool { return a != nil && !can[a.Kind] }
	for i := range f.nodes {
		n, was := &f.nodes[i], &f.tree.Nodes[i]
		n.Own, n.Below = f.withoutTTL(n.Own), f.withoutTTL(n.Below)
		if !odd(n.Own) && !odd(n.Below) {
			continue
		}
		var in *rpz.Answer
		if p := f.parent[i]; p >= 0 {
			in = f.tree.Nodes[p].Below
		}
		if was.Own != in || was.Below != in {
			a := n.Own
			if !odd(a) {
				a = n.Below
			}
			f.problem(i, "the file cannot say the response "+a.Kind.String())
		}
		for _, a := range []**rpz.Answer{&n.Own, &n.Below} {
			switch {
			case !odd(*a):
			case f.mode == LeaveOut:
				*a = nil
			default:
				*a = f.tree.Table().As(*a, f.kinds[0])
			}
		}
	}
}

func (f *fitting) withoutTTL(a *rpz.Answer) *rpz.Answer {
	if a == nil || slices.Contains(f.ttls, a.Kind) {
		return a
	}
	return f.tree.Table().Answer(a.Kind, a.Addresses, 0)
}

// fitExceptions removes the exceptions that the form cannot say.
func (f *fitting) fitExceptions() {
	if f.exceptions == nestedExceptions || !f.subtree {
		return
	}
	passes := make([]bool, len(f.nodes)) // a name below the node passes
	blocks := make([]bool, len(f.nodes)) // a name below the node is blocked
	for i := len(f.nodes) - 1; i >= 0; i-- {
		n := &f.nodes[i]
		if p := f.parent[i]; p >= 0 {
			passes[p] = passes[p] || passes[i] || n.Own == nil || n.Below == nil
			blocks[p] = blocks[p] || blocks[i] || n.Own != nil || n.Below != nil
		}
	}
	wider := f.mode == Wider
	for i := range f.nodes {
		n := &f.nodes[i]
		in := f.above(i)
		if in != nil && (n.Own == nil || n.Below == nil) {
			nested := n.Own != nil || n.Below != nil || blocks[i]
			if f.exceptions == noExceptions || nested {
				f.problem(i, "the file cannot say an exception below a blocked name")
				if wider {
					n.Own, n.Below = or(n.Own, in), or(n.Below, in)
				} else {
					n.Own, n.Below = nil, nil
					f.passBelow(i)
				}
			}
		}
		if n.Below != nil && passes[i] && f.exceptions == noExceptions && !wider {
			n.Below = nil
			if !f.exact {
				n.Own = nil
			}
			f.problem(i, "the file cannot say that a name below it passes, so the name is left out")
		}
	}
}

// passBelow lets all names below the node pass.
func (f *fitting) passBelow(i int) {
	top := f.nodes[i].Name()
	for k := i + 1; k < len(f.nodes) && top.Covers(f.nodes[k].Name()); k++ {
		f.nodes[k].Own, f.nodes[k].Below = nil, nil
	}
}

func (f *fitting) fitShape(i int) {
	n := &f.nodes[i]
	switch {
	case n.Below != nil && !f.subtree:
		f.problem(i, "the file cannot block the names below it")
		if n.Below = nil; f.mode == LeaveOut {
			n.Own = nil
		}
	case n.Own != nil && n.Below == nil && !f.exact:
		f.problem(i, "the file cannot block a name alone")
		if f.mode == Wider {
			n.Below = n.Own
		} else {
			n.Own = nil
		}
	case n.Own == nil && n.Below != nil && !f.below:
		f.problem(i, "the file cannot block the names below it without the name")
		if f.mode == Wider {
			n.Own = n.Below
		} else {
			n.Below = nil
		}
	}
	if n.Own != nil && f.leaks != "" {
		f.problem(i, f.leaks)
		if f.mode == LeaveOut {
			n.Own = nil
		}
	}
}

// NXDOMAIN for a name also denies all names below (RFC 8020). If a name below has another answer,
// the name gets NODATA.
func (f *fitting) fitDenials() {
	denied := f.tree.With(f.nodes).Denied(f.parent)
	nodata := func(a *rpz.Answer) *rpz.Answer { return f.tree.Table().As(a, order.NODATA) }
	for i := range f.nodes {
		n := &f.nodes[i]
		if n.Own == nil {
			continue
		}
		if n.Own.Kind == order.NXDOMAIN && !denied[i] {
			n.Own = nodata(n.Own)
		}
		if n.Own == n.Below || f.both(n.Own, n.Below) {
			continue
		}
		f.problem(i, "the file cannot give the name another answer than the names below it")
		switch {
		case n.Below == nil && f.mode == LeaveOut:
			n.Own = nil
		case n.Below == nil, n.Below.Kind == order.NXDOMAIN && !denied[i]:
			n.Own = nodata(n.Own)
		default:
			n.Own = n.Below
		}
	}
}

func or(a, b *rpz.Answer) *rpz.Answer {
	if a == nil {
		return b
	}
	return a
}
