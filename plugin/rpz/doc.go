// Package rpz converts the orders in force into a response policy zone (RPZ). BIND, Unbound,
// PowerDNS Recursor and Knot Resolver can enforce an RPZ.
//
//	ruleset.Set, country, time --Build, Update--> Tree --Close--> Zone --Compare--> Difference
//
// A [Tree] has a node for each name at which the answer may change. All names above are nodes too.
// A node has two answers:
//
//	Own    for queries for the name of the node
//	Below  for queries for all names below that have no node
//
// # The closed zone
//
// A simple zone has two records for each blocked name: "name" and "*.name". In BIND and Unbound, a
// simple zone blocks too little (RFC 4592, section 2.2). PowerDNS does not have this problem. An
// example:
//
//	*.name       blocks c.b.name
//	a.b.name     makes b.name exist; "*.name" then no longer covers c.b.name
//
// A [Zone] is closed: all servers read a closed zone in the same way. The method Close omits names
// that need no records, because the wildcard above is enough. Each other node below a wildcard gets
// two records:
//
//	one record at the node, and one wildcard below the node
//
// The record of a name that passes is "CNAME rpz-passthru.".
//
// # Parts
//
// A secondary reads a whole zone again after a change of one name. A zone can therefore have parts
// ([Config].Parts). Each part is a zone of its own, and a change of a name changes one part.
//
//	names with two labels or more   the part of the last two labels
//	top-level names                 the last part
//
// A server asks the parts in sequence, and the first record that covers the name decides. All names
// with the same last two labels are in one part, so at most two parts have a record for a name:
// this part and the last part. A top-level name can block names of all parts. Its record is in the
// last part, so exceptions below the top-level name come first.
//
// Close makes the records before it divides the zone. So a name below a blocked top-level name has
// the same records as in a zone without parts.
//
// # Tests
//
// model_test.go has a model of the reading of each server. A fuzzer compares the answers of the
// models with the decisions of ruleset.Set.Decide, for the whole zone and for the parts.
package rpz
