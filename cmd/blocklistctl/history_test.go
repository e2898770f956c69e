package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/dns-orders/blocklist/plugin/evidence"
	"github.com/dns-orders/blocklist/plugin/journal"
)

func TestHistoryHides(t *testing.T) {
	for _, sealed := range []bool{false, true} {
		o := &evidence.OrderHistory{Order: "secret/1", Sealed: true}
		for _, e := range []journal.Event{journal.SelfTest, journal.Probe, journal.TargetHeld} {
			o.Records = append(o.Records, journal.Record{Event: e, Order: "secret/1", Target: "secret.example", Name: "www.secret.example", Why: "secret.example is odd", Content: "secret"})
		}
		o.Records = append(o.Records, journal.Record{Event: journal.Ended, Order: "secret/1", Why: "the date has passed"})
		(&historyCmd{Sealed: sealed}).hide(o)
		text, err := json.Marshal(o)
		for _, r := range o.Records {
			text = append(text, details(r)...)
		}
		if err != nil || strings.Contains(string(text), "secret") != sealed || !strings.Contains(string(text), "the date has passed") {
			t.Errorf("--sealed %t: %v\n%s", sealed, err, text)
		}
	}
}
