// Package rpz converts the orders in force into a response policy zone (RPZ) for BIND, Unbound,
// PowerDNS Recursor and Knot Resolver.
//
//	ruleset.Set, country, time --Build, Update--> Tree --Close--> Zone --Compare--> Difference
//
// A [Tree] has nodes for some names. All names above a node are nodes too. A node has two answers:
//
//	Own    for queries for the name of the node
//	Below  for queries for all names below that have no node
//
// # The closed zone
//
// A simple zone has the records "name" and "*.name" for each blocked name. BIND and Unbound then
// block too few names (RFC 4592, section 2.2):
//
//	*.name       blocks c.b.name
//	a.b.name     makes b.name exist; "*.name" then no longer covers c.b.name
//
// All servers understand a closed [Zone] in the same way. Each node below a wildcard has two
// records: one for its own name, and a wildcard for the names below. The record "CNAME
// rpz-passthru." lets a name pass. Close omits names that need no records.
//
// # Parts
//
// When one name changes, a secondary reads the whole zone again. [Config].Parts divides a zone into
// smaller zones, called parts. The secondary then reads only the part that contains the name:
//
//	names with two labels or more   the part of the last two labels
//	top-level names                 the last part
//
// A server searches the parts in sequence and uses the first matching record. Top-level names are
// in the last part, because exceptions must come before a blocked top-level name.
package rpz
