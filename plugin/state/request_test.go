package state

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/durable"
)

func number(n int64) *int64 { return &n }

var noon = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

var someChanges = []Change{
	{Time: noon, Command: CommandForget, Path: "/orders/a.yaml", Reason: "moved"},
	{Time: noon, Command: CommandSetSerial, Path: "/orders/\xff\n.yaml", Serial: number(0), Reason: "typing \"error\"\n\u202e\xff"},
	{Time: noon, Command: CommandAccept, Reason: "the first start"},
}

func TestRequests(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	defer s.Close()
	until := noon.Add(1500 * time.Millisecond)
	asked := map[string]Change{}
	for _, c := range someChanges {
		id, err := Ask(dir, c, until)
		if err != nil {
			t.Fatal(err)
		}
		asked[id] = c
		if _, ok, err := Answered(dir, id); ok || err != nil {
			t.Errorf("an answer before Take: %v", err)
		}
	}
	taken, err := s.Take()
	if err != nil || len(taken) != len(asked) {
		t.Fatalf("took %d requests, %v", len(taken), err)
	}
	if again, err := s.Take(); err != nil || len(again) != 0 {
		t.Errorf("took a request twice: %v, %v", again, err)
	}
	for _, r := range taken {
		if want := (Request{r.ID, asked[r.ID], until}); !reflect.DeepEqual(r, want) {
			t.Errorf("took %+v, want %+v", r, want)
		}
		if withdrawn, err := Withdraw(dir, r.ID); withdrawn || err != nil {
			t.Errorf("withdrawn %v, %v", withdrawn, err)
		}
		if err := s.Answer(r, Answer{Done: "done " + r.Command}); err != nil {
			t.Fatal(err)
		}
		a, ok, err := Answered(dir, r.ID)
		if want := (Answer{Done: "done " + r.Command}); a != want || !ok || err != nil {
			t.Errorf("answer %+v, %v, %v", a, ok, err)
		}
	}
	if left := names(filepath.Join(dir, requestDir)); len(left) != 0 {
		t.Errorf("files %q are left", left)
	}
}

func TestWithdraw(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{FS: unsynced})
	defer s.Close()
	both := [2]int{}
	for range 100 {
		id, err := Ask(dir, someChanges[0], noon)
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		var taken []Request
		wg.Go(func() { taken, _ = s.Take() })
		withdrawn, err := Withdraw(dir, id)
		wg.Wait()
		if err != nil || withdrawn != (len(taken) == 0) {
			t.Fatalf("withdrawn %v, taken %d, %v", withdrawn, len(taken), err)
		}
		both[len(taken)]++
	}
	t.Logf("withdrawn %d times, taken %d times", both[0], both[1])
}

