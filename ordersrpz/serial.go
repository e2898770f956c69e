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

// counters contains all counters of the process. A zone keeps its counter when the Corefile is
// reloaded.
var counters = struct {
	sync.Mutex
	all map[counterKey]*counter
}{all: map[counterKey]*counter{}}

// A counterKey has the state directory, or "", and the name of the zone.
type counterKey struct{ dir, origin string }

// files writes the files of the counters. Tests set its Hook.
var files durable.FS

type stored struct {
	Serial uint32 `json:"serial"`
	Digest string `json:"digest,omitempty"` // the SHA-256 of the zone's records
}

// counterOf returns the counter of a zone. It reads the last serial from the state directory. If it
// cannot read the last serial, it returns an error, and the counter continues from the time now, in
// Unix seconds. The counter never continues below the serials that the zone had with another state
// directory of the same process.
func counterOf(dir, origin string, now int64) (c *counter, err error) {
	counters.Lock()
	defer counters.Unlock()
	key := counterKey{dir, origin}
	if c = counters.all[key]; c == nil {
		c = &counter{last: uint32(max(now, 0))}
		if dir != "" {
			c.path = filepath.Join(dir, url.PathEscape(strings.TrimSuffix(origin, "."))+".serial")
			err = c.read()
		}
		counters.all[key] = c
	}
	for k, other := range counters.all {
		if k.origin == origin && other != c {
			c.raise(other.lastSerial())
		}
	}
	return c, err
}

// read reads the file. Without a file, it changes nothing.
func (c *counter) read() error {
	text, err := os.ReadFile(c.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var s stored
	if err == nil {
		if err = json.Unmarshal(text, &s); err != nil {
			err = fmt.Errorf("%s: %w", c.path, err)
		}
	}
	if err != nil {
		return fmt.Errorf("the last serial is unknown: %w", err)
	}
	c.last, c.digest, c.stored = s.Serial, s.Digest, true
	return nil
}

func (c *counter) lastSerial() uint32 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last
}

// raise notes that the zone may have had a serial with other content.
func (c *counter) raise(serial uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if serial >= c.last {
		c.last, c.digest, c.stored = serial, "", false
	}
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
	err := c.store()
	if err != nil && c.path != "" {
		// After a restart with the old content, the file would give the old serial to the zone.
		_ = files.Remove(c.path)
	}
	return c.last, err
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
	err = files.WriteFile(c.path, append(text, '\n'), 0o600)
	c.stored = err == nil
	return err
}
