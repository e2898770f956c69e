//go:build e2e

package faults

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// The connections stay open, because the server may have no free descriptor.
type web struct {
	client         http.Client
	metrics, ready string
}

func newWeb(metrics, ready string) *web {
	return &web{http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{}},
		"http://127.0.0.1:" + metrics + "/metrics", "http://127.0.0.1:" + ready + "/ready"}
}

func (w *web) get(url string) (code int, body string, err error) {
	r, err := w.client.Get(url)
	if err != nil {
		return 0, "", err
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	return r.StatusCode, string(b), err
}

type samples map[string]float64

func (w *web) scrape() (samples, error) {
	code, body, err := w.get(w.metrics)
	if err != nil {
		return nil, err
	}
	if code != http.StatusOK || !utf8.ValidString(body) {
		return nil, fmt.Errorf("metrics: status %d, %.300q", code, body)
	}
	out := samples{}
	for line := range strings.Lines(body) {
		i := strings.LastIndexByte(line, ' ')
		if line[0] == '#' || i < 0 {
			continue
		}
		if v, err := strconv.ParseFloat(strings.TrimSpace(line[i:]), 64); err == nil {
			out[line[:i]] = v
		}
	}
	return out, nil
}

const lastOK = "coredns_blocklist_last_load_ok"

func (s samples) failures(word string) (sum float64) {
	for k, v := range s {
		if file, ok := strings.CutPrefix(k, "coredns_blocklist_load_failures_total{file="); ok && strings.Contains(file, word) {
			sum += v
		}
	}
	return sum
}

// isReady reports whether the ready plugin answers 200.
func (w *web) isReady() (bool, error) {
	code, _, err := w.get(w.ready)
	return code == http.StatusOK, err
}

func (l *lab) healthy() error {
	s, err := l.web.scrape()
	if err != nil {
		return err
	}
	if s[lastOK] != 1 {
		return errors.New("last_load_ok is not 1")
	}
	if ok, has := s[stateOK]; has && ok != 1 {
		return errors.New(stateOK + " is not 1")
	}
	if ready, err := l.web.isReady(); err != nil || !ready {
		return fmt.Errorf("not ready (%v)", err)
	}
	return nil
}

func (l *lab) alarmed(f fault, from int, before samples) error {
	named := false
	for line := range strings.Lines(l.logFrom(from)) {
		named = named || strings.Contains(line, "[ERROR]") && strings.Contains(line, f.alarm)
	}
	if !named {
		return fmt.Errorf("no error in the log names %s", f.alarm)
	}
	if f.logOnly {
		return nil
	}
	s, err := l.web.scrape()
	if err != nil {
		return err
	}
	if f.metric != "" {
		if v, ok := s[f.metric]; !ok || v != f.value {
			return fmt.Errorf("%s is %v, want %v", f.metric, v, f.value)
		}
		if ready, err := l.web.isReady(); err != nil || !ready {
			return fmt.Errorf("ready is %v (%v)", ready, err)
		}
		return nil
	}
	if s[lastOK] != 0 {
		return errors.New("last_load_ok is not 0")
	}
	if s.failures(f.alarm) <= before.failures(f.alarm) {
		return fmt.Errorf("load_failures_total of %s has not gone up", f.alarm)
	}
	if ready, err := l.web.isReady(); err != nil || ready == f.notReady {
		return fmt.Errorf("ready is %v (%v)", ready, err)
	}
	return nil
}

type usage struct {
	descriptors, goroutines int
	memory, peak            int // in MB
}

func (l *lab) usage() (u usage, err error) {
	s, err := l.web.scrape()
	if err != nil {
		return u, err
	}
	u.goroutines = int(s["go_goroutines"])
	fds, err := os.ReadDir(l.proc("fd"))
	if err != nil {
		return u, err
	}
	u.descriptors = len(fds)
	status, err := os.ReadFile(l.proc("status"))
	if err != nil {
		return u, err
	}
	for line := range strings.Lines(string(status)) {
		for what, v := range map[string]*int{"VmRSS:": &u.memory, "VmHWM:": &u.peak} {
			if rest, ok := strings.CutPrefix(line, what); ok {
				n, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
				kb, err := strconv.Atoi(n)
				if err != nil {
					return u, err
				}
				*v = kb >> 10
			}
		}
	}
	return u, nil
}

func (l *lab) proc(file string) string {
	return fmt.Sprintf("/proc/%d/%s", l.cmd.Process.Pid, file)
}

func (l *lab) resetPeak() {
	l.t.Helper()
	l.check(os.WriteFile(l.proc("clear_refs"), []byte("5"), 0))
}

const (
	slackMemory      = 48
	slackDescriptors = 8
	slackGoroutines  = 16
)

func (l *lab) restored(before usage) error {
	now, err := l.usage()
	if err != nil {
		return err
	}
	if now.memory > before.memory+slackMemory || now.descriptors > before.descriptors+slackDescriptors ||
		now.goroutines > before.goroutines+slackGoroutines {
		return fmt.Errorf("takes %d MB, %d descriptors, %d goroutines; %d MB, %d, %d before",
			now.memory, now.descriptors, now.goroutines, before.memory, before.descriptors, before.goroutines)
	}
	return nil
}

const secret = "SECRET-VALUE"

func cleanLog(text string) error {
	switch {
	case strings.Contains(text, secret):
		return errors.New("the log has a value out of a file that is no list")
	case strings.Contains(text, "\n[ERROR] forged"):
		return errors.New("the log has a line that a file's text forged")
	case strings.Contains(text, "panic"):
		return errors.New("the log has a panic")
	}
	for _, r := range text {
		if r == utf8.RuneError || r != '\n' && !unicode.IsPrint(r) {
			return fmt.Errorf("the log has the rune %q", r)
		}
	}
	return nil
}
