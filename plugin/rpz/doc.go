// Package rpz converts the orders in force into a response policy zone (RPZ) for BIND, Unbound,
// PowerDNS Recursor and Knot Resolver.
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
// simple zone blocks too little (RFC 4592, section 2.2):
//
//	*.name       blocks c.b.name
//	a.b.name     makes b.name exist; "*.name" then no longer covers c.b.name
//
// All servers read a closed [Zone] in the same way. The zone has two records for each node below a
// wildcard: one at the node, and one wildcard below. The record of a name that passes is "CNAME
// rpz-passthru.". Close omits names with the same answers as the wildcard above.
//
// # Parts
//
// A secondary reads a whole zone again after a change of one name. [Config].Parts divides a zone
// into smaller zones. A change of a name changes one part.
//
//	names with two labels or more   the part of the last two labels
//	top-level names                 the last part
//
// A server asks the parts in sequence, and the first matching record decides. A blocked top-level
// name is in the last part, so exceptions in other parts come first.
package rpz
