// Package ruleset compiles orders into an immutable set. The set decides whether a name is blocked
// for a client at a time, and how.
//
// # Files
//
// The first word of a file name describes the job of the file. Files with other names define types.
//
//	build_*.go    orders of one file -> Part; parts of all files -> Set
//	decide_*.go   Set, name or address, client, time -> Verdict, without an allocation
//	report_*.go   Set, time -> states, deadlines, warnings, reasons, changes between two sets
//	snapshot*.go  Part -> file -> Part
//
// # Build
//
// A [Builder] compiles one order file into a [Part]. Each order becomes an entry. Each target,
// exception and lifted name becomes a rule. The rules of a name form a list, in the sequence in
// which a verdict tries the rules:
//
//	name           list of rules
//	example.com    exception of order 3 | lift 7 | block of order 1 | block of order 2
//
// Package index finds the list of a name. A table of networks finds the lists of an address.
//
// [Merge] makes a [Set] of parts. A large part becomes a segment of the set. Small parts become one
// segment. Queries search all segments.
//
// # Decide
//
// [Set.Decide] tries the blocks at the name, and then the blocks above the name:
//
//	www.example.com    no rules
//	example.com        exception of order 3 | lift 7 | block of order 1 | block of order 2
//	com                no rules
//
// The first block that applies decides. A block applies if it is in force and covers the client,
// and if no exception and no lift covers the name.
//
// A lift ends the orders that it lists. A lift without a list ends the earlier orders of its
// authority (see [Rank]).
//
// # Report
//
// Reports look at all orders of a set, or compare two sets. A text for all users must not contain
// the id of a sealed order (see report_secret.go).
package ruleset
