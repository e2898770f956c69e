// Package ruleset compiles orders into a set. The set decides whether and how a name is blocked.
// The decision depends on the client and the time. A set never changes.
//
// # Files
//
// The first word of a file name tells what the code does. All other files define types.
//
//	build_*.go    orders of one file -> Part; parts of all files -> Set
//	decide_*.go   Set, name or address, client, time -> Verdict, without an allocation
//	report_*.go   Set, time -> states, deadlines, warnings, reasons, changes between two sets
//	snapshot*.go  Part -> file -> Part
//
// # Build
//
// A [Builder] compiles one order file into a [Part]. Each order becomes an entry. Each target,
// exception and lifted name becomes a rule. Each name has a list of rules. A query tries the rules
// from left to right:
//
//	name           list of rules
//	example.com    exception of order 3 | lift 7 | block of order 1 | block of order 2
//
// Package index finds the list of a name. A table of networks finds the lists of an address.
//
// [Merge] makes a [Set] from parts. Each large part becomes a segment of the set. Small parts share
// a segment. A query searches all segments.
//
// # Decide
//
// [Set.Decide] tries the blocks at the name, and then the blocks above the name:
//
//	www.example.com    no rules
//	example.com        exception of order 3 | lift 7 | block of order 1 | block of order 2
//	com                no rules
//
// The first block that applies decides. A block applies if it is in force and covers the client. An
// exception of the same order or a lift prevents the block of a name.
//
// A lift ends the orders that it lists. A lift without a list ends the earlier orders of its
// authority (see [Rank]).
//
// # Report
//
// A report looks at all orders of a set, or compares two sets. The id of a sealed (secret) order
// must not appear in a text for all users. See report_secret.go.
package ruleset
