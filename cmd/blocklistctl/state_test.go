package main

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

	"github.com/dns-orders/blocklist/plugin/state"
	"github.com/dns-orders/blocklist/plugin/store"
)

// stateDir returns a state directory with two files.
func stateDir(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "state")
	st, err := state.Open(dir, state.Options{Now: func() time.Time { return time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC) }})
	if err != nil {
		t.Fatal(err)
	}
	next := state.Next{Set: state.Set{Versions: map[string]state.Version{}, Floors: map[string]state.Floor{}}, Blobs: map[state.Digest]func() (io.ReadCloser, error){}}
	for path, serial := range map[string]int64{"/orders/a.yaml": 7, "/orders/b\n.yaml": state.NoSerial} {
		d := state.Digest(sha256.Sum256([]byte(path)))
		next.Versions[path] = state.Version{Order: d, Serial: serial, Accepted: time.Date(2026, 4, 1, 8, 0, 0, 0, time.UTC)}
		next.Blobs[d] = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(path)), nil }
		if serial >= 0 {
			next.Floors[path] = state.Floor{Serial: serial, Order: d}
		}
	}
	st.Commit(next)
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestState(t *testing.T) {
	dir := stateDir(t)
	for _, tc := range []struct {
		args []string
		code int
		want []string // on standard output, or on standard error if the exit code is not 0
	}{
		{[]string{"state", "list"}, 0, []string{"FILE ", "/orders/a.yaml ", "  2026-04-01T08:00:00Z  7       7\n", `/orders/b\n.yaml`}},
		{[]string{"--json", "state", "list"}, 0, []string{`"path": "/orders/a.yaml"`, `"serial": 7`, `"floor": 7`, `"accepted": "2026-04-01T08:00:00Z"`}},
		{[]string{"state", "set-serial", "/orders/a.yaml", "3", "--reason", "typing error"}, 0, []string{"/orders/a.yaml: the next version may have the serial 3 or a higher serial\n"}},
		{[]string{"state", "list"}, 0, []string{"  7       3\n"}},
		{[]string{"state", "forget", "/orders/a.yaml", "--reason", "moved"}, 0, []string{"/orders/a.yaml: forgotten; its orders end with the next start of the server, unless the file is there\n"}},
		{[]string{"state", "list"}, 0, []string{"/orders/a.yaml      -             -                     -       3\n"}},
		{[]string{"state", "forget", "/orders/a.yaml", "--reason", "moved"}, 1, []string{"/orders/a.yaml: the state directory has no version of this file"}},
		{[]string{"state", "forget", "/orders/c.yaml", "--reason", "x"}, 1, []string{"/orders/c.yaml: the state directory does not know this file"}},
		{[]string{"state", "forget", "/orders/a.yaml"}, 2, []string{"missing flags: --reason=TEXT"}},
		{[]string{"state", "forget", "/orders/a.yaml", "--reason", " "}, 2, []string{"--reason: is empty"}},
		{[]string{"state", "forget", "/orders/a.yaml", "--reason", "x", "--wait", "0s"}, 2, []string{"--wait must be above 0 and at most 1h, got 0s"}},
		{[]string{"state", "list"}, 0, []string{"The directory was new, empty or damaged at 2026-05-01T12:00:00Z, and state accept was not used since then.\n"}},
		{[]string{"--json", "state", "list"}, 0, []string{`"unaccepted": "2026-05-01T12:00:00Z"`}},
		{[]string{"--json", "state", "accept", "--reason", "first start"}, 0, []string{`"command": "accept"`, `"server": false`}},
		{[]string{"state", "accept"}, 2, []string{"missing flags: --reason=TEXT"}},
		{[]string{"state", "set-serial", "/orders/a.yaml", "--reason", "x", "--", "-1"}, 2, []string{"a serial is not negative, got -1"}},
	} {
		args := append([]string{}, tc.args...)
		i := 2 // before the arguments of the command
		if args[0] == "--json" {
			i = 3
		}
		args = append(args[:i:i], append([]string{"--state", dir}, tc.args[i:]...)...)
		code, out, errs := ctl(args...)
		if code != exitOK {
			out = errs
		}
		if code != tc.code {
			t.Errorf("%q: exit %d, want %d\n%s", args, code, tc.code, out)
		}
		for _, want := range tc.want {
			if !strings.Contains(out, want) {
				t.Errorf("%q: the output lacks %q:\n%s", args, want, out)
			}
		}
	}
	got, err := os.ReadFile(filepath.Join(dir, "changes.jsonl"))
	want := `{"time":"2026-05-01T12:00:00Z","command":"set-serial","path":"/orders/a.yaml","serial":3,"reason":"typing error"}
{"time":"2026-05-01T12:00:00Z","command":"forget","path":"/orders/a.yaml","reason":"moved"}
{"time":"2026-05-01T12:00:00Z","command":"accept","reason":"first start"}
`
	if err != nil || string(got) != want {
		t.Errorf("the record: %v\n%s", err, got)
	}
}

