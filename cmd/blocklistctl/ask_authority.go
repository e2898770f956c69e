package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/dns-orders/blocklist/plugin/order"
)

// The result contains the last order of each authority, sorted by name. The operator is not an
// authority.
func latest(all []*order.Order) (out []*order.Order) {
	by := map[string]*order.Order{}
	for _, o := range all {
		if o.Authority.Kind != order.KindOperator {
			by[strings.Join(strings.Fields(o.Authority.Name), " ")] = o
		}
	}
	for _, o := range by {
		out = append(out, o)
	}
	slices.SortFunc(out, func(a, b *order.Order) int { return cmp.Compare(a.Authority.Name, b.Authority.Name) })
	return out
}

func authorities(all []*order.Order) []*order.Order {
	known := latest(all)
	return slices.DeleteFunc(known, func(last *order.Order) bool {
		return !slices.ContainsFunc(all, func(o *order.Order) bool {
			return sameName(o.Authority.Name, last.Authority.Name) && (!o.Lifting() || o.Authority.Kind != order.KindUnstated)
		})
	})
}

func (q *orderAsker) authority() {
	c := q.c
	if c.Authority == "" {
		ask := question{text: "Who decided? (the name of the court or the authority)",
			help: "Write the name always in the same way, because a later decision of the same authority ends an earlier one only if the names are equal."}
		for i, o := range q.known {
			if i == 9 {
				break
			}
			ask.text += fmt.Sprintf("\n  %d  %s", i+1, o.Authority.Name)
		}
		if len(q.known) > 0 {
			ask.text += "\nWrite the number of an authority above, or another name."
		}
		ask.flag = "--authority"
		ask.take = func(answer string) string {
			for i, o := range q.known {
				if answer == fmt.Sprint(i+1) {
					answer = o.Authority.Name
				}
			}
			c.Authority = answer
			return q.wrong("authority.name")
		}
		q.ask(ask)
		c.Authority = q.likeKnown(c.Authority, q.known)
	}
	if o := q.same(); o != nil {
		c.AuthorityCountry = cmp.Or(c.AuthorityCountry, string(o.Authority.Country))
		c.AuthorityKind = cmp.Or(c.AuthorityKind, authorityKind(o.Authority.Kind))
	}
	if c.AuthorityCountry == "" {
		q.askCountry(&c.AuthorityCountry, "In which country is this authority?", "")
	}
	if c.AuthorityKind == "" {
		c.AuthorityKind = q.askKind()
	}
}

func (a *asker) likeKnown(name string, known []*order.Order) string {
	var names []string
	for _, o := range known {
		if sameName(o.Authority.Name, name) {
			return o.Authority.Name
		}
		names = append(names, o.Authority.Name)
	}
	near := order.Nearest(name, slices.Values(names))
	if near != "" && a.yes(question{text: fmt.Sprintf("Is this the same authority as %q? (yes or no)", near), offer: "yes",
		help: "The name must be equal in all orders of one authority, because a later decision ends an earlier one only then."}) {
		return near
	}
	return name
}

// askCountry asks for the country of an authority.
func (a *asker) askCountry(v *string, text, offer string) {
	a.ask(question{text: text + " (for example Italy, or IT; EU for the European Union)", flag: "--authority-country",
		offer: offer, optional: true, take: func(answer string) string {
			code := countryNamed(answer)
			if code == "" {
				return fmt.Sprintf("it must be a country, or a country code of two letters, got %q", answer)
			}
			*v = string(code)
			a.readAs(answer, *v)
			return ""
		}})
}

func (a *asker) askKind(further ...choice) string {
	return a.choose(question{text: "What is it?", flag: "--authority-kind",
		help: "The kind decides the code of the answer that customers get: \"censored\" for a court, a regulator or a law, and \"blocked\" for your own decision."},
		append([]choice{{"court", "a court or a prosecutor"}, {"regulator", "a regulator, a ministry or another authority"}, {"law", "a law that names the targets itself"},
			{"operator", "your own decision (the operator of the resolver)"}}, further...)...)
}

func (q *orderAsker) same() *order.Order {
	for _, o := range q.known {
		if sameName(o.Authority.Name, q.c.Authority) {
			return o
		}
	}
	return nil
}

func (q *orderAsker) lastBlock() (last *order.Order) {
	for _, o := range q.x.before.all() {
		if !o.Lifting() && sameName(o.Authority.Name, q.c.Authority) {
			last = o
		}
	}
	return last
}
