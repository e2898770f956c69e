package feed

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/dns-orders/blocklist/plugin/printable"
)

const stateName = "feed.json"

const stateVersion = 1

type state struct {
	Version  int    `json:"version"`
	Platform string `json:"platform"`
	Base     string `json:"base"`
	// Date is the newest date of an accepted answer. An older answer is a replay.
	Date   time.Time `json:"date"`
	Serial int64     `json:"serial"`
	// Refused has the items that are in no order.
	Refused []Refused `json:"refused"`
	Answers []Answer  `json:"answers"`

	refused map[[2]string]int // the index of a refused item, by ticket and value
	answers map[[2]string]int
}

// A Refused is an item that the feed refused. The order file does not contain the item.
type Refused struct {
	Ticket   string    `json:"ticket"`
	Value    string    `json:"value"`
	Why      string    `json:"why"`
	Received time.Time `json:"received"`
	// Protected is true if the guard refused the item, and false if the item is no valid target.
	Protected bool      `json:"protected"`
	Answered  time.Time `json:"answered,omitzero"`
	// Rejected is the platform's reason for a final rejection, or empty.
	Rejected string `json:"rejected,omitempty"`
}

// An Answer records that the platform accepted or finally rejected an acknowledgement.
type Answer struct {
	Ticket string `json:"ticket"`
	Value  string `json:"value"`
	// InForce is the time in the acknowledgement.
	InForce  time.Time `json:"in_force,omitzero"`
	At       time.Time `json:"at"`
	Rejected string    `json:"rejected,omitempty"`
}

func readState(dir, platform, base string) (*state, error) {
	path := filepath.Join(dir, stateName)
	st := &state{Version: stateVersion, Platform: platform, Base: base}
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	default:
		dec := json.NewDecoder(bytes.NewReader(data))
		dec.DisallowUnknownFields()
		if err := dec.Decode(st); err != nil {
			return nil, fmt.Errorf("%s: is not the state of a feed: %w", printable.Line(path), err)
		}
		switch {
		case st.Version != stateVersion:
			return nil, fmt.Errorf("%s: has version %d, and this program reads version %d", printable.Line(path), st.Version, stateVersion)
		case st.Platform != platform || st.Base != base:
			return nil, fmt.Errorf("%s: is from the platform %q at %q, not from %q at %q; use another order file",
				printable.Line(path), st.Platform, st.Base, platform, base)
		}
	}
	st.index()
	return st, nil
}

// index sorts the lists and makes the indexes.
func (st *state) index() {
	slices.SortFunc(st.Refused, func(a, b Refused) int { return cmp.Or(cmp.Compare(a.Ticket, b.Ticket), cmp.Compare(a.Value, b.Value)) })
	slices.SortFunc(st.Answers, func(a, b Answer) int { return cmp.Or(cmp.Compare(a.Ticket, b.Ticket), cmp.Compare(a.Value, b.Value)) })
	st.refused, st.answers = map[[2]string]int{}, map[[2]string]int{}
	for i, r := range st.Refused {
		st.refused[[2]string{r.Ticket, r.Value}] = i
	}
	for i, a := range st.Answers {
		st.answers[[2]string{a.Ticket, a.Value}] = i
	}
}

func (st *state) refuse(r Refused) (*Refused, bool) {
	key := [2]string{r.Ticket, r.Value}
	if i, ok := st.refused[key]; ok {
		return &st.Refused[i], false
	}
	st.refused[key] = len(st.Refused)
	st.Refused = append(st.Refused, r)
	return &st.Refused[len(st.Refused)-1], true
}

func (st *state) take(ticket, value string) {
	if i, ok := st.refused[[2]string{ticket, value}]; ok {
		st.Refused = slices.Delete(st.Refused, i, i+1)
		st.index()
	}
}

// answer notes an acknowledgement.
func (st *state) answer(a Answer) {
	key := [2]string{a.Ticket, a.Value}
	if i, ok := st.answers[key]; ok {
		st.Answers[i] = a
		return
	}
	st.answers[key] = len(st.Answers)
	st.Answers = append(st.Answers, a)
}

// answered returns the acknowledgement of an item, or nil.
func (st *state) answered(ticket, value string) *Answer {
	if i, ok := st.answers[[2]string{ticket, value}]; ok {
		return &st.Answers[i]
	}
	return nil
}

// forget removes the acknowledgements for which drop returns true.
func (st *state) forget(drop func(a Answer) bool) {
	st.Answers = slices.DeleteFunc(st.Answers, drop)
	st.index()
}

// save writes the state file, if its content changed.
func (f *Feed) save() error {
	f.st.index()
	data, err := json.MarshalIndent(f.st, "", " ")
	if err != nil {
		return err
	}
	data = append(data, '\n')
	if bytes.Equal(data, f.saved) {
		return nil
	}
	if err := f.lock.Check(); err != nil {
		return err
	}
	if err := f.opt.FS.WriteFile(filepath.Join(f.dir, stateName), data, 0o600); err != nil {
		return err
	}
	f.saved = data
	return nil
}
