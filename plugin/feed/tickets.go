package feed

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/dns-orders/blocklist/plugin/importer"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/printable"
)

// A ticket is one ticket of the platform.
type ticket struct {
	id        string
	created   time.Time
	items     []item
	ready     bool
	untouched string
}

type item struct {
	kind Kind
	raw  string // the text of the platform, which an acknowledgement needs

	target order.Target
	why    string // the reason why the text is no target, or empty
}

// A bad answer must not fill the memory or the order file.
const (
	maxID  = 128
	maxRaw = 1024
)

// A missing ticket counts as withdrawn, so refuse a list with any structural error.
func (p *Platform) parseTickets(data []byte) ([]ticket, error) {
	doc, err := decode(data)
	if err != nil {
		return nil, err
	}
	list, ok := field(doc, p.Tickets.List).([]any)
	if !ok {
		return nil, fmt.Errorf("the answer has no list of tickets in the field %q", p.Tickets.List)
	}
	out := make([]ticket, 0, len(list))
	seen := map[string]bool{}
	cleaned := map[string]item{}
	for i, x := range list {
		t, err := p.parseTicket(x, cleaned)
		if err != nil {
			return nil, fmt.Errorf("ticket %d: %w", i+1, err)
		}
		if seen[t.id] {
			return nil, fmt.Errorf("ticket %d: two tickets have the id %q", i+1, p.show(t.id))
		}
		seen[t.id] = true
		out = append(out, t)
	}
	return out, nil
}

func (p *Platform) parseTicket(x any, cleaned map[string]item) (t ticket, err error) {
	if _, ok := x.(map[string]any); !ok {
		return t, errors.New("is not an object")
	}
	t.id, _ = field(x, p.Tickets.ID).(string)
	if t.id == "" || len(t.id) > maxID {
		return t, fmt.Errorf("the field %q must be a text of 1 to %d bytes", p.Tickets.ID, maxID)
	}
	created, _ := field(x, p.Tickets.Created).(string)
	if t.created, err = p.time(created); err != nil {
		return t, fmt.Errorf("%q: the field %q must be a time, got %q", p.show(t.id), p.Tickets.Created, clip(created))
	}
	t.ready = true
	if p.Tickets.Status != "" {
		s, _ := field(x, p.Tickets.Status).(string)
		what := p.Tickets.Statuses[s]
		if t.ready = what == take; what == "" {
			t.untouched = fmt.Sprintf("tickets.statuses of the platform has no status %q", clip(s))
		}
	}
	for _, k := range kinds {
		path := map[Kind]string{Names: p.Tickets.Names, IPv4: p.Tickets.IPv4, IPv6: p.Tickets.IPv6}[k]
		if path == "" {
			continue
		}
		v := field(x, path)
		values, ok := v.([]any)
		if !ok && v != nil {
			return t, fmt.Errorf("%q: the field %q must be a list", p.show(t.id), path)
		}
		have := make(map[string]bool, len(values))
		for _, v := range values {
			raw, ok := v.(string)
			if !ok || raw == "" || len(raw) > maxRaw {
				return t, fmt.Errorf("%q: the field %q must be a list of texts of 1 to %d bytes", p.show(t.id), path, maxRaw)
			}
			it, known := cleaned[string(k)+raw]
			if !known {
				it = p.clean(k, raw)
				cleaned[string(k)+raw] = it
			}
			if !have[raw] {
				have[raw] = true
				t.items = append(t.items, it)
			}
		}
	}
	return t, nil
}

// A time without an offset is in the platform's time zone.
var forms = []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999"}

func (p *Platform) time(s string) (t time.Time, err error) {
	for _, form := range forms {
		if t, err = time.ParseInLocation(form, s, p.loc); err == nil && t.Year() >= 2000 && t.Year() < 2200 {
			return t, nil
		}
	}
	return t, errors.New("is not a time")
}

func (p *Platform) show(s string) string {
	if p.Sealed() {
		return "sealed"
	}
	return s
}

// clip shortens untrusted text for a message.
func clip(s string) string { return printable.Clip(s, 100) }

func (p *Platform) clean(k Kind, raw string) item {
	it := item{kind: k, raw: raw}
	if k != Names {
		prefix, why := order.ParsePrefix(strings.TrimSpace(raw))
		if why == "" && prefix.Addr().Is4() != (k == IPv4) {
			why = "is no " + map[Kind]string{IPv4: "IPv4", IPv6: "IPv6"}[k] + " address"
		}
		if it.why = why; why == "" {
			it.target = p.address(prefix)
		}
		return it
	}
	targets, note := importer.Clean(raw, importer.Options{})
	switch {
	case note.Refused != "":
		it.why = note.Refused
	case len(targets) != 1 || targets[0].Kind != order.TargetName || targets[0].Attr != nil:
		it.why = "is not one name"
	default:
		it.target = targets[0]
		if p.Match == "exact" {
			it.target.Match = order.Exact
		}
	}
	return it
}

// address returns the target for an address or network.
func (p *Platform) address(prefix netip.Prefix) order.Target {
	a := order.NewAttr()
	a.Address = prefix
	a.EnforcedBy, _ = order.ParseEnforcedBy(p.Addresses) // checked by Parse
	return order.Target{Kind: order.TargetAddress, Attr: a}
}

func keyOf(t *order.Target) string {
	if t.Kind == order.TargetName && t.Match == order.Exact {
		return t.Pattern() + "\x00exact"
	}
	return t.Pattern()
}
