package order

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"time"

	"go.yaml.in/yaml/v3"
)

// A Header contains the top-level values that Encode writes.
type Header struct {
	Serial, ShrinkOK int64 // -1 if the file has none
	// Timezone is the time zone of dates. Empty means UTC.
	Timezone string
	Source   *Source // nil if the file has none
	Expires  Time    // 0 or NoTime if the file has none
}

// New returns an empty order with unset times and TTL.
func New() *Order {
	o := emptyOrder()
	return &o
}

// NewAttr returns empty attributes with unset times.
func NewAttr() *Attr {
	return &Attr{From: NoTime, Until: NoTime, Served: NoTime, Deadline: NoTime, Acknowledged: NoTime, Reported: NoTime}
}

// encode does the same as Encode, but slower.
func encode(w io.Writer, ext string, h Header, orders []*Order) error {
	loc, err := time.LoadLocation(h.Timezone)
	if err != nil {
		return err
	}
	e := encoder{loc}
	if h.Expires == 0 {
		h.Expires = NoTime
	}
	head := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	put(head, "version", number(1))
	if h.Serial >= 0 {
		put(head, "serial", number(h.Serial))
	}
	put(head, "count", number(int64(len(orders))))
	if s := h.Source; s != nil {
		src := mapping()
		putText(src, "register", s.Register)
		putTime(src, "as_of", e.time(s.AsOf, startOfDay))
		putText(src, "sha256", s.SHA256)
		put(head, "source", src)
	}
	putTime(head, "expires", e.time(h.Expires, endOfDay))
	if h.ShrinkOK >= 0 {
		put(head, "shrink_ok", number(h.ShrinkOK))
	}
	putText(head, "timezone", h.Timezone)

	bw := bufio.NewWriter(w)
	if ext == ".jsonl" {
		buf := append(appendJSON(nil, head, compact), '\n')
		for _, o := range orders {
			_, _ = bw.Write(buf)
			buf = append(appendJSON(buf[:0], e.order(o), compact), '\n')
		}
		_, _ = bw.Write(buf)
		return bw.Flush()
	}
	list := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
	for _, o := range orders {
		list.Content = append(list.Content, e.order(o))
	}
	put(head, "orders", list)
	switch ext {
	case ".json":
		_, _ = bw.Write(append(appendJSON(nil, head, 0), '\n'))
	case ".yaml", ".yml":
		out, err := writeYAML(&yaml.Node{Kind: yaml.DocumentNode, Content: []*yaml.Node{head}})
		if err != nil {
			return err
		}
		_, _ = bw.Write(out)
	default:
		return fmt.Errorf("order files end in .yaml, .yml, .json or .jsonl, got %q", ext)
	}
	return bw.Flush()
}

type encoder struct{ loc *time.Location }

func (e encoder) order(o *Order) *yaml.Node {
	n := mapping()
	putText(n, "id", o.ID)
	if o.Action == Lift {
		put(n, "action", word(o.Action.String()))
	}
	putTexts(n, "lifts", o.Lifts)
	t := o.Terms
	if t == nil {
		t = &Terms{TTL: -1}
	}
	if t.Authority.Name != "" {
		a := mapping()
		putText(a, "name", t.Authority.Name)
		putText(a, "country", string(t.Authority.Country))
		putText(a, "kind", t.Authority.Kind.String())
		put(n, "authority", a)
	}
	putTexts(n, "references", o.References)
	putText(n, "basis", t.Basis)
	putText(n, "category", t.Category)
	putText(n, "subject", o.Subject)
	putText(n, "note", o.Note)
	putText(n, "claimant", o.Claimant)
	putText(n, "redress", t.Redress)
	putTime(n, "issued", e.time(o.Issued, startOfDay))
	served, deadline := e.time(o.Served, startOfDay), e.time(o.Deadline, endOfDay)
	if o.DeadlineAfter > 0 { // a deadline that is a duration needs the time of day in the field "served"
		served, deadline = o.Served.String(), ""
	}
	putTime(n, "served", served)
	putTime(n, "acknowledged", e.time(o.Acknowledged, startOfDay))
	putTime(n, "reported", e.time(o.Reported, startOfDay))
	putTime(n, "deadline", deadline)
	if o.DeadlineAfter > 0 {
		putText(n, "deadline", writtenDuration(o.DeadlineAfter))
	}
	putTime(n, "from", e.time(o.From, startOfDay))
	putTime(n, "until", e.time(o.Until, endOfDay))
	putList(n, "windows", e.windows(o.Windows))
	putTime(n, "review", e.time(o.Review, endOfDay))
	putStatus(n, o.Status)
	if s := t.Scope; s != nil {
		put(n, "scope", scopeNode(s))
	}
	putList(n, "exempt", e.exempts(t.Exempt))
	if o.StatedCount > 0 {
		put(n, "stated_count", number(int64(o.StatedCount)))
	}
	if count := o.WrittenTargetCount(); count > 0 {
		put(n, "target_count", number(int64(count)))
	}
	var targets []*yaml.Node
	for i := range o.Targets {
		targets = append(targets, e.target(&o.Targets[i], o.DeadlineAfter))
	}
	putList(n, "targets", targets)
	if s := o.Side; s != nil {
		side := mapping()
		putText(side, "file", s.File)
		putText(side, "sha256", s.SHA256)
		put(n, "targets_from", side)
	}
	putTexts(n, "except", nameTexts(o.Except))
	if len(o.Force) > 0 {
		f := mapping()
		for _, x := range o.Force {
			putText(f, x.Target, x.Reason)
		}
		put(n, "force", f)
	}
	e.terms(n, t, o.Public)
	var dbs []*yaml.Node
	for _, x := range o.FilteringDatabases {
		db := mapping()
		putText(db, "db", x.DB)
		putText(db, "id", x.ID)
		dbs = append(dbs, db)
	}
	putList(n, "filtering_databases", dbs)
	if d := o.Document; d != nil {
		doc := mapping()
		putText(doc, "sha256", d.SHA256)
		putText(doc, "verified_by", d.VerifiedBy)
		putText(doc, "approved_by", d.ApprovedBy)
		putText(doc, "note", d.Note)
		put(n, "document", doc)
	}
	putText(n, "report_to", t.ReportTo)
	return n
}

