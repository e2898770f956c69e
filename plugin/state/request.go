package state

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/dns-orders/blocklist/plugin/durable"
	"github.com/dns-orders/blocklist/plugin/printable"
)

// One process locks a state directory. Other programs leave requests for this process in the
// directory "request":
//
//	ID.json      the request; see Ask
//	ID.taken     the request after Take, until Answer
//	ID.answer    the answer; the program that asked removes the file
//
// Each file is complete as soon as it exists.
const requestDir = "request"

const (
	requestEnd = ".json"
	takenEnd   = ".taken"
	answerEnd  = ".answer"
)

const (
	maxRequest  = 64 << 10
	maxRequests = 16
	maxReason   = 4096
)

// These are the commands of a Change.
const (
	CommandForget    = "forget"
	CommandSetSerial = "set-serial"
	CommandAccept    = "accept"
)

// A Change is a change of a state directory that a person has asked for.
type Change struct {
	Time    time.Time
	Command string
	Path    string // the order file or protect list; empty for CommandAccept
	Serial  *int64 // only for CommandSetSerial
	Reason  string
	Refused string // why the change was not made, or empty
}

type changeEntry struct {
	Time    string `json:"time"`
	Command string `json:"command"`
	Path    text   `json:"path,omitempty"`
	Serial  *int64 `json:"serial,omitempty"`
	Reason  text   `json:"reason"`
	Refused text   `json:"refused,omitempty"`
	Until   string `json:"until,omitempty"` // only in a request
}

func (c Change) entry() changeEntry {
	return changeEntry{Time: c.Time.UTC().Format(time.RFC3339), Command: c.Command, Path: text(c.Path), Serial: c.Serial, Reason: text(c.Reason), Refused: text(c.Refused)}
}

// Check returns an error if the change is malformed.
func (c Change) Check() error {
	switch c.Command {
	case CommandForget, CommandSetSerial, CommandAccept:
	default:
		return fmt.Errorf("command: is unknown, got %q", c.Command)
	}
	switch {
	case (c.Path == "") != (c.Command == CommandAccept):
		return fmt.Errorf("path: does not fit the command %s, got %q", c.Command, c.Path)
	case (c.Serial != nil) != (c.Command == CommandSetSerial):
		return fmt.Errorf("serial: does not fit the command %s", c.Command)
	case c.Serial != nil && *c.Serial < 0:
		return fmt.Errorf("serial: is negative, got %d", *c.Serial)
	case strings.TrimSpace(c.Reason) == "":
		return errors.New("reason: is empty")
	case len(c.Reason) > maxReason:
		return fmt.Errorf("reason: has %d bytes, more than %d", len(c.Reason), maxReason)
	}
	return nil
}

func (c Change) String() string {
	out := "blocklistctl state " + c.Command
	if c.Path != "" {
		out += " " + printable.Line(c.Path)
	}
	if c.Serial != nil {
		out += fmt.Sprintf(" %d", *c.Serial)
	}
	return out
}

// A Request is a Change that another program has asked for.
type Request struct {
	ID string
	Change
	Until time.Time // the request must not be carried out after this time
}

// An Answer says what became of a Request.
type Answer struct {
	Refused   string `json:"refused,omitempty"`    // why the request was not carried out, or empty
	Done      string `json:"done,omitempty"`       // what was done, if the request was carried out
	NotStored string `json:"not_stored,omitempty"` // why the change is not stored, or empty
}

// Files get the owner of the directory, even if root runs the program.
var requestFS = durable.FS{Inherit: true}

// Ask leaves a request in a state directory and returns its id. The program with the lock reads the
// request in Take.
func Ask(dir string, c Change, until time.Time) (id string, err error) {
	if err := c.Check(); err != nil {
		return "", err
	}
	e := c.entry()
	e.Until = until.UTC().Format(time.RFC3339Nano) // a short wait needs the fraction of the second
	b, err := json.Marshal(e)
	if err != nil {
		return "", err
	}
	id = rand.Text()
	return id, requestFS.WriteFile(filepath.Join(dir, requestDir, id+requestEnd), append(b, '\n'), 0o600)
}

// Withdraw removes a request. It returns false if the request was already taken.
func Withdraw(dir, id string) (withdrawn bool, err error) {
	switch err := os.Remove(filepath.Join(dir, requestDir, id+requestEnd)); {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	}
	return true, nil
}

