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
	lines, err := NewLineEncoder(h.Timezone)
	if err != nil {
		return err
	}
	bw := bufio.NewWriter(w)
	if ext == ".jsonl" {
		buf := append(appendTree(nil, func(to builder) { lines.e.header(to, h, len(orders)) }), '\n')
		for _, o := range orders {
			_, _ = bw.Write(buf)
			buf = lines.Append(buf[:0], o)
		}
		_, _ = bw.Write(buf)
		return bw.Flush()
	}
	to := newNodeBuilder()
	lines.e.header(to, h, len(orders))
	to.open("orders", yaml.SequenceNode)
	for _, o := range orders {
		to.open("", yaml.MappingNode)
		lines.e.order(to, o)
		to.close()
	}
	to.close()
	switch ext {
	case ".json":
		_, _ = bw.Write(append(appendJSON(nil, to.root, 0), '\n'))
	case ".yaml", ".yml":
		out, err := writeYAML(&yaml.Node{Kind: yaml.DocumentNode, Content: []*yaml.Node{to.root}})
		if err != nil {
			return err
		}
		_, _ = bw.Write(out)
	default:
		return fmt.Errorf("order files end in .yaml, .yml, .json or .jsonl, got %q", ext)
	}
	return bw.Flush()
}

// A LineEncoder encodes orders as lines of JSON Lines.
type LineEncoder struct{ e encoder }

// NewLineEncoder returns an encoder for a file whose header has the time zone.
func NewLineEncoder(timezone string) (*LineEncoder, error) {
	loc, err := time.LoadLocation(timezone)
	return &LineEncoder{encoder{loc, map[timeAt]string{}}}, err
}

// Append appends the line of an order to dst. The line is equal to the line that Encode writes.
func (l *LineEncoder) Append(dst []byte, o *Order) []byte {
	return append(appendTree(dst, func(to builder) { l.e.order(to, o) }), '\n')
}

type encoder struct {
	loc   *time.Location
	times map[timeAt]string // the times that were written before
}

type timeAt struct {
	t  Time
	at edge
}

func (e encoder) header(to builder, h Header, orders int) {
	if h.Expires == 0 {
		h.Expires = NoTime
	}
	to.value("version", "!!int", "1")
	if h.Serial >= 0 {
		putNumber(to, "serial", h.Serial)
	}
	putNumber(to, "count", int64(orders))
	if s := h.Source; s != nil {
		to.open("source", yaml.MappingNode)
		putText(to, "register", s.Register)
		putTime(to, "as_of", e.time(s.AsOf, startOfDay))
		putText(to, "sha256", s.SHA256)
		to.close()
	}
	putTime(to, "expires", e.time(h.Expires, endOfDay))
	if h.ShrinkOK >= 0 {
		putNumber(to, "shrink_ok", h.ShrinkOK)
	}
	putText(to, "timezone", h.Timezone)
}

