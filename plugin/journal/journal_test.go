package journal

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/durable"
	"golang.org/x/mod/sumdb/tlog"
)

const origin = "dns.example.net/journal/node1"

const patience = 30 * time.Second

type clock struct {
	sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 11, 29, 1, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.Lock()
	defer c.Unlock()
	c.now = c.now.Add(time.Second)
	return c.now
}

func (c *clock) set(t time.Time) {
	c.Lock()
	defer c.Unlock()
	c.now = t
}

// A notices collects the lines for the ordinary log.
type notices struct {
	sync.Mutex
	lines []string
}

func (n *notices) add(s string, alarm bool) {
	n.Lock()
	defer n.Unlock()
	if alarm {
		s = "alarm: " + s
	}
	n.lines = append(n.lines, s)
}

func (n *notices) String() string {
	n.Lock()
	defer n.Unlock()
	return strings.Join(n.lines, "\n")
}

func noSync(s durable.Step, run func() error) error {
	if s == durable.Sync || s == durable.SyncDir || s == stepSync {
		return nil
	}
	return run()
}

func open(t testing.TB, dir string, change ...func(*Options)) (*Journal, *notices) {
	t.Helper()
	n := &notices{}
	opt := Options{Origin: origin, Program: "test", Now: newClock().Now, Notice: n.add, FS: durable.FS{Hook: noSync}, signEvery: time.Nanosecond, segmentBytes: 1}
	for _, f := range change {
		f(&opt)
	}
	j := Open(dir, opt)
	t.Cleanup(func() { j.Close(patience) })
	return j, n
}

func flush(t testing.TB, j *Journal) {
	t.Helper()
	if !j.Flush(patience) {
		t.Fatalf("not durable: %+v", j.Status())
	}
}

func closeJournal(t testing.TB, j *Journal) {
	t.Helper()
	if !j.Close(patience) {
		t.Fatal("the journal does not close")
	}
}

// verify checks a journal, which must have no fault.
func verify(t testing.TB, dir string) *Report {
	t.Helper()
	r, err := Verify(dir, VerifyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Faults) > 0 {
		t.Fatalf("faults:\n%s", strings.Join(r.Faults, "\n"))
	}
	return r
}

// readAll returns all records of a journal.
func readAll(t testing.TB, dir string) (out []Record) {
	t.Helper()
	if err := Read(dir, func(r Record, _ []byte) bool { out = append(out, r); return true }); err != nil {
		t.Fatal(err)
	}
	return out
}

func fill(t testing.TB, dir string, n int) {
	t.Helper()
	j, _ := open(t, dir)
	for i := range n {
		if i%100 == 99 {
			j.Do(0, func(b *Batch) { b.Beat(Record{}) })
			flush(t, j)
			continue
		}
		j.Append(Record{Event: InForce, Order: fmt.Sprintf("order-%d", i%7), Target: fmt.Sprintf("name-%d.example", i)})
	}
	text := []byte("version: 1\n")
	j.Keep("/etc/orders.yaml", sha256.Sum256(text), 0, func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text)), nil })
	closeJournal(t, j)
}

