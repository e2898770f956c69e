// Package due finds the orders that need a person, for example after a missed deadline. The package
// writes the report as text, JSON, CSV, HTML or a calendar. The package reads order files only and
// asks no server.
package due

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/dns-orders/blocklist/plugin/lint"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// A File contains the orders of one file.
type File struct {
	Path     string
	Orders   []*order.Order
	Zone     *time.Location
	Expires  order.Time // NoTime if not given
	Register bool       // the file was imported from an official register
}

// Options contains the input of Collect.
type Options struct {
	Files []File
	Set   *ruleset.Set
	Now   order.Time
	Days  int
	// The errors of unreadable files. The list of files does not contain these files.
	Problems []string
	Notes    []string
	// Disclosure returns how much of an order the report may show. If Sealed is set, the report
	// shows all orders completely.
	Disclosure func(*order.Order) order.Disclosure
	Sealed     bool
	// The names of the sections in the report. An empty list means all sections.
	Only []string
	// Limit is the maximum number of items in a section. 0 means no limit.
	Limit int
	// Command returns a command line for a subcommand, an order id and the path of the order file.
	Command func(command, id, file string) string
}

// A Report contains the orders that are due. docs/blocklistctl-due.md describes the JSON form.
type Report struct {
	At       string     `json:"at"`
	Until    string     `json:"until"`
	Days     int        `json:"days"`
	Timezone string     `json:"timezone,omitempty"`
	Files    int        `json:"files"`
	Orders   int        `json:"orders"`
	InForce  int        `json:"in_force"`
	Problems []string   `json:"problems"`
	Notes    []string   `json:"notes,omitempty"`
	Behind   bool       `json:"behind"`
	Sections []*Section `json:"sections"`

	now, until order.Time
	zone       *time.Location
	several    bool
	behind     int // the number of missed deadlines
	late       int // the number of deadlines that were met late and not reported
	stamp      time.Time
	secret     int // the number of files with only sealed orders, if the report hides sealed orders
}

// A Section contains the items of one kind.
type Section struct {
	Name    string  `json:"name"`
	Title   string  `json:"title"`
	Meaning string  `json:"meaning"`
	Count   int     `json:"count"`
	Items   []*Item `json:"items"`

	kind  kind
	found []found
	last  *found // the last item that will be shown, after items were dropped
}

// More returns the number of omitted items.
func (s *Section) More() int { return s.Count - len(s.Items) }

// An Item is one order, some targets of one order, or one file. Empty fields are unknown.
type Item struct {
	Order      string   `json:"order,omitempty"`
	Sealed     bool     `json:"sealed,omitempty"`
	Action     string   `json:"action,omitempty"`
	State      string   `json:"state,omitempty"`
	Authority  string   `json:"authority,omitempty"`
	References []string `json:"references,omitempty"`
	File       string   `json:"file,omitempty"`
	Line       int      `json:"line,omitempty"`
	// Field is the field with the date.
	Field       string   `json:"field,omitempty"`
	Date        string   `json:"date,omitempty"`
	Until       string   `json:"until,omitempty"`
	Why         string   `json:"why"`
	Target      string   `json:"target,omitempty"`
	TargetCount int      `json:"target_count,omitempty"`
	DidYouMean  []string `json:"did_you_mean,omitempty"`
	Command     string   `json:"command,omitempty"`

	at, until order.Time
	end       bool // a date means the end of the day
	zone      *time.Location
	key       string // identifies the item in later reports
}

// kind is the kind of a section.
type kind uint8

const (
	behind kind = iota
	late
	atRisk
	starts
	ends
	review
	unreached
	incomplete
	notAcknowledged
	notReported
	numKinds
)

// SectionNames returns the names of the sections.
func SectionNames() (names []string) {
	for _, t := range titles {
		names = append(names, t[0])
	}
	return names
}

