package order

import "strings"

// Demands are requirements of a server on order files. They add to the rules of the format.
type Demands struct {
	// Signed means that files must be signed. Each file then needs a serial, so that the
	// server recognises an old signed version. Each side list needs its sha256, because the
	// signature covers only the order file.
	Signed bool
	// Approved means that each active order needs an authenticity record. The record has the
	// hash of the document and the names of two different people.
	Approved bool
}

// Order returns the problems of one order.
func (d Demands) Order(path string, o *Order) (problems Problems) {
	lift := o.Action == Lift && !o.Disclosure.Sealed() // a lift that may end secret orders
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

// File returns the problems of the top level of a file.
func (d Demands) File(f *File) (problems Problems) {
	if d.Signed && f.Serial < 0 {
		problems = append(problems, Problem{File: f.Path, Field: "serial", Msg: "is required when signatures are checked, so that an old version is not accepted again; write serial: 1, and a higher number in each new version"})
	}
	return problems
}

// samePerson compares two names without regard to case and spaces.
func samePerson(a, b string) bool {
	words := func(s string) string { return strings.Join(strings.Fields(s), " ") }
	return strings.EqualFold(words(a), words(b))
}