// Answered returns the answer to a request and removes the answer. The bool is false while there is
// no answer.
func Answered(dir, id string) (a Answer, ok bool, err error) {
	path := filepath.Join(dir, requestDir, id+answerEnd)
	b, err := readFile(path, maxRequest)
	if errors.Is(err, fs.ErrNotExist) {
		return a, false, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &a)
	}
	if err != nil {
		return a, false, fmt.Errorf("%s: %w", printable.Line(path), err)
	}
	_ = os.Remove(path) // Open removes an answer that is left
	return a, true, nil
}

// Take returns the requests of other programs, and records each request in changes.jsonl. It
// refuses a request that it cannot record. The caller must answer each request with Answer. If the
// directory was replaced, the error is durable.ErrReplaced.
func (s *State) Take() (out []Request, err error) {
	if err := s.lock.Check(); err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	dir := filepath.Join(s.dir, requestDir)
	var errs []error
	for _, id := range waiting(dir) {
		path := filepath.Join(dir, id+requestEnd)
		r, err := readRequest(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue // the request was withdrawn
		}
		if err != nil {
			// Remove the bad file, or each call of Take would report the file.
			errs = append(errs, fmt.Errorf("state: %s: is no request: %w", printable.Line(path), errors.Join(err, os.Remove(path))))
			continue
		}
		// Only one of Take and Withdraw can move the file.
		if err := os.Rename(path, filepath.Join(dir, id+takenEnd)); err != nil {
			if !errors.Is(err, fs.ErrNotExist) {
				errs = append(errs, fmt.Errorf("state: %s: the request cannot be taken: %w", r.Change, err))
			}
			continue
		}
		r.ID = id
		if err := s.Record(r.Change); err != nil {
			err = fmt.Errorf("the change cannot be recorded: %w", err)
			errs = append(errs, fmt.Errorf("state: %s: %w", r.Change, err), s.answer(id, Answer{Refused: err.Error()}))
			continue
		}
		out = append(out, r)
	}
	return out, errors.Join(errs...)
}

func waiting(dir string) (ids []string) {
	f, err := os.Open(dir)
	if err != nil {
		return nil // a program cannot leave a request either
	}
	defer f.Close()
	for len(ids) < maxRequests {
		all, err := f.Readdirnames(maxRequests)
		for _, name := range all {
			if id, ok := strings.CutSuffix(name, requestEnd); ok && id != "" && id[0] != '.' {
				ids = append(ids, id)
			}
		}
		if err != nil {
			break
		}
	}
	return ids
}

// readRequest reads and checks a request.
func readRequest(path string) (r Request, err error) {
	b, err := readFile(path, maxRequest)
	if err != nil {
		return r, err
	}
	var e changeEntry
	if err := strict(b, &e); err != nil {
		return r, err
	}
	if r.Change, err = e.change(); err != nil {
		return r, err
	}
	if r.Until, err = time.Parse(time.RFC3339, e.Until); err != nil {
		return r, fmt.Errorf("until: %w", err)
	}
	return r, nil
}

func (e changeEntry) change() (c Change, err error) {
	c = Change{Command: e.Command, Path: string(e.Path), Serial: e.Serial, Reason: string(e.Reason), Refused: string(e.Refused)}
	if c.Time, err = time.Parse(time.RFC3339, e.Time); err != nil {
		return c, fmt.Errorf("time: %w", err)
	}
	return c, c.Check()
}

// Answer answers a request from Take. Answer also records a refusal in changes.jsonl.
func (s *State) Answer(r Request, a Answer) error {
	var err error
	if a.Refused != "" {
		r.Refused = a.Refused
		err = s.Record(r.Change)
	}
	return errors.Join(err, s.answer(r.ID, a))
}

func (s *State) answer(id string, a Answer) error {
	b, err := json.Marshal(a)
	if err != nil {
		return err
	}
	dir := filepath.Join(s.dir, requestDir)
	err = s.fs.WriteFile(filepath.Join(dir, id+answerEnd), append(b, '\n'), 0o600)
	return errors.Join(err, s.fs.Remove(filepath.Join(dir, id+takenEnd)))
}

func (s *State) dropRequests() {
	dir := filepath.Join(s.dir, requestDir)
	for _, name := range names(dir) {
		path := filepath.Join(dir, name)
		if strings.HasSuffix(name, takenEnd) {
			what := "a request"
			if r, err := readRequest(path); err == nil {
				what = r.String()
			}
			s.problem(fmt.Errorf("%s: the server ended before it answered; blocklistctl state list shows whether the change was made", what))
		}
		if strings.HasSuffix(name, takenEnd) || strings.HasSuffix(name, answerEnd) {
			if err := os.Remove(path); err != nil {
				s.problem(err)
			}
		}
	}
}
