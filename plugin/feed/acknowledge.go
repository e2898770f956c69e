package feed

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
)

// A Node is a server that enforces the order file.
type Node interface {
	// Since returns the time at which a version of the order file came into force. The digest
	// identifies the version. If the version is not in force, the error is the reason.
	Since(ctx context.Context, digest string) (time.Time, error)
	// Blocks reports whether the node blocks a name for clients in a country.
	Blocks(ctx context.Context, name dname.Name, country order.Country) (bool, error)
	String() string
}

// A Meaning says when an item counts as processed.
type Meaning string

// These are the meanings of the acknowledgement "processed".
const (
	// Never sends no acknowledgement.
	Never Meaning = "none"
	// ByStatus sends "processed" when all nodes block the name.
	ByStatus Meaning = "status"
	// Written sends "processed" when the order file is written.
	Written Meaning = "written"
)

const saveEvery = 100

const maxFailures = 5

// acknowledge sends the acknowledgements that are possible now.
func (f *Feed) acknowledge(ctx context.Context, items []pending, rep *Report, begin time.Time) error {
	slices.SortStableFunc(items, func(a, b pending) int { return cmp.Compare(a.received, b.received) })
	since, asks := f.since(ctx, items, rep)
	failures, sent := 0, 0
	var failed error
	without := map[string]int{} // the refused items without a reason, by the key of the reason
	for i := range items {
		it := &items[i]
		if late := f.opt.Limit > 0 && f.opt.Clock.Now().Sub(begin) >= f.opt.Limit; late || failed != nil {
			f.wait(it, rep) // the next round goes on, after it has pulled new tickets
			continue
		}
		inForce, ready := since, false
		switch {
		case it.refused:
			_, key, ok := f.opt.Platform.reason(f.refusedItem(it).Protected)
			if ready = f.opt.Acknowledge != Never; ready && !ok {
				ready = false
				without[key]++
			}
		case it.kind != Names:
			ready, inForce = f.opt.Addresses, f.outSince
		case f.opt.Acknowledge == Written:
			ready, inForce = true, f.outSince
		case asks:
			var err error
			if ready, err = f.blocked(ctx, it, rep); err != nil {
				rep.problem("%v; no more names were acknowledged", err)
				asks = false // a server that does not answer must not delay the round
			}
		}
		if !ready {
			f.wait(it, rep)
			continue
		}
		err := f.send(ctx, it, inForce)
		if err == nil {
			failures = 0
			rep.Acknowledged++
			if sent++; sent%saveEvery == 0 {
				failed = f.save()
			}
			continue
		}
		f.wait(it, rep)
		var fault *Fault
		if errors.As(err, &fault) && fault.aboutItem() && failures+1 < maxFailures {
			failures++
			rep.problem("ticket %q: %q was not acknowledged: %v", f.opt.Platform.show(it.ticket), f.opt.Platform.show(clip(it.raw)), err)
			continue
		}
		failed = err
	}
	for _, key := range slices.Sorted(maps.Keys(without)) {
		rep.problem("refused items that were not acknowledged, because the description of the platform has no %s: %d", key, without[key])
	}
	return errors.Join(failed, f.save())
}

// The platform may refuse only this item. Requests for other items can still succeed.
func (f *Fault) aboutItem() bool {
	switch f.Status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusRequestTimeout, http.StatusTooManyRequests:
		return false
	}
	return f.Status >= 400 && f.Status < 500
}

// refusedItem returns the state of a refused item.
func (f *Feed) refusedItem(it *pending) *Refused {
	return &f.st.Refused[f.st.refused[[2]string{it.ticket, it.raw}]]
}

// wait counts an item that cannot be acknowledged now.
func (f *Feed) wait(it *pending, rep *Report) {
	if it.kind != Names && !it.refused && !f.opt.Addresses || f.opt.Acknowledge == Never {
		rep.Unasked++
		return
	}
	rep.Pending++
	rep.oldest(it)
}

func (f *Feed) since(ctx context.Context, items []pending, rep *Report) (since time.Time, all bool) {
	if f.opt.Acknowledge != ByStatus || !slices.ContainsFunc(items, func(it pending) bool { return !it.refused && it.kind == Names }) {
		return since, false
	}
	sum := sha256.Sum256(f.out)
	digest := hex.EncodeToString(sum[:])
	all = len(f.opt.Nodes) > 0
	for _, n := range f.opt.Nodes {
		t, err := n.Since(ctx, digest)
		if err != nil {
			rep.problem("%s: %v; no name was acknowledged", n, err)
			all = false
		}
		if t.After(since) {
			since = t
		}
	}
	return since, all
}