var titles = [numKinds][3]string{
	behind:          {"behind", "BEHIND", "The deadline has passed, and the order is not enforced, or not for all its targets."},
	late:            {"late", "LATE", "The order missed its deadline, and the file has no time at which the effect was reported."},
	atRisk:          {"at_risk", "AT RISK", "The deadline has not passed. As the file is now, the order will miss it."},
	starts:          {"starts", "STARTS", "The order, some of its targets, or a window begins."},
	ends:            {"ends", "ENDS", "The order, some of its targets, or an exemption ends."},
	review:          {"review", "REVIEW", "A person must look at the order again, or renew the file. A review ends no order."},
	unreached:       {"unreached", "UNREACHED", "The lift ends no order, or it has an id or a name that no order has."},
	incomplete:      {"incomplete", "INCOMPLETE", "The order has fewer names than its decision states."},
	notAcknowledged: {"not_acknowledged", "NOT ACKNOWLEDGED", fmt.Sprintf("The file has no time at which the receipt was confirmed to the authority. An order that has ended or was lifted is listed for %d days.", owedDays)},
	notReported:     {"not_reported", "NOT REPORTED", fmt.Sprintf("The order is or was in force, and the file has no time at which this was reported to the authority. An order that has ended or was lifted is listed for %d days.", owedDays)},
}

// A report may find a million items, so only the shown items get texts.
type found struct {
	n         int // the number of the order in all files, or -1
	file      int // the index of the file
	at, until order.Time
	field     string
	targets   []string
	count     int // the number of targets, or 0 for the whole order
	end       bool
	reach     *ruleset.Reach

	disclosure order.Disclosure
}

type collector struct {
	Options
	*Report
	orders    []*order.Order
	fileOf    []int32 // the index of the file of each order
	states    []ruleset.OrderState
	held      map[*ruleset.Order][]ruleset.Held
	useless   map[*ruleset.Order]*ruleset.Reach
	corrected lint.Corrections
	guesses   int // the number of lifts for which explainReach looked for a similar id or name
	explained int // the number of ending lifts for which blocksAgain looked for names
}

// Collect makes the report.
func Collect(opt Options) *Report {
	c := &collector{Options: opt, Report: &Report{At: opt.Now.String(), Days: opt.Days, Files: len(opt.Files), Problems: opt.Problems, Notes: opt.Notes, now: opt.Now, stamp: opt.Now.Time()}}
	if c.Report.Problems == nil {
		c.Report.Problems = []string{}
	}
	c.setZone()
	today := opt.Now.Time().In(c.zone)
	c.until = order.FromTime(time.Date(today.Year(), today.Month(), today.Day()+opt.Days+1, 0, 0, 0, 0, c.zone))
	c.Until = c.until.String()
	for k := range numKinds {
		t := titles[k]
		c.Sections = append(c.Sections, &Section{Name: t[0], Title: t[1], Meaning: t[2], kind: k, Items: []*Item{}})
	}
	for i, f := range opt.Files {
		c.orders = append(c.orders, f.Orders...)
		for range f.Orders {
			c.fileOf = append(c.fileOf, int32(i))
		}
	}
	c.states = make([]ruleset.OrderState, 0, len(c.orders))
	for st := range opt.Set.OrderStates(opt.Now) {
		c.states = append(c.states, st)
		if !st.Lift && st.State == ruleset.InForce {
			c.InForce++
		}
	}
	c.Report.Orders = len(c.orders)
	for i := range opt.Files {
		if c.secretFile(i) {
			c.secret++
		}
	}
	c.held = map[*ruleset.Order][]ruleset.Held{}
	for _, h := range opt.Set.Held() {
		c.held[h.Order] = append(c.held[h.Order], h)
	}
	c.useless = map[*ruleset.Order]*ruleset.Reach{}
	for i, reaches := 0, opt.Set.UselessLifts(); i < len(reaches); i++ {
		c.useless[reaches[i].Lift] = &reaches[i]
	}
	c.corrected = lint.FindCorrections(slices.Values(c.orders))
	c.deadlines()
	c.servedLate()
	for n := range c.orders {
		c.times(n)
		c.receipts(n)
		c.stated(n)
	}
	c.reviews()
	c.lifts()
	for _, s := range c.Sections {
		c.finish(s)
	}
	c.behind, c.Report.late = c.Sections[behind].Count, c.Sections[late].Count
	c.Behind = c.behind > 0
	if len(c.Only) > 0 {
		c.Sections = slices.DeleteFunc(c.Sections, func(s *Section) bool { return !slices.Contains(c.Only, s.Name) })
	}
	return c.Report
}

