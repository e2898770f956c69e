//go:build e2e

package test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/test/coredns"
	"github.com/dns-orders/blocklist/test/port"
	"github.com/dns-orders/blocklist/test/program"
)

func TestStatus(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	server := filepath.Join(dir, "coredns")
	program.Build(t, server, "../cmd/coredns")
	write(t, filepath.Join(dir, "orders.yaml"), "version: 1\norders:\n  - {id: one, authority: {name: A court}, scope: global, targets: [blocked.example]}\n")
	addr, web := port.Address(t), port.Address(t)
	write(t, filepath.Join(dir, "Corefile"), fmt.Sprintf(`.:%s {
	bind 127.0.0.1
	blocklist orders.yaml {
		status %s
	}
	whoami
}
`, portOf(addr), web))
	log := &coredns.Log{}
	cmd := exec.Command(server, "-conf", "Corefile")
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	var text string
	await := func(what string, ok func() bool) {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(time.Millisecond) {
			if text += log.Take(); time.Now().After(deadline) {
				t.Fatalf("%s\n%s", what, text)
			}
		}
	}
	get := func(c *http.Client) (string, error) {
		r, err := c.Get("http://" + web + "/status")
		if err != nil {
			return "", err
		}
		defer r.Body.Close()
		body, err := io.ReadAll(r.Body)
		if err == nil && (r.StatusCode != 200 || !strings.Contains(string(body), `"mode": "enforce"`)) {
			err = fmt.Errorf("%s\n%s", r.Status, body)
		}
		return string(body), err
	}
	fresh := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute}
	await("the server does not start", func() bool { _, err := get(fresh); return err == nil })

	stop := make(chan struct{})
	var polls, failed atomic.Int32
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				polls.Add(1)
				if _, err := get(fresh); err != nil && failed.Add(1) < 5 {
					t.Error(err)
				}
			}
		})
	}
	const reloads = 100
	begin := time.Now()
	for i := range reloads {
		if err := cmd.Process.Signal(syscall.SIGUSR1); err != nil {
			t.Fatal(err)
		}
		await("a reload does not end", func() bool {
			text += log.Take()
			return strings.Count(text, "Reloading complete") > i
		})
		if strings.Contains(text, "Restart failed") {
			t.Fatal(text)
		}
	}
	took := time.Since(begin)
	close(stop)
	wg.Wait()
	t.Logf("%d reloads in %.1f s, %d requests, %d failed", reloads, took.Seconds(), polls.Load(), failed.Load())
	if polls.Load() < 2 {
		t.Error("nobody read the status")
	}
	if strings.Contains(text, "127.0.0.1:"+portOf(addr)+" ") {
		t.Errorf("the log has an address of a client:\n%s", text)
	}

	second := exec.Command(server, "-conf", "Corefile", "-dns.port", "0")
	second.Dir = dir
	conf, err := os.ReadFile(filepath.Join(dir, "Corefile"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "Corefile"), strings.Replace(string(conf), portOf(addr), portOf(port.Address(t)), 1))
	out, err := second.CombinedOutput()
	_, port, _ := net.SplitHostPort(web)
	if want := "plugin/blocklist: status " + web + ": listen tcp 127.0.0.1:" + port + ": bind: address already in use"; err == nil || !strings.Contains(string(out), want) {
		t.Errorf("a second server with the same address: %v, want %q\n%s", err, want, out)
	}
}
