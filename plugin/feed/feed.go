package feed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/durable"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/printable"
)

// Options contains the options of a Feed.
type Options struct {
	Platform *Platform
	// Base is the URL of the platform. Empty means the URL in the description.
	Base           string
	User, Password string
	HTTP           *http.Client
	// Out is the path of the order file.
	Out string
	// Guard finds the items that must not be blocked. Guard may be nil.
	Guard interface {
		Name(*dname.Wire) string
		Address(netip.Prefix) string
	}
	Acknowledge Meaning
	// Nodes are the servers of the meaning ByStatus.
	Nodes []Node
	// With Addresses, the feed acknowledges addresses as "processed" after writing the order file.
	Addresses bool
	DropOK    int
	// Limit is the maximum time for the acknowledgements of a round. 0 means no limit.
	Limit  time.Duration
	Clock  Clock
	Random func() float64
	FS     durable.FS
	// Write writes the order file. Nil means FS.
	Write func(path string, data []byte, serial int64) error
	// Mode is the mode of a new order file.
	Mode fs.FileMode
}

// A Clock is the source of time.
type Clock interface {
	Now() time.Time
	// After starts a timer. The channel receives a value after d. The second result frees the
	// timer.
	After(d time.Duration) (<-chan time.Time, func())
}

// A Feed pulls the tickets of one platform into one order file. A Feed is not safe for concurrent
// use.
type Feed struct {
	opt    Options
	client *client
	dir    string // the state directory
	lock   *durable.Lock
	st     *state
	saved  []byte // the content of the state file

	out      []byte // the content of the order file
	outSince time.Time
	seen     string // the content of the order file at outSince

	known   *pulled // the last answer that was accepted
	success time.Time
	failed  int // the failed rounds in sequence
	last    Report
}

// A Report describes one round.
type Report struct {
	Unchanged bool `json:"unchanged"`
	Tickets   int  `json:"tickets"`
	Items     int  `json:"items"`
	NewOrders int  `json:"new_orders"`
	Added     int  `json:"added"`
	// Ended lists the withdrawn items. Back lists the items that came back.
	Ended       []Change  `json:"ended"`
	Back        []Change  `json:"back"`
	Refused     []Refused `json:"refused"`
	Unprocessed int       `json:"unprocessed"`
	// Operator counts the items that the operator ended or suspended.
	Operator int `json:"ended_by_operator"`
	Unclear  int `json:"unclear"`
	// Pending counts the items that wait for an acknowledgement. Unasked counts the items that need
	// no acknowledgement, for example addresses without the option Addresses.
	Acknowledged int        `json:"acknowledged"`
	Pending      int        `json:"pending"`
	Unasked      int        `json:"not_acknowledged"`
	Oldest       order.Time `json:"-"`
	Serial       int64      `json:"serial"`
	Written      bool       `json:"written"`
	Problems     []string   `json:"problems"`

	counted bool // the fields about tickets and items are known
}

const maxProblems = 100

func (r *Report) problem(format string, args ...any) {
	if len(r.Problems) == maxProblems {
		r.Problems = append(r.Problems, "there are more problems")
	}
	if len(r.Problems) < maxProblems {
		r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
	}
}

func (r *Report) oldest(it *pending) {
	if r.Oldest == order.NoTime || it.received < r.Oldest {
		r.Oldest = it.received
	}
}

// The directory is hidden, because a server does not read hidden files.
func stateDir(out string) string {
	return filepath.Join(filepath.Dir(out), "."+filepath.Base(out)+".feed")
}

// Open locks the state directory and reads the state. If another Feed has the lock, the error is a
// *durable.LockedError.
func Open(opt Options) (*Feed, error) {
	if opt.Base == "" {
		opt.Base = opt.Platform.Base
	}
	base, err := checkBase(opt.Base)
	if err != nil {
		return nil, err
	}
	// The order file and a symbolic link to the order file must have the same lock.
	if real, err := filepath.EvalSymlinks(opt.Out); err == nil {
		opt.Out = real
	}
	f := &Feed{opt: opt, dir: stateDir(opt.Out)}
	f.client = &client{p: opt.Platform, base: base, http: opt.HTTP, user: opt.User, password: opt.Password, now: opt.Clock.Now}
	if err := opt.FS.Mkdir(f.dir, 0o700); err != nil {
		return nil, err
	}
	if f.lock, err = durable.LockDir(f.dir, opt.Clock.Now()); err != nil {
		return nil, err
	}
	err = opt.FS.CleanUp(f.dir)
	if err == nil {
		f.st, err = readState(f.dir, opt.Platform.Name, opt.Base)
	}
	if err != nil {
		return nil, errors.Join(err, f.lock.Close())
	}
	return f, nil
}

// Close releases the lock.
func (f *Feed) Close() error { return f.lock.Close() }