// setZone sets the time zone of the report.
func (c *collector) setZone() {
	for _, f := range c.Options.Files {
		if c.zone == nil {
			c.zone = f.Zone
		}
		c.several = c.several || f.Zone.String() != c.zone.String()
	}
	if c.zone == nil || c.several {
		c.zone = time.UTC
	}
	if !c.several {
		c.Timezone = c.zone.String()
	}
}

func (c *collector) add(k kind, f found) {
	if f.n >= 0 {
		f.file = int(c.fileOf[f.n])
		f.disclosure = c.disclosure(f)
	}
	s := c.Sections[k]
	s.Count++
	if s.last != nil && c.compare(s, &f, s.last) >= 0 {
		return // the item will not be shown
	}
	s.found = append(s.found, f)
	if (k == notAcknowledged || k == notReported) && c.Limit > 0 && len(s.found) >= 2*c.Limit+pruneAt {
		s.found = s.found[:c.cut(s)]
		last := s.found[len(s.found)-1]
		s.last = &last
	}
}

const pruneAt = 1000

func (c *collector) cut(s *Section) int {
	c.sort(s)
	if c.Limit > 0 {
		return min(c.Limit, len(s.found))
	}
	return len(s.found)
}

// sort sorts the items of a section.
func (c *collector) sort(s *Section) {
	slices.SortStableFunc(s.found, func(a, b found) int { return c.compare(s, &a, &b) })
}

func (c *collector) compare(s *Section, a, b *found) int {
	if a, b := c.hidden(a), c.hidden(b); a != b {
		if a {
			return 1
		}
		return -1
	} else if a {
		return 0
	}
	switch {
	case a.at == b.at:
		return 0
	case a.at == order.NoTime:
		return 1
	case b.at == order.NoTime:
		return -1
	case s.kind == notAcknowledged || s.kind == notReported:
		return cmp.Compare(b.at, a.at)
	}
	return cmp.Compare(a.at, b.at)
}

func (c *collector) finish(s *Section) {
	for _, f := range s.found[:c.cut(s)] {
		s.Items = append(s.Items, c.item(s.kind, f))
	}
	s.found = nil
}

func (c *collector) secretFile(i int) bool {
	orders := c.Options.Files[i].Orders
	return !c.Sealed && len(orders) > 0 && !slices.ContainsFunc(orders, func(o *order.Order) bool { return !c.Disclosure(o).Sealed() })
}

func (c *collector) hidden(f *found) bool {
	return f.n >= 0 && !c.Sealed && f.disclosure.Sealed()
}

// A lift may contain a misspelled id of a sealed order. So a lift with a similar id must be hidden.
func (c *collector) disclosure(f found) order.Disclosure {
	o := c.orders[f.n]
	x := c.useless[c.states[f.n].Order]
	if x == nil || len(c.Options.Problems) > 0 || o.Disclosure.Sealed() {
		return c.Disclosure(o)
	}
	for _, id := range x.Unknown {
		if lint.NearestID(id, c.sealedIDs()) != "" {
			return order.None
		}
	}
	return o.Disclosure
}

// sealedIDs yields the ids of the sealed block orders.
func (c *collector) sealedIDs() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, o := range c.orders {
			if !o.Lifting() && o.Disclosure.Sealed() && !yield(o.ID) {
				return
			}
		}
	}
}
