// Package evidence makes evidence from a journal. The package proves the records of one order,
// copies journals, and finds the history of a name.
package evidence

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"github.com/dns-orders/blocklist/plugin/journal"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

//go:embed verify.sh
var verifyScript []byte

//go:embed README.tmpl
var readmeText string

var readme = template.Must(template.New("README").Parse(readmeText))

type record struct {
	journal.Record
	line []byte
}

// A Summary describes a bundle.
type Summary struct {
	Origin  string `json:"origin"`
	Order   string `json:"order"`
	Records int    `json:"records"`
	// First is the number of the first record. Each order numbers its own records, so First is
	// usually 1.
	First    int64  `json:"first"`
	Size     int64  `json:"signed"`
	Unsigned int    `json:"unsigned"`
	Daily    string `json:"daily,omitempty"`
	Later    int    `json:"later,omitempty"`
	// The bundle has all records of the order up to this record of the journal. Time is the time of
	// this record.
	Complete int64  `json:"complete"`
	Time     string `json:"time"`
}

// Last returns the number of the last record. Only records of the order count.
func (s *Summary) Last() int64 { return s.First + int64(s.Records) - 1 }

// Rest returns a sentence about possible later records.
func (s *Summary) Rest() string {
	if s.Complete == s.Size-1 {
		return fmt.Sprintf("records of the order after number %d may exist behind this checkpoint; the checkpoint is of %s or later, by the clock of the server", s.Last(), s.Time)
	}
	return fmt.Sprintf("records of the order after number %d may exist; the bundle is known to be complete only up to record %d of the journal, which is of %s by the clock of the server; the checkpoint has %d records and is of that time or later",
		s.Last(), s.Complete, s.Time, s.Size)
}

func (s *Summary) complete(r record) {
	if r.Index >= s.Complete {
		s.Complete, s.Time = r.Index, r.Time.String()
	}
}

// Prove writes the records of one order, with proofs, into a new directory. The proofs contain only
// hashes of the records of other orders. Each record contains 128 random bits. These bits prevent
// guesses of a record from its hash.
func Prove(dir, order, out string) (*Summary, error) {
	v, c, err := checkpoint(dir)
	if err != nil {
		return nil, err
	}
	s := &Summary{Origin: v.Name(), Order: order, Size: c.Size}
	var records []record
	var day *record
	heads := map[string]int64{} // the last record of each order before the daily record
	last := map[string]int64{}
	err = journal.Read(dir, func(r journal.Record, line []byte) bool {
		if r.Index >= c.Size {
			if r.Order == order {
				s.Unsigned++
			}
			return true
		}
		switch {
		case r.Event == journal.Daily && len(records) > 0:
			day = &record{r, slices.Clone(line)}
			heads = make(map[string]int64, len(last))
			for k, i := range last {
				heads[k] = i
			}
		case r.Event == journal.Numbers:
			for _, h := range r.Heads {
				if i, ok := last[h.Order]; !ok || i < h.Index {
					last[h.Order] = h.Index
				}
			}
		}
		if r.Order == order {
			records = append(records, record{r, slices.Clone(line)})
		}
		if r.Order != "" {
			last[r.Order] = r.Index
		}
		return true
	})
	if err != nil {
		return nil, err
	}
	if len(records) == 0 {
		if s.Unsigned > 0 {
			return nil, fmt.Errorf("the records of the order are not signed yet: the server signs them within a second")
		}
		return nil, fmt.Errorf("the journal has no record of this order")
	}
	s.Records, s.First = len(records), int64(records[0].Number)
	w := &writer{dir: dir, out: out, checkpoint: c}
	if err := os.Mkdir(out, 0o755); err != nil {
		return nil, err
	}
	for _, r := range records {
		w.record("records", r)
	}
	s.complete(records[len(records)-1])
	if day != nil {
		s.complete(*day)
		w.record("daily", *day)
		w.last(day, heads, heads[order])
		s.Daily = day.Time.UTC().Format("2006-01-02")
		for _, r := range records {
			if r.Index > day.Index {
				s.Later++
			}
		}
	}
	w.file("checkpoint", c.Text, 0o644)
	if vkey, err := os.ReadFile(filepath.Join(dir, "journal.vkey")); err != nil {
		w.err = err
	} else {
		w.file("journal.vkey", vkey, 0o644)
	}
	w.file("verify.sh", verifyScript, 0o755)
	var text bytes.Buffer
	if err := readme.Execute(&text, map[string]any{"S": s, "Records": records}); err != nil {
		return nil, err
	}
	w.file("README", text.Bytes(), 0o644)
	return s, w.err
}

