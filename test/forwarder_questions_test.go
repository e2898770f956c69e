//go:build e2e

package test

import "github.com/miekg/dns"

const forwarderOrders = `version: 1
defaults: {authority: {name: A court}, scope: global}
orders:
  - {id: subtree, targets: [subtree.plain.example, dead.plain.example]}
  - {id: cname, targets: [cname.plain.example, pool.plain.example, cname.signed.example]}
  - {id: exact, targets: [{name: exact.plain.example, match: exact}]}
  - {id: wide, targets: [wide.plain.example], except: [ok.wide.plain.example, ok.deep.wide.plain.example]}
  - {id: below, targets: ["*.below.plain.example"]}
  - {id: redirect, targets: [redirect.plain.example], response: {redirect: [192.0.2.99, "2001:db8::99"]}}
  - {id: four, targets: [four.plain.example], response: {redirect: [192.0.2.99]}}
  - {id: nodata, targets: [nodata.plain.example], response: nodata}
  - {id: refused, targets: [refused.plain.example], response: refused}
  - {id: unsigned, targets: [unsigned.example, cut.signed.example]}
  - {id: signed, targets: [{name: exact.signed.example, match: exact}, subtree.signed.example]}
  - {id: dead, targets: [dead.signed.example, dead.example]}
  - {id: signed-redirect, targets: [redirect.signed.example], response: {redirect: [192.0.2.99]}}
  - {id: zone, targets: [zone.example], except: [ok.zone.example, a.b.deep.zone.example, child.zone.example, open.zone.example]}
  - {id: apex, targets: [{name: apex.example, match: exact}]}
  - {id: gone, targets: [gone.example]}
  - {id: lifted, targets: [lifted.plain.example, lifted.signed.example, lifted.example], ttl: 1s, issued: 2026-01-01}
`

