package rig

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/dns-orders/blocklist/test/port"
)

// A Server is a running server process.
type Server struct {
	cmd   *exec.Cmd
	since time.Time
}

// Build compiles cmd/coredns into dir and returns the path of the binary.
func Build(ctx context.Context, dir string) (string, error) {
	bin := filepath.Join(dir, "coredns")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", bin, "github.com/dns-orders/blocklist/cmd/coredns")
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("go build: %w", err)
	}
	return bin, nil
}

// Start starts a server and writes its output to log. The end of ctx kills the server.
func Start(ctx context.Context, log *os.File, env []string, argv ...string) (*Server, error) {
	s := &Server{cmd: exec.CommandContext(ctx, argv[0], argv[1:]...)}
	s.cmd.Env = append(os.Environ(), env...)
	s.cmd.Stdout, s.cmd.Stderr = log, log
	s.since = time.Now()
	return s, s.cmd.Start()
}

// Since returns the start time of the server.
func (s *Server) Since() time.Time { return s.since }

// End stops the server and waits for its exit.
func (s *Server) End() {
	s.cmd.Process.Signal(syscall.SIGTERM)
	kill := time.AfterFunc(10*time.Second, func() { s.cmd.Process.Kill() })
	defer kill.Stop()
	s.cmd.Wait()
}

// Signal sends a signal to the server.
func (s *Server) Signal(sig os.Signal) error { return s.cmd.Process.Signal(sig) }

// RSS returns a field of /proc/PID/status in bytes, for example VmRSS. RSS returns 0 if the field
// is missing.
func (s *Server) RSS(key string) int {
	text, _ := os.ReadFile(s.proc("status"))
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == key+":" {
			kb, _ := strconv.Atoi(f[1])
			return kb << 10
		}
	}
	return 0
}

// ResetPeak resets VmHWM to VmRSS. See clear_refs in proc(5).
func (s *Server) ResetPeak() error { return os.WriteFile(s.proc("clear_refs"), []byte("5"), 0) }

// CPU returns the CPU time of all threads of the server. /proc/PID/schedstat contains only the
// first thread.
func (s *Server) CPU() (time.Duration, error) {
	tasks, err := filepath.Glob(s.proc("task/*/schedstat"))
	if err != nil || len(tasks) == 0 {
		return 0, errors.Join(err, errors.New("no threads to be seen: has the server ended?"))
	}
	var sum time.Duration
	for _, t := range tasks {
		text, err := os.ReadFile(t)
		if err != nil {
			return 0, err // the thread has ended, so its CPU time is lost
		}
		on, _, _ := strings.Cut(string(text), " ")
		ns, err := strconv.ParseInt(on, 10, 64)
		if err != nil {
			return 0, err
		}
		sum += time.Duration(ns)
	}
	return sum, nil
}

func (s *Server) proc(file string) string { return fmt.Sprintf("/proc/%d/%s", s.cmd.Process.Pid, file) }

// Age sets the modification time of the files in a directory to one hour ago. A server waits a
// second before reading a new file.
func Age(dir string) error {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		old := time.Now().Add(-time.Hour)
		err = errors.Join(err, os.Chtimes(filepath.Join(dir, e.Name()), old, old))
	}
	return err
}

// FreePort returns a loopback address with a free port, and the port.
func FreePort() (addr, p string, err error) {
	p, err = port.Find()
	return "127.0.0.1:" + p, p, err
}

// Model returns the name of the processor.
func Model() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	_, model, _ := strings.Cut(string(text), "model name\t: ")
	model, _, _ = strings.Cut(model, "\n")
	return model
}