func checkpoint(dir string) (note.Verifier, journal.Checkpoint, error) {
	v, err := journal.ReadVerifier(filepath.Join(dir, "journal.vkey"))
	if err != nil {
		return nil, journal.Checkpoint{}, err
	}
	c, err := journal.ReadCheckpoint(filepath.Join(dir, "checkpoint"), v)
	return v, c, err
}

type writer struct {
	dir, out   string
	checkpoint journal.Checkpoint
	err        error
}

func (w *writer) file(name string, text []byte, mode fs.FileMode) {
	if w.err != nil {
		return
	}
	path := filepath.Join(w.out, filepath.FromSlash(name))
	if w.err = os.MkdirAll(filepath.Dir(path), 0o755); w.err == nil {
		w.err = os.WriteFile(path, text, mode)
	}
}

func (w *writer) record(folder string, r record) {
	if w.err != nil {
		return
	}
	proofs, err := journal.Prove(w.dir, w.checkpoint, []int64{r.Index})
	if err != nil {
		w.err = err
		return
	}
	name := folder + "/" + strconv.FormatInt(r.Index, 10)
	w.file(name+".json", r.line, 0o644)
	w.file(name+".tlog-proof", proofs[0].Marshal(), 0o644)
}

func (w *writer) last(day *record, heads map[string]int64, index int64) {
	if w.err != nil {
		return
	}
	r, err := journal.NewHashes(w.dir, w.checkpoint)
	if err != nil {
		w.err = err
		return
	}
	var list []tlog.Hash
	var own tlog.Hash
	for _, i := range heads {
		h, err := r.Record(i)
		if err != nil {
			w.err = err
			return
		}
		if i == index {
			own = h
		}
		list = append(list, h)
	}
	slices.SortFunc(list, func(x, y tlog.Hash) int { return bytes.Compare(x[:], y[:]) })
	root, proof := proveLast(list, slices.Index(list, own))
	if base64.StdEncoding.EncodeToString(root[:]) != day.Root || uint64(len(list)) != day.Count {
		w.err = fmt.Errorf("record %d: the daily record does not have the last records of the orders: see blocklistctl evidence verify", day.Index)
		return
	}
	var text strings.Builder
	fmt.Fprintf(&text, "index %d\n", slices.Index(list, own))
	for _, h := range proof {
		fmt.Fprintln(&text, h)
	}
	w.file("daily/last.proof", []byte(text.String()), 0o644)
}

func proveLast(leaves []tlog.Hash, index int) (tlog.Hash, tlog.RecordProof) {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) (out []tlog.Hash, err error) {
		for _, i := range indexes {
			if i >= int64(len(stored)) {
				return nil, errors.New("no such hash")
			}
			out = append(out, stored[i])
		}
		return out, nil
	})
	for i, h := range leaves {
		hashes, err := tlog.StoredHashesForRecordHash(int64(i), h, reader)
		if err != nil {
			panic(err) // all hashes before are stored
		}
		stored = append(stored, hashes...)
	}
	root, err := tlog.TreeHash(int64(len(leaves)), reader)
	if err != nil {
		panic(err)
	}
	proof, err := tlog.ProveRecord(int64(len(leaves)), int64(index), reader)
	if err != nil {
		panic(err)
	}
	return root, proof
}
