package journal

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func accepted(file string, serial int64, sum string) Version {
	return Version{File: file, Serial: &serial, SHA256: sum}
}

func floors(t *testing.T, j *Journal) string {
	t.Helper()
	var out []string
	j.Do(0, func(b *Batch) {
		for path, f := range b.Floors() {
			out = append(out, fmt.Sprintf("%s %d %s", path, f.Serial, f.SHA256))
		}
	})
	flush(t, j)
	slices.Sort(out)
	return strings.Join(out, ", ")
}

func TestFloors(t *testing.T) {
	refused := accepted("a", 99, "zz")
	refused.Problem = "is bad"
	for _, tc := range []struct {
		name, want string
		records    []Record
	}{
		{"the last version", "a 7 x7", []Record{{Event: Outcome, Files: []Version{accepted("a", 5, "x5")}}, {Event: Outcome, Files: []Version{accepted("a", 7, "x7")}}}},
		{"a lower serial after a lost state directory", "a 7 x7", []Record{{Event: Outcome, Files: []Version{accepted("a", 7, "x7")}}, {Event: Outcome, Files: []Version{accepted("a", 5, "x5")}}}},
		{"other bytes with the serial", "a 7 x7", []Record{{Event: Outcome, Files: []Version{accepted("a", 7, "x7")}}, {Event: Outcome, Files: []Version{accepted("a", 7, "y7")}}}},
		{"two files", "a 7 x7, b 1 y1", []Record{{Event: Outcome, Files: []Version{accepted("a", 7, "x7"), accepted("b", 1, "y1"), {File: "c"}}}}},
		{"a version that was not accepted", "a 7 x7", []Record{{Event: Outcome, Files: []Version{accepted("a", 7, "x7"), refused}}, {Event: Intent, Files: []Version{accepted("a", 8, "x8")}}}},
		{"a version without a serial", "a 7 x7", []Record{{Event: Outcome, Files: []Version{accepted("a", 7, "x7")}}, {Event: Outcome, Files: []Version{{File: "a"}}}}},
		{"a person has set the serial", "a 3 ", []Record{{Event: Outcome, Files: []Version{accepted("a", 7, "x7")}}, {Event: Request, File: "a", Files: []Version{accepted("a", 3, "")}}}},
		{"a version after that", "a 3 y3", []Record{{Event: Outcome, Files: []Version{accepted("a", 7, "x7")}}, {Event: Request, File: "a", Files: []Version{accepted("a", 3, "")}}, {Event: Outcome, Files: []Version{accepted("a", 3, "y3")}}}},
		{"other requests", "a 7 x7", []Record{{Event: Outcome, Files: []Version{accepted("a", 7, "x7")}}, {Event: Request, File: "a"}, {Event: Request, File: "a", Files: []Version{refused}}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			j, _ := open(t, dir)
			for _, r := range tc.records {
				j.Append(r)
			}
			if got := floors(t, j); got != tc.want {
				t.Errorf("floors %q, want %q", got, tc.want)
			}
			closeJournal(t, j)
			j, _ = open(t, dir)
			if got := floors(t, j); got != tc.want {
				t.Errorf("floors %q after a restart, want %q", got, tc.want)
			}
			closeJournal(t, j)
			verify(t, dir)
		})
	}
}

func TestFloorsOfManyFiles(t *testing.T) {
	dir := t.TempDir()
	j, _ := open(t, dir)
	var files []Version
	for i := range 5000 {
		files = append(files, accepted(fmt.Sprintf("/etc/coredns/orders/%d.yaml", i), int64(i), strings.Repeat("0", 64)))
	}
	j.Append(Record{Event: Outcome, Files: files})
	closeJournal(t, j)
	j, _ = open(t, dir)
	var got map[string]Floor
	j.Do(0, func(b *Batch) { got = b.Floors() })
	flush(t, j)
	closeJournal(t, j)
	if len(got) != 5000 || got["/etc/coredns/orders/4999.yaml"].Serial != 4999 {
		t.Errorf("%d floors", len(got))
	}
}

func TestFloorsAfterPrune(t *testing.T) {
	dir := t.TempDir()
	j, _ := open(t, dir)
	j.Append(Record{Event: Outcome, Files: []Version{accepted("a", 7, "x7"), accepted("b", 9, "y9"), accepted("c", 1, "z1")}})
	j.Append(Record{Event: Request, File: "b", Files: []Version{accepted("b", 2, "")}})
	closeJournal(t, j)
	fill(t, dir, 1000)
	j, _ = open(t, dir)
	j.Append(Record{Event: Outcome, Files: []Version{accepted("c", 4, "z4")}})
	want := floors(t, j)
	closeJournal(t, j)
	if want != "a 7 x7, b 2 , c 4 z4" {
		t.Fatalf("floors %q", want)
	}
	for _, step := range []struct {
		before int64
		kept   string
	}{{600, "a b"}, {1800, "a b c"}} {
		removed, err := Prune(dir, step.before, "Ann", "older than two years", Options{Now: newClock().Now})
		if err != nil || len(removed) == 0 {
			t.Fatal(removed, err)
		}
		var kept []string
		for _, r := range readAll(t, dir) {
			if r.Event == Numbers && len(r.Files) > 0 {
				kept = nil
				for _, f := range r.Files {
					kept = append(kept, f.File)
				}
			}
		}
		if got := strings.Join(kept, " "); got != step.kept {
			t.Errorf("kept floors %q, want %q", got, step.kept)
		}
		j, _ = open(t, dir)
		if got := floors(t, j); got != want {
			t.Errorf("floors %q, want %q", got, want)
		}
		closeJournal(t, j)
		fill(t, dir, 1000)
		verify(t, dir)
	}
}

func TestFloorsAreACopy(t *testing.T) {
	j, _ := open(t, t.TempDir())
	j.Do(0, func(b *Batch) {
		b.Add(Record{Event: Outcome, Files: []Version{accepted("a", 7, "x7")}})
		before := b.Floors()
		b.Add(Record{Event: Outcome, Files: []Version{accepted("a", 8, "x8")}})
		if before["a"].Serial != 7 || b.Floors()["a"].Serial != 8 {
			t.Errorf("floors %v, then %v", before, b.Floors())
		}
	})
	closeJournal(t, j)
}

func TestBegin(t *testing.T) {
	at := func(i int64) time.Time { return time.Unix(i, 0) }
	for first, want := range map[int64]time.Time{0: {}, 256: at(256)} {
		x := newTable()
		for i := first; i < first+3; i++ {
			x.note(&Record{Index: i, Event: Start, Time: Time{at(i)}})
		}
		if !x.begin.Equal(want) {
			t.Errorf("first record %d: begin %s, want %s", first, x.begin, want)
		}
	}
}