func TestBadRequests(t *testing.T) {
	for want, content := range map[string]string{
		"unexpected end of JSON input|EOF":  "",
		"unknown field":                     `{"time":"2026-11-28T12:00:00Z","until":"2026-11-28T12:00:00Z","command":"accept","reason":"x","more":1}`,
		"has bytes after":                   `{"time":"2026-11-28T12:00:00Z","until":"2026-11-28T12:00:00Z","command":"accept","reason":"x"} {}`,
		`command: is unknown, got "delete"`: `{"time":"2026-11-28T12:00:00Z","until":"2026-11-28T12:00:00Z","command":"delete","reason":"x"}`,
		"time: ":                            `{"time":"noon","until":"2026-11-28T12:00:00Z","command":"accept","reason":"x"}`,
		"until: ":                           `{"time":"2026-11-28T12:00:00Z","command":"accept","reason":"x"}`,
		"reason: is empty":                  `{"time":"2026-11-28T12:00:00Z","until":"2026-11-28T12:00:00Z","command":"accept","reason":" "}`,
		"path: does not fit":                `{"time":"2026-11-28T12:00:00Z","until":"2026-11-28T12:00:00Z","command":"forget","reason":"x"}`,
		"serial: does not fit":              `{"time":"2026-11-28T12:00:00Z","until":"2026-11-28T12:00:00Z","command":"set-serial","path":"/a","reason":"x"}`,
		"serial: is negative":               `{"time":"2026-11-28T12:00:00Z","until":"2026-11-28T12:00:00Z","command":"set-serial","path":"/a","serial":-1,"reason":"x"}`,
		"more than 65536":                   strings.Repeat(" ", maxRequest+1),
		"reason: has 4097 bytes":            `{"time":"2026-11-28T12:00:00Z","until":"2026-11-28T12:00:00Z","command":"accept","reason":"` + strings.Repeat("x", maxReason+1) + `"}`,
		"not a regular file":                "PIPE",
	} {
		dir := t.TempDir()
		s := open(t, dir, Options{})
		path := filepath.Join(dir, requestDir, "ONE.json")
		if content == "PIPE" {
			pipe(t, path)
			if _, err := os.Lstat(path); err != nil {
				continue // this system has no named pipes
			}
		} else if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		taken, err := s.Take()
		found := false
		for w := range strings.SplitSeq(want, "|") {
			found = found || err != nil && strings.Contains(err.Error(), w)
		}
		if len(taken) != 0 || !found {
			t.Errorf("%s: took %d, error %v", want, len(taken), err)
		}
		if taken, err := s.Take(); len(taken) != 0 || err != nil {
			t.Errorf("%s: the request stays: %v", want, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := Ask(t.TempDir(), Change{Command: CommandAccept}, noon); err == nil {
		t.Error("Ask accepts a change without a reason")
	}
}

func TestRecord(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	path := filepath.Join(dir, changesName)
	if _, err := Ask(dir, someChanges[0], noon); err != nil {
		t.Fatal(err)
	}
	taken, err := s.Take()
	if err != nil || len(taken) != 1 {
		t.Fatal(taken, err)
	}
	const line = `{"time":"2026-11-28T12:00:00Z","command":"forget","path":"/orders/a.yaml","reason":"moved"}` + "\n"
	if got, err := os.ReadFile(path); err != nil || string(got) != line {
		t.Errorf("%q, %v", got, err)
	}
	if err := s.Answer(taken[0], Answer{Refused: "is there"}); err != nil {
		t.Fatal(err)
	}
	refused := strings.Replace(line, "}", `,"refused":"is there"}`, 1)
	if err := os.WriteFile(path, []byte(line+refused+`{"time":`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Record(someChanges[0]); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != line+refused+"{\"time\":\n"+line {
		t.Errorf("%q, %v", got, err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestUnrecorded(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	defer s.Close()
	if err := os.Mkdir(filepath.Join(dir, changesName), 0o700); err != nil {
		t.Fatal(err)
	}
	id, err := Ask(dir, someChanges[0], noon)
	if err != nil {
		t.Fatal(err)
	}
	if taken, err := s.Take(); len(taken) != 0 || err == nil || !strings.Contains(err.Error(), "cannot be recorded") {
		t.Errorf("took %d, error %v", len(taken), err)
	}
	if a, ok, err := Answered(dir, id); !ok || err != nil || !strings.Contains(a.Refused, "cannot be recorded") {
		t.Errorf("answer %+v, %v", a, err)
	}
}

func TestKilledBeforeAnswer(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	for _, c := range someChanges[:2] {
		if _, err := Ask(dir, c, noon); err != nil {
			t.Fatal(err)
		}
	}
	taken, err := s.Take()
	if err != nil || len(taken) != 2 {
		t.Fatal(taken, err)
	}
	answered := taken[1]
	if err := errors.Join(s.Answer(answered, Answer{Done: "x"}), s.Close()); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, Options{})
	defer s.Close()
	if ps := s.Problems(); len(ps) != 1 || !strings.Contains(ps[0].Error(), taken[0].String()+": the server ended before it answered") {
		t.Errorf("problems %v", ps)
	}
	if left := names(filepath.Join(dir, requestDir)); len(left) != 0 {
		t.Errorf("files %q are left", left)
	}
}

func TestReplacedDirectory(t *testing.T) {
	for _, replace := range []bool{false, true} {
		dir := filepath.Join(t.TempDir(), "state")
		s := open(t, dir, Options{})
		if err := os.Rename(dir, dir+".away"); err != nil {
			t.Fatal(err)
		}
		if replace {
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, durable.LockName), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.Take(); !errors.Is(err, durable.ErrReplaced) {
			t.Errorf("replaced %v: error %v", replace, err)
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(dir+".away", dir); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Take(); err != nil {
			t.Errorf("the old directory is back: %v", err)
		}
		s.Close()
	}
}

func TestNoWriteIntoReplacedDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	c := newClock()
	s := open(t, dir, Options{Now: c.Now, After: c.After})
	defer s.Close()
	if err := os.Rename(dir, dir+".away"); err != nil {
		t.Fatal(err)
	}
	stored(t, dir, Next{})
	before := files(t, dir)
	s.Commit(example())
	if err := s.Flush(); !errors.Is(err, durable.ErrReplaced) {
		t.Errorf("error %v", err)
	}
	if after := files(t, dir); !slices.Equal(after, before) {
		t.Errorf("files %q, before %q", after, before)
	}
	if err := errors.Join(os.RemoveAll(dir), os.Rename(dir+".away", dir)); err != nil {
		t.Fatal(err)
	}
	if err := s.Flush(); err != nil {
		t.Errorf("the old directory is back: %v", err)
	}
	if set, err := Read(dir); err != nil || len(set.Versions) != 2 {
		t.Errorf("%d versions, %v", len(set.Versions), err)
	}
}

func TestUnaccepted(t *testing.T) {
	for _, tc := range []struct {
		name       string
		before     func(t *testing.T, dir string)
		unaccepted bool
		damaged    bool
	}{
		{"a new directory", func(t *testing.T, dir string) {}, true, false},
		{"an empty directory", func(t *testing.T, dir string) { os.Mkdir(dir, 0o700) }, true, false},
		{"an old directory", accepted, false, false},
		{"current.json is lost", func(t *testing.T, dir string) {
			accepted(t, dir)
			os.Remove(filepath.Join(dir, currentName))
		}, true, true},
		{"current.json is damaged", func(t *testing.T, dir string) {
			accepted(t, dir)
			os.WriteFile(filepath.Join(dir, currentName), []byte("{}\n"), 0o600)
		}, true, true},
		{"all blobs are lost", func(t *testing.T, dir string) {
			accepted(t, dir)
			os.RemoveAll(filepath.Join(dir, blobDir))
		}, false, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "state")
			tc.before(t, dir)
			c := newClock()
			since := c.Now()
			for i := range 3 {
				s := open(t, dir, Options{Now: c.Now, FS: unsynced})
				at := s.Unaccepted()
				if want := tc.unaccepted; at.IsZero() == want || want && !at.Equal(since) {
					t.Errorf("start %d: unaccepted %v, want %v", i+1, at, want)
				}
				if s.Damaged() != tc.damaged {
					t.Errorf("start %d: damaged %v", i+1, s.Damaged())
				}
				s.Commit(example())
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				c.pass(time.Hour)
			}
			accepted(t, dir)
			b, err := os.ReadFile(filepath.Join(dir, currentName))
			if err != nil || bytes.Contains(b, []byte("unaccepted")) {
				t.Errorf("%v\n%s", err, b)
			}
		})
	}
}

func accepted(t *testing.T, dir string) {
	t.Helper()
	s := open(t, dir, Options{FS: unsynced})
	s.Accept()
	if at := s.Unaccepted(); !at.IsZero() {
		t.Errorf("unaccepted %v after Accept", at)
	}
	s.Commit(example())
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s = open(t, dir, Options{}); !s.Unaccepted().IsZero() || s.Damaged() || s.hasRefused() {
		t.Error("unaccepted after a restart")
	}
	s.Close()
}
