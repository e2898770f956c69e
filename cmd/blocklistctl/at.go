package main

import (
	"bufio"
	"encoding/json"
	"os"
	"strings"
	"time"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/source"
)

// present returns the present time.
func (e *env) present() order.Time { return order.Time(e.now().Unix()) }

func (e *env) moment(at string, s *server) (order.Time, error) {
	t, _, err := e.times(at, s)
	return t, err
}

// The results are the time in --at and the present time. Without a time zone, --at is in the time
// zone of the order files.
//
// Call this function only once. A second call may return a later present time.
func (e *env) times(at string, s *server) (t, present order.Time, err error) {
	present = e.present()
	if at == "" {
		return present, present, nil
	}
	if t, ok := zoned(at); ok {
		return t, present, nil
	}
	zone, several := time.UTC, false
	if s != nil {
		zone, several = e.zoneOfOrders(s.Store.Patterns)
	}
	t, err = parseMoment("--at", at, present, zone)
	if err != nil {
		return 0, 0, err
	}
	why := zone.String()
	if several {
		why += ", because the files have several time zones"
	}
	e.say("--at is read as %s (%s)", t.Time().In(zone).Format(time.RFC3339), why)
	return t, present, nil
}

// zoned parses a time that has a time zone.
func zoned(s string) (order.Time, bool) {
	t, err := order.ParseTime(s, time.UTC)
	other, _ := order.ParseTime(s, time.FixedZone("", 3600))
	return t, err == nil && t == other
}

func parseMoment(flag, s string, now order.Time, zone *time.Location) (order.Time, error) {
	t, _, err := parseDate(flag, s, now, zone)
	return t, err
}

func parseDate(flag, s string, now order.Time, zone *time.Location) (t order.Time, text string, err error) {
	x := &editing{now: now, file: &order.File{Timezone: zone.String()}}
	text, wrong := x.timeText(strings.TrimSpace(s))
	if wrong != "" {
		return 0, "", misuse("%s: %s", flag, wrong)
	}
	if t, err = order.ParseTime(text, zone); err != nil {
		return 0, "", misuse("%s: %v, got %q", flag, err, s)
	}
	return t, text, nil
}

// If the order files have several time zones, the result is UTC.
func (e *env) zoneOfOrders(patterns []string) (zone *time.Location, several bool) {
	paths, _ := source.Expand(patterns)
	if e.kept != nil {
		paths = e.kept.paths()
	}
	for _, path := range paths {
		if order.Ext(path) == order.ListExtension {
			continue // a plain list has no dates
		}
		own := e.zoneOfPath(path)
		switch {
		case own == nil:
		case zone == nil:
			zone = own
		case zone.String() != own.String():
			return time.UTC, true
		}
	}
	if zone == nil {
		zone = time.UTC
	}
	return zone, false
}

func (e *env) zoneOfPath(path string) *time.Location {
	if order.Ext(path) == ".jsonl" && e.kept == nil {
		f, err := os.Open(path)
		if err != nil {
			return nil
		}
		defer f.Close()
		line, _ := bufio.NewReader(f).ReadBytes('\n')
		var head struct{ Timezone string }
		if json.Unmarshal(line, &head) != nil {
			return nil
		}
		return zoneOf(&order.File{Timezone: head.Timezone})
	}
	parsed, _, problems := e.readFile(path, func(*order.Order) {})
	if parsed == nil || len(problems.Errors()) > 0 {
		return nil
	}
	return zoneOf(parsed)
}
