// Package ruleset compiles orders into an immutable set. The set decides whether a name is
// blocked for a client at a time, and how.
//
// # Three jobs
//
// The names of the files say which job they do.
//
//	build_*.go    orders of one file -> Part; parts of all files -> Set
//	decide_*.go   Set, name or address, client, time -> Verdict, without an allocation
//	report_*.go   Set, time -> states, deadlines, warnings, reasons, changes between two sets
//
// The other files have the types that all three jobs use: [Part], [Set], schedules, scopes, and
// the index of lifts.
//
// # Build
//
// A [Builder] compiles the orders of one order file into a [Part]. Each order becomes an entry.
// Each target, exception and lifted name becomes a rule in a list at its name. Package index
// finds the lists; a table of networks has the lists of addresses.
//
//	name           list of rules, in the sequence in which a verdict tries them
//	example.com    exception of order 3 | lift 7 | block of order 1 | block of order 2
//
// [Merge] makes a [Set] of parts. Queries search the segments of the set: large parts as they
// are, and small parts merged into one. Merge also finds the targets that the guard holds, and
// the orders that are lifted. Parts and sets are immutable. A server swaps sets.
//
// Time is an argument of each decision, so orders start and end at their second without a
// timer. Each rule has a schedule, which is a list of intervals in which the rule is in force.
//
// # Decide
//
// Set.Decide walks from the name to its ancestors, and collects the lists on this path. It
// tries the blocks of the longest name first. The first block decides that is in force, covers
// the client, and is neither excepted nor lifted. The verdict has the time until which it stays
// true. A lift is found by the ids that it names, or by its authority and its [Rank], which is
// its position in the history of decisions.
//
// A list with many rules has an index (longList), with which a query skips the blocks that
// cannot matter. The verdict is the same with and without the index.
//
// # Report
//
// Reports look at all orders of a set, or compare two sets, and may allocate. Texts for readers
// name a sealed order only by its label (report_secret.go).
//
// # Tests
//
// twin_test.go is a slow and obvious implementation that decides directly from the orders. The
// fuzzer and TestDecideAgainstTwin compare each field of verdicts, states, deadlines, reasons
// and warnings with the twin.
package ruleset
