package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
)

// ordinalText matches the number of a name in a list, for example "Nr. 300" and "300e".
var ordinalText = regexp.MustCompile(`^(?:(?:the|der|die|das|le|la|il|el|o|a|de|den) +)?(?:(?:` + siteWords + `) +)?(?:n\.? ?[°º]|№|#|(?:n|nr|no|num|numer|numero|nummer|number)\.?)? ?(\d{1,7})(?:st|nd|rd|th|ere?|e|eme|ieme|\.|[°ºªoa]|de|ste)?` +
	`(?: +(?:` + siteWords + `))?$`)

const siteWords = `site|website|name|domain|seite|domane|nom|domaine|nome|sito|dominio|sitio|naam|navn|nazwa`

func ordinal(answer string) (n int, ok bool) {
	m := ordinalText.FindStringSubmatch(plainWords(answer))
	if m == nil {
		return 0, false
	}
	n, err := strconv.Atoi(m[1])
	return n, err == nil && n > 0
}

func nthName(o *order.Order, n int) (name dname.Name, wrong string) {
	switch {
	case o.Side != nil:
		return name, fmt.Sprintf("the names of the order %q are in a file of their own; write the name, got %q", o.ID, fmt.Sprint(n))
	case n > len(o.Targets):
		return name, fmt.Sprintf("the order %q has %s, got %q", o.ID, count(len(o.Targets), "target"), fmt.Sprint(n))
	case o.Targets[n-1].Kind != order.TargetName:
		return name, fmt.Sprintf("number %d of the order %q is %s, which is not a name", n, o.ID, o.Targets[n-1].String())
	}
	return o.Targets[n-1].Name, ""
}

// Only orders that have not ended count. If several orders have an nth name, the result is an error
// text.
func (x *editing) nthBlocked(n int) (id string, name dname.Name, wrong string) {
	var found []string
	for _, o := range x.before.all() {
		if !x.blocks(o) {
			continue
		}
		if is, why := nthName(o, n); why == "" {
			id, name = o.ID, is
			found = append(found, fmt.Sprintf("%s in the order %q", is, o.ID))
		}
	}
	switch {
	case len(found) == 0:
		return "", name, fmt.Sprintf("no order has a name with this number, got %q", fmt.Sprint(n))
	case len(found) > maxChoices:
		return "", name, fmt.Sprintf("%s have a name with this number; write the name, got %q", count(len(found), "order"), fmt.Sprint(n))
	case len(found) > 1:
		return "", name, fmt.Sprintf("several orders have a name with this number: %s; write the name", strings.Join(found, ", "))
	}
	return id, name, ""
}

func (a *asker) meant(n int, id string, name dname.Name) bool {
	return a.yes(question{text: fmt.Sprintf("Number %d in the list of the order %q is %s. Is this the name? (yes or no)", n, id, name),
		help: "The numbers count the names in the file. A line that was left out of the list has no number, so compare the name with the paper."})
}
