package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"crypto/sha256"

	"github.com/dns-orders/blocklist/plugin/state"
)

// stateDir returns a state directory with two files.
func stateDir(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "state")
	st, err := state.Open(dir, state.Options{})
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

// TestState checks the commands about a state directory, and the record of their changes.
func TestState(t *testing.T) {
	dir := stateDir(t)
	for _, tc := range []struct {
		args []string
		code int
		want []string // on standard output, or on standard error if the code is not 0
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
		{[]string{"state", "forget", "/orders/a.yaml", "--reason", " "}, 2, []string{"--reason is empty"}},
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
	got, err := os.ReadFile(filepath.Join(dir, changesName))
	want := `{"time":"2026-05-01T12:00:00Z","command":"set-serial","path":"/orders/a.yaml","serial":3,"reason":"typing error"}
{"time":"2026-05-01T12:00:00Z","command":"forget","path":"/orders/a.yaml","reason":"moved"}
`
	if err != nil || string(got) != want {
		t.Errorf("the record: %v\n%s", err, got)
	}
}

// TestStateOfRunningServer checks that the tool changes nothing while a server has locked the
// directory, and that the list works.
func TestStateOfRunningServer(t *testing.T) {
	dir := stateDir(t)
	st, err := state.Open(dir, state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	for _, args := range [][]string{{"state", "forget", "/orders/a.yaml"}, {"state", "set-serial", "/orders/a.yaml", "3"}} {
		code, out, errs := ctl(append(args, "--state", dir, "--reason", "x")...)
		if code != exitProblems || out != "" || !strings.Contains(errs, "locked by another process; the file names process") || !strings.Contains(errs, "stop the server first") {
			t.Errorf("%q: exit %d\n%s%s", args, code, out, errs)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, changesName)); err == nil {
		t.Error("a change was recorded")
	}
	if code, out, errs := ctl("state", "list", "--state", dir); code != exitOK || !strings.Contains(out, "/orders/a.yaml") {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
}

// TestStateOfCorefile checks that the tool finds the directory in a Corefile, and the errors about
// the flags.
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
