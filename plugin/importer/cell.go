package importer

import "github.com/dns-orders/blocklist/plugin/order"

// Clean converts one text, for example a cell of a table, to targets and a note. The note has no
// line number. A text without a name is refused.
func Clean(s string, opt Options) ([]order.Target, Note) {
	n := Note{Raw: shorten(s)}
	c := cleaner{opt: opt, note: &n}
	targets := c.line(s)
	switch {
	case c.blank:
		n.Refused = "is empty"
	case c.comment:
		n.Refused = "begins with #, like a comment"
	}
	return targets, n
}
