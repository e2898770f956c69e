package main

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dns-orders/blocklist/plugin/importer"
	"github.com/dns-orders/blocklist/plugin/order"
)

type orderAsker struct {
	*asker
	c     *addCmd
	x     *editing
	known []*order.Order // the latest order of each authority in the files
}

func (c *addCmd) ask(x *editing) error {
	q := &orderAsker{asker: x.asks, c: c, x: x, known: authorities(x.before.all())}
	q.authority()
	q.field(&c.Reference, "references", question{text: "What is the number of the case or decision?", optional: true, none: means(noNumber),
		help: "Write the number as it is on the paper, for example 31/2026. It is in the answer that customers see, unless the order is secret."})
	q.id()
	q.date(&c.Issued, "issued", question{text: "When was it decided? (a date; an empty line if the paper has no date)", optional: true, none: means(noDate),
		help: "Write the date as it is on the paper, for example 1 May 2026."})
	q.date(&c.Served, "served", question{text: "When did you receive it? (a date, or a date and a time)", optional: true, none: means(noDate),
		help: "Write the time as 2026-05-01T09:30, or for example as 30 minutes ago, in the time zone of the file. A deadline such as \"within 30 minutes\" counts from this time."})
	q.deadline()
	begin, empty := q.begin(), "at once"
	help := "Write a date or a time for an order that begins later, for example before a match. The answer may also have the end, for example from 20:45 to 23:15."
	if begin != "" {
		empty = begin
		help += " With the answer now, the file shows when the block began, and blocklistctl due shows that it is late."
	}
	q.date(&c.From, "from", question{text: "From when must the names be blocked? (an empty line: " + empty + ")", optional: true, offer: begin, none: means(atOnce),
		help: help})
	if from, err := order.ParseTime(c.From, zoneOf(x.file)); err == nil && q.late(from) && (begin == "" || from != x.now) {
		q.askBeginning(&c.Deadline, from, zoneOf(x.file))
	}
	q.date(&c.Until, "until", question{text: "Until when? (a date, or a duration after the receipt such as 30 days; an empty line: the order has no end)", optional: true, none: means(noEnd),
		help: "A date includes this whole day. A duration counts from the receipt, or else from the decision."})
	if until, err := order.ParseTime(c.Until, zoneOf(x.file)); err == nil && until < x.now-24*60*60 {
		q.say("This time is over, so the order blocks nothing.")
	}
	q.review()
	q.scope()
	q.secret()
	return q.err
}

func (q *orderAsker) begin() string {
	if q.err != nil || q.c.From != "" || !q.late(q.x.now) {
		return ""
	}
	q.say("\nThe deadline has passed. If the decision itself says a later beginning, write that beginning.")
	return "now"
}

func (q *orderAsker) late(from order.Time) bool {
	h := q.c.head()
	h.Timezone = cmp.Or(h.Timezone, q.x.file.Timezone)
	for key := range h.Fields {
		if key != "served" && key != "deadline" {
			delete(h.Fields, key)
		}
	}
	h.Fields["id"], h.Fields["authority.name"], h.Fields["scope"] = "id", "authority", "global"
	o, err := h.Order()
	return err == nil && o.Deadline != order.NoTime && from > o.Deadline
}

func (q *orderAsker) wrong(key string) string {
	h := q.c.head()
	h.Timezone = cmp.Or(h.Timezone, q.x.file.Timezone)
	for k, v := range map[string]any{"id": "id", "authority.name": "authority"} {
		if h.Fields[k] == nil {
			h.Fields[k] = v
		}
	}
	if h.Fields["scope"] == nil && h.Fields["scope.countries"] == nil && h.Fields["scope.clients"] == nil {
		h.Fields["scope"] = "global" // only for this check
	}
	return headProblem(h, key)
}

func headProblem(h *importer.Head, key string) string {
	_, err := h.Order()
	var bad order.Problems
	if !errors.As(err, &bad) {
		return ""
	}
	for _, p := range bad {
		if field := indexes.ReplaceAllString(p.Field, ""); field == key || strings.HasPrefix(key, field+".") || strings.HasPrefix(field, key+".") {
			text := p.Msg
			if p.HasGot {
				text += fmt.Sprintf(", got %q", p.Got)
			}
			return text
		}
	}
	return ""
}

// The type of v is *string or *[]string. If v has a value, the function asks nothing.
func (q *orderAsker) field(v any, key string, ask question) {
	set := func(s string) {
		switch v := v.(type) {
		case *string:
			*v = s
		case *[]string:
			*v = []string{s}
		}
	}
	switch v := v.(type) {
	case *string:
		if *v != "" {
			return
		}
	case *[]string:
		if len(*v) > 0 {
			return
		}
	}
	ask.flag = cmp.Or(ask.flag, flagNames[key])
	ask.take = func(answer string) string {
		set(answer)
		wrong := q.wrong(key)
		if wrong != "" {
			switch v := v.(type) {
			case *string:
				*v = ""
			case *[]string:
				*v = nil
			}
		}
		return wrong
	}
	q.ask(ask)
}

