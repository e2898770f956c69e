//go:build e2e

// Package faults makes many faults around a real server. A fault must lose no order, cause no wrong
// answer, and raise its alarm. The server must recover without help.
//
//	go test -tags e2e -count=1 ./test/faults [-run 'TestFaults/./side'] [-args -seed 5 -coredns FILE]
package faults

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	seed   = flag.Uint64("seed", 0, "order of the faults; 0 takes a new one, which is printed")
	binary = flag.String("coredns", "", "absolute path of the server to try, built with -tags faultclock; built from this checkout when empty")
	many   = flag.Bool("many", false, "reload the orders 1,000 times and the Corefile 100 times, not only some times")
)

type fault struct {
	name string

	inject func(l *lab) (undo func())

	alarm    string            // part of the path in the expected alarm; if empty, no alarm is expected
	metric   string            // the metric of the alarm; if empty, last_load_ok and the failures of the file
	value    float64           // the value of this metric during the alarm
	logOnly  bool              // the alarm is only in the log
	either   bool              // an alarm is allowed but not required
	notReady bool              // the server must not be ready during the fault
	during   map[string]string // the answers that the fault changes for good
	blind    bool              // queries and metrics may not work during the fault
	fresh    bool              // the fault leaves something behind, so the next fault needs a new server
	resets   bool              // the fault may set the counters of the server to 0
	stays    bool              // the fault cannot be ended
	noUrgent bool              // no new order can come into force during the fault
	peak     int               // how many MB more memory than before the server may take; 0 means usualPeak
	tries    int               // how often inject makes the fault; 0 means once
	lab      lab               // how the server is started, if it needs another start than usual
}

// These limits are about ten times the usual time.
const (
	startTime   = 15 * time.Second
	stopTime    = 5 * time.Second
	alarmTime   = 8 * time.Second
	urgentTime  = 4 * time.Second
	recoverTime = 8 * time.Second
	restoreTime = 15 * time.Second
	largeTime   = 60 * time.Second
	usualPeak   = 160
)

const allTime = 10 * time.Minute

type row struct {
	name          string
	tries         int
	tally         tally
	alarm         string
	recovered     string
	urgent, total time.Duration
	peak          int
	bad           []string
}

func (r *row) fail(format string, args ...any) { r.bad = append(r.bad, fmt.Sprintf(format, args...)) }

// A seed must always give the same sequence of faults.
func allFaults() []fault {
	all := slices.Concat(files(), contents(), versions(), changes(), reloads(), names(), processes(), limits(), stateFaults(), journalFaults(), clocks())
	slices.SortFunc(all, func(a, b fault) int { return strings.Compare(a.name, b.name) })
	return all
}

const labs = 3

