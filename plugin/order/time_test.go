package order

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestTimes(t *testing.T) {
	rome, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ in, start, end string }{
		{"2026-05-01", "2026-04-30T22:00:00Z", "2026-05-01T22:00:00Z"},
		{"2026-03-29", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"}, // this day has 23 hours
		{"2026-10-25", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"}, // this day has 25 hours
		{"2024-02-29", "2024-02-28T23:00:00Z", "2024-02-29T23:00:00Z"},
		{"2026-12-31", "2026-12-30T23:00:00Z", "2026-12-31T23:00:00Z"},
		{"9999-12-31", "9999-12-30T23:00:00Z", "9999-12-31T23:00:00Z"},
		{"2026-05-01T18:30", "2026-05-01T16:30:00Z", ""},
		{"2026-05-01T18:30:59", "2026-05-01T16:30:59Z", ""},
		{"2026-05-01 18:30", "2026-05-01T16:30:00Z", ""},
		{"2026-05-01t18:30z", "2026-05-01T18:30:00Z", ""},
		{"2026-05-01T18:30Z", "2026-05-01T18:30:00Z", ""},
		{"2026-05-01T18:30-00:00", "2026-05-01T18:30:00Z", ""},
		{"2026-05-01T18:30:00+05:30", "2026-05-01T13:00:00Z", ""},
		{"2026-05-01T18:30-23:59", "2026-05-02T18:29:00Z", ""},
		{"2026-05-01T18:30:00.000Z", "2026-05-01T18:30:00Z", ""},
		{"2026-05-01T18:30:00.000000001Z", "2026-05-01T18:30:01Z", ""}, // the fraction is rounded up
		{"2026-05-01T18:30:59.5", "2026-05-01T16:31:00Z", ""},
		{"1969-12-31T23:59:59.5Z", "1970-01-01T00:00:00Z", ""},
		// The clocks skip this local time, but the offset makes the time valid.
		{"2026-03-29T02:30+01:00", "2026-03-29T01:30:00Z", ""},
		{"2026-03-29T01:59:59", "2026-03-29T00:59:59Z", ""},
		{"2026-03-29T03:00", "2026-03-29T01:00:00Z", ""},
		{"2026-10-25T01:59:59", "2026-10-24T23:59:59Z", ""},
		{"2026-10-25T02:30+01:00", "2026-10-25T01:30:00Z", ""},
		{"2026-10-25T03:00", "2026-10-25T02:00:00Z", ""},
		{"0001-01-01T00:00Z", "0001-01-01T00:00:00Z", ""},
	} {
		for at, want := range map[edge]string{startOfDay: tt.start, endOfDay: tt.end} {
			if want == "" {
				want = tt.start
			}
			got, dateOnly, err := parseTime(tt.in, rome, at)
			if err != nil || FromTime(got).String() != want || dateOnly != (len(tt.in) == 10) {
				t.Errorf("parseTime(%q, end %v) = %v, date only %v, %v; want %s", tt.in, at, FromTime(got), dateOnly, err, want)
			}
		}
	}
	for _, in := range []string{
		"", "now", "2026", "2026-05", "20260501", "2026-5-01", "2026-13-01", "2026-02-29", "0000-01-01", "+2026-05-01", "12026-05-01",
		"2026-05-01T", "2026-05-01T18", "2026-05-01T8:30", "2026-05-01T24:00", "2026-05-01T18:60", "2026-05-01T18:30:60Z", "2026-05-01T18:30:00.Z",
		"2026-05-01T18:30:00,5Z", "2026-05-01T18:30+1:00", "2026-05-01T18:30+0100", "2026-05-01T18:30+24:00", "2026-05-01T18:30+01:60", "2026-05-01T18:30 +01:00",
		"2026-05-01  18:30", "2026-05-01Z", " 2026-05-01", "2026-05-01\n", "２026-05-01", "2026-05-01T18.30",
	} {
		if got, _, err := parseTime(in, rome, startOfDay); err == nil {
			t.Errorf("parseTime(%q) = %v, want an error", in, got)
		}
	}
}

func TestClockChanges(t *testing.T) {
	for zone, days := range map[string][]string{
		"Europe/Rome":         {"2026-03-28", "2026-03-29", "2026-10-25"},
		"America/Sao_Paulo":   {"2018-11-04", "2018-02-17", "2018-02-18"}, // the clocks change at midnight
		"Africa/Cairo":        {"2026-04-24", "2026-10-29", "2026-10-30"},
		"Asia/Beirut":         {"2026-03-29", "2026-10-24", "2026-10-25"},
		"Pacific/Apia":        {"2011-12-29", "2011-12-31"}, // the clocks skipped the whole day 2011-12-30
		"Australia/Lord_Howe": {"2026-04-05", "2026-10-04"}, // the clocks change by half an hour
		"America/Havana":      {"2026-03-08", "2026-11-01"}, // midnight happens twice
		"Asia/Kathmandu":      {"2026-01-01"},
		"UTC":                 {"2026-01-01"},
	} {
		loc, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range days {
			day, err := time.Parse(time.DateOnly, s)
			if err != nil {
				t.Fatal(err)
			}
			moments := map[string][]time.Time{}
			var first time.Time
			for m := day.Add(-30 * time.Hour); m.Before(day.Add(54 * time.Hour)); m = m.Add(15 * time.Minute) {
				wall := m.In(loc).Format("2006-01-02T15:04")
				moments[wall] = append(moments[wall], m)
				if first.IsZero() && strings.HasPrefix(wall, s) {
					first = m
				}
			}
			if got, _, err := parseTime(s, loc, startOfDay); err != nil || !got.Equal(first) {
				t.Errorf("%s: %s begins %v, want %v (%v)", zone, s, got.UTC(), first, err)
			}
			for m := day; m.Before(day.Add(24 * time.Hour)); m = m.Add(15 * time.Minute) {
				wall := m.Format("2006-01-02T15:04")
				got, _, err := parseTime(wall, loc, startOfDay)
				switch want := moments[wall]; {
				case len(want) == 1 && (err != nil || !got.Equal(want[0])):
					t.Errorf("%s: %s is %v, %v; want %v", zone, wall, got.UTC(), err, want[0])
				case len(want) == 0 && (err == nil || !strings.Contains(err.Error(), "skip")):
					t.Errorf("%s: %s is skipped, got %v, %v", zone, wall, got, err)
				case len(want) > 1 && (err == nil || !strings.Contains(err.Error(), "twice")):
					t.Errorf("%s: %s happens twice, got %v, %v", zone, wall, got, err)
				}
			}
		}
	}
	// Apia skipped the whole day 2011-12-30.
	apia, err := time.LoadLocation("Pacific/Apia")
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []edge{startOfDay, endOfDay} {
		if got, _, err := parseTime("2011-12-30", apia, at); err != nil || FromTime(got).String() != "2011-12-30T10:00:00Z" {
			t.Errorf("2011-12-30 in Apia: %v, %v", FromTime(got), err)
		}
	}
}

// timeForm matches all texts that splitTime accepts.
var timeForm = regexp.MustCompile(`^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d(?:\.\d+)?)?(Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)?)?$`)

func checkSplit(t *testing.T, s string) {
	t.Helper()
	var want [4]string
	m := timeForm.FindStringSubmatch(s)
	if m != nil {
		want = [4]string(m[1:])
	}
	date, clock, seconds, offset, ok := splitTime(s)
	if got := [4]string{date, clock, seconds, offset}; ok != (m != nil) || ok && got != want {
		t.Errorf("splitTime(%q) = %q, %v; want %q", s, got, ok, want)
	}
}

// TestSplitTime compares splitTime with the regular expression timeForm.
func TestSplitTime(t *testing.T) {
	for _, s := range []string{"2026-05-01", "2026-05-01T18:30", "2026-05-01 18:30Z", "2026-05-01T18:30:59+23:59", "2026-05-01T18:30:59.125-09:00",
		"2026-05-01T18:30.5", "2026-05-01T18:30:59.", "2026-05-01T18:30:59.1Z2"} {
		checkSplit(t, s)
		for i := range s {
			checkSplit(t, s[:i])
			checkSplit(t, s[i:])
			for c := range 128 {
				checkSplit(t, s[:i]+string(rune(c))+s[i+1:])
				checkSplit(t, s[:i]+string(rune(c))+s[i:])
			}
		}
	}
}

func TestDurations(t *testing.T) {
	for in, want := range map[string]time.Duration{
		"30s": 30 * time.Second, "30m": 30 * time.Minute, "1h30m": 90 * time.Minute, "7d": 7 * 24 * time.Hour, "1d12h": 36 * time.Hour,
		"0s": 0, "0": 0, "0d": 0, "65535d": 65535 * 24 * time.Hour, "1.5h": 90 * time.Minute, "1d0s": 24 * time.Hour,
	} {
		if got, err := parseDuration(in); err != nil || got != want {
			t.Errorf("parseDuration(%q) = %v, %v; want %v", in, got, err, want)
		}
	}
	for _, in := range []string{"", "d", "30", "-1d", "+1d", "-5m", "+5m", "1d-5m", "1d+5m", "1.5d", "1d1d", "5m1d", "1w", "1 d", "65536d", "65535d2562047h", "9999999h", "٣d", "1d 5m", ".5h"} {
		if got, err := parseDuration(in); err == nil {
			t.Errorf("parseDuration(%q) = %v, want an error", in, got)
		}
	}
}

func TestTimeType(t *testing.T) {
	if NoTime.String() != "" || !NoTime.Time().IsZero() {
		t.Errorf("NoTime: %q, %v", NoTime.String(), NoTime.Time())
	}
	if v := Time(0); v.String() != "1970-01-01T00:00:00Z" || v.Time().Unix() != 0 {
		t.Errorf("0: %v", v)
	}
	for at, want := range map[time.Time]string{
		time.Date(10000, 1, 1, 4, 0, 0, 0, time.UTC): "9999-12-31T23:59:59Z",
		time.Date(0, 12, 31, 22, 0, 0, 0, time.UTC):  "0001-01-01T00:00:00Z",
	} {
		if got := FromTime(at).String(); got != want {
			t.Errorf("%v is %s, want %s: RFC 3339 must be able to write the time", at, got, want)
		}
	}
	o := New()
	if o.DecidedAt() != NoTime {
		t.Error("an order without times has a decision time")
	}
	o.Served = 3
	if o.DecidedAt() != 3 {
		t.Error("served is not the decision time")
	}
	o.From = 2
	if o.DecidedAt() != 2 {
		t.Error("from is not the decision time")
	}
	o.Issued = 5
	if o.DecidedAt() != 5 {
		t.Error("issued is not the decision time")
	}
}

func TestCountries(t *testing.T) {
	for in, want := range map[string]Country{"IT": "IT", "it": "IT", "EU": EU, "eu": EU, "xk": "XK"} {
		if got, ok := ParseCountry(in); !ok || got != want {
			t.Errorf("ParseCountry(%q) = %q, %v", in, got, ok)
		}
	}
	for _, in := range []string{"", "I", "ITA", "UK", "ZZ", "D A", " A", "A ", "AD AE", "ı̇t", "ıt", "ſe"} {
		if got, ok := ParseCountry(in); ok {
			t.Errorf("ParseCountry(%q) = %q", in, got)
		}
	}
	members := 0
	for i := 0; i < len(iso3166); i += 3 {
		c := Country(iso3166[i : i+2])
		if got, ok := ParseCountry(string(c)); !ok || got != c {
			t.Errorf("ParseCountry refuses %q", c)
		}
		if c.InEU() {
			members++
		}
	}
	if members != 27 || EU.InEU() || Country("").InEU() {
		t.Errorf("%d members of the EU", members)
	}
	if n := (len(iso3166) + 1) / 3; n != 250 { // 249 assigned codes and XK for Kosovo
		t.Errorf("%d countries", n)
	}
}
