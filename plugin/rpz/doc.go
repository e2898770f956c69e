// Package rpz converts the orders in force into a response policy zone (RPZ) for BIND, Unbound,
// PowerDNS Recursor and Knot Resolver.
//
//	ruleset.Set, country, time --Build, Update--> Tree --Close--> Zone --Compare--> Difference
//
// A [Tree] has a node for each name at which the answer may change. All names above a node are
// nodes too. A node has two answers:
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
// A closed [Zone] has the same meaning for all servers. Below a wildcard, each node has a record
// for its own name, and a wildcard record for the names below. A name that passes has the record
// "CNAME rpz-passthru.". Close omits a name that needs no records of its own.
//
// # Parts
//
// After a change of one name, a secondary reads the whole zone again. [Config].Parts divides a zone
// into smaller zones, called parts. A change of one name then changes only one part. The name
// selects the part:
//
//	names with two labels or more   the part of the last two labels
//	top-level names                 the last part
//
// A server searches the parts in sequence, and the first matching record decides. The last part
// contains the top-level names. So an exception in another part comes before a blocked top-level
// name.
package rpz
