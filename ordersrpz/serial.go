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

// A counter makes the serials of one zone. A new serial is the Unix time or the last serial plus 1.
// The higher number counts. The serial never goes down, even if the clock goes back. After a loss
// of the state directory, the Unix time is higher than most old serials.
type counter struct {
	path   string // the file with the last serial, or empty
	mu     sync.Mutex
	last   uint32
	stored bool // the file has the serial last
	digest string
}

// A zone keeps its counter when the Corefile is reloaded.
var counters = struct {
	sync.Mutex
	all map[counterKey]*counter
}{all: map[counterKey]*counter{}}

type counterKey struct{ dir, origin string }

var files durable.FS

type stored struct {
	Serial uint32 `json:"serial"`
	Digest string `json:"digest,omitempty"` // the SHA-256 of the zone's records
}

// The last serial is in the state directory. After a read error, the counter continues from the
// Unix time. The serial never goes below a serial from another state directory of the process.
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

func (c *counter) raise(serial uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if serial >= c.last {
		c.last, c.digest, c.stored = serial, "", false
	}
}

// The server must never reuse a zone serial for other content after a restart.
func (c *counter) waits(now int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.stored && int64(c.last) == now
}

// After a restart, an unchanged zone keeps its last serial.
func (c *counter) first(digest [32]byte, now int64) (uint32, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	text := hex.EncodeToString(digest[:])
	if c.digest == text {
		return c.last, nil
	}
	return c.step(now, text)
}

// The returned serial is valid even with an error.
func (c *counter) next(now int64) (uint32, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.step(now, "")
}

func (c *counter) step(now int64, digest string) (uint32, error) {
	c.last, c.digest = max(c.last+1, uint32(max(now, 0))), digest
	err := c.store()
	if err != nil && c.path != "" {
		// The file still has the old serial. With this file, the serial of the zone could go down
		// after a restart.
		_ = files.Remove(c.path)
	}
	return c.last, err
}

func (c *counter) described() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.digest != ""
}

// With the stored digest, an unchanged zone keeps its serial after a restart.
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
