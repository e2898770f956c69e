package feed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dns-orders/blocklist/plugin/order"
)

// A platform allows 30 minutes to enforce an order, so maxWait must be shorter.
const maxWait = 10 * time.Minute

// Servers load the new order file during this wait.
const soon = 10 * time.Second

// Wait returns the time until the next round. The time grows with successive failures. A random
// part spreads the requests of many clients.
func (f *Feed) Wait(interval time.Duration, err error) time.Duration {
	d := interval
	if f.last.Written && f.last.Pending > 0 && err == nil {
		return min(soon, interval) // the platform gets requests for checksums only
	}
	for range min(f.failed, 10) {
		d = min(2*d, max(maxWait, interval))
	}
	var fault *Fault
	if errors.As(err, &fault) && fault.After > d {
		d = min(fault.After, max(maxWait, interval))
	}
	// Only lengthen the wait. The platform may have asked for a minimum wait.
	return d + time.Duration(f.opt.Random()*0.25*float64(d))
}

// Run does rounds until the context ends. It calls the function after each round.
func (f *Feed) Run(ctx context.Context, interval time.Duration, each func(rep *Report, err error, wait time.Duration)) {
	for {
		rep, err := f.Round(ctx)
		if ctx.Err() != nil {
			return
		}
		wait := f.Wait(interval, err)
		each(rep, err, wait)
		alarm, free := f.opt.Clock.After(wait)
		select {
		case <-ctx.Done():
			free()
			return
		case <-alarm:
		}
	}
}

// Metrics returns the state in the text format of Prometheus, for the textfile collector of
// node_exporter.
func (f *Feed) Metrics(rep *Report) []byte {
	var b bytes.Buffer
	put := func(name, help string, value any) {
		full := "blocklist_feed_" + name
		fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s gauge\n%s{platform=%q} %v\n", full, help, full, full, f.opt.Platform.Name, value)
	}
	now := f.opt.Clock.Now()
	var success int64
	if !f.success.IsZero() {
		success = f.success.Unix()
	}
	oldest := int64(0)
	if rep.Oldest != order.NoTime {
		oldest = max(0, now.Unix()-int64(rep.Oldest))
	}
	put("last_round_timestamp_seconds", "Time of the last round.", now.Unix())
	put("last_success_timestamp_seconds", "Time of the last round without an error. 0 means no round without an error since the start.", success)
	put("failures", "Failed rounds since the last success.", f.failed)
	put("problems", "Problems of the last round.", len(rep.Problems))
	if !rep.counted {
		return b.Bytes() // the process has no list of tickets yet
	}
	put("tickets", "Tickets in the last list of the platform.", rep.Tickets)
	put("items", "Items in the last list of the platform.", rep.Items)
	put("items_unprocessed", "Items of tickets that are in no order.", rep.Unprocessed)
	put("items_pending", "Items that are not acknowledged yet.", rep.Pending)
	put("oldest_pending_age_seconds", "Age of the oldest item that is not acknowledged yet.", oldest)
	return b.Bytes()
}