func TestRecords(t *testing.T) {
	dir := t.TempDir()
	j, _ := open(t, dir)
	j.Append(Record{Event: InForce, Order: "a", Target: "a.example"})
	j.Append(Record{Event: Received, Order: "b", Sealed: true})
	j.Append(Record{Event: FirstAnswer, Order: "a"})
	j.Append(Record{Event: TargetHeld, Order: "b", Target: "com", Why: "a public suffix"})
	closeJournal(t, j)

	j, _ = open(t, dir)
	j.Do(0, func(b *Batch) {
		if b.State("a") != InForce || b.State("b") != "" || !b.Answered("a") || b.Answered("b") || !b.Present("b") || b.Present("c") {
			t.Errorf("a: %q %v, b: %q %v", b.State("a"), b.Answered("a"), b.State("b"), b.Answered("b"))
		}
		if held := b.HeldTargets(); len(held) != 1 || held[0] != (HeldTarget{"b", "com"}) {
			t.Errorf("held %v", held)
		}
		b.Add(Record{Event: Ended, Order: "a"})
	})
	closeJournal(t, j)
	var got []string
	salts := map[string]bool{}
	for _, r := range readAll(t, dir) {
		got = append(got, fmt.Sprintf("%d %s %s %d", r.Index, r.Event, r.Order, r.Number))
		if len(r.Salt) != 32 || salts[r.Salt] {
			t.Errorf("salt %q", r.Salt)
		}
		salts[r.Salt] = true
	}
	want := "0 start  0|1 in_force a 1|2 received b 1|3 first_answer a 2|4 target_held b 2|5 stop  0|6 start  0|7 ended a 3|8 stop  0"
	if s := strings.Join(got, "|"); s != want {
		t.Errorf("records %s\nwant    %s", s, want)
	}
	if r := verify(t, dir); r.Size != 9 || r.Origin != origin || r.Unsigned != 0 {
		t.Errorf("%+v", r)
	}
	for name, mode := range map[string]os.FileMode{keyName: 0o600, vkeyName: 0o644, checkpointName: 0o644, "records/000000000000.jsonl": 0o600, "tile/0/000.p/9": 0o644} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode() != mode {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
}

func TestLarge(t *testing.T) {
	dir := t.TempDir()
	if raceDetector {
		return // one goroutine does all the work, so there is nothing to detect
	}
	const n = 256*256 + 700
	j, _ := open(t, dir, func(o *Options) { o.segmentBytes = 1 << 20 })
	j.Do(0, func(b *Batch) {
		for i := range n {
			b.Add(Record{Event: InForce, Order: fmt.Sprint(i)})
		}
	})
	closeJournal(t, j)
	r := verify(t, dir)
	if r.Size != n+2 {
		t.Errorf("%d records", r.Size)
	}
	for _, name := range []string{"tile/0/000", "tile/0/255", "tile/0/258.p/190", "tile/1/000", "tile/1/001.p/2", "tile/2/000.p/1"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
	if all, _ := segments(dir); len(all) < 5 {
		t.Errorf("%d files of records", len(all))
	} else {
		for _, s := range all {
			if s.first%tileWidth != 0 {
				t.Errorf("%s does not begin at a multiple of 256", s.name)
			}
		}
	}
}

func TestRoot(t *testing.T) {
	var stored []tlog.Hash
	var edge tree
	reader := tlog.HashReaderFunc(func(indexes []int64) (out []tlog.Hash, err error) {
		for _, i := range indexes {
			out = append(out, stored[i])
		}
		return out, nil
	})
	for n := int64(0); n < 1000; n++ {
		data := []byte(fmt.Sprint(n))
		hashes, err := tlog.StoredHashes(n, data, reader)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, hashes...)
		edge.add(tlog.RecordHash(data))
		want, err := tlog.TreeHash(n+1, reader)
		if err != nil || edge.root() != want {
			t.Fatalf("size %d: root %v, want %v (%v)", n+1, edge.root(), want, err)
		}
	}
}

func TestTwoProcesses(t *testing.T) {
	dir := t.TempDir()
	first, _ := open(t, dir)
	flush(t, first)
	again := make(chan time.Time)
	second, log := open(t, dir, func(o *Options) { o.After = func(time.Duration) <-chan time.Time { return again } })
	second.Append(Record{Event: InForce, Order: "a"})
	for second.Status().Err == ErrNotOpen {
		time.Sleep(time.Millisecond)
	}
	if err := second.Status().Err; err == nil || !strings.Contains(err.Error(), fmt.Sprintf("locked by another process; the file names process %d on host", os.Getpid())) {
		t.Errorf("error %v", err)
	}
	closeJournal(t, first)
	again <- time.Time{}
	flush(t, second)
	if s := log.String(); !strings.Contains(s, "alarm: "+filepath.Join(dir, "LOCK")+": locked") || !strings.Contains(s, "\nworks again") {
		t.Errorf("log %q", s)
	}
	go func() { again <- time.Time{} }()
	closeJournal(t, second)
	if r := verify(t, dir); r.Size != 5 {
		t.Errorf("%d records", r.Size)
	}
}

func TestClockStep(t *testing.T) {
	dir, c := t.TempDir(), newClock()
	j, _ := open(t, dir, func(o *Options) { o.Now = c.Now })
	flush(t, j)
	c.set(c.now.Add(-time.Hour))
	j.Append(Record{Event: InForce, Order: "a"})
	closeJournal(t, j)
	rs := readAll(t, dir)
	if rs[1].Event != ClockStep || !strings.HasPrefix(rs[1].Step, "-59m5") {
		t.Errorf("%+v", rs[1])
	}
	now := time.Now()
	for _, tc := range []struct {
		before, now time.Time
		want        time.Duration
	}{
		{time.Time{}, now, 0},
		{now, now.Add(5 * time.Hour), 0}, // both clocks have moved
		{now.Round(0), now.Add(-time.Hour).Round(0), -time.Hour},
		{now.Round(0), now.Add(-time.Second / 2).Round(0), 0},
		{now.Round(0), now.Add(time.Hour).Round(0), 0}, // not known without a monotonic clock
	} {
		if got := clockStep(tc.before, tc.now); got != tc.want {
			t.Errorf("from %v to %v: %v, want %v", tc.before, tc.now, got, tc.want)
		}
	}
}

func TestDaily(t *testing.T) {
	dir, c := t.TempDir(), newClock()
	j, _ := open(t, dir, func(o *Options) { o.Now = c.Now })
	beat := func() { j.Do(0, func(b *Batch) { b.Beat(Record{Set: "x"}) }); flush(t, j) }
	beat()
	for i := range 300 {
		j.Append(Record{Event: InForce, Order: fmt.Sprint("order-", i%11)})
	}
	c.set(c.now.Add(time.Hour))
	beat()
	c.set(c.now.Add(24 * time.Hour))
	beat()
	closeJournal(t, j)
	var days, beats []int64
	for _, r := range readAll(t, dir) {
		switch r.Event {
		case Daily:
			days = append(days, r.Index)
			if r.Index > 10 && r.Count != 11 {
				t.Errorf("%d orders", r.Count)
			}
		case Heartbeat:
			beats = append(beats, r.Index)
		}
	}
	if fmt.Sprint(days, beats) != "[1 304] [2 303 305]" {
		t.Errorf("daily records %d, heartbeats %d", days, beats)
	}
	verify(t, dir)
	for _, size := range []int{3, 304, 306} {
		if _, err := os.Stat(filepath.Join(dir, checkpointDir, fmt.Sprint(size))); err != nil {
			t.Error(err)
		}
	}

	dir = t.TempDir()
	j, _ = open(t, dir)
	j.Append(Record{Event: InForce, Order: "a"})
	j.Append(Record{Event: Daily, Count: 1, Root: "AAAA"})
	closeJournal(t, j)
	wantFaults(t, dir, "record 2: the daily record does not have the last records of the orders")
}

func wantFaults(t *testing.T, dir string, want ...string) {
	t.Helper()
	r, err := Verify(dir, VerifyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if a, b := strings.Join(r.Faults, "\n"), strings.Join(want, "\n"); a != b {
		t.Errorf("faults:\n%s\nwant:\n%s", a, b)
	}
}

func TestFull(t *testing.T) {
	dir := t.TempDir()
	var mu sync.Mutex
	full := false
	again := make(chan time.Time)
	j, log := open(t, dir, func(o *Options) {
		o.maxWaiting = 1000
		o.After = func(time.Duration) <-chan time.Time { return again }
		o.FS.Hook = func(s durable.Step, run func() error) error {
			mu.Lock()
			defer mu.Unlock()
			if full && s == stepAppend {
				_ = run() // a part of the bytes is on the disk
				return fmt.Errorf("write: no space left on device")
			}
			return run()
		}
	})
	flush(t, j)
	mu.Lock()
	full = true
	mu.Unlock()
	j.Append(Record{Event: InForce, Order: "a"})
	for j.Status().Err == nil {
		time.Sleep(time.Millisecond)
	}
	for range 100 {
		j.Append(Record{Event: InForce, Order: "b"})
	}
	st := j.Status()
	if st.Lost == 0 || st.Lost == 100 || !st.Open || !strings.Contains(st.Err.Error(), "no space left") || st.FailingSince.IsZero() {
		t.Errorf("%+v", st)
	}
	mu.Lock()
	full = false
	mu.Unlock()
	again <- time.Time{}
	for !j.Idle() || j.Status().Err != nil {
		time.Sleep(time.Millisecond)
	}
	lost := st.Lost
	if st = j.Status(); st.Err != nil || st.Lost != lost {
		t.Errorf("%+v", st)
	}
	if s := log.String(); !strings.Contains(s, "alarm: write: no space left on device; the orders are in force, and the events wait in memory\nworks again") {
		t.Errorf("log %q", s)
	}
	j.Append(Record{Event: InForce, Order: "c"})
	closeJournal(t, j)
	rs := readAll(t, dir)
	kept, gap := 0, uint64(0)
	for _, r := range rs {
		if r.Order == "b" {
			kept++
		}
		if r.Event == Gap {
			gap = r.Count
			if r.Since == nil {
				t.Error("no time of the gap")
			}
		}
	}
	if gap != lost || kept+int(lost) != 100 {
		t.Errorf("%d records kept, %d lost, and the gap is %d", kept, lost, gap)
	}
	verify(t, dir)
}

func TestLongRecord(t *testing.T) {
	dir := t.TempDir()
	j, _ := open(t, dir)
	r := Record{Event: Outcome, Why: strings.Repeat("ä", 5000)}
	for i := range 5000 {
		r.Files = append(r.Files, Version{File: "<x>\n" + fmt.Sprint(i), Problem: strings.Repeat("y", 3000)})
	}
	j.Append(r)
	closeJournal(t, j)
	n := 0
	for _, got := range readAll(t, dir) {
		if got.Event != Outcome {
			continue
		}
		for _, f := range got.Files {
			if want := "<x>\n" + fmt.Sprint(n); f.File != want || len(f.Problem) != maxText+3 {
				t.Errorf("file %q with a problem of %d bytes, want %q", f.File, len(f.Problem), want)
			}
			n++
		}
		if size := len(got.line()); size > MaxRecord || size < MaxRecord/3 || got.More > 0 || len(got.Why) != maxText+3 {
			t.Errorf("%d bytes, %d more", size, got.More)
		}
	}
	if n != 5000 {
		t.Errorf("%d files", n)
	}
	verify(t, dir)

	j, _ = open(t, dir)
	v := Version{File: "x", Sides: map[string]string{}}
	for i := range 2000 {
		v.Sides[fmt.Sprint(i)] = strings.Repeat("0", 64)
	}
	j.Append(Record{Event: Outcome, Files: []Version{v}})
	closeJournal(t, j)
	all := readAll(t, dir)
	if got := all[len(all)-2]; got.More != 2000 || len(got.Files) != 1 || got.Files[0].File != "x" {
		t.Errorf("%+v", got)
	}
	verify(t, dir)
}

func TestVersions(t *testing.T) {
	dir := t.TempDir()
	j, _ := open(t, dir)
	text := bytes.Repeat([]byte("a.example\n"), 1000)
	sum := sha256.Sum256(text)
	opened := 0
	for range 2 {
		j.Keep("list.txt", sum, 0, func() (io.ReadCloser, error) { opened++; return io.NopCloser(bytes.NewReader(text)), nil })
	}
	j.Keep("other.txt", sha256.Sum256(nil), 0, func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text)), nil })
	j.Keep("gone.txt", [32]byte{1}, 0, func() (io.ReadCloser, error) { return nil, os.ErrNotExist })
	closeJournal(t, j)
	var got []string
	for _, r := range readAll(t, dir) {
		if r.File != "" {
			got = append(got, fmt.Sprintf("%s %s %s", r.Event, r.File, r.Why))
		}
	}
	if s := strings.Join(got, "|"); opened != 1 || s != "version_kept list.txt |version_not_kept other.txt the file has changed since it was loaded|version_not_kept gone.txt file does not exist" {
		t.Errorf("opened %d times: %s", opened, s)
	}
	in, err := OpenVersion(dir, fmt.Sprintf("%x", sum))
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if b, err := io.ReadAll(in); err != nil || !bytes.Equal(b, text) {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	if r := verify(t, dir); r.Versions != 1 {
		t.Errorf("%d versions", r.Versions)
	}
	os.Remove(filepath.Join(dir, VersionPath(fmt.Sprintf("%x", sum))))
	wantFaults(t, dir, fmt.Sprintf("record 1: the version sha256-%x of a file is missing in versions", sum))
}

// TestOrigin checks which texts can name a journal.
func TestOrigin(t *testing.T) {
	for s, ok := range map[string]bool{
		origin: true, "node1": true, "": false, "a b": false, "a+b": false, "https://a.example/x": false, "a\nb": false, "a\x00": false,
	} {
		if err := CheckOrigin(s); (err == nil) != ok {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func TestPanic(t *testing.T) {
	dir := t.TempDir()
	j, log := open(t, dir)
	j.Do(0, func(b *Batch) { panic("oops") })
	j.Append(Record{Event: InForce, Order: "a"})
	closeJournal(t, j)
	if rs := readAll(t, dir); rs[1].Event != Gap || rs[2].Order != "a" {
		t.Errorf("%+v", rs)
	}
	if s := log.String(); !strings.HasPrefix(s, "alarm: events are lost, because of an error of the program: oops\n") {
		t.Errorf("log %q", s)
	}
	verify(t, dir)
}
