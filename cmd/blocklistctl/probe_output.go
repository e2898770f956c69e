package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/dns-orders/blocklist/plugin/durable"
	"github.com/dns-orders/blocklist/plugin/evidence"
	"github.com/dns-orders/blocklist/plugin/journal"
	"github.com/dns-orders/blocklist/plugin/printable"
	"github.com/dns-orders/blocklist/plugin/probe"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/miekg/dns"
)

// A probeReport is the JSON output of probe.
type probeReport struct {
	Server   string         `json:"server"`
	At       string         `json:"at"`
	Client   string         `json:"client"`
	Expect   string         `json:"expect"`
	Right    int            `json:"right"`
	Wrong    int            `json:"wrong"`
	Unclear  int            `json:"unclear"`
	NoAnswer int            `json:"no_answer"`
	NotAsked int            `json:"not_asked"`
	Stopped  string         `json:"stopped,omitempty"`
	Notes    []string       `json:"notes"`
	Results  []probedResult `json:"results"`
}

// A probedResult is one answer.
type probedResult struct {
	Name     string   `json:"name"`
	Type     string   `json:"type"`
	Kind     string   `json:"kind"`
	Order    string   `json:"order,omitempty"`
	Target   string   `json:"target,omitempty"`
	Expected string   `json:"expected,omitempty"`
	Rcode    string   `json:"rcode,omitempty"`
	EDE      []uint16 `json:"ede,omitempty"`
	Outcome  string   `json:"outcome"`
	Why      string   `json:"why,omitempty"`
}

func id(o *ruleset.Order) string {
	if o == nil {
		return ""
	}
	return o.ID
}

// report returns the results as JSON.
func (p *probing) report(at time.Time, results []probe.Result, stopped error) *probeReport {
	r := &probeReport{Server: p.server.String(), At: at.UTC().Format(time.RFC3339), Client: p.who, Expect: p.Expect,
		Notes: append([]string{}, p.notes...), Results: []probedResult{}}
	if stopped != nil {
		r.Stopped = stopped.Error()
	}
	for _, x := range results {
		*map[probe.Outcome]*int{probe.Right: &r.Right, probe.Wrong: &r.Wrong, probe.Unclear: &r.Unclear, probe.NoAnswer: &r.NoAnswer, probe.NotAsked: &r.NotAsked}[x.Outcome]++
		r.Results = append(r.Results, probedResult{x.Name.String(), dns.Type(x.Type).String(), string(x.Kind), id(x.Order), x.Target,
			x.Expected, x.Rcode, x.EDE, string(x.Outcome), x.Why})
	}
	return r
}

func (p *probing) print(e *env, results []probe.Result, stopped error) (bad bool) {
	r := p.report(e.now(), results, stopped)
	if e.json {
		e.writeJSON(r)
		return r.Wrong+r.NoAnswer > 0
	}
	line := func(format string, args ...any) {
		fmt.Fprintln(e.stdout, printable.Line(fmt.Sprintf(format, args...)))
	}
	for _, s := range r.Notes {
		line("note: %s", s)
	}
	for _, outcome := range []probe.Outcome{probe.Wrong, probe.NoAnswer, probe.Unclear, probe.Right} {
		for _, x := range r.Results {
			if x.Outcome != string(outcome) || outcome == probe.Right && !p.All {
				continue
			}
			text := fmt.Sprintf("%s: %s %s (%s", strings.ToUpper(strings.ReplaceAll(x.Outcome, "_", " ")), x.Name, x.Type, strings.ReplaceAll(x.Kind, "_", " "))
			if x.Order != "" {
				text += fmt.Sprintf(" of order %s, target %s", x.Order, x.Target)
			}
			text += ")"
			if x.Why != "" {
				text += ": " + x.Why
			} else {
				text += ": " + x.Rcode
			}
			line("%s", text)
		}
	}
	if stopped != nil {
		e.say("%v", stopped)
	}
	line("%s, for %s: %d right, %d wrong, %d unclear, %d without an answer, %d not asked", r.Server, r.Client, r.Right, r.Wrong, r.Unclear, r.NoAnswer, r.NotAsked)
	return r.Wrong+r.NoAnswer > 0
}

