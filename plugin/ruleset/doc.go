// Package ruleset compiles orders into an immutable set. The set decides whether a name is
// blocked for a client at a time, and how.
//
// # Three jobs
//
// The first word of a file name says to which job the file belongs.
//
//	build_*.go    orders of one file -> Part; parts of all files -> Set
//	decide_*.go   Set, name or address, client, time -> Verdict, without an allocation
//	report_*.go   Set, time -> states, deadlines, warnings, reasons, changes between two sets
//
// The files snapshot*.go are described below. The other files define types for all jobs: [Part], [Set], schedules, scopes, and the
// index of lifts (orders that end other orders).
//
// # Build
//
// A [Builder] compiles the orders of one order file into a [Part]. Each order becomes an entry.
// Each target, exception and lifted name becomes a rule in a list at its name. Package index
// finds the list of a name. A table of networks finds the lists of an address.
//
//	name           list of rules, in the sequence in which a verdict tries them
//	example.com    exception of order 3 | lift 7 | block of order 1 | block of order 2
//
// [Merge] makes a [Set] of parts. Queries search the segments of the set. A large part is a
// segment of its own, and small parts are merged into one segment. Parts and sets are
// immutable, so a server replaces its set as a whole.
//
// Time is an argument of each decision, so orders start and end at their second without a
// timer. Each rule has a schedule, which is a list of intervals in which the rule is in force.
//
// # Decide
//
// Set.Decide collects the lists of rules at the name and at its ancestors. It tries the blocks
// of the longest name first. The first block that applies decides: it must be in force and cover
// the client, and no exception or lift may end it for the name. The verdict contains the time
// until which it is true. A lift ends the orders whose ids it lists. A lift without ids ends the
// earlier orders of its authority (see [Rank]).
//
// A list with many rules has an index (longList), so that a query skips the blocks that cannot
// change its verdict. The verdict must be equal to the verdict without the index.
//
// # Report
//
// Reports look at all orders of a set, or compare two sets, and may allocate. A text that all
// users may read must contain only the label of a sealed (secret) order, not its id (see
// report_secret.go).
//
// # Snapshots
//
// [WriteSnapshot] writes a part as it is in memory, and [ReadSnapshot] reads it, so that a start
// need not compile the orders again. The files snapshot*.go belong to this job. A snapshot has a
// fingerprint of the program, so that another version of the program refuses it.
//
// # Tests
//
// twin_test.go is a slow and simple implementation that decides directly from the orders. The
// fuzzer and TestDecideAgainstTwin compare the results of both implementations: verdicts, states,
// deadlines, reasons and warnings.
package ruleset