// The sequence matters, because a cache may derive an answer from an earlier answer.
var questions = []struct {
	name       string
	qtype      uint16
	want       string
	validating string
}{
	{"subtree.plain.example", dns.TypeA, "NXDOMAIN", ""},
	{"www.subtree.plain.example", dns.TypeA, "NXDOMAIN", ""},
	{"no.such.subtree.plain.example", dns.TypeAAAA, "NXDOMAIN", ""},
	{"subtree.plain.example", dns.TypeHTTPS, "NXDOMAIN", ""},
	{"dead.plain.example", dns.TypeA, "NXDOMAIN", ""},
	{"notsubtree.plain.example", dns.TypeA, passing, ""},
	{"sibling.plain.example", dns.TypeA, passing, ""},
	{"plain.example", dns.TypeA, passing, ""},

	// NXDOMAIN would also deny the names below (RFC 8020).
	{"exact.plain.example", dns.TypeA, "NODATA", ""},
	{"exact.plain.example", dns.TypeHTTPS, "NODATA", ""},
	{"www.exact.plain.example", dns.TypeA, passing, ""},
	{"a.b.exact.plain.example", dns.TypeA, passing, ""},
	{"www.wide.plain.example", dns.TypeA, "NXDOMAIN", ""},
	{"wide.plain.example", dns.TypeA, "NODATA", ""},
	{"deep.wide.plain.example", dns.TypeA, "NODATA", ""},
	{"ok.wide.plain.example", dns.TypeA, passing, ""},
	{"www.ok.wide.plain.example", dns.TypeA, passing, ""},
	{"ok.deep.wide.plain.example", dns.TypeA, passing, ""},
	{"www.below.plain.example", dns.TypeA, "NXDOMAIN", ""},
	{"below.plain.example", dns.TypeA, passing, ""},

	// An HTTPS record would lead clients around the redirect.
	{"redirect.plain.example", dns.TypeHTTPS, "NODATA", ""},
	{"redirect.plain.example", dns.TypeA, "192.0.2.99", ""},
	{"redirect.plain.example", dns.TypeAAAA, "2001:db8::99", ""},
	{"www.redirect.plain.example", dns.TypeA, "192.0.2.99", ""},
	{"four.plain.example", dns.TypeAAAA, "NODATA", ""},
	{"four.plain.example", dns.TypeA, "192.0.2.99", ""},
	{"nodata.plain.example", dns.TypeA, "NODATA", ""},
	{"nodata.plain.example", dns.TypeTXT, "NODATA", ""},
	{"www.nodata.plain.example", dns.TypeA, "NODATA", ""},
	{"refused.plain.example", dns.TypeA, "REFUSED", ""},

	{"alias.plain.example", dns.TypeA, "NODATA", ""},
	{"www.renamed.plain.example", dns.TypeA, "NODATA", ""},
	{"service.plain.example", dns.TypeHTTPS, "NODATA", ""},
	{"other.plain.example", dns.TypeA, passing, ""},

	// An answer with a CNAME is blocked even for the type DS. A cache would use this CNAME for A
	// queries too.
	{"cname.plain.example", dns.TypeDS, "NXDOMAIN", "NXDOMAIN|SERVFAIL"},
	{"cname.plain.example", dns.TypeA, "NXDOMAIN", "NXDOMAIN|SERVFAIL"},
	{"any.pool.plain.example", dns.TypeDS, "NXDOMAIN", "NXDOMAIN|SERVFAIL"},
	{"any.pool.plain.example", dns.TypeA, "NXDOMAIN", "NXDOMAIN|SERVFAIL"},
	{"cname.signed.example", dns.TypeDS, "NXDOMAIN", "SERVFAIL"},
	{"cname.signed.example", dns.TypeA, "NXDOMAIN", "SERVFAIL"},

	{"www.unsigned.example", dns.TypeA, "NXDOMAIN", ""},
	{"unsigned.example", dns.TypeA, "NXDOMAIN", ""},
	{"www.cut.signed.example", dns.TypeA, "NXDOMAIN", ""},
	{"cut.signed.example", dns.TypeA, "NXDOMAIN", ""},
	{"dead.example", dns.TypeA, "NXDOMAIN", "NXDOMAIN|SERVFAIL"},

	// A validator rejects a blocking answer in a signed zone. It may also answer NXDOMAIN from
	// cached NSEC records (RFC 8198).
	{"exact.signed.example", dns.TypeA, "NODATA", "SERVFAIL"},
	{"www.exact.signed.example", dns.TypeA, passing, passing + " AD"},
	{"subtree.signed.example", dns.TypeA, "NXDOMAIN", "SERVFAIL"},
	{"www.subtree.signed.example", dns.TypeA, "NXDOMAIN", "SERVFAIL"},
	{"dead.signed.example", dns.TypeA, "NXDOMAIN", "SERVFAIL|NXDOMAIN|NXDOMAIN AD"},
	{"redirect.signed.example", dns.TypeA, "192.0.2.99", "SERVFAIL"},
	{"alias.signed.example", dns.TypeA, "NODATA", "SERVFAIL|NXDOMAIN"}, // some resolvers follow the CNAME themselves
	{"other.signed.example", dns.TypeA, passing, ""},
	{"sibling.signed.example", dns.TypeA, passing, passing + " AD"},
	{"zz.signed.example", dns.TypeA, passing, passing + " AD"},
	{"signed.example", dns.TypeA, passing, passing + " AD"},

	{"zone.example", dns.TypeA, "NODATA", "SERVFAIL"},
	{"www.zone.example", dns.TypeA, "NXDOMAIN", "SERVFAIL"},
	{"deep.zone.example", dns.TypeA, "NODATA", "SERVFAIL|NODATA AD"},
	{"ok.zone.example", dns.TypeA, passing, passing + " AD"},
	{"www.ok.zone.example", dns.TypeA, passing, passing + " AD"},
	{"a.b.deep.zone.example", dns.TypeA, passing, passing + " AD"},
	{"www.child.zone.example", dns.TypeA, passing, passing + " AD"},
	{"child.zone.example", dns.TypeA, passing, passing + " AD"},
	{"www.open.zone.example", dns.TypeA, passing, ""},
	{"open.zone.example", dns.TypeA, passing, ""},
	{"zone.example", dns.TypeDNSKEY, "DNSKEY", "DNSKEY AD"},
	{"apex.example", dns.TypeA, "NODATA", "SERVFAIL"},
	{"www.apex.example", dns.TypeA, passing, passing + " AD"},
	{"a.b.apex.example", dns.TypeA, passing, passing + " AD"},

	{"gone.example", dns.TypeA, "NXDOMAIN", "SERVFAIL"},
	{"www.gone.example", dns.TypeA, "NXDOMAIN", "SERVFAIL"},
	{"gone.example", dns.TypeDNSKEY, "NXDOMAIN", "SERVFAIL"},
	{"gone.example", dns.TypeDS, "DS|NXDOMAIN", "DS AD"},
	{"ns.example", dns.TypeA, passing, passing + " AD"},
}
