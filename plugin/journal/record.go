package journal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/dns-orders/blocklist/plugin/printable"
)

// An Event is the kind of a Record.
type Event string

const (
	Start     Event = "start"      // the process has opened the journal
	Stop      Event = "stop"       // the process closes the journal
	Heartbeat Event = "heartbeat"  // is written each hour
	ClockStep Event = "clock_step" // the clock of the machine was set
	Gap       Event = "gap"        // events or records were lost
	Cut       Event = "cut"        // an unfinished line was removed after a crash
	Daily     Event = "daily"      // commits to the last record of each order
	Pruned    Event = "pruned"     // the text of old records was deleted
	Numbers   Event = "numbers"    // keeps the last record numbers of orders before Pruned
)

// The events of a load.
const (
	Intent  Event = "load_intent"  // a new set of orders is about to go into force
	Outcome Event = "load_outcome" // the result of the load
	Kept    Event = "version_kept" // the bytes of a file are in the folder versions
	NotKept Event = "version_not_kept"
	Request Event = "state_request" // an operator has changed the state directory
)

// The events of one order.
const (
	Received    Event = "received" // the order is in a file of the server for the first time
	Corrected   Event = "corrected"
	Removed     Event = "removed" // the order is no longer in the files
	FirstAnswer Event = "first_answer"
	TargetHeld  Event = "target_held" // the guard does not let a target come into force
	TargetFreed Event = "target_freed"
	Forced      Event = "forced"    // the order enforces a target although the guard objects
	Hits        Event = "hits"      // the number of blocked queries in the hour before the next heartbeat
	SelfTest    Event = "self_test" // the server has asked itself for a target
	Probe       Event = "probe"     // blocklistctl has asked a server for a target

	// The events below are also the states of an order.

	InForce   Event = "in_force"
	Pending   Event = "pending"
	Ended     Event = "ended"
	Lifted    Event = "lifted"
	Held      Event = "held"
	Suspended Event = "suspended"
	Shadow    Event = "shadow"
	Draft     Event = "draft"
)

var events = []Event{Start, Stop, Heartbeat, ClockStep, Gap, Cut, Daily, Pruned, Numbers, Intent, Outcome, Kept, NotKept, Request,
	Received, Corrected, Removed, FirstAnswer, TargetHeld, TargetFreed, Forced, Hits, SelfTest, Probe,
	InForce, Pending, Ended, Lifted, Held, Suspended, Shadow, Draft}

var states = []Event{"", InForce, Pending, Ended, Lifted, Held, Suspended, Shadow, Draft, Removed}

// MaxRecord is the maximum size of a line in bytes, without the line end. The entry bundles of C2SP
// have the same limit.
const MaxRecord = 65535

const maxText = 2048

// A Record is one line of the journal. The Journal sets Index, Salt and Number, and adds a missing
// Time. See docs/evidence.md for the fields.
type Record struct {
	Index  int64  `json:"i"`
	Time   Time   `json:"time"`
	Salt   string `json:"salt"` // 128 random bits in hexadecimal digits
	Event  Event  `json:"event"`
	Order  string `json:"order,omitempty"`
	Number int64  `json:"n,omitempty"` // the number of the record among the records of the order; begins with 1
	Sealed bool   `json:"sealed,omitempty"`
	Lift   bool   `json:"lift,omitempty"`
	Target string `json:"target,omitempty"`
	// Content is a digest of the order's content.
	Content string `json:"content,omitempty"`

	File   string    `json:"file,omitempty"`
	SHA256 string    `json:"sha256,omitempty"` // the digest of the file's version, or of the line of a Request
	Files  []Version `json:"files,omitempty"`
	More   int       `json:"more,omitempty"` // the number of list entries that were left out
	All    bool      `json:"all,omitempty"`  // Files has all versions in force

	By  string `json:"by,omitempty"`  // an order, a person, or the command of a Request
	Why string `json:"why,omitempty"` // a reason or an error

	Set     string         `json:"set,omitempty"` // the digest of the order set in force
	Orders  map[string]int `json:"orders,omitempty"`
	Targets map[string]int `json:"targets,omitempty"`
	Count   uint64         `json:"count,omitempty"`
	Since   *Time          `json:"since,omitempty"`
	Clock   string         `json:"clock,omitempty"` // "synchronized", "not synchronized" or "unknown"
	Step    string         `json:"step,omitempty"`
	Program string         `json:"program,omitempty"`
	Process int            `json:"process,omitempty"`

	// The next five fields describe the answer in a SelfTest or Probe record.
	Server string   `json:"server,omitempty"` // the server that was asked
	Name   string   `json:"name,omitempty"`   // the name in the query: the target, or a name made from it
	Type   string   `json:"type,omitempty"`   // the type in the query, for example "A"
	Rcode  string   `json:"rcode,omitempty"`  // for example "NXDOMAIN"; empty without an answer
	EDE    []uint16 `json:"ede,omitempty"`    // the extended error codes of RFC 8914

	First *int64        `json:"first,omitempty"` // the first and last index of a range of records
	Last  *int64        `json:"last,omitempty"`
	Root  string        `json:"root,omitempty"` // the root of a tree, in base64
	Heads []OrderNumber `json:"heads,omitempty"`
}