func (e encoder) terms(n *yaml.Node, t *Terms, public bool) {
	if t.Response.Kind == Redirect {
		var to []string
		for _, a := range t.Response.Addresses {
			to = append(to, a.String())
		}
		r := mapping()
		putTexts(r, "redirect", to)
		put(n, "response", r)
	} else {
		putText(n, "response", t.Response.Kind.String())
	}
	if t.TTL >= 0 {
		putText(n, "ttl", writtenDuration(t.TTL))
	}
	if t.Disclosure != Full || public {
		putText(n, "disclosure", t.Disclosure.String())
	}
	putText(n, "justification", t.Justification)
	putText(n, "language", t.Language)
	putText(n, "organization", t.Organization)
	putTexts(n, "contact", t.Contact)
	putText(n, "url", t.URL)
}

func (e encoder) target(t *Target, orderDeadline time.Duration) *yaml.Node {
	if t.Kind == TargetName && t.Match != Exact && t.Attr == nil {
		return text(t.Pattern())
	}
	n := mapping()
	a := t.Attr
	if a == nil {
		a = NewAttr()
	}
	switch {
	case t.Kind == TargetAddress:
		putText(n, "address", writtenPrefix(a.Address))
		if a.EnforcedBy != ByNetwork {
			putText(n, "enforced_by", a.EnforcedBy.String())
		}
	case a.URL != "":
		if t.Kind == TargetName && t.Match == Subtree {
			put(n, "match", word(t.Match.String()))
		}
		putText(n, "url", a.URL)
		if t.Kind == TargetName {
			put(n, "whole_host", &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: "true"})
		}
	default:
		putText(n, "name", t.Pattern())
		if t.Match == Exact {
			put(n, "match", word(t.Match.String()))
		}
	}
	putTime(n, "from", e.time(a.From, startOfDay))
	putTime(n, "until", e.time(a.Until, endOfDay))
	putList(n, "windows", e.windows(a.Windows))
	putTexts(n, "except", nameTexts(a.Except))
	putStatus(n, a.Status)
	if orderDeadline > 0 {
		putTime(n, "served", a.Served.String())
	} else {
		putTime(n, "served", e.time(a.Served, startOfDay))
	}
	putTime(n, "acknowledged", e.time(a.Acknowledged, startOfDay))
	putTime(n, "reported", e.time(a.Reported, startOfDay))
	putTime(n, "deadline", e.time(a.Deadline, endOfDay))
	putTexts(n, "references", a.References)
	putText(n, "note", a.Note)
	return n
}

func (e encoder) windows(ws []Window) (out []*yaml.Node) {
	for _, w := range ws {
		n := mapping()
		putTime(n, "from", e.time(w.From, startOfDay))
		putTime(n, "until", e.time(w.Until, endOfDay))
		out = append(out, n)
	}
	return out
}

func (e encoder) exempts(list []Exempt) (out []*yaml.Node) {
	for _, x := range list {
		if len(x.Clients) == 1 && x.Until == NoTime && x.Reference == "" {
			out = append(out, text(writtenPrefix(x.Clients[0])))
			continue
		}
		n := mapping()
		putTexts(n, "clients", prefixTexts(x.Clients))
		putTime(n, "until", e.time(x.Until, endOfDay))
		putText(n, "reference", x.Reference)
		out = append(out, n)
	}
	return out
}

func (e encoder) time(t Time, at edge) string {
	if t == NoTime {
		return ""
	}
	day := t.Time().In(e.loc)
	if at == endOfDay {
		day = day.AddDate(0, 0, -1)
	}
	date := day.Format(time.DateOnly)
	if back, _, err := parseTime(date, e.loc, at); err == nil && FromTime(back) == t {
		return date
	}
	return t.String()
}

func scopeNode(s *Scope) *yaml.Node {
	if s.Global {
		return word("global")
	}
	n := mapping()
	putTexts(n, "countries", s.CountryTexts())
	putTexts(n, "clients", prefixTexts(s.Clients))
	return n
}

func writtenDuration(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d > 0 && d%day == 0 && d/day <= 65535:
		return strconv.FormatInt(int64(d/day), 10) + "d"
	case d > 0 && d%time.Hour == 0:
		return strconv.FormatInt(int64(d/time.Hour), 10) + "h"
	case d > 0 && d%time.Minute == 0:
		return strconv.FormatInt(int64(d/time.Minute), 10) + "m"
	}
	return strconv.FormatInt(int64(d/time.Second), 10) + "s"
}
