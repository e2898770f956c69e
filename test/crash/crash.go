// Package crash runs tasks in child processes of a test. It kills a child at a chosen point.
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

// Points counts the points at which a test can kill a child process. The first point is 1.
type Points struct{ at, N int }

// Pass counts one point. At the chosen point, Pass kills the process.
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

// Main runs a task in a child process, and then exits. Call Main first in TestMain.
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
// given point. For 0, the child runs to the end.
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

// Run runs a task in a child process and returns its standard output. The test ends if the task
// fails.
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
