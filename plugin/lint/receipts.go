package lint

import (
	"fmt"

	"github.com/dns-orders/blocklist/plugin/order"
)

const day = 86400

func (l *linter) receipts(o *order.Order) {
	if why := l.receipt(o.Acknowledged, o.Served); why != "" {
		l.warn(o, nil, "acknowledged", "%s", why)
	}
	if why := l.receipt(o.Reported, o.Served); why != "" {
		l.warn(o, nil, "reported", "%s", why)
	}
	warn := l.each(o)
	for i := range o.Targets {
		t := &o.Targets[i]
		if t.Attr == nil {
			continue
		}
		served := t.Attr.Served
		if served == order.NoTime {
			served = o.Served
		}
		if why := l.receipt(t.Attr.Acknowledged, served); why != "" {
			warn(t, fmt.Sprintf("targets[%d].acknowledged", i), "%s", why)
		}
		if why := l.receipt(t.Attr.Reported, served); why != "" {
			warn(t, fmt.Sprintf("targets[%d].reported", i), "%s", why)
		}
	}
	warn(nil, "targets", "%d more times of acknowledged and reported before served, or in the future")
}

func (l *linter) receipt(at, served order.Time) string {
	switch {
	case at == order.NoTime:
	case at > l.now:
		return fmt.Sprintf("is in the future, %s", at)
	case served != order.NoTime && at+day <= served:
		return fmt.Sprintf("is before served, %s", served)
	}
	return ""
}
