package ordersrpz

import (
	"github.com/coredns/coredns/plugin"
	"github.com/dns-orders/blocklist/plugin/printable"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

func opts(metric, help string) prometheus.Opts {
	return prometheus.Opts{Namespace: plugin.Namespace, Subsystem: name, Name: metric, Help: help}
}

func gauge(metric, help string) *prometheus.GaugeVec {
	return promauto.NewGaugeVec(prometheus.GaugeOpts(opts(metric, help)), []string{"zone"})
}

var (
	transferCounter = promauto.NewCounterVec(prometheus.CounterOpts(opts("transfers_total", "Counter of zone transfers that were begun: axfr has the whole zone, ixfr has differences, and current is for a secondary that has the newest version.")), []string{"zone", "type"})
	notifyFailures  = promauto.NewCounterVec(prometheus.CounterOpts(opts("notify_failures_total", "Counter of rounds of NOTIFY that some secondary did not accept.")), []string{"zone"})
	serialGauge     = gauge("serial", "Serial of the newest version of the zone, or 0 if the zone has no version yet.")
	recordsGauge    = gauge("records", "Records in the newest version of the zone.")
	historyGauge    = gauge("history_records", "Records in the differences between versions that are kept for incremental transfers.")
	notifyGauge     = gauge("last_notify_timestamp_seconds", "Time of the last round of NOTIFY that all secondaries accepted.")
	notifyOK        = gauge("notify_ok", "1 when all secondaries accepted the newest round of NOTIFY, else 0.")
)

// The counters of a new zone start at 0, so Prometheus can see the first increase.
func (c *config) begin() {
	for _, origin := range c.origins() {
		l := label(origin)
		serialGauge.WithLabelValues(l).Set(0)
		notifyFailures.WithLabelValues(l)
		for _, kind := range []string{"axfr", "ixfr", "current"} {
			transferCounter.WithLabelValues(l, kind)
		}
	}
}

func (c *config) forget() {
	for _, origin := range c.origins() {
		l := prometheus.Labels{"zone": label(origin)}
		transferCounter.DeletePartialMatch(l)
		notifyFailures.DeletePartialMatch(l)
		for _, g := range []*prometheus.GaugeVec{serialGauge, recordsGauge, historyGauge, notifyGauge, notifyOK} {
			g.DeletePartialMatch(l)
		}
	}
}

func (p *part) transfers(kind string) prometheus.Counter {
	return transferCounter.WithLabelValues(label(p.origin), kind)
}

// A Corefile may contain text that is not UTF-8.
func label(origin string) string { return printable.Line(origin) }
