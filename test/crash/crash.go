// Package crash runs tasks of a test in child processes, and kills a child at a point of
// its work. A child is the program of the test itself.
package crash

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"
)

// The environment variables of a child process.
const (
	taskEnv  = "CRASH_TEST_TASK"
	pointEnv = "CRASH_TEST_POINT"
)

// Points counts the points at which a child process can be killed. The first point has the number
// 1.
type Points struct{ at, N int }

// Pass marks a point. If this is the chosen point, Pass kills the process.
func (p *Points) Pass() {
	if p.N++; p.N != p.at {
		return
	}
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		panic(err)
	}
	self.Kill()
	select {}
}

// Around runs a step between two points.
func (p *Points) Around(run func() error) error {
	p.Pass()
	err := run()
	p.Pass()
	return err
}

// A Task is the work of a child process.
type Task func(p *Points, args []string) error

// Main runs a task if the process is a child, and then exits. Call Main first in TestMain.
func Main(tasks map[string]Task) {
	name := os.Getenv(taskEnv)
	if name == "" {
		return
	}
	at, err := strconv.Atoi(os.Getenv(pointEnv))
	if err == nil {
		err = tasks[name](&Points{at: at}, os.Args[1:])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// Command returns a command that runs a task in a child process. The child kills itself at the
// point with this number. With the number 0, the child does not kill itself.
func Command(t testing.TB, point int, task string, args ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, args...)
	cmd.Env = append(os.Environ(), taskEnv+"="+task, pointEnv+"="+strconv.Itoa(point))
	return cmd
}

// Run runs a task in a child process. It returns the standard output, and whether the
// child was killed. Any other failure ends the test.
func Run(t testing.TB, point int, task string, args ...string) (out []byte, killed bool) {
	t.Helper()
	out, err := Command(t, point, task, args...).Output()
	if err == nil {
		return out, false
	}
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || exit.Exited() {
		var stderr []byte
		if exit != nil {
			stderr = exit.Stderr
		}
		t.Fatalf("point %d of %s: %v: %s", point, task, err, stderr)
	}
	return out, true
}
