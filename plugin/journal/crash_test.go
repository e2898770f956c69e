package journal

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/durable"
	"github.com/dns-orders/blocklist/test/crash"
)

var crashes = flag.Int("crashes", 16, "the number of processes that TestCrashes kills")

func TestMain(m *testing.M) {
	crash.Main(map[string]crash.Task{"append": appendRecords})
	os.Exit(m.Run())
}

const crashBase = 250

func appendRecords(p *crash.Points, args []string) error {
	j := Open(args[0], Options{
		Origin: origin, Now: newClock().Now, signEvery: time.Nanosecond, segmentBytes: 1,
		FS: durable.FS{Hook: func(s durable.Step, run func() error) error {
			return p.Around(func() error { return noSync(s, run) })
		}},
	})
	for i := range 12 {
		if i == 5 {
			j.Do(0, func(b *Batch) { b.Beat(Record{}) })
		}
		if i == 3 || i == 7 { // the second version has frames of the first
			text := append(bytes.Repeat([]byte("name.example\n"), maxChunk/10), byte('0'+i))
			j.Keep("list.txt", sha256.Sum256(text), 0, func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text)), nil })
		}
		j.Append(Record{Event: InForce, Order: "x", Target: fmt.Sprint(i)})
		if !j.Flush(patience) {
			panic("not durable")
		}
		fmt.Println(i)
	}
	if !j.Close(patience) {
		panic("not closed")
	}
	fmt.Println("points", p.N)
	return nil
}

func TestCrashes(t *testing.T) {
	base := t.TempDir()
	j, _ := open(t, base)
	for range crashBase {
		j.Append(Record{Event: Received, Order: "y"})
	}
	closeJournal(t, j)
	run := func(at int) (dir string, out []byte, killed bool) {
		dir = copyTo(t, base)
		out, killed = crash.Run(t, at, "append", dir)
		return dir, out, killed
	}
	dir, out, _ := run(0)
	verify(t, dir)
	_, last, ok := strings.Cut(string(out), "points ")
	points, err := strconv.Atoi(strings.TrimSpace(last))
	if !ok || err != nil || points < 200 {
		t.Fatalf("output %q", out)
	}
	if raceDetector {
		*crashes = min(*crashes, 3)
	}
	r := rand.New(rand.NewPCG(5, 6))
	killed := 0
	for n := range *crashes {
		// The points are spread over the whole work.
		at := 1 + (n*points / *crashes + r.IntN(max(1, points / *crashes)))%points
		dir, out, dead := run(at)
		if dead {
			killed++
		}
		acked := strings.Count(string(out), "\n")
		if strings.Contains(string(out), "points") {
			acked--
		}
		// A server opens the journal and goes on.
		j, _ := open(t, dir)
		j.Append(Record{Event: Ended, Order: "x"})
		flush(t, j)
		closeJournal(t, j)
		verify(t, dir)
		got := 0
		for _, rec := range readAll(t, dir) {
			if rec.Order == "x" && rec.Event == InForce {
				if rec.Target != fmt.Sprint(got) {
					t.Errorf("point %d: record %q in place of %d", at, rec.Target, got)
				}
				got++
			}
		}
		if got < acked {
			t.Errorf("point %d: %d records, but %d were reported as durable", at, got, acked)
		}
		os.RemoveAll(filepath.Dir(dir))
	}
	if killed < *crashes*3/4 && *crashes > 10 { // a busy process writes fewer checkpoints, and has fewer points
		t.Errorf("only %d of %d processes were killed", killed, *crashes)
	}
	t.Logf("%d processes killed at %d points", killed, points)
}

func TestFailures(t *testing.T) {
	steps := 0
	work := func(dir string, hook durable.Hook) {
		now := make(chan time.Time)
		close(now)
		j, _ := open(t, dir, func(o *Options) {
			o.FS.Hook = hook
			o.After = func(time.Duration) <-chan time.Time { return now }
		})
		for i := range 260 {
			j.Append(Record{Event: InForce, Order: "x", Target: fmt.Sprint(i)})
			if i%50 == 0 {
				j.Do(0, func(b *Batch) { b.Beat(Record{}) })
				flush(t, j)
			}
		}
		closeJournal(t, j)
	}
	work(t.TempDir(), func(s durable.Step, run func() error) error { steps++; return noSync(s, run) })
	stride := 31
	if raceDetector {
		stride = 310
	}
	for at := 0; at < steps; at += stride {
		dir, n := t.TempDir(), 0
		work(dir, func(s durable.Step, run func() error) error {
			if n++; n > at && n < at+3 {
				if n%2 == 0 {
					_ = noSync(s, run) // the step has happened, in part or as a whole
				}
				return errors.New("no space left on device")
			}
			return noSync(s, run)
		})
		verify(t, dir)
		got := 0
		for _, r := range readAll(t, dir) {
			if r.Order == "x" {
				got++
			}
		}
		if got != 260 {
			t.Errorf("failures at step %d: %d records", at, got)
		}
	}
}

