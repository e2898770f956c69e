//go:build unix

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/dns-orders/blocklist/test/platform"
)

func TestFeedLoop(t *testing.T) {
	p := platform.Start(t, clock)
	p.Set(platform.Ticket{ID: "a", Created: clock(), FQDN: []string{"a.example"}})
	dir := t.TempDir()
	out := filepath.Join(dir, "o.jsonl")
	args := []string{"feed", describedPlatform(t), "--out", out, "--base", p.Base(), "--credentials", writeCredentials(t, platform.Password), "--acknowledge", "written",
		"--metrics-file", filepath.Join(dir, "feed.prom")}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), asTool+"="+strings.Join(args, " "))
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	await(t, func() (bool, string) {
		_, err := os.Stat(filepath.Join(dir, "feed.prom"))
		return err == nil, "the feed wrote no metrics"
	})
	code, _, errs := ctl(append(args, "--once")...)
	if code != exitProblems || !strings.Contains(errs, "locked by another process") {
		t.Errorf("a second process: exit %d: %s", code, errs)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v: %s", err, log.String())
	}
	for _, want := range []string{"pulls tickets of Piracy Shield", "acknowledged: 1", "written with serial 2", "blocklistctl: stopped\n"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("no %q in\n%s", want, log.String())
		}
	}
	if !strings.Contains(content(t, out), "a.example") || !p.Acks()["a.example"].Processed {
		t.Error("the item is not in the file or not acknowledged")
	}
}