func (f *Feed) blocked(ctx context.Context, it *pending, rep *Report) (bool, error) {
	p := f.opt.Platform
	for _, n := range f.opt.Nodes {
		ok, err := n.Blocks(ctx, it.name, p.template.Scope.Countries[0])
		if err != nil {
			return false, fmt.Errorf("%s: %w", n, err)
		}
		if !ok {
			rep.problem("%s: has the order file in force and does not block %q; blocklistctl explain says why; the item was not acknowledged", n, p.show(it.name.String()))
			return false, nil
		}
	}
	return true, nil
}

// send sends one acknowledgement and notes it.
func (f *Feed) send(ctx context.Context, it *pending, inForce time.Time) error {
	p, now := f.opt.Platform, f.opt.Clock.Now().UTC().Truncate(time.Second)
	inForce = inForce.UTC().Truncate(time.Second)
	var path string
	body := map[string]string{}
	var r *Refused
	if it.refused {
		r = f.refusedItem(it)
		u := p.Unprocessed
		path, body[u.Value] = u.Path, it.raw
		if u.Reason != "" {
			body[u.Reason], _, _ = p.reason(r.Protected)
		}
		if u.Note != "" {
			body[u.Note] = r.Why
		}
	} else {
		path, body[p.Processed.Value] = p.Processed.Path, it.raw
		if p.Processed.Time != "" {
			// Some parsers of ISO 8601 refuse the letter Z.
			body[p.Processed.Time] = inForce.Format("2006-01-02T15:04:05-07:00")
		}
	}
	_, err := f.client.post(ctx, path, body)
	rejected := ""
	var fault *Fault
	if errors.As(err, &fault) && fault.Code != "" && p.Final[fault.Code] != "" {
		rejected = fmt.Sprintf("%s (code %s)", p.Final[fault.Code], fault.Code)
		err = nil
	}
	if err != nil {
		return err
	}
	switch {
	case r != nil && rejected != "":
		r.Rejected = rejected
	case r != nil:
		r.Answered = now
	default:
		f.st.answer(Answer{Ticket: it.ticket, Value: it.raw, InForce: inForce, At: now, Rejected: rejected})
	}
	return nil
}

// The caller must write the order file before deleting the acknowledgements.
func (f *Feed) report(orders []*order.Order) (done map[string]bool, changed bool) {
	p := f.opt.Platform
	byKey := map[string]map[string]Answer{} // the acknowledgements by order id and target
	for _, a := range f.st.Answers {
		id := p.orderID(a.Ticket)
		if byKey[id] == nil {
			byKey[id] = map[string]Answer{}
		}
		for _, k := range kinds {
			if it := p.clean(k, a.Value); it.why == "" {
				byKey[id][keyOf(&it.target)] = a
			}
		}
	}
	done = map[string]bool{}
	for _, o := range orders {
		if all := byKey[o.ID]; len(all) > 0 && f.complete(o, all) {
			done[o.ID] = true
			changed = reportAll(o, all) || changed
		}
	}
	return done, changed
}

func (f *Feed) complete(o *order.Order, all map[string]Answer) bool {
	now := order.FromTime(f.opt.Clock.Now())
	for i := range o.Targets {
		x := &o.Targets[i]
		a, ok := all[keyOf(x)]
		if ok && a.Rejected != "" {
			return false
		}
		if end := endOf(x); !ok && !isReported(o, x) && (end == order.NoTime || end > now) {
			return false
		}
	}
	return true
}

// reportAll writes the times of acknowledgements into an order.
func reportAll(o *order.Order, all map[string]Answer) (changed bool) {
	last := order.NoTime
	for i := range o.Targets {
		x := &o.Targets[i]
		a, ok := all[keyOf(x)]
		if !ok {
			continue
		}
		at := order.FromTime(a.At)
		if x.Attr != nil && x.Attr.Served != order.NoTime {
			if x.Attr.Reported != at {
				attr := *x.Attr
				attr.Reported = at
				x.Attr, changed = &attr, true
			}
		} else if last == order.NoTime || at > last {
			last = at
		}
	}
	if o.Reported == order.NoTime && last != order.NoTime {
		o.Reported, changed = last, true
	}
	return changed
}
