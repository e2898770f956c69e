// Package rpz converts the orders in force into a response policy zone (RPZ), which BIND,
// Unbound, PowerDNS Recursor and Knot Resolver can enforce.
//
//	ruleset.Set, country, time --Build, Update--> Tree --Close--> Zone --Compare--> Difference
//
// A [Tree] has one node for each name at which the answer may change, and for each name above
// it. A node has two answers: the answer to queries for the name itself, and the answer to
// queries for all names below it that have no node.
//
// # The closed zone
//
// The obvious zone has the records "name" and "*.name" for each blocked name. Such a zone leaks.
// In BIND and Unbound, "*.name" does not cover a name below another name that exists in the zone,
// even if that other name only exists because it has a name below it. So one more order could
// lift a part of another order. PowerDNS ignores this rule of wildcards (RFC 4592, section 2.2).
//
// A [Zone] is closed: all three servers read it in the same way. The method Close
//   - omits a name if it and all names below it get the answer of the wildcard above it,
//   - writes the answer of each other node below a wildcard, also of an empty node, as a record
//     at the node and as a wildcard record below the node. The record of a name that passes is
//     "CNAME rpz-passthru.".
//
// # Tests
//
// model_test.go has a model of how each server reads a zone. A fuzzer compares the answers of the
// models with the decisions of ruleset.Set.Decide.
package rpz
