//go:build unix

package main

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/test/script"
)

// TestConversations runs the scripts in testdata/terminal. The step "at-terminal blocklistctl
// ARGUMENT... < FILE" types one answer from FILE at each prompt.
func TestConversations(t *testing.T) {
	t.Setenv("TZ", "Europe/Rome")
	script.RunAll(t, "testdata/terminal/*.txtar", 1, func(s *script.Script) map[string]script.Step {
		s.LayOut(nil)
		steps := commandSteps(s)
		steps["at-terminal"] = func(args []string) string {
			var answers []string
			if n := len(args); n > 1 && args[n-2] == "<" {
				answers = listed(string(s.File(args[n-1])))
				args = args[:n-2]
			}
			out, code := talk(s.T, clock, args[1:], answers)
			if code != 0 {
				out += "exit " + string(rune('0'+code)) + "\n"
			}
			return strings.ReplaceAll(out, s.Dir, "$DIR")
		}
		return steps
	})
}

func TestBackKeepsTime(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("a.yaml", []byte(unformattedOrder), 0o600); err != nil {
		t.Fatal(err)
	}
	minutes := 0
	later := func() time.Time {
		minutes++
		return clock().Add(time.Duration(minutes) * time.Minute)
	}
	out, _ := talk(t, later, []string{"add", "--orders", "a.yaml"}, []string{
		"A", "IT", "court", "R", "", "", "il y a 30 minutes", "back", "", "back", "back", "", "il y a 30 minutes"})
	const read = "This is read as "
	var times []string
	for line := range strings.Lines(out) {
		if is, ok := strings.CutPrefix(line, read); ok {
			times = append(times, is)
		}
	}
	if len(times) != 3 || times[0] != times[1] || times[1] != times[2] {
		t.Errorf("%q:\n%s", times, out)
	}
}

func TestInterrupt(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("a.yaml", []byte(unformattedOrder), 0o600); err != nil {
		t.Fatal(err)
	}
	answers := []string{"operator", "2h", "a reason", "yes"}
	for at := range answers {
		p := newPerson(t)
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), asTool+"=suspend a --orders a.yaml")
		cmd.Stdin, cmd.Stdout, cmd.Stderr = p.screen, p.screen, p.screen
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		p.screen.Close()
		for i := 0; p.await(); i++ {
			if i == at {
				p.write("\x03")
				continue
			}
			p.write(answers[i] + "\n")
		}
		var exit *exec.ExitError
		if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 130 {
			t.Errorf("question %d: %v", at, err)
		}
		if !strings.HasSuffix(p.seen.String(), "blocklistctl: interrupted; nothing was written\n") {
			t.Errorf("question %d:\n%s", at, &p.seen)
		}
		if text := content(t, "a.yaml"); text != unformattedOrder {
			t.Errorf("question %d: the file has changed:\n%s", at, text)
		}
		if left, _ := os.ReadDir("."); len(left) != 1 {
			t.Errorf("question %d: files are left: %v", at, left)
		}
	}
}