// date asks for a date or a time.
func (q *orderAsker) date(v *string, key string, ask question) {
	if *v != "" {
		return
	}
	ask.flag = flagNames[key]
	ask.take = func(answer string) string {
		var from, wrong string
		switch key {
		case "until":
			*v, from, wrong = q.x.untilText(answer, start{"receipt", q.c.Served}, start{"decision", q.c.Issued})
		case "review":
			*v, from, wrong = q.x.endText(answer, start{"present day", q.x.now.Time().In(zoneOf(q.x.file)).Format(time.DateOnly)})
		case "from":
			if begin, end, ok := q.x.timeRange(answer); ok && q.c.Until == "" {
				if wrong = q.period(begin, end); wrong == "" {
					q.say("This is read as %s, and the end as %s.", begin, end)
				}
				return wrong
			}
			*v, wrong = q.x.timeText(answer)
		default:
			*v, wrong = q.x.timeText(answer)
		}
		if wrong == "" {
			wrong = strings.Replace(q.wrong(key), fmt.Sprintf("got %q", *v), fmt.Sprintf("got %q", answer), 1)
		}
		if t, err := order.ParseTime(*v, zoneOf(q.x.file)); wrong == "" && err == nil && (key == "issued" || key == "served") {
			if wrong = q.x.past(t); wrong != "" {
				wrong += fmt.Sprintf(", got %q", answer)
			}
		}
		if wrong != "" {
			*v = ""
			return wrong
		}
		q.readAs(answer, *v, from)
		return ""
	}
	q.ask(ask)
}

func (q *orderAsker) period(begin, end string) (wrong string) {
	q.c.From, q.c.Until = begin, end
	if wrong = cmp.Or(q.wrong("from"), q.wrong("until")); wrong != "" {
		q.c.From, q.c.Until = "", ""
	}
	return wrong
}

func (q *orderAsker) id() {
	if q.c.ID != "" {
		return
	}
	german := usesGerman(q.c.AuthorityCountry)
	base := slug(q.c.Authority, german)
	if o := q.lastBlock(); o != nil { // the ids of one authority begin alike, but the id of a lift begins like the lifted order
		if before, _, ok := strings.Cut(o.ID, "/"); ok {
			base = before
		}
	}
	offer := base
	if len(q.c.Reference) > 0 && slug(q.c.Reference[0], german) != "" {
		offer += "/" + referenceSlug(q.c.Reference[0], german)
	}
	offer = strings.Trim(offer, "/")
	all := q.x.before.byID()
	for n := 2; all[offer] != nil; n++ {
		offer = fmt.Sprintf("%s-%d", strings.TrimSuffix(offer, fmt.Sprintf("-%d", n-1)), n)
	}
	q.ask(question{text: "Which short name shall the order have in the file? (its id)", offer: offer, flag: "--id",
		help: "The id is the name of the order in your files, in the log and in other commands. It cannot change later. It has letters, digits and the characters . _ : / -",
		take: func(answer string) string {
			if all[answer] != nil {
				return fmt.Sprintf("another order has this id, got %q", answer)
			}
			q.c.ID = answer
			return q.wrong("id")
		}})
}

// The question does not offer the duration of the last order, because the new decision may have no
// deadline.
func (q *orderAsker) deadline() {
	if q.c.Deadline != "" {
		return
	}
	hint := ""
	if o := q.lastBlock(); o != nil && o.DeadlineAfter > 0 && strings.Contains(q.c.Served, "T") {
		hint = "The last order of this authority in the files has the deadline " + durationText(o.DeadlineAfter) + "."
	}
	q.ask(question{text: "By when must the names be blocked? (a date or a time, or a duration after the receipt such as 30m, 24h or 7d; an empty line if the paper does not say)",
		hint: hint, optional: true, flag: "--deadline",
		help: "\"Within 30 minutes of receipt\" is 30m, \"within 24 hours\" is 24h, \"within five days\" is 5d. A duration needs the time of the receipt, not only the day. For working days, count the days yourself, and write the date.",
		take: func(answer string) string {
			var from, wrong string
			if q.c.Deadline, from, wrong = q.x.deadlineText(answer, q.c.Served, q.c.Issued); wrong == "" {
				wrong = q.x.timeless(q.c.Deadline, q.c.Served)
			}
			if wrong == "" {
				wrong = q.wrong("deadline")
			}
			if wrong != "" {
				q.c.Deadline = ""
			} else if isTime(q.c.Deadline) {
				q.readAs(answer, q.c.Deadline, from)
			}
			return wrong
		}})
	if d, err := order.ParseDuration(q.c.Deadline); err == nil && q.err == nil {
		if served, err := order.ParseTime(q.c.Served, zoneOf(q.x.file)); err == nil {
			q.say("The deadline is %s.", order.FromTime(served.Time().Add(d)).EndText(zoneOf(q.x.file)))
		}
	}
}

