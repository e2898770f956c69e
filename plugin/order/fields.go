package order

import (
	"slices"

	"go.yaml.in/yaml/v3"
)

type use uint8

const (
	filled use = 1 << iota // the field may come from authorities or defaults
	onLift                 // a lift order may have the field
	term                   // the field is stored in Terms
)

// A field describes one key of an order.
type field struct {
	key    string
	use    use
	decode func(p *parser, n *yaml.Node, f string, o *draft)
}

type draft struct {
	Order
	ownTerms   bool // only this order uses Terms, so its fields may be changed
	servedDate bool
	servedBad  bool
	deadlineAt *yaml.Node
	countAt    *yaml.Node // the value of target_count
	sideAt     *yaml.Node // the value of targets_from.file
	sumAt      *yaml.Node // the value of targets_from.sha256
	forceAt    map[string]*yaml.Node
	rowClocks  []rowClock
	runs       []orderRun // long plain lists of names, which are not in Targets
	// Problems of an order with a doubtful disclosure are treated as secret.
	doubt       bool
	liftDoubt   bool
	noAuthority bool
}

var fields = []field{
	{"id", onLift, func(p *parser, n *yaml.Node, f string, o *draft) {}}, // checkID decodes the id
	{"action", onLift, func(p *parser, n *yaml.Node, f string, o *draft) {}},
	{"lifts", onLift, func(p *parser, n *yaml.Node, f string, o *draft) { p.lifts(n, f, o) }},
	{"authority", filled | onLift | term, func(p *parser, n *yaml.Node, f string, o *draft) {
		if n.Kind != yaml.ScalarNode { // startOrder has already resolved a handle
			o.Authority = p.authority(n, f)
			o.noAuthority = o.Authority.Name == ""
		}
	}},
	{"references", filled | onLift, func(p *parser, n *yaml.Node, f string, o *draft) { o.References = p.texts(n, f) }},
	{"basis", filled | onLift | term, func(p *parser, n *yaml.Node, f string, o *draft) { o.Basis = p.text(n, f) }},
	{"category", filled | onLift | term, func(p *parser, n *yaml.Node, f string, o *draft) { o.Category = p.text(n, f) }},
	{"subject", filled | onLift, func(p *parser, n *yaml.Node, f string, o *draft) { o.Subject = p.text(n, f) }},
	{"note", filled | onLift, func(p *parser, n *yaml.Node, f string, o *draft) { o.Note = p.text(n, f) }},
	{"claimant", filled | onLift, func(p *parser, n *yaml.Node, f string, o *draft) { o.Claimant = p.text(n, f) }},
	{"redress", filled | onLift | term, func(p *parser, n *yaml.Node, f string, o *draft) { o.Redress = p.text(n, f) }},
	{"issued", filled | onLift, func(p *parser, n *yaml.Node, f string, o *draft) { o.Issued = p.time(n, f, startOfDay) }},
	{"served", filled | onLift, func(p *parser, n *yaml.Node, f string, o *draft) {
		o.Served, o.servedDate = p.timeOrDate(n, f, startOfDay)
		o.servedBad = o.Served == NoTime
	}},
	{"acknowledged", filled | onLift, func(p *parser, n *yaml.Node, f string, o *draft) { o.Acknowledged = p.time(n, f, startOfDay) }},
	{"reported", filled | onLift, func(p *parser, n *yaml.Node, f string, o *draft) { o.Reported = p.time(n, f, startOfDay) }},
	{"deadline", filled | onLift, func(p *parser, n *yaml.Node, f string, o *draft) {
		o.Deadline, o.DeadlineAfter = p.deadline(n, f)
		o.deadlineAt = n
	}},
	{"from", filled | onLift, func(p *parser, n *yaml.Node, f string, o *draft) { o.From = p.time(n, f, startOfDay) }},
	{"until", filled | onLift, func(p *parser, n *yaml.Node, f string, o *draft) { o.Until = p.time(n, f, endOfDay) }},
	{"windows", onLift, func(p *parser, n *yaml.Node, f string, o *draft) { o.Windows = p.windows(n, f) }},
	{"review", filled | onLift, func(p *parser, n *yaml.Node, f string, o *draft) { o.Review = p.time(n, f, endOfDay) }},
	{"status", filled | onLift, func(p *parser, n *yaml.Node, f string, o *draft) { o.Status = p.status(n, f) }},
	{"scope", filled | onLift | term, func(p *parser, n *yaml.Node, f string, o *draft) { o.Scope = p.scope(n, f) }},
	{"exempt", filled | term, func(p *parser, n *yaml.Node, f string, o *draft) {
		// Concat copies the slice, because orders of the authority share it.
		o.Exempt = slices.Concat(o.Exempt, p.exempt(n, f))
	}},
	{"stated_count", onLift, func(p *parser, n *yaml.Node, f string, o *draft) { o.StatedCount = p.stated(n, f) }},
	// A file that is cut within its targets still contains target_count.
	{"target_count", onLift, func(p *parser, n *yaml.Node, f string, o *draft) { o.countAt = n }},
	{"targets", onLift, func(p *parser, n *yaml.Node, f string, o *draft) { p.targets(n, f, o) }},
	{"targets_from", onLift, func(p *parser, n *yaml.Node, f string, o *draft) { p.targetsFrom(n, f, o) }},
	{"except", filled | onLift, func(p *parser, n *yaml.Node, f string, o *draft) { o.Except = p.names(n, f) }},
	{"force", filled, func(p *parser, n *yaml.Node, f string, o *draft) { p.force(n, f, o) }},
	{"response", filled | term, func(p *parser, n *yaml.Node, f string, o *draft) { o.Response = p.response(n, f) }},
	{"ttl", filled | term, func(p *parser, n *yaml.Node, f string, o *draft) { o.TTL = p.ttl(n, f) }},
	{"disclosure", filled | onLift | term, func(p *parser, n *yaml.Node, f string, o *draft) {
		before := len(p.problems)
		o.Disclosure = choice(&p.decoder, n, f, disclosureWords)
		o.doubt = o.doubt || len(p.problems) > before
	}},
	{"justification", filled | term, func(p *parser, n *yaml.Node, f string, o *draft) { o.Justification = p.text(n, f) }},
	{"language", filled | term, func(p *parser, n *yaml.Node, f string, o *draft) { o.Language = p.language(n, f) }},
	{"organization", filled | term, func(p *parser, n *yaml.Node, f string, o *draft) { o.Organization = p.text(n, f) }},
	{"contact", filled | term, func(p *parser, n *yaml.Node, f string, o *draft) { o.Contact = p.contact(n, f) }},
	{"url", filled | onLift | term, func(p *parser, n *yaml.Node, f string, o *draft) { o.URL = p.httpsURL(n, f) }},
	{"filtering_databases", filled, func(p *parser, n *yaml.Node, f string, o *draft) { o.FilteringDatabases = p.databases(n, f) }},
	{"document", filled | onLift, func(p *parser, n *yaml.Node, f string, o *draft) { o.Document = p.document(n, f) }},
	{"report_to", filled | onLift | term, func(p *parser, n *yaml.Node, f string, o *draft) { o.ReportTo = p.text(n, f) }},
}

func isField(key string) bool { return fieldByKey[key] != nil }

var fieldByKey = func() map[string]*field {
	m := make(map[string]*field, len(fields))
	for i := range fields {
		m[fields[i].key] = &fields[i]
	}
	return m
}()

// Keys returns the keys of an order in canonical sequence.
func Keys() []string {
	keys := make([]string, len(fields))
	for i, f := range fields {
		keys[i] = f.key
	}
	return keys
}