// A Version is one file of a load.
type Version struct {
	File    string            `json:"file"`
	SHA256  string            `json:"sha256,omitempty"`
	Sides   map[string]string `json:"sides,omitempty"` // the digests of the side lists
	Serial  *int64            `json:"serial,omitempty"`
	Signed  *Time             `json:"signed,omitempty"`
	Signers []string          `json:"signers,omitempty"` // the ids of the keys
	Orders  int               `json:"orders,omitempty"`
	Targets int               `json:"targets,omitempty"`
	Problem string            `json:"problem,omitempty"`
}

// An OrderNumber is the last record of an order.
type OrderNumber struct {
	Order string `json:"order"`
	N     int64  `json:"n"`
	Index int64  `json:"i"`
	State Event  `json:"state,omitempty"`

	Content string `json:"content,omitempty"`
}

// A Time is a time in UTC. Its text always has nine digits for the nanoseconds.
type Time struct{ time.Time }

const timeFormat = "2006-01-02T15:04:05.000000000Z"

// At returns a pointer to a Time. For the zero time, At returns nil.
func At(t time.Time) *Time {
	if t.IsZero() {
		return nil
	}
	return &Time{t}
}

// String returns the time as the journal contains it.
func (t Time) String() string { return t.UTC().Format(timeFormat) }

// MarshalJSON returns the time as a JSON string.
func (t Time) MarshalJSON() ([]byte, error) { return []byte(`"` + t.String() + `"`), nil }

// UnmarshalJSON parses the time from a JSON string.
func (t *Time) UnmarshalJSON(b []byte) (err error) {
	t.Time, err = time.Parse(`"`+timeFormat+`"`, string(b))
	return err
}

func (r *Record) line() []byte {
	line := r.encode()
	for i := range r.Files {
		if len(line) > MaxRecord {
			r.More += len(r.Files[i].Sides)
			r.Files[i].Sides = nil
			line = r.encode()
		}
	}
	return line
}

// encode returns the record as JSON in one line.
func (r *Record) encode() []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(r); err != nil {
		panic(err) // a Record has only types that JSON can represent
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// clip limits the texts of the record.
func (r *Record) clip() {
	for _, s := range []*string{&r.Order, &r.Target, &r.File, &r.By, &r.Why} {
		*s = printable.Clip(*s, maxText)
	}
	for i := range r.Files {
		f := &r.Files[i]
		f.File, f.Problem = printable.Clip(f.File, maxText), printable.Clip(f.Problem, maxText)
	}
}

// ParseRecord parses a line of the journal without its line end.
func ParseRecord(line []byte) (r Record, err error) {
	if len(line) > MaxRecord {
		return r, fmt.Errorf("the line has %d bytes, more than %d", len(line), MaxRecord)
	}
	d := json.NewDecoder(bytes.NewReader(line))
	if err := d.Decode(&r); err != nil {
		return r, err
	}
	switch {
	case d.InputOffset() != int64(len(line)):
		return r, fmt.Errorf("there is text after the record")
	case r.Event == "" || r.Salt == "":
		return r, fmt.Errorf("the record has no event or no salt")
	}
	return r, nil
}
