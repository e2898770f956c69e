package lint

import (
	"fmt"
	"strings"

	"github.com/dns-orders/blocklist/plugin/order"
)

func (l *linter) slips(o *order.Order) {
	for _, x := range []struct {
		field string
		at    order.Time
	}{{"issued", o.Issued}, {"served", o.Served}} {
		if x.at != order.NoTime && x.at > l.now {
			l.warn(o, nil, x.field, "is in the future, %s: is the year right?", x.at.StartText(l.zone))
		}
	}
	l.quoted(o, "authority.name", o.Authority.Name)
	for i, r := range o.References {
		l.quoted(o, fmt.Sprintf("references[%d]", i), r)
	}
}

// wordQuotes contains the quotation marks that word processors write.
const wordQuotes = "\u201c\u201d\u201e\u201f\u2018\u2019\u201a\u00ab\u00bb\u2039\u203a"

// In YAML, the quotation marks of a word processor are part of the text.
func (l *linter) quoted(o *order.Order, field, text string) {
	if bare := strings.Trim(text, wordQuotes); bare != text && !strings.ContainsAny(bare, wordQuotes) {
		l.warn(o, nil, field, "has quotation marks of a word processor; write %q", bare)
	}
}