func (q *orderAsker) review() {
	if q.c.Until != "" {
		return
	}
	q.date(&q.c.Review, "review", question{text: "When shall somebody look at the order again? (a date)",
		offer: q.x.now.Time().In(zoneOf(q.x.file)).AddDate(1, 0, 0).Format(time.DateOnly),
		help:  "An order without an end is blocked until a person ends it. At the review, ask the authority whether the order is still in force. The block does not end at this date."})
}

// To prevent over-blocking, the question never offers the answer "everyone".
func (q *orderAsker) scope() {
	c := q.c
	if c.Scope != "" || len(c.ScopeCountry)+len(c.ScopeClient) > 0 {
		return
	}
	q.ask(question{text: "For whom are the names blocked? (countries such as IT, networks such as 192.0.2.0/24, or the word everyone)", offer: c.AuthorityCountry,
		flag: "--scope-country, --scope-client or --scope global", fresh: isEveryone,
		help: "An order of an authority holds for the clients in its country, unless the paper says otherwise. Separate several countries by commas. The names of countries are answers too. FR+ is France with its territories.",
		take: func(answer string) string {
			c.Scope, c.ScopeCountry, c.ScopeClient = "", nil, nil
			if isEveryone(answer) {
				c.Scope = "global"
				return ""
			}
			for _, word := range scopeWords(answer) {
				switch codes := countriesIn(word); {
				case strings.ContainsAny(word, "./:"):
					c.ScopeClient = append(c.ScopeClient, word)
				case codes != nil:
					c.ScopeCountry = append(c.ScopeCountry, codes...)
				default:
					c.ScopeCountry = append(c.ScopeCountry, word)
				}
			}
			for _, key := range []string{"scope.countries", "scope.clients"} {
				if wrong := q.wrong(key); wrong != "" {
					c.ScopeCountry, c.ScopeClient = nil, nil
					return strings.Replace(wrong, "must be a country code of two letters, such as IT, or EU", "it must be a country such as Italy or IT, FR+ for France with its territories, EU, a network, or the word everyone", 1)
				}
			}
			if len(c.ScopeCountry)+len(c.ScopeClient) == 0 {
				return "it has no country and no network"
			}
			return ""
		}})
	if q.err == nil && len(c.ScopeCountry) > 0 {
		q.say("%s", scopeText(c.ScopeCountry))
	}
}

func isEveryone(answer string) bool {
	return isWord([]string{"everyone", "global", "every client"}, answer) || isWord(allWords, answer)
}

func scopeText(countries []string) string {
	var with, out []string
	for _, s := range countries {
		code, plus := strings.CutSuffix(s, "+")
		c, _ := order.ParseCountry(code)
		text := c.Name()
		if more := c.Territories(); len(more) > 0 && plus {
			text += " with its territories"
		} else if len(more) > 0 {
			names := make([]string, len(more))
			for i, t := range more {
				names[i] = t.Name()
			}
			out = append(out, fmt.Sprintf("\nIt does not cover clients in the territories of %s: %s. If it shall cover them too, write back, and then %s+.", c.Name(), strings.Join(names, ", "), c))
		}
		with = append(with, text)
	}
	return fmt.Sprintf("The order covers clients in %s.%s", strings.Join(with, ", "), strings.Join(out, ""))
}

// notPublic is the answer that an order is secret.
const notPublic = "no"

// secret asks whether customers may see the order.
func (q *orderAsker) secret() {
	if q.c.Disclosure != "" || q.err != nil {
		return
	}
	word := q.choose(question{text: "May customers see that the order exists?", offer: "yes", flag: "--disclosure",
		help: "The answer to a customer of a blocked name has the authority and the number, unless the order is secret. The log of the server and the metrics do not show a secret order either."},
		choice{"yes", "yes, the order is public"}, choice{"schedule", "yes, but the list of its names is not public"},
		choice{notPublic, "no, the order is secret"})
	switch word {
	case "schedule":
		q.c.Disclosure = "schedule"
	case notPublic:
		q.c.Disclosure = "none"
		if warnings := q.x.exposed(); len(warnings) > 0 {
			q.x.warned = true
			for _, text := range warnings {
				q.say("Warning: %s", text)
			}
			q.say("To use another file, press Ctrl-C, and begin with its path: blocklistctl add secret.yaml")
		}
	}
}
