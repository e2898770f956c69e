// Package ruleset compiles orders into an immutable set. The set decides whether a name is
// blocked for a client at a time, and how.
//
// # Three jobs
//
// The first word of a file name is the job to which the file belongs. Other files define types
// for all jobs.
//
//	build_*.go    orders of one file -> Part; parts of all files -> Set
//	decide_*.go   Set, name or address, client, time -> Verdict, without an allocation
//	report_*.go   Set, time -> states, deadlines, warnings, reasons, changes between two sets
//	snapshot*.go  Part -> file -> Part
//
// # Build
//
// A [Builder] compiles the orders of one order file into a [Part]. Each order becomes an
// entry. Each target, exception and lifted name becomes a rule in a list at its name. Package
// index finds the list of a name. A table of networks finds the lists of an address.
//
//	name           list of rules, in the sequence in which a verdict tries them
//	example.com    exception of order 3 | lift 7 | block of order 1 | block of order 2
//
// [Merge] makes a [Set] of parts. Queries search the segments of the set: a segment is one
// large part, or several small parts merged. A server replaces its set as a whole.
//
// Each rule has a schedule, which is a list of intervals in which the rule is in force. Time
// is an argument of each decision, so orders start and end without a timer.
//
// # Decide
//
// Set.Decide collects the rules at the name and its ancestors, and tries the blocks of the
// longest name first. The first block that applies decides. A block applies if it is in force,
// covers the client, and no exception or lift ends it for the name. The verdict contains the
// time until which it is valid.
//
// A lift ends the orders whose ids it lists. A lift without ids ends the earlier orders of its
// authority (see [Rank]).
//
// A long list of rules has an index (longList), which must not change verdicts.
//
// # Report
//
// Reports look at all orders of a set, or compare two sets, and may allocate. If all users may
// read a text, it must not contain the id of a sealed (secret) order (see report_secret.go).
//
// # Snapshots
//
// [WriteSnapshot] writes a part as it is in memory. [ReadSnapshot] reads it, so that a start
// need not compile the orders again. Another version of the program refuses the file.
//
// # Tests
//
// twin_test.go decides directly from the orders, slowly and simply. The fuzzer and
// TestDecideAgainstTwin compare its verdicts, states, deadlines, reasons and warnings with
// those of the set.
package ruleset
