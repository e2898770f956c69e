// Package rpz converts the orders in force into a response policy zone (RPZ), which BIND,
// Unbound, PowerDNS Recursor and Knot Resolver can enforce.
//
//	ruleset.Set, country, time --Build, Update--> Tree --Close--> Zone --Compare--> Difference
//
// A [Tree] has one node for each name at which the answer may change, and for each name above
// it. A node has two answers. Own is for queries for the name itself. Below is for queries for
// all names below it that have no node.
//
// # The closed zone
//
// A simple zone has the records "name" and "*.name" for each blocked name. In BIND and
// Unbound, this zone blocks too little (RFC 4592, section 2.2). For example, if the zone also
// has "a.b.name", then "b.name" exists, and "*.name" no longer covers "c.b.name". PowerDNS
// ignores this rule.
//
// A [Zone] is closed: all three servers read it in the same way. The method Close
//   - omits a name if it and all names below it get the answer of the wildcard above it,
//   - writes two records for each other node below a wildcard, even for an empty node: one at
//     the node and one wildcard below it.
//
// The record of a name that passes is "CNAME rpz-passthru.".
//
// # Tests
//
// model_test.go has a model of how each server reads a zone. A fuzzer compares the answers of
// the models with the decisions of ruleset.Set.Decide.
package rpz
