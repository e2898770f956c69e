package blocklist

import (
	"maps"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coredns/coredns/plugin"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/printable"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/dns-orders/blocklist/plugin/store"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// A label must not contain a client, a queried name or an order.
var blockedRequests = newCounters("blocked_requests_total", "Counter of requests that got a blocking answer.")

var shadowRequests = newCounters("shadow_requests_total", "Counter of requests that would have got a blocking answer if the order or the server block were not in shadow.")

// A query reads the map of counters without a lock. So never change the map. Replace it by a copy.
type counters struct {
	*prometheus.CounterVec
	mu sync.Mutex // guards changes of the field of
	of atomic.Pointer[map[labels]prometheus.Counter]
}

type labels struct{ server, zone, view, response string }

func newCounters(metric, help string) *counters {
	c := &counters{CounterVec: promauto.NewCounterVec(
		prometheus.CounterOpts{Namespace: plugin.Namespace, Subsystem: name, Name: metric, Help: help},
		[]string{"server", "zone", "view", "response"})}
	c.of.Store(&map[labels]prometheus.Counter{})
	return c
}

func (c *counters) with(l labels) prometheus.Counter {
	counter, ok := (*c.of.Load())[l]
	if !ok {
		// WithLabelValues panics on text that is not UTF-8, and a Corefile may contain any text.
		counter = c.WithLabelValues(printable.Line(l.server), printable.Line(l.zone), printable.Line(l.view), l.response)
		c.mu.Lock()
		defer c.mu.Unlock()
		next := maps.Clone(*c.of.Load())
		next[l] = counter
		c.of.Store(&next)
	}
	return counter
}

func desc(metric, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName(plugin.Namespace, name, metric), help, labels, nil)
}

var (
	shadowDesc      = desc("shadow", "1 for a server block with the property shadow, which changes no answer, and 0 for a server block that enforces orders.", "server", "zone", "view")
	ordersDesc      = desc("orders", "Block orders by state.", "state")
	targetsDesc     = desc("targets", "Name targets of block orders by the state of their order.", "state")
	liftsDesc       = desc("lifts", "Lifts by state.", "state")
	uselessDesc     = desc("useless_lifts", "Active lifts that reach no order.")
	reviewDesc      = desc("orders_past_review", "Orders past their review, neither ended nor lifted.")
	overdueDesc     = desc("orders_past_deadline", "Orders and lifts that are past a deadline and not fully in force.")
	lateDesc        = desc("orders_late", "Active orders and lifts, neither ended nor lifted, that came into force after a deadline: their dates begin after the deadline, or this server loaded them after the deadline and after its own start.")
	deadlineDesc    = desc("next_deadline_seconds", "Seconds until the next deadline that an order will miss without an action of the operator; +Inf if there is none.")
	changeDesc      = desc("next_change_seconds", "Seconds until the next order starts or ends; +Inf if there is none.")
	infoDesc        = desc("order_set_info", "The order set in force. Nodes with the same digest have the same orders, protect lists, response, and answers addresses with its prefixes, and agree on whether countries are known.", "digest")
	failuresDesc    = desc("load_failures_total", "Counter of versions of an order file that were refused, and of losses of the file.", "file")
	lastOKDesc      = desc("last_load_ok", "1 if all order files were good at the last load, else 0.")
	expiredDesc     = desc("files_expired", "Order files whose expires has passed. Their orders stay in force.")
	signedDesc      = desc("signature_timestamp_seconds", "Time of signing of the version of an order file that is in force, by the clock of its last signer.", "file")
	lastSuccessDesc = desc("last_load_success_timestamp_seconds", "Time of the last load after which all order files were good.")
	lastLookDesc    = desc("last_look_timestamp_seconds", "Time of the last complete look at all order files. Each poll is a look.")
	durationDesc    = desc("last_load_duration_seconds", "Duration of the last load.")
	indexDesc       = desc("index_bytes", "Memory of the tables of the order sets in force, without the guard.")
	stateOKDesc     = desc("state_ok", "1 if the newest versions are stored in the state directory or are being stored, 0 if the last attempt has failed or the directory is not open.")
	unacceptedDesc  = desc("state_unaccepted", "1 if the state directory was damaged at a start, or new or empty with the property verify, and no person has accepted this; else 0.")
	stateWrongDesc  = desc("state_wrong_snapshots", "Snapshots in the state directory, counted since the start, that were in force and were not the same as their stored files. The stored files are in force in place of them.")
	journalOKDesc   = desc("journal_ok", "1 if the journal records all events, 0 if its directory is not open or the last attempt to write has failed.")
	journalAgeDesc  = desc("journal_failing_seconds", "Seconds for which the journal could not be written; 0 if journal_ok is 1.")
	journalLostDesc = desc("journal_lost_events_total", "Counter of events that the journal has lost, because too many events waited for the disk.")
	selfTestDesc    = desc("self_test_targets", "Targets of the last self-test by result: right, wrong and not_tested. The server asks itself for the changed targets after each load.", "result")
	stateAgeDesc    = desc("state_failing_seconds", "Seconds for which the newest versions could not be stored in the state directory; 0 if state_ok is 1.")
)

// A collector computes the metrics at each scrape.
type collector struct{ stores func() []*store.Store }

func init() { prometheus.MustRegister(collector{store.All}) }

// Describe implements prometheus.Collector.
func (collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{shadowDesc, ordersDesc, targetsDesc, liftsDesc, uselessDesc, reviewDesc, overdueDesc, lateDesc, deadlineDesc, changeDesc, infoDesc, failuresDesc,
		lastOKDesc, expiredDesc, signedDesc, lastSuccessDesc, lastLookDesc, durationDesc, indexDesc, stateOKDesc, stateAgeDesc, unacceptedDesc, stateWrongDesc, journalOKDesc, journalAgeDesc, journalLostDesc, selfTestDesc} {
		ch <- d
	}
}