func TestFaults(t *testing.T) {
	if *seed == 0 {
		*seed = rand.Uint64()
	}
	bin, err := os.MkdirTemp("", "faults")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var rows []row
	t.Cleanup(func() {
		report(rows)
		if *writePage {
			if err := updatePage(rows); err != nil {
				t.Error(err)
			}
		}
		if err := os.RemoveAll(bin); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(bin, 0o755); err != nil { // the server runs as another user
		t.Fatal(err)
	}
	coredns := filepath.Join(bin, "coredns")
	command := exec.Command("go", "build", "-tags", "faultclock", "-o", coredns, "../../cmd/coredns")
	if *binary != "" {
		command = exec.Command("cp", *binary, coredns)
	}
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	end := time.Now().Add(allTime)
	table := allFaults()
	random := rand.New(rand.NewPCG(*seed, 0))
	random.Shuffle(len(table), func(i, j int) { table[i], table[j] = table[j], table[i] })
	var wg sync.WaitGroup
	for n := range labs {
		// The servers run in parallel, even with -parallel 1.
		wg.Go(func() {
			t.Run(fmt.Sprint(n+1), func(t *testing.T) {
				l := &lab{t: t, coredns: coredns, random: rand.New(rand.NewPCG(*seed, uint64(n+1)))}
				t.Cleanup(func() { l.t = t; _, _ = l.close() })
				for i, f := range table {
					if i%labs != n {
						continue
					}
					t.Run(strings.ReplaceAll(f.name, "/", "|"), func(t *testing.T) {
						r := row{name: f.name, tries: max(f.tries, 1), alarm: "none due", recovered: "no"}
						begin := time.Now()
						defer func() {
							r.total = time.Since(begin)
							for _, b := range r.bad {
								t.Error(b)
							}
							if t.Failed() && len(r.bad) == 0 {
								r.fail("see the test's own log")
							}
							mu.Lock()
							rows = append(rows, r)
							mu.Unlock()
						}()
						if begin.After(end) {
							r.fail("not tried: %s are over", allTime)
							return
						}
						l.t = t
						l.try(f, &r)
					})
				}
			})
		})
	}
	wg.Wait()
}

func (l *lab) try(f fault, r *row) {
	usual := !f.lab.root && f.lab.wrap == nil
	if !usual || l.dir == "" {
		l.end(r)
		l.root, l.wrap = f.lab.root, f.lab.wrap
		l.build()
	}
	good := false
	defer func() {
		if !good {
			r.fail("the last lines of the log:\n%s", l.tail())
		}
		if !good || f.fresh || !usual {
			l.end(r)
		}
	}()
	before, err := l.web.scrape()
	l.check(err)
	took, err := l.usage()
	l.check(err)
	l.resetPeak()
	l.asker.take()
	l.sampled = tally{}
	from := l.logSize()

	undo := f.inject(l)
	if f.resets {
		before = samples{}
	}
	if f.alarm != "" && !f.blind {
		_, err := within(alarmTime, func() error { return l.alarmed(f, from, before) })
		switch {
		case err == nil:
			r.alarm = "seen"
		case f.either:
			r.alarm = "none"
		default:
			r.alarm = "MISSING"
			r.fail("alarm: %v", err)
		}
	}
	for n, answer := range f.during {
		l.model.set(answer, n)
	}
	if !f.noUrgent {
		if r.urgent, err = l.urgent(); err != nil {
			r.fail("an order in another file: %v", err)
		}
	}
	if !f.blind {
		r.tally.add(l.client.sweep(l.model))
	}
	if undo != nil {
		undo()
	}
	if f.stays {
		r.recovered = "stays"
	} else if t, err := within(recoverTime, l.recovered); err != nil {
		r.fail("recovery: %v", err)
	} else {
		r.recovered = fmt.Sprintf("%.1f s", t.Seconds())
	}
	if f.blind && f.alarm != "" {
		if err := l.counted(f, from, before); err != nil {
			r.alarm = "MISSING"
			r.fail("alarm: %v", err)
		} else {
			r.alarm = "seen"
		}
	}
	if _, err := l.urgent(); err != nil {
		r.fail("an order after the fault: %v", err)
	}
	r.tally.add(l.client.sweep(l.model))
	r.tally.add(l.asker.take())
	r.tally.add(l.sampled)
	if r.tally.wrong+r.tally.lost != 0 {
		r.fail("%d wrong answers, %d lost orders: %s", r.tally.wrong, r.tally.lost, strings.Join(r.tally.examples, "; "))
	}
	if now, err := l.usage(); err != nil {
		r.fail("%v", err)
	} else if r.peak = max(now.peak-took.memory, 0); r.peak > cmp.Or(f.peak, usualPeak) {
		r.fail("took %d MB more than before, at most %d are allowed", r.peak, cmp.Or(f.peak, usualPeak))
	}
	if !f.fresh {
		if _, err := within(restoreTime, func() error { return l.restored(took) }); err != nil {
			r.fail("%v", err)
		}
	}
	if err := cleanLog(l.logFrom(from)); err != nil {
		r.fail("%v", err)
	}
	good = len(r.bad) == 0
}

func (l *lab) end(r *row) {
	if _, err := l.close(); err != nil {
		r.fail("%v", err)
	}
}

func (l *lab) urgent() (time.Duration, error) {
	l.t.Helper()
	last, next := fmt.Sprintf("urgent%d.example", l.version), fmt.Sprintf("urgent%d.example", l.version+1)
	l.version++
	l.model.set(unsure, last)
	l.write(urgent, orderFile("urgent/1", next))
	took, err := within(urgentTime, func() error {
		if got := l.client.ask(next); got != nxdomain {
			return fmt.Errorf("%s: %s after %s", next, got, urgentTime)
		}
		return nil
	})
	l.model.set(pass, last)
	l.model.set(nxdomain, next)
	return took, err
}

func (l *lab) recovered() error {
	if err := l.healthy(); err != nil {
		return err
	}
	if t := l.client.sweep(l.model); t.wrong+t.lost != 0 {
		return errors.New(strings.Join(t.examples, "; "))
	}
	return nil
}

func (l *lab) counted(f fault, from int, before samples) error {
	if !strings.Contains(l.logFrom(from), f.alarm) {
		return fmt.Errorf("the log does not name %s", f.alarm)
	}
	now, err := l.web.scrape()
	if err == nil && now.failures(f.alarm) <= before.failures(f.alarm) {
		err = fmt.Errorf("load_failures_total of %s has not gone up", f.alarm)
	}
	return err
}