func TestLostRecords(t *testing.T) {
	dir := t.TempDir()
	fill(t, dir, 100)
	path := filepath.Join(dir, recordDir, segmentName(0))
	b, _ := os.ReadFile(path)
	lines := bytes.SplitAfter(b, []byte("\n"))
	n := len(lines) - 1
	os.WriteFile(path, append(bytes.Join(lines[:80], nil), lines[80][:20]...), 0o600)

	j, log := open(t, dir)
	j.Append(Record{Event: Ended, Order: "order-1"})
	closeJournal(t, j)
	want := fmt.Sprintf("the text of the signed records 80 to %d is missing; their hashes are in the tree", n-1)
	if s := log.String(); s != "alarm: "+want {
		t.Errorf("log %q", s)
	}
	wantFaults(t, dir, "records/000000000000.jsonl:81: the line has no line end",
		"records/000000000000.jsonl:81: record 80 was changed",
		fmt.Sprintf("records 81 to %d are missing", n-1))
	var gap, ended Record
	j, log = open(t, dir) // the next start has no new loss
	closeJournal(t, j)
	if s := log.String(); s != "" {
		t.Errorf("log %q", s)
	}
	rs, err := os.ReadFile(filepath.Join(dir, recordDir, segmentName(int64(n))))
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(rs) {
		r, err := ParseRecord(bytes.TrimSuffix(line, []byte("\n")))
		if err != nil {
			t.Fatal(err)
		}
		switch r.Event {
		case Gap:
			gap = r
		case Ended:
			ended = r
		}
	}
	if gap.Index != int64(n) || *gap.First != 80 || *gap.Last != int64(n-1) || gap.Why != want || ended.Number < 13+int64(n-80) {
		t.Errorf("gap %+v, ended %+v", gap, ended)
	}
}

func TestTornTail(t *testing.T) {
	for tail, want := range map[string]string{
		`{"i":1`:            "an unfinished line of 6 bytes was removed; the last record is %d",
		"\x00\x00\x00":      "an unfinished line of 3 bytes was removed; the last record is %d",
		"{}\n{\"i\":7}\nab": "13 bytes are no records that follow record %d, and are now in 000000000000.jsonl.cut",
	} {
		dir := t.TempDir()
		fill(t, dir, 20)
		path := filepath.Join(dir, recordDir, segmentName(0))
		b, _ := os.ReadFile(path)
		n := bytes.Count(b, []byte("\n"))
		os.WriteFile(path, append(b, tail...), 0o600)
		want = fmt.Sprintf("records/000000000000.jsonl: "+want, n-1)
		j, log := open(t, dir)
		closeJournal(t, j)
		if s := log.String(); s != "alarm: "+want {
			t.Errorf("log %q, want %q", s, want)
		}
		verify(t, dir)
		if r := readAll(t, dir)[n]; r.Event != Cut || r.Why != want {
			t.Errorf("%+v", r)
		}
		if kept, err := os.ReadFile(path + ".cut"); (err == nil) != strings.Contains(want, ".cut") || err == nil && string(kept) != tail {
			t.Errorf("kept %q, %v", kept, err)
		}
	}
}

func TestBadTiles(t *testing.T) {
	dir := t.TempDir()
	fill(t, dir, 300)
	size := verify(t, dir).Size
	os.Remove(filepath.Join(dir, fmt.Sprintf("tile/0/001.p/%d", size-256)))
	os.Remove(filepath.Join(dir, "tile/0/000"))
	bad := copyTo(t, dir)
	j, log := open(t, dir)
	closeJournal(t, j)
	if s := log.String(); !strings.HasSuffix(s, "the tiles were made again from the records") {
		t.Errorf("log %q", s)
	}
	verify(t, dir)

	path := filepath.Join(bad, recordDir, segmentName(0))
	b, _ := os.ReadFile(path)
	os.WriteFile(path, bytes.Replace(b, []byte("name-10.example"), []byte("name-11.example"), 1), 0o600)
	j, log = open(t, bad, func(o *Options) { o.After = func(time.Duration) <-chan time.Time { return nil } })
	for j.Status().Err == ErrNotOpen {
		time.Sleep(time.Millisecond)
	}
	closeJournal(t, j)
	if s := log.String(); !strings.Contains(s, "the records do not have it either; the journal cannot go on") {
		t.Errorf("log %q", s)
	}
	if c, err := ReadCheckpoint(filepath.Join(bad, checkpointName), j.verifier); err != nil || c.Size != size {
		t.Errorf("checkpoint %+v, %v", c, err)
	}
}

func TestOldCheckpoint(t *testing.T) {
	dir := t.TempDir()
	fill(t, dir, 300)
	j, _ := open(t, dir)
	j.Do(0, func(b *Batch) { b.Beat(Record{}) })
	closeJournal(t, j)
	size := verify(t, dir).Size
	for name, text := range map[string]func() []byte{
		"old": func() []byte { b, _ := os.ReadFile(filepath.Join(dir, checkpointDir, "102")); return b },
		"bad": func() []byte { return []byte("x") }, "gone": func() []byte { return nil },
	} {
		cp := copyTo(t, dir)
		path := filepath.Join(cp, checkpointName)
		os.Remove(path)
		if b := text(); b != nil {
			os.WriteFile(path, b, 0o644)
		}
		j, _ := open(t, cp)
		flush(t, j)
		if st := j.Status(); st.Signed < size-1 {
			t.Errorf("%s: %+v", name, st)
		}
		closeJournal(t, j)
		if r := verify(t, cp); r.Size != size+2 {
			t.Errorf("%s: %+v", name, r)
		}
	}
}
