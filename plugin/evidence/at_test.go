package evidence

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/journal"
)

func TestAt(t *testing.T) {
	begin := time.Date(2026, 11, 29, 1, 0, 0, 0, time.UTC)
	at := func(s int) time.Time { return begin.Add(time.Duration(s) * time.Second) }
	h := &History{}
	add := func(second int, r journal.Record) {
		r.Time, r.Index = journal.Time{Time: at(second)}, int64(len(h.records))
		h.records = append(h.records, r)
	}
	files := func(list ...string) (out []journal.Version) { // "path version"
		for _, s := range list {
			path, sum, _ := strings.Cut(s, " ")
			out = append(out, journal.Version{File: path, SHA256: sum})
		}
		return out
	}
	add(10, journal.Record{Event: journal.Start})
	add(11, journal.Record{Event: journal.Outcome, All: true, Files: files("a 1")})
	add(11, journal.Record{Event: journal.Outcome, All: true, Files: files("b 1")}) // a second record of one list
	add(20, journal.Record{Event: journal.Outcome, Files: files("a 2")})
	add(30, journal.Record{Event: journal.Outcome, Files: []journal.Version{{File: "b", SHA256: "9", Problem: "bad"}}})
	add(40, journal.Record{Event: journal.Outcome, Files: files("b ")}) // forgotten
	add(50, journal.Record{Event: journal.Stop})
	add(60, journal.Record{Event: journal.Start})
	add(61, journal.Record{Event: journal.Outcome, All: true, Files: files("a 2", "c 1")})
	add(70, journal.Record{Event: journal.Outcome, All: true, Files: files("c 1")}) // a reload of the Corefile without a
	add(80, journal.Record{Event: journal.Start})                                   // after a crash
	add(81, journal.Record{Event: journal.Outcome, All: true, Files: files("c 2")})
	for _, tc := range []struct {
		at   int
		want string
	}{
		{5, " stopped; the journal begins after this time"},
		{11, "a 1, b 1"},
		{25, "a 2, b 1"},
		{35, "a 2, b 1"},
		{45, "a 2"},
		{55, "a 2 stopped"},
		{65, "a 2, c 1"},
		{75, "c 1; the server ended without a record at some time after 2026-11-29T01:01:10Z"},
		{90, "c 2"},
	} {
		m := h.At(at(tc.at))
		var got []string
		for _, v := range m.Versions {
			got = append(got, v.File+" "+v.SHA256)
		}
		text := strings.Join(got, ", ")
		if !m.Running {
			text += " stopped"
		}
		if m.Unknown != "" {
			text += "; " + m.Unknown
		}
		if text != tc.want {
			t.Errorf("second %d: %q, want %q", tc.at, text, tc.want)
		}
	}
	add(95, journal.Record{Event: journal.Stop})
	add(85, journal.Record{Event: journal.Start})
	add(96, journal.Record{Event: journal.Outcome, All: true, Files: files("c 3")})
	for second, want := range map[int]bool{82: false, 90: true, 97: false} {
		if m := h.At(at(second)); strings.Contains(m.Unknown, "came twice") != want {
			t.Errorf("second %d: %q", second, m.Unknown)
		}
	}
	h.records = h.records[5:]
	if m := h.At(at(5)); m.Unknown != "the text of the records of this time was deleted" {
		t.Error(fmt.Sprint(m))
	}
}
