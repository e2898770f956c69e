package order

import "strings"

// Demands are additional rules for order files that an operator can turn on.
type Demands struct {
	// Signed demands a serial, because the signature of an old version stays valid. It demands a
	// sha256 of each side list, because the signature does not cover side lists.
	Signed bool
	// Approved demands a document for each active order. The document must have a sha256. One
	// person must have verified it, and another person must have approved it.
	Approved bool
}

// Order returns a problem for each demand that an order does not meet.
func (d Demands) Order(path string, o *Order) (problems Problems) {
	lift := o.Action == Lift && !o.Disclosure.Sealed() // a lift is as secret as the orders that it ends, which may be sealed
	add := func(field, msg string) {
		problems = append(problems, Problem{
			File: path, Line: o.Line, Column: o.Column, Order: o.ID, Field: field, Msg: msg,
			Sealed: o.Disclosure.Sealed() || lift, Lift: lift,
		})
	}
	if d.Signed && o.Side != nil && o.Side.SHA256 == "" {
		add("targets_from", "sha256 is required when signatures are checked, because the signature covers only the order file")
	}
	if !d.Approved || o.Status != Active {
		return problems
	}
	doc := o.Document
	switch {
	case doc == nil || doc.SHA256 == "":
		add("document", "sha256 of the served document is required, because the Corefile says: require approval")
	case doc.VerifiedBy == "" || doc.ApprovedBy == "":
		add("document", "verified_by and approved_by are required, because the Corefile says: require approval")
	case samePerson(doc.VerifiedBy, doc.ApprovedBy):
		add("document", "verified_by and approved_by must be two different people, because the Corefile says: require approval")
	}
	return problems
}

// File returns a problem for a file that does not meet the demands.
func (d Demands) File(f *File) (problems Problems) {
	switch {
	case d.Signed && Ext(f.Path) == ListExtension:
		problems = append(problems, Problem{File: f.Path, Msg: "a plain list has no serial, which is required when signatures are checked; blocklistctl import domains makes an order file from a list"})
	case d.Signed && f.Serial < 0:
		problems = append(problems, Problem{File: f.Path, Field: "serial", Msg: "is required when signatures are checked, so that an old version is not accepted again; write serial: 1, and a higher number in each new version"})
	}
	return problems
}

func samePerson(a, b string) bool {
	words := func(s string) string { return strings.Join(strings.Fields(s), " ") }
	return strings.EqualFold(words(a), words(b))
}