// Without the flag --journal, the journal is nil.
type probeJournal struct{ *journal.Journal }

const journalPatience = 30 * time.Second

// A probe must not write to a server's journal.
func (c *probeCmd) openJournal(e *env) (*probeJournal, error) {
	if c.Journal == "" {
		return nil, nil
	}
	if err := journal.CheckOrigin(c.Name); err != nil {
		return nil, misuse("--name: %v", err)
	}
	switch v, err := journal.ReadVerifier(filepath.Join(c.Journal, "journal.vkey")); {
	case errors.Is(err, os.ErrNotExist):
		if all, err := os.ReadDir(c.Journal); err == nil && len(all) > 0 {
			return nil, fmt.Errorf("%s: is neither empty nor a journal", c.Journal)
		}
	case err != nil:
		return nil, err
	case v.Name() != c.Name:
		return nil, misuse("--name: the journal in %s has the name %s, got %q", c.Journal, v.Name(), c.Name)
	default:
		program := ""
		if err := journal.Read(c.Journal, func(r journal.Record, _ []byte) bool { program = r.Program; return false }); err != nil {
			return nil, err
		}
		if !strings.HasPrefix(program, evidence.ProbeProgram) {
			return nil, fmt.Errorf("%s: is the journal of a server; a probe needs a journal of its own: choose another directory", c.Journal)
		}
	}
	if _, err := os.Stat(c.Journal); err == nil {
		lock, err := durable.LockDir(c.Journal, e.now())
		var locked *durable.LockedError
		if errors.As(err, &locked) {
			return nil, fmt.Errorf("%w; a probe needs a journal of its own: choose another directory, or wait for the other probe", err)
		}
		if err != nil {
			return nil, err
		}
		lock.Close()
	}
	j := &probeJournal{journal.Open(c.Journal, journal.Options{Origin: c.Name, Program: evidence.ProbeProgram, Now: e.now,
		Notice: func(text string, alarm bool) {
			if alarm {
				e.say("%s: %s", c.Journal, strings.TrimSuffix(text, "; the orders are in force, and the events wait in memory"))
			}
		}})}
	for deadline := time.Now().Add(journalPatience); !j.Flush(100 * time.Millisecond); {
		if err := j.Status().Err; !errors.Is(err, journal.ErrNotOpen) && err != nil || time.Now().After(deadline) {
			return nil, j.failure()
		}
	}
	return j, nil
}

func (j *probeJournal) failure() error {
	err := j.Status().Err
	j.Close(time.Second)
	if err == nil {
		err = errors.New("the disk is too slow")
	}
	return fmt.Errorf("the journal cannot be written: %w", err)
}

func (j *probeJournal) write(server string, results []probe.Result) error {
	if j == nil {
		return nil
	}
	for _, x := range results {
		if x.Outcome == probe.NotAsked {
			continue
		}
		r := journal.Record{Event: journal.Probe, Time: journal.Time{Time: x.At}, Order: id(x.Order), Sealed: x.Sealed, Target: x.Target,
			Server: server, Name: x.Name.String(), Type: dns.Type(x.Type).String(), Rcode: x.Rcode, EDE: x.EDE, Why: x.Why}
		switch x.Outcome {
		case probe.Unclear, probe.NoAnswer:
			r.Why = strings.ReplaceAll(string(x.Outcome), "_", " ") + ": " + x.Why
		}
		add := func() bool { return j.Do(512+len(x.Why), func(b *journal.Batch) { b.Add(r) }) }
		if !add() && !(j.Flush(journalPatience) && add()) {
			return j.failure()
		}
	}
	j.Do(0, func(b *journal.Batch) { b.Beat(journal.Record{}) })
	if !j.Flush(journalPatience) || !j.Close(journalPatience) {
		return j.failure()
	}
	return nil
}
