package due

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/emersion/go-ical"
)

func calendar(t *testing.T, r *Report) map[string]ical.Event {
	t.Helper()
	var b bytes.Buffer
	if err := r.WriteICS(&b); err != nil {
		t.Fatal(err)
	}
	if !bytes.HasSuffix(b.Bytes(), []byte("END:VCALENDAR\r\n")) || !utf8.Valid(b.Bytes()) {
		t.Error("is not complete, or is not UTF-8")
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(b.String(), "\r\n"), "\r\n") {
		if len(line) > 75 || line == "" || strings.ContainsAny(line, "\r\n") || !utf8.ValidString(line) {
			t.Errorf("%d octets: %q", len(line), line)
		}
	}
	cal, err := ical.NewDecoder(&b).Decode()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{ical.PropProductID, ical.PropVersion} {
		if cal.Props.Get(name) == nil {
			t.Errorf("the calendar has no %s", name)
		}
	}
	if len(cal.Events()) > 0 {
		if err := ical.NewEncoder(new(bytes.Buffer)).Encode(cal); err != nil {
			t.Error(err)
		}
	}
	events := map[string]ical.Event{}
	for _, e := range cal.Events() {
		uid, err := e.Props.Text(ical.PropUID)
		if _, twice := events[uid]; twice || err != nil || uid == "" {
			t.Errorf("uid %q twice, or %v", uid, err)
		}
		events[uid] = e
		if stamp, err := e.Props.DateTime(ical.PropDateTimeStamp, time.UTC); err != nil || !stamp.Equal(r.now.Time()) {
			t.Errorf("stamp %v, %v", stamp, err)
		}
		start, err1 := e.DateTimeStart(time.UTC)
		end, err2 := e.DateTimeEnd(time.UTC)
		if err1 != nil || err2 != nil || !start.Before(end) {
			t.Errorf("from %v to %v: %v, %v", start, end, err1, err2)
		}
	}
	return events
}

// find returns the event with a summary.
func find(t *testing.T, events map[string]ical.Event, summary string) (uid string, e ical.Event) {
	t.Helper()
	for uid, e := range events {
		if s, _ := e.Props.Text(ical.PropSummary); s == summary {
			return uid, e
		}
	}
	t.Fatalf("no event %q", summary)
	return "", e
}

// TestCalendar checks the dates, texts and alarms of events.
func TestCalendar(t *testing.T) {
	events := calendar(t, Collect(world(t)))
	_, e := find(t, events, "REVIEW: milan/2026-17")
	if p := e.Props.Get(ical.PropDateTimeStart); p.Value != "20260505" || p.Params.Get("VALUE") != "DATE" {
		t.Errorf("a date moved: %+v", p)
	}
	if p := e.Props.Get(ical.PropDateTimeEnd); p.Value != "20260506" {
		t.Errorf("the day ends at %s", p.Value)
	}
	if len(e.Children) != 0 {
		t.Error("a day has an alarm")
	}
	if text, err := e.Props.Text(ical.PropDescription); err != nil || !strings.Contains(text, `Tribunale di Milano, Sezione "Imprese"; A`) || !strings.Contains(text, "\n") {
		t.Errorf("description %q, %v", text, err)
	}
	_, e = find(t, events, "BEHIND: agcom/7")
	if p := e.Props.Get(ical.PropDateTimeStart); p.Value != "20260430T083000Z" {
		t.Errorf("begins at %s", p.Value)
	}
	if len(e.Children) != 1 || e.Children[0].Name != ical.CompAlarm || e.Children[0].Props.Get(ical.PropTrigger).Value != "-PT1H" {
		t.Errorf("alarms %+v", e.Children)
	}
	for _, e := range events {
		if s, _ := e.Props.Text(ical.PropSummary); strings.Contains(s, "secret/1") || strings.Contains(s, "sealed:") || strings.HasPrefix(s, "NOT ") {
			t.Errorf("has %q", s)
		}
	}
}

func TestUID(t *testing.T) {
	uid := func(review string) string {
		uid, _ := find(t, calendar(t, Collect(input(t, head+"- {id: x, review: "+review+", targets: [a.example]}\n"))), "REVIEW: x")
		return uid
	}
	if uid("2026-05-02") != uid("2026-05-07") {
		t.Error("the UID depends on the date")
	}
	at, _ := find(t, calendar(t, Collect(input(t, head+"- {id: x, status: draft, deadline: 2026-05-02, targets: [a.example]}\n"))), "AT RISK: x")
	behind, _ := find(t, calendar(t, Collect(input(t, head+"- {id: x, status: draft, deadline: 2026-04-30, targets: [a.example]}\n"))), "BEHIND: x")
	if at != behind {
		t.Error("the UID changes when a deadline passes")
	}
	events := calendar(t, Collect(input(t, head+"- {id: x, targets: [a.example], windows: [{from: 2026-05-02T20:45, until: 2026-05-02T23:00}, {from: 2026-05-03T20:45, until: 2026-05-03T23:00}]}\n")))
	if len(events) != 3 { // two windows, and the end of the last window
		t.Errorf("%d events", len(events))
	}
}

func FuzzFold(f *testing.F) {
	for _, s := range []string{"", "short", strings.Repeat("x", 76), strings.Repeat("ї", 80), strings.Repeat("a", 73) + "😀" + strings.Repeat("b", 80)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) || strings.ContainsAny(s, "\r\n") {
			return // the calendar has only valid text without line breaks
		}
		var b strings.Builder
		fold(&b, "X:"+s)
		folded := b.String()
		for line := range strings.SplitSeq(strings.TrimSuffix(folded, "\r\n"), "\r\n") {
			if len(line) > 75 || !utf8.ValidString(line) {
				t.Errorf("%d octets: %q", len(line), line)
			}
		}
		if got := strings.TrimSuffix(strings.ReplaceAll(folded, "\r\n ", ""), "\r\n"); got != "X:"+s {
			t.Errorf("got %q, want %q", got, "X:"+s)
		}
	})
}
