//go:build e2e && linux

package minisign

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func terminal(t *testing.T, steps [][2]string, code int, name string, args ...string) string {
	t.Helper()
	master, slave := openTerminal(t)
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	slave.Close()
	var shown bytes.Buffer
	buf := make([]byte, 4096)
	read := func() bool {
		n, err := master.Read(buf) // returns EIO after the program has ended
		shown.Write(buf[:n])
		return err == nil
	}
	for _, s := range steps {
		for !strings.HasSuffix(shown.String(), s[0]) {
			if !read() {
				t.Fatalf("%s %q ended without the prompt %q: %q, %v", name, args, s[0], shown.String(), cmd.Wait())
			}
		}
		hidden(t, master)
		if _, err := master.WriteString(s[1] + "\n"); err != nil {
			t.Fatal(err)
		}
	}
	for read() {
	}
	cmd.Wait()
	if got := cmd.ProcessState.ExitCode(); got != code {
		t.Fatalf("%s %q: exit %d, want %d: %q", name, args, got, code, shown.String())
	}
	return shown.String()
}

// The program writes the prompt before it turns the echo off.
func hidden(t *testing.T, master *os.File) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		state, err := unix.IoctlGetTermios(int(master.Fd()), unix.TCGETS)
		if err != nil {
			t.Fatal(err)
		}
		if state.Lflag&unix.ECHO == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the program shows the password")
		}
	}
}

func openTerminal(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { master.Close() })
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%s", strconv.Itoa(n)), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return master, slave
}