func (e encoder) order(n builder, o *Order) {
	putText(n, "id", o.ID)
	if o.Action == Lift {
		n.value("action", "!!str", o.Action.String())
	}
	putTexts(n, "lifts", o.Lifts)
	t := o.Terms
	if t == nil {
		t = &Terms{TTL: -1}
	}
	if t.Authority.Name != "" {
		n.open("authority", yaml.MappingNode)
		putText(n, "name", t.Authority.Name)
		putText(n, "country", string(t.Authority.Country))
		putText(n, "kind", t.Authority.Kind.String())
		n.close()
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
	e.windows(n, o.Windows)
	putTime(n, "review", e.time(o.Review, endOfDay))
	putStatus(n, o.Status)
	if s := t.Scope; s != nil {
		putScope(n, s)
	}
	e.exempts(n, t.Exempt)
	if o.StatedCount > 0 {
		putNumber(n, "stated_count", int64(o.StatedCount))
	}
	if count := o.WrittenTargetCount(); count > 0 {
		putNumber(n, "target_count", int64(count))
	}
	if len(o.Targets) > 0 {
		n.open("targets", yaml.SequenceNode)
		for i := range o.Targets {
			e.target(n, &o.Targets[i], o.DeadlineAfter)
		}
		n.close()
	}
	if s := o.Side; s != nil {
		n.open("targets_from", yaml.MappingNode)
		putText(n, "file", s.File)
		putText(n, "sha256", s.SHA256)
		n.close()
	}
	putTexts(n, "except", nameTexts(o.Except))
	if len(o.Force) > 0 {
		n.open("force", yaml.MappingNode)
		for _, x := range o.Force {
			putText(n, x.Target, x.Reason)
		}
		n.close()
	}
	e.terms(n, t, o.Public)
	if len(o.FilteringDatabases) > 0 {
		n.open("filtering_databases", yaml.SequenceNode)
		for _, x := range o.FilteringDatabases {
			n.open("", yaml.MappingNode)
			putText(n, "db", x.DB)
			putText(n, "id", x.ID)
			n.close()
		}
		n.close()
	}
	if d := o.Document; d != nil {
		n.open("document", yaml.MappingNode)
		putText(n, "sha256", d.SHA256)
		putText(n, "verified_by", d.VerifiedBy)
		putText(n, "approved_by", d.ApprovedBy)
		putText(n, "note", d.Note)
		n.close()
	}
	putText(n, "report_to", t.ReportTo)
}

func (e encoder) terms(n builder, t *Terms, public bool) {
	if t.Response.Kind == Redirect {
		var to []string
		for _, a := range t.Response.Addresses {
			to = append(to, a.String())
		}
		n.open("response", yaml.MappingNode)
		putTexts(n, "redirect", to)
		n.close()
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

func (e encoder) target(n builder, t *Target, orderDeadline time.Duration) {
	if t.Kind == TargetName && t.Match != Exact && t.Attr == nil {
		n.text("", t.Pattern())
		return
	}
	n.open("", yaml.MappingNode)
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
			n.value("match", "!!str", t.Match.String())
		}
		putText(n, "url", a.URL)
		if t.Kind == TargetName {
			n.value("whole_host", "!!bool", "true")
		}
	default:
		putText(n, "name", t.Pattern())
		if t.Match == Exact {
			n.value("match", "!!str", t.Match.String())
		}
	}
	putTime(n, "from", e.time(a.From, startOfDay))
	putTime(n, "until", e.time(a.Until, endOfDay))
	e.windows(n, a.Windows)
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
	n.close()
}

func (e encoder) windows(n builder, ws []Window) {
	if len(ws) == 0 {
		return
	}
	n.open("windows", yaml.SequenceNode)
	for _, w := range ws {
		n.open("", yaml.MappingNode)
		putTime(n, "from", e.time(w.From, startOfDay))
		putTime(n, "until", e.time(w.Until, endOfDay))
		n.close()
	}
	n.close()
}

func (e encoder) exempts(n builder, list []Exempt) {
	if len(list) == 0 {
		return
	}
	n.open("exempt", yaml.SequenceNode)
	for _, x := range list {
		if len(x.Clients) == 1 && x.Until == NoTime && x.Reference == "" {
			n.text("", writtenPrefix(x.Clients[0]))
			continue
		}
		n.open("", yaml.MappingNode)
		putTexts(n, "clients", prefixTexts(x.Clients))
		putTime(n, "until", e.time(x.Until, endOfDay))
		putText(n, "reference", x.Reference)
		n.close()
	}
	n.close()
}

func (e encoder) time(t Time, at edge) string {
	if t == NoTime {
		return ""
	}
	if known, ok := e.times[timeAt{t, at}]; ok {
		return known
	}
	s := e.newTime(t, at)
	if len(e.times) == maxTimes {
		clear(e.times)
	}
	e.times[timeAt{t, at}] = s
	return s
}

func (e encoder) newTime(t Time, at edge) string {
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

func putScope(n builder, s *Scope) {
	if s.Global {
		n.value("scope", "!!str", "global")
		return
	}
	n.open("scope", yaml.MappingNode)
	putTexts(n, "countries", s.CountryTexts())
	putTexts(n, "clients", prefixTexts(s.Clients))
	n.close()
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
