package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// server is a running CoreDNS of ours.
type server struct {
	cmd   *exec.Cmd
	since time.Time
}

// start runs the server of the rig; it ends with the context at the latest.
func (r *rig) start(ctx context.Context) (*server, error) {
	if err := r.age(); err != nil {
		return nil, err
	}
	s := &server{cmd: exec.CommandContext(ctx, r.path("coredns"), "-conf", r.path("Corefile"))}
	s.cmd.Stdout, s.cmd.Stderr = r.log, r.log
	s.since = time.Now()
	return s, s.cmd.Start()
}

// age makes the files an hour old: a server that starts waits a second for files
// that may still be being written, which is not what is measured.
func (r *rig) age() error {
	entries, err := os.ReadDir(r.dir)
	for _, e := range entries {
		old := time.Now().Add(-time.Hour)
		err = errors.Join(err, os.Chtimes(r.path(e.Name()), old, old))
	}
	return err
}

// begun is the moment of the start, as until wants it.
func (s *server) begun() (time.Time, error) { return s.since, nil }

// end stops the server, and no other process.
func (s *server) end() {
	s.cmd.Process.Signal(syscall.SIGTERM)
	kill := time.AfterFunc(10*time.Second, func() { s.cmd.Process.Kill() })
	defer kill.Stop()
	s.cmd.Wait()
}

// rss returns a line of /proc/PID/status, such as VmRSS or VmHWM, in octets; 0
// when there is none.
func (s *server) rss(key string) int {
	text, _ := os.ReadFile(s.proc("status"))
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == key+":" {
			kb, _ := strconv.Atoi(f[1])
			return kb << 10
		}
	}
	return 0
}

// resetPeak sets VmHWM back to VmRSS (proc(5), clear_refs).
func (s *server) resetPeak() error { return os.WriteFile(s.proc("clear_refs"), []byte("5"), 0) }

func (s *server) proc(file string) string { return fmt.Sprintf("/proc/%d/%s", s.cmd.Process.Pid, file) }