// The tool must withdraw a request without an answer. The command "state list" must work in a
// locked directory.
func TestStateWithoutAnswer(t *testing.T) {
	dir := stateDir(t)
	st, err := state.Open(dir, state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	for _, args := range [][]string{{"state", "forget", "/orders/a.yaml"}, {"state", "set-serial", "/orders/a.yaml", "3"}, {"state", "accept"}} {
		code, out, errs := ctl(append(args, "--state", dir, "--reason", "x", "--wait", "1ms")...)
		if code != exitProblems || out != "" || !strings.Contains(errs, "was not taken within 1ms, so it was withdrawn and nothing was changed: "+dir) || !strings.Contains(errs, "the file names process") {
			t.Errorf("%q: exit %d\n%s%s", args, code, out, errs)
		}
	}
	if rs, err := st.Take(); len(rs) != 0 || err != nil {
		t.Errorf("requests %v, %v", rs, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "changes.jsonl")); err == nil {
		t.Error("a change was recorded")
	}
	if code, out, errs := ctl("state", "list", "--state", dir); code != exitOK || !strings.Contains(out, "/orders/a.yaml") {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
	if err := os.RemoveAll(filepath.Join(dir, "request")); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := ctl("state", "accept", "--state", dir, "--reason", "x"); code != exitProblems || !strings.Contains(errs, "this program takes no requests, so stop it first") {
		t.Errorf("exit %d\n%s", code, errs)
	}
}

type logLines struct {
	mu  sync.Mutex
	all strings.Builder
}

func (l *logLines) add(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(&l.all, format+"\n", args...)
}
func (l *logLines) Infof(f string, a ...any)    { l.add(f, a...) }
func (l *logLines) Warningf(f string, a ...any) { l.add(f, a...) }
func (l *logLines) Errorf(f string, a ...any)   { l.add(f, a...) }

func TestStateOfRunningServer(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, serial int, target string) {
		t.Helper()
		text := fmt.Sprintf("version: 1\nserial: %d\norders:\n- {id: %s, authority: {name: A}, scope: global, targets: [%s]}\n", serial, name, target)
		if err := os.WriteFile(filepath.Join(dir, "new"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(dir, "new"), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	write("a.yaml", 7, "a.example")
	write("b.yaml", 7, "b.example")
	log := &logLines{}
	s, err := store.Open(store.Options{Patterns: []string{dir + "/"}, MaxShrink: 50, Poll: 20 * time.Millisecond, State: filepath.Join(dir, "state")}, log, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ask := func(want int, texts []string, args ...string) {
		t.Helper()
		args = append(args, "--state", filepath.Join(dir, "state"), "--reason", "ticket\x1b 17", "--wait", "20s")
		var out, errs bytes.Buffer
		code := run(args, strings.NewReader(""), &out, &errs, time.Now)
		for _, text := range texts {
			if !strings.Contains(out.String()+errs.String(), text) {
				t.Errorf("%q: the output lacks %q", args, text)
			}
		}
		if code != want || t.Failed() {
			t.Fatalf("%q: exit %d\n%s%s\n%s", args, code, out.String(), errs.String(), log.all.String())
		}
	}
	eventually := func(what string, ok func() bool) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal(what)
			}
		}
	}
	stored := func(name string) bool {
		set, err := state.Read(filepath.Join(dir, "state"))
		_, ok := set.Versions[filepath.Join(dir, name)]
		return err == nil && ok
	}
	eventually("the versions are not stored", func() bool { return stored("a.yaml") && stored("b.yaml") })
	a := filepath.Join(dir, "a.yaml")
	ask(exitProblems, []string{"blocklistctl state forget " + a + ": refused by the server: the file is there and its newest version is in force"}, "state", "forget", a)
	if err := os.Remove(a); err != nil {
		t.Fatal(err)
	}
	eventually("the loss of the file is not noticed", func() bool { return !s.Status().LastOK })
	ask(exitOK, []string{a + ": the server has forgotten the file; its orders are not in force any more\n"}, "state", "forget", a)
	if !s.Status().LastOK || stored("a.yaml") || !stored("b.yaml") {
		t.Errorf("good %v, stored %v, %v", s.Status().LastOK, stored("a.yaml"), stored("b.yaml"))
	}
	write("b.yaml", 3, "c.example")
	eventually("the lower serial is not refused", func() bool { return !s.Status().LastOK })
	ask(exitOK, []string{`"server": true`, `"serial": 3`, `"reason": "ticket\u001b 17"`}, "--json", "state", "set-serial", filepath.Join(dir, "b.yaml"), "3")
	eventually("the lower serial is not accepted", func() bool { return s.Status().LastOK })
	ask(exitOK, []string{"the server has ended the alarm about the empty or damaged state directory"}, "state", "accept")
	if text, err := os.ReadFile(filepath.Join(dir, "state", "changes.jsonl")); err != nil || strings.Count(string(text), "\n") != 5 || !strings.Contains(string(text), `"refused":"the file is there`) {
		t.Errorf("%v\n%s", err, text)
	}
}

func TestStateOfCorefile(t *testing.T) {
	dir := stateDir(t)
	corefile := filepath.Join(t.TempDir(), "Corefile")
	write := func(properties string) {
		if err := os.WriteFile(corefile, []byte(".:53 {\n blocklist a.yaml {\n"+properties+"\n }\n}\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("state " + dir)
	if code, out, errs := ctl("state", "list", "--corefile", corefile); code != exitOK || !strings.Contains(out, "/orders/a.yaml") {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
	write("ttl 1s")
	for want, args := range map[string][]string{
		"the blocklist directive has no property state": {"--corefile", corefile},
		"exclude each other":                            {"--corefile", corefile, "--state", dir},
		"no state directory: give --state DIR":          nil,
		"--corefile: open none":                         {"--corefile", "none"},
	} {
		if code, _, errs := ctl(append([]string{"state", "list"}, args...)...); code != exitMisuse || !strings.Contains(errs, want) {
			t.Errorf("%q: exit %d\n%s", args, code, errs)
		}
	}
	if code, _, errs := ctl("state", "list", "--state", filepath.Join(dir, "none")); code != exitProblems || !strings.Contains(errs, "no such file") {
		t.Errorf("exit %d\n%s", code, errs)
	}
}
