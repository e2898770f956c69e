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

// A counter gives the serials of one zone. A serial is the Unix time, or the last serial
// plus 1 if that is larger.
//
// So the serial never goes down. After a loss of the state, this needs a zone that changes
// less often than once a second.
type counter struct {
	path string // the file with the last serial, or empty
	mu   sync.Mutex
	last uint32
	// digest is the digest of the zone with the serial last, or empty if unknown.
	digest string
}

// counters has the counters of the process by state directory and zone. A new Corefile
// continues with the serials of the old Corefile.
var counters = struct {
	sync.Mutex
	all map[string]*counter
}{all: map[string]*counter{}}

// stored is the content of the file with the last serial.
type stored struct {
	Serial uint32 `json:"serial"`
	Digest string `json:"digest,omitempty"` // the SHA-256 of the zone's records
}

// counterOf returns the counter of a zone. It reads the last serial from the state
// directory. An error means that the last serial is unknown.
func counterOf(dir, origin string) (*counter, error) {
	counters.Lock()
	defer counters.Unlock()
	key := dir + "\x00" + origin
	if c := counters.all[key]; c != nil {
		return c, nil
	}
	c := &counter{}
	counters.all[key] = c
	if other := counters.all["\x00"+origin]; dir != "" && other != nil {
		c.last = other.last // the old Corefile had no state directory
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
	if s.Serial > c.last {
		c.last, c.digest = s.Serial, s.Digest
	}
	return c, nil
}

// first returns the serial of the first version after a start. An unchanged zone has the
// last serial. A changed zone has a new serial.
func (c *counter) first(digest [32]byte, now int64) (uint32, error) {
	c.mu.Lock()
	same := c.digest == hex.EncodeToString(digest[:]) && c.last > 0
	last := c.last
	c.mu.Unlock()
	if same {
		return last, nil
	}
	return c.next(now)
}

// next returns the next serial, and stores it first. After an error, the serial is not
// stored but correct.
func (c *counter) next(now int64) (uint32, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last, c.digest = max(c.last+1, uint32(max(now, 0))), ""
	return c.last, c.store()
}

// describe stores the digest of the zone with the given serial. The first version after a
// restart can then have the same serial.
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
	return durable.FS{}.WriteFile(c.path, append(text, '\n'), 0o600)
}
