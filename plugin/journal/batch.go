package journal

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"time"

	"github.com/dns-orders/blocklist/plugin/coop"
	"golang.org/x/mod/sumdb/tlog"
)

const flushBytes = 256 << 10

// A Batch adds records to the journal. It is valid only inside the function that Do calls.
type Batch struct {
	j    *Journal
	at   time.Time
	buf  []byte
	hash []tlog.Hash
}

// Now returns the time at which Do was called.
func (b *Batch) Now() time.Time { return b.at }

// State returns the last recorded state of an order. The state of an unknown order is empty.
func (b *Batch) State(order string) Event {
	return states[b.j.table.orders[b.j.table.key(order)].state]
}

// Present reports whether the journal has the order. A removed order is not present.
func (b *Batch) Present(order string) bool { return b.j.table.orders[b.j.table.key(order)].present }

// Secret returns a secret number that never changes.
func (b *Batch) Secret() uint64 { return binary.BigEndian.Uint64(b.j.secret[:]) }

// Changed reports whether the content of an order differs from its recorded content. If no content
// is recorded, Changed returns false.
func (b *Batch) Changed(order, content string) bool {
	was := b.j.table.orders[b.j.table.key(order)].content
	return was != 0 && was != contentNumber(content)
}

// Requests returns the number of Request records with a given SHA-256.
func (b *Batch) Requests(sha256 string) int { return b.j.table.requests[sha256] }

// Begin returns the time of the oldest record that Prune left. Before the first Prune, Begin
// returns the zero time.
func (b *Batch) Begin() time.Time { return b.j.table.begin }

// Answered reports whether the order has a FirstAnswer record since its last InForce record.
func (b *Batch) Answered(order string) bool { return b.j.table.orders[b.j.table.key(order)].answered }

// Held reports whether the journal records the target as held.
func (b *Batch) Held(t HeldTarget) bool { return b.j.table.held[t] }

// HeldTargets returns all held targets, sorted by order and target.
func (b *Batch) HeldTargets() (out []HeldTarget) {
	for t := range b.j.table.held {
		out = append(out, t)
	}
	slices.SortFunc(out, func(x, y HeldTarget) int {
		return slices.Compare([]string{x.Order, x.Target}, []string{y.Order, y.Target})
	})
	return out
}

// Add adds a record. A record with too many files becomes several records. If the disk fails, Add
// waits until the disk works or the journal closes.
func (b *Batch) Add(r Record) {
	coop.Yield()
	j := b.j
	if j.dead {
		return
	}
	r.clip()
	if first, second, ok := r.splitFiles(); ok {
		b.Add(first)
		b.Add(second)
		return
	}
	if n := j.tree.size + int64(len(b.hash)); n%tileWidth == 0 && j.lines.size+int64(len(b.buf)) >= j.opt.segmentBytes {
		b.flush()
		j.lines.close() // the next line begins a new file
	}
	r.Index = j.tree.size + int64(len(b.hash))
	if r.Time.IsZero() {
		r.Time = Time{b.at}
	}
	var salt [16]byte
	if _, err := io.ReadFull(j.opt.random, salt[:]); err != nil {
		panic(err) // crypto/rand never fails
	}
	r.Salt = hex.EncodeToString(salt[:])
	if r.Number = 0; r.Order != "" {
		r.Number = j.table.number(r.Order)
	}
	line := r.line()
	j.table.note(&r)
	b.buf = append(append(b.buf, line...), '\n')
	b.hash = append(b.hash, tlog.RecordHash(line))
	if len(b.buf) >= flushBytes {
		b.flush()
	}
}

func (b *Batch) flush() {
	if len(b.buf) == 0 || b.j.dead {
		return
	}
	j := b.j
	j.try(func() error { return j.lines.append(j, j.tree.size, b.buf) })
	if j.dead {
		return
	}
	for _, h := range b.hash {
		for _, full := range j.tree.add(h) {
			j.try(func() error { return j.writeTile(full) })
		}
	}
	b.buf, b.hash = b.buf[:0], b.hash[:0]
	j.mu.Lock()
	j.status.Records = j.tree.size
	j.mu.Unlock()
}

// Beat adds a Heartbeat record. On a new day, it first adds a Daily record. The next checkpoint is
// also stored in the directory checkpoints.
func (b *Batch) Beat(r Record) {
	if r.Time.IsZero() {
		r.Time = Time{b.at}
	}
	if b.j.table.day != day(r.Time) {
		b.daily(r.Time)
	}
	r.Event, r.Clock = Heartbeat, clockState()
	b.Add(r)
	b.j.hourly = true
}

func (b *Batch) daily(now Time) {
	b.flush() // the hash of a record is read from the tiles, and from the edge of the tree
	heads, err := b.j.heads()
	if err != nil {
		b.j.notice(true, "the daily record of the journal cannot be made: %v", err)
		return
	}
	r := Record{Time: now, Event: Daily, Count: uint64(len(heads))}
	if len(heads) > 0 {
		root := treeHash(heads)
		r.Root = base64.StdEncoding.EncodeToString(root[:])
	}
	b.Add(r)
}

func (j *Journal) heads() ([]tlog.Hash, error) {
	indexes := make([]int64, 0, len(j.table.orders))
	for _, e := range j.table.orders {
		indexes = append(indexes, e.last)
	}
	slices.Sort(indexes)
	out := make([]tlog.Hash, 0, len(indexes))
	var tile []byte
	n := int64(-1) // the number of the tile
	for _, i := range indexes {
		coop.Yield()
		if i>>tileHeight == j.tree.size>>tileHeight {
			out = append(out, j.tree.edge[0][i%tileWidth])
			continue
		}
		if i>>tileHeight != n {
			var err error
			n = i >> tileHeight
			if tile, err = readTile(j.dir, tlog.Tile{H: tileHeight, L: 0, N: n, W: tileWidth}); err != nil {
				return nil, err
			}
		}
		out = append(out, tlog.Hash(tile[i%tileWidth*tlog.HashSize:][:tlog.HashSize]))
	}
	sortHashes(out)
	return out, nil
}

func sortHashes(list []tlog.Hash) {
	slices.SortFunc(list, func(x, y tlog.Hash) int { return slices.Compare(x[:], y[:]) })
}

func (b *Batch) call(f func(*Batch)) {
	defer func() {
		if r := recover(); r != nil {
			b.j.notice(true, "events are lost, because of an error of the program: %v\n%s", r, debug.Stack())
			b.Add(Record{Event: Gap, Count: 1, Why: "events were lost, because of an error of the program"})
		}
	}()
	f(b)
}

// gap adds a record about events that were lost.
func (b *Batch) gap(lost uint64, since time.Time) {
	b.Add(Record{Event: Gap, Count: lost, Since: At(since), Why: fmt.Sprintf("%d events were lost, because too many events waited for the disk", lost)})
}