func (f *Feed) readOut() ([]byte, error) {
	in, err := os.Open(f.opt.Out)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer in.Close()
	limit := order.MaxBytes(f.opt.Out, false)
	data, err := io.ReadAll(io.LimitReader(in, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("%s: is larger than %d MiB", printable.Line(f.opt.Out), limit>>20)
	}
	return data, err
}

// After this time, request the tickets even with unchanged checksums.
const completeEvery = time.Hour

// The clocks of the platform's servers may differ by this time.
const skew = 10 * time.Second

// Round pulls the tickets once, writes the order file, and acknowledges items. After an error, the
// order file still has good content.
func (f *Feed) Round(ctx context.Context) (*Report, error) {
	rep := &Report{Ended: []Change{}, Back: []Change{}, Refused: []Refused{}, Problems: []string{}, Oldest: order.NoTime}
	err := f.round(ctx, rep)
	if !rep.counted {
		rep.count(&f.last) // the platform's last answer still describes the work to do
	}
	f.last = *rep
	if err != nil {
		f.failed++
		return rep, err
	}
	f.failed, f.success = 0, f.opt.Clock.Now()
	return rep, nil
}

// undo removes the changes that were not written.
func (r *Report) undo() {
	r.NewOrders, r.Added, r.Ended, r.Back = 0, 0, []Change{}, []Change{}
}

// count takes the counts of an earlier round.
func (r *Report) count(was *Report) {
	r.Tickets, r.Items, r.Unprocessed, r.Operator, r.Unclear = was.Tickets, was.Items, was.Unprocessed, was.Operator, was.Unclear
	r.Pending, r.Unasked, r.counted = was.Pending, was.Unasked, was.counted
	if was.counted {
		r.Oldest = was.Oldest
	}
}

func (f *Feed) round(ctx context.Context, rep *Report) error {
	begin := f.opt.Clock.Now()
	was, err := f.readOrders()
	if err != nil {
		return err
	}
	rep.Serial = was.Serial
	if f.known != nil && begin.Sub(f.known.at) >= completeEvery {
		f.known = nil
	}
	x, err := f.pull(ctx, f.known)
	if err != nil {
		return err
	}
	if !x.oldest.IsZero() && x.oldest.Before(f.st.Date.Add(-skew)) {
		return fmt.Errorf("an answer of the platform is from %s, and an answer from %s is already known; the answer is a replay, and the orders stay as they are",
			x.oldest.UTC().Format(time.RFC3339), f.st.Date.UTC().Format(time.RFC3339))
	}
	rep.Unchanged = x.unchanged
	m := f.newMerge(x, rep, f.opt.Clock.Now())
	if err := m.run(was.Orders); err != nil {
		rep.undo()
		return err
	}
	must := f.out == nil || was.Serial < f.st.Serial
	was, err = f.put(was, m.orders, m.changed || must, rep)
	if err != nil {
		rep.undo()
		return err
	}
	f.known = x
	f.date(x)
	// The order file must be written before the state file, in case of a crash.
	if err := f.save(); err != nil {
		return err
	}
	if string(f.out) != f.seen {
		f.seen, f.outSince = string(f.out), f.opt.Clock.Now()
	}
	rep.counted = true
	failed := f.acknowledge(ctx, m.pending, rep, begin)
	done, changed := f.report(m.orders)
	if _, err := f.put(was, m.orders, changed, rep); err != nil {
		return errors.Join(failed, err)
	}
	if changed {
		f.seen = string(f.out) // the same orders are in force as before
	}
	f.st.forget(func(a Answer) bool { return done[f.opt.Platform.orderID(a.Ticket)] })
	return errors.Join(failed, f.save())
}

// A future date would make all later answers look like replays.
func (f *Feed) date(x *pulled) {
	d := x.date
	if now := f.opt.Clock.Now(); d.After(now) {
		d = now
	}
	if d.After(f.st.Date) {
		f.st.Date = d.UTC().Truncate(time.Second)
	}
}

func (f *Feed) put(was *order.File, orders []*order.Order, changed bool, rep *Report) (*order.File, error) {
	if !changed {
		return was, nil
	}
	data, serial, err := f.encode(was, orders)
	if err != nil {
		return nil, err
	}
	if err := f.lock.Check(); err != nil {
		return nil, err
	}
	// An operator may have changed the file during the round.
	now, err := f.readOut()
	if err != nil {
		return nil, err
	}
	if string(now) != string(f.out) {
		return nil, fmt.Errorf("%s: has changed during the round; nothing was written", printable.Line(f.opt.Out))
	}
	if f.opt.Write != nil {
		err = f.opt.Write(f.opt.Out, data, serial)
	} else {
		err = f.opt.FS.WriteFile(f.opt.Out, data, f.opt.Mode)
	}
	if err != nil {
		return nil, err
	}
	f.out, f.st.Serial, rep.Serial, rep.Written = data, serial, serial, true
	next := *was
	next.Serial = serial
	return &next, nil
}
