package ordersrpz

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/dns-orders/blocklist/plugin/durable"
)

// A counter makes the serials of one zone. A new serial is the Unix time. If the last serial is not
// below the Unix time, the new serial is the last serial plus 1.
//
// The serial therefore never goes down, even if the clock goes back. If the state directory is
// lost, the new serial is the Unix time. This serial is higher than all old serials if the zone
// changed less than once a second.
type counter struct {
	path   string // the file with the last serial, or empty
	mu     sync.Mutex
	last   uint32
	stored bool // the file has the serial last
	// digest is the digest of the zone with the serial "last", or empty if the digest is unknown.
	digest string
}

// counters contains all counters of the process. The key consists of the state directory and the
// zone. A zone keeps its counter when the Corefile is reloaded.
var counters = struct {
	sync.Mutex
	all map[string]*counter
}{all: map[string]*counter{}}

type stored struct {
	Serial uint32 `json:"serial"`
	Digest string `json:"digest,omitempty"` // the SHA-256 of the zone's records
}

// counterOf returns the counter of a zone. It reads the last serial from the state directory. If it
// cannot read the last serial, it returns an error, and the counter continues from the time now, in
// Unix seconds.
func counterOf(dir, origin string, now int64) (*counter, error) {
	counters.Lock()
	defer counters.Unlock()
	key := dir + "\x00" + origin
	if c := counters.all[key]; c != nil {
		return c, nil
	}
	c := &counter{last: uint32(max(now, 0))}
	counters.all[key] = c
	other := counters.all["\x00"+origin]
	if other != nil { // the old Corefile had no state directory
		c.last = other.last
	}
	if dir == "" {
		return c, nil
	}
	c.path = filepath.Join(dir, url.PathEscape(strings.TrimSuffix(origin, "."))+".serial")
	text, err := os.ReadFile(c.path)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	var s stored
	if err == nil {
		if err = json.Unmarshal(text, &s); err != nil {
			err = fmt.Errorf("%s: %w", c.path, err)
		}
	}
	if err != nil {
		return c, fmt.Errorf("the last serial is unknown: %w", err)
	}
	if other == nil || s.Serial > c.last {
		c.last, c.digest, c.stored = s.Serial, s.Digest, true
	}
	return c, nil
}

// waits reports whether the next serial must wait for the next second after now. The serial must
// wait if the last serial is equal to now and is not stored. Otherwise the next serial would be
// ahead of the clock, and another process could give the same serial to other content.
func (c *counter) waits(now int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.stored && int64(c.last) == now
}

// first returns the serial of the first version after a start. It returns the last serial if the
// zone has not changed since the last run. Otherwise it returns a new serial.
func (c *counter) first(digest [32]byte, now int64) (uint32, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	text := hex.EncodeToString(digest[:])
	if c.digest == text {
		return c.last, nil
	}
	return c.step(now, text)
}

// next returns the next serial and stores it in the file. If next returns an error, the serial is
// correct, but it is not stored.
func (c *counter) next(now int64) (uint32, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.step(now, "")
}

func (c *counter) step(now int64, digest string) (uint32, error) {
	c.last, c.digest = max(c.last+1, uint32(max(now, 0))), digest
	return c.last, c.store()
}

// described reports whether the counter has the digest of the zone for the last serial.
func (c *counter) described() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.digest != ""
}

// describe stores the digest of the zone that has the given serial. After a restart, an unchanged
// zone can then keep its serial.
func (c *counter) describe(serial uint32, digest [32]byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if text := hex.EncodeToString(digest[:]); serial == c.last && text != c.digest {
		c.digest = text
		return c.store()
	}
	return nil
}

func (c *counter) store() error {
	if c.path == "" {
		return nil
	}
	text, err := json.Marshal(stored{c.last, c.digest})
	if err != nil {
		return err
	}
	err = durable.FS{}.WriteFile(c.path, append(text, '\n'), 0o600)
	c.stored = err == nil
	return err
}