func (c collector) Collect(ch chan<- prometheus.Metric) {
	stores := c.stores()
	if len(stores) == 0 {
		return
	}
	var orders, targets, lifts [ruleset.NumStates]int
	useless, bytes, ok, success, look, duration := 0, 0, 1.0, 0.0, 0.0, 0.0
	review, overdue, late, deadline, change := 0, 0, 0, math.Inf(1), math.Inf(1)
	digests, failures, expired := map[string]bool{}, map[string]int{}, map[string]bool{}
	enforced := map[string]bool{} // contains the digests of the order sets that a store enforces
	for _, s := range stores {
		if !s.Shadow() {
			enforced[s.Status().Digest] = true
		}
	}
	signed := map[string]float64{} // contains the oldest time of each file, if several stores have the file
	for _, s := range stores {
		set, st := s.Set(), s.Status()
		now := order.Time(s.Now().Unix())
		counts, d := set.Counts(now), set.Deadlines(now)
		if s.Shadow() && enforced[st.Digest] {
			counts, d.PastReview, d.Overdue, d.Late = ruleset.Counts{}, 0, 0, 0
		}
		for i := range ruleset.NumStates {
			orders[i] += counts.Orders[i]
			targets[i] += counts.Targets[i]
			lifts[i] += counts.Lifts[i]
		}
		review += d.PastReview
		overdue += d.Overdue
		late += d.Late
		deadline = min(deadline, secondsUntil(d.NextDeadline, s.Now()))
		change = min(change, secondsUntil(set.NextChange(now), s.Now()))
		useless += st.UselessLifts
		bytes += set.Bytes()
		digests[st.Digest] = true
		for _, f := range st.Files {
			// The Prometheus library refuses all metrics if one label is not UTF-8. It also refuses
			// a series that occurs twice.
			failures[printable.Line(f.Path)] += f.Failures
			if t, ok := signed[printable.Line(f.Path)]; !f.Signed.IsZero() && (!ok || float64(f.Signed.Unix()) < t) {
				signed[printable.Line(f.Path)] = float64(f.Signed.Unix())
			}
			if f.Stale(now) {
				expired[f.Path] = true
			}
		}
		if !st.LastOK {
			ok = 0
		}
		// With several stores, the metrics show the worst store.
		if t := float64(st.LastSuccess.Unix()); !st.LastSuccess.IsZero() && (success == 0 || t < success) {
			success = t
		}
		if t := float64(st.LastLook.Unix()); !st.LastLook.IsZero() && (look == 0 || t < look) {
			look = t
		}
		duration = max(duration, st.Duration.Seconds())
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	for l, shadow := range shadowBlocks() {
		v := 0.0
		if shadow {
			v = 1
		}
		gauge(shadowDesc, v, l.server, l.zone, l.view)
	}
	for i := range ruleset.NumStates {
		gauge(ordersDesc, float64(orders[i]), i.String())
		gauge(targetsDesc, float64(targets[i]), i.String())
		gauge(liftsDesc, float64(lifts[i]), i.String())
	}
	gauge(uselessDesc, float64(useless))
	gauge(reviewDesc, float64(review))
	gauge(overdueDesc, float64(overdue))
	gauge(lateDesc, float64(late))
	gauge(deadlineDesc, deadline)
	gauge(changeDesc, change)
	gauge(indexDesc, float64(bytes))
	gauge(lastOKDesc, ok)
	gauge(expiredDesc, float64(len(expired)))
	gauge(lastSuccessDesc, success)
	gauge(lastLookDesc, look)
	gauge(durationDesc, duration)
	if states := store.States(); len(states) > 0 {
		// With several state directories, the worst is shown.
		ok, age, unaccepted, wrong := 1.0, 0.0, 0.0, 0
		for _, st := range states {
			wrong += st.WrongSnapshots
			if !st.Unaccepted.IsZero() {
				unaccepted = 1
			}
			if st.Err != nil {
				ok, age = 0, max(age, stores[0].Now().Sub(st.FailingSince).Seconds())
			}
		}
		gauge(stateOKDesc, ok)
		gauge(stateAgeDesc, age)
		gauge(unacceptedDesc, unaccepted)
		gauge(stateWrongDesc, float64(wrong))
	}
	if journals := store.Journals(); len(journals) > 0 {
		// With several journals, the worst is shown.
		ok, age, lost := 1.0, 0.0, uint64(0)
		for _, st := range journals {
			lost += st.Lost
			if st.Err != nil {
				ok, age = 0, max(age, stores[0].Now().Sub(st.FailingSince).Seconds())
			}
		}
		gauge(journalOKDesc, ok)
		gauge(journalAgeDesc, age)
		ch <- prometheus.MustNewConstMetric(journalLostDesc, prometheus.CounterValue, float64(lost))
	}
	for result, n := range selfTestCounts() {
		gauge(selfTestDesc, float64(n), result)
	}
	for d := range digests {
		gauge(infoDesc, 1, d)
	}
	for file, t := range signed {
		gauge(signedDesc, t, file)
	}
	for file, n := range failures {
		ch <- prometheus.MustNewConstMetric(failuresDesc, prometheus.CounterValue, float64(n), file)
	}
}

func secondsUntil(t order.Time, now time.Time) float64 {
	if t == ruleset.Forever {
		return math.Inf(1)
	}
	return t.Time().Sub(now).Seconds()
}
