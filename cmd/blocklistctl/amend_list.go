package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/importer"
	"github.com/dns-orders/blocklist/plugin/lint"
	"github.com/dns-orders/blocklist/plugin/order"
)

func (c *amendCmd) askBelongs(x *editing, o *order.Order) (further bool) {
	if c.Further || len(c.Replaces) > 0 {
		return c.Further
	}
	text := "What are the names that you add?"
	if o.StatedCount > 0 {
		text = fmt.Sprintf("The decision states %s. %s", count(o.StatedCount, "name"), text)
	}
	same := choice{"same", "names of the same list, which the order lacks"}
	if n := o.StatedCount - x.corrections().Remaining(o); n > 0 {
		same.text = fmt.Sprintf("names of the same list; the order lacks %s", count(n, "name"))
	}
	switch x.asks.choose(question{text: text, flag: "--further or --replaces",
		help: "The file has the number of names that the decision states. This number stays for names of the same list, and for a right name in place of a wrong name. It rises by the number of names in a further list."},
		same, choice{"further", "names of a further list, or of a further decision"}, choice{"replace", "the right names in place of wrong names of this order"}) {
	case "further":
		c.Further = true
	case "replace":
		c.askReplaced(x, o)
	}
	return c.Further
}

func (c *amendCmd) askReplaced(x *editing, o *order.Order) {
	q := question{text: "Which name of the order is wrong? (several names with blanks between them, or the number of a name in the list of the order)", flag: "--replaces",
		help: "If the name is still blocked, the change also ends its block. The name stays in the file, so that you can show later what was blocked, and until when."}
	corrected := x.corrections()[o.ID]
	if len(corrected) > maxChoices {
		corrected = nil
	}
	for i, n := range corrected {
		q.text += fmt.Sprintf("\n  %d  %s, which was corrected", i+1, n)
	}
	number := 0
	q.take = func(answer string) string {
		c.Replaces, number = listWords(answer), 0
		for i, n := range corrected {
			if answer == fmt.Sprint(i+1) {
				c.Replaces = []string{n.String()}
			}
		}
		if n, ok := ordinal(answer); ok && slices.Equal(c.Replaces, listWords(answer)) {
			name, wrong := nthName(o, n)
			if wrong != "" {
				return wrong
			}
			c.Replaces, number = []string{name.String()}, n
		}
		if _, err := c.wrongNames("the name", o); err != nil {
			c.Replaces = nil
			return strings.TrimPrefix(err.Error(), "the name: ")
		}
		return ""
	}
	for len(c.Replaces) == 0 && x.asks.err == nil {
		x.asks.ask(q)
		if x.asks.err != nil || number == 0 {
			continue
		}
		if name, _ := nthName(o, number); !x.asks.meant(number, o.ID, name) {
			c.Replaces = nil
		}
	}
}

func listWords(s string) (words []string) {
	for _, word := range strings.FieldsFunc(importer.WithoutBelow(s), func(r rune) bool { return r == ' ' || r == '\u00a0' || r == ',' || r == ';' }) {
		if word = strings.Trim(word, quoteMarks); word != "" && !slices.Contains(andWords, strings.ToLower(word)) {
			words = append(words, word)
		}
	}
	return words
}

// andWords mean "and" in the languages of yesWords.
var andWords = []string{"and", "e", "ed", "et", "und", "y", "en", "og", "i", "oraz", "&"}

func (c *amendCmd) wrongNames(label string, o *order.Order) (out []dname.Name, err error) {
	for _, word := range c.Replaces {
		name, err := queryHost(label, word)
		if err != nil {
			return nil, err
		}
		if !hasTarget(o, name) {
			return nil, misuse("%s: order %q does not have this name as a target, got %q", label, o.ID, word)
		}
		out = append(out, name)
	}
	return out, nil
}

func hasTarget(o *order.Order, name dname.Name) bool {
	if o.Side != nil {
		for n := range o.Side.Names.All() {
			if n == name {
				return true
			}
		}
	}
	return slices.ContainsFunc(o.Targets, func(t order.Target) bool { return t.Kind == order.TargetName && t.Name == name })
}

func (x *editing) corrections() lint.Corrections {
	return lint.FindCorrections(slices.Values(x.before.all()))
}

// The result is 0 if the decision states no number.
func (c *amendCmd) stated(x *editing, o *order.Order, added []order.Target, list *importJSON) int {
	left := max(list.Stated-list.Targets, 0) // names in lines that were left out
	switch {
	case !c.Further && o.StatedCount > 0, left == 0 && o.StatedCount == 0:
		return o.StatedCount
	case o.StatedCount > 0:
		return o.StatedCount + len(added) + left // a name that is already in the order counts once
	}
	return x.corrections().Remaining(o) + len(added) + left
}

func (c *amendCmd) correct(x *editing, o *order.Order, wrong []dname.Name, added []order.Target) (int, error) {
	was := x.corrections()
	var names, right []string
	for _, n := range wrong {
		if !was.Has(o.ID, n) {
			names = append(names, n.String())
		}
	}
	if len(names) == 0 {
		return 0, nil
	}
	for _, t := range added {
		right = append(right, t.String())
	}
	note := "replaced by " + strings.Join(right, ", ")
	if len(right) > 5 {
		note = "replaced by " + count(len(right), "name")
	}
	lift, err := x.newOrder(map[string]any{"id": x.freeID(o.ID, "correction"), "action": "lift", "lifts": []string{o.ID},
		"authority.name": "operator", "authority.kind": "operator", "note": note, "from": x.now.String(), "targets": names})
	if err != nil {
		return 0, err
	}
	return len(names), x.text.AddOrder(lift)
}

func (c *amendCmd) sayStated(x *editing, o *order.Order, stated, more int) {
	if stated != o.StatedCount {
		x.e.say("the file will say that the decision and its further lists state %s", count(stated, "name"))
		return
	}
	now := x.corrections().Remaining(o) + more
	if stated > 0 && now > stated {
		x.e.say("note: the decision states %s, and the order has %d with the added names. --further says that they are a further list, and --replaces NAME names the wrong name that they replace.", count(stated, "name"), now)
	}
}
