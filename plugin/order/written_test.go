package order

import (
	"testing"
	"time"
)

// In some zones, the clocks skip midnight.
func TestWritten(t *testing.T) {
	for _, tc := range []struct {
		zone, in string
		e        edge
		want     string
	}{
		{"Europe/Rome", "2026-11-23", startOfDay, "2026-11-23"},
		{"Europe/Rome", "2026-11-23", endOfDay, "2026-11-23"},
		{"Europe/Rome", "2026-03-29", endOfDay, "2026-03-29"},
		{"Europe/Rome", "2026-03-01", endOfDay, "2026-03-01"},
		{"Europe/Rome", "2026-11-23T10:30", startOfDay, "2026-11-23T10:30:00+01:00"},
		{"Europe/Rome", "2026-07-23T10:30", endOfDay, "2026-07-23T10:30:00+02:00"},
		{"Europe/Rome", "2026-11-22T23:00:00Z", startOfDay, "2026-11-23"},
		{"UTC", "2026-11-23", startOfDay, "2026-11-23"},
		{"UTC", "2026-01-01", endOfDay, "2026-01-01"},
		{"UTC", "2026-11-22T23:00Z", startOfDay, "2026-11-22T23:00:00Z"},
		{"America/Sao_Paulo", "2018-11-04", startOfDay, "2018-11-04"}, // the clocks skip midnight, and the day begins at 01:00
		{"America/Sao_Paulo", "2018-11-03", endOfDay, "2018-11-03"},
		{"Asia/Kathmandu", "2026-11-23", endOfDay, "2026-11-23"},
	} {
		zone, err := time.LoadLocation(tc.zone)
		if err != nil {
			t.Fatal(err)
		}
		at, _, err := parseTime(tc.in, zone, tc.e)
		if err != nil {
			t.Fatal(err)
		}
		got := FromTime(at).StartText(zone)
		if tc.e == endOfDay {
			got = FromTime(at).EndText(zone)
		}
		if got != tc.want {
			t.Errorf("%s in %s: got %s, want %s", tc.in, tc.zone, got, tc.want)
		}
	}
	if NoTime.StartText(time.UTC) != "" || NoTime.EndText(time.UTC) != "" {
		t.Error("NoTime has a text")
	}
}
