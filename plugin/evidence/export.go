package evidence

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/dns-orders/blocklist/plugin/journal"
	"golang.org/x/mod/sumdb/tlog"
)

// bundleSize is the number of records in an entry bundle (C2SP's tlog-tiles).
const bundleSize = 256

// Export writes a copy of a journal into a new directory, as C2SP tlog-tiles. Export returns the
// number of records. The copy also contains the records of sealed (secret) orders.
func Export(dir, out string) (int64, error) {
	_, c, err := checkpoint(dir)
	if err != nil {
		return 0, err
	}
	if err := os.Mkdir(out, 0o700); err != nil {
		return 0, err
	}
	w := &writer{dir: dir, out: out, checkpoint: c}
	var bundle []byte
	next := int64(0)
	flush := func() {
		if len(bundle) == 0 {
			return
		}
		t := tlog.Tile{H: 8, L: -1, N: (next - 1) / bundleSize, W: int((next-1)%bundleSize) + 1}
		w.file(strings.Replace(t.Path(), "tile/8/data/", "tile/entries/", 1), bundle, 0o600)
		bundle = nil
	}
	err = journal.Read(dir, func(r journal.Record, line []byte) bool {
		if r.Index >= c.Size || w.err != nil {
			return false
		}
		if r.Index != next {
			w.err = fmt.Errorf("record %d is missing: a journal with missing or deleted records cannot be exported", next)
			return false
		}
		bundle = append(binary.BigEndian.AppendUint16(bundle, uint16(len(line))), line...)
		if next++; next%bundleSize == 0 {
			flush()
		}
		return true
	})
	if err == nil && w.err == nil && next != c.Size {
		err = fmt.Errorf("record %d is missing: a journal with missing or deleted records cannot be exported", next)
	}
	flush()
	if err = errors.Join(err, w.err); err != nil {
		return 0, err
	}
	for level := 0; c.Size>>(8*level) > 0; level++ {
		n := c.Size >> (8 * level)
		for i := int64(0); i*bundleSize < n; i++ {
			t := tlog.Tile{H: 8, L: level, N: i, W: int(min(bundleSize, n-i*bundleSize))}
			data, err := journal.ReadTile(dir, t)
			if err != nil {
				return 0, err
			}
			w.file(journal.TilePath(t), data, 0o644)
		}
	}
	w.file("checkpoint", c.Text, 0o644)
	vkey, err := os.ReadFile(filepath.Join(dir, "journal.vkey"))
	if err != nil {
		return 0, err
	}
	w.file("journal.vkey", vkey, 0o644)
	return c.Size, w.err
}
