package evidence

import (
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/dns-orders/blocklist/plugin/journal"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Check verifies a bundle like the script verify.sh. If key is nil, Check uses the key in the
// bundle.
func Check(bundle string, key note.Verifier) (*Summary, error) {
	if key == nil {
		var err error
		if key, err = journal.ReadVerifier(filepath.Join(bundle, "journal.vkey")); err != nil {
			return nil, err
		}
	}
	c, err := journal.ReadCheckpoint(filepath.Join(bundle, "checkpoint"), key)
	if err != nil {
		return nil, err
	}
	s := &Summary{Origin: c.Origin, Size: c.Size}
	records, err := checkRecords(filepath.Join(bundle, "records"), key, c)
	if err != nil {
		return nil, err
	}
	if len(records) == 0 {
		return nil, errors.New("the bundle has no record")
	}
	s.Records, s.Order, s.First = len(records), records[0].Order, int64(records[0].Number)
	for i, r := range records {
		switch {
		case r.Order == "" || r.Order != s.Order:
			return nil, fmt.Errorf("record %d belongs to another order", r.Index)
		case i > 0 && r.Number != records[i-1].Number+1:
			return nil, fmt.Errorf("record %d is number %d of its order, but number %d was expected", r.Index, r.Number, records[i-1].Number+1)
		}
	}
	s.complete(records[len(records)-1])
	if err := checkOutsides(bundle, c); err != nil {
		return nil, err
	}
	days, err := checkRecords(filepath.Join(bundle, "daily"), key, c)
	if errors.Is(err, os.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	if len(days) != 1 || days[0].Event != journal.Daily {
		return nil, errors.New("the folder daily does not have one daily record")
	}
	s.complete(days[0])
	return s, checkDaily(bundle, s, days[0], records)
}

func checkOutsides(bundle string, c journal.Checkpoint) error {
	all, err := journal.Outsides(bundle)
	if err != nil {
		return err
	}
	for _, f := range all {
		if f.Size < 0 {
			return fmt.Errorf("%s: the name does not begin with a number of records", f.Name)
		}
		if f.Size > c.Size {
			return fmt.Errorf("%s is about %d records, but the checkpoint of this bundle has only %d: newer records exist", f.Name, f.Size, c.Size)
		}
		if f.Stamp {
			continue
		}
		text, err := os.ReadFile(filepath.Join(bundle, filepath.FromSlash(f.Name)))
		if err != nil {
			return err
		}
		lines := strings.SplitAfterN(string(text), "\n", 4)
		if len(lines) < 4 || strings.TrimSuffix(lines[1], "\n") != strconv.FormatInt(f.Size, 10) {
			return fmt.Errorf("%s is about another number of records", f.Name)
		}
		if f.Size == c.Size && !strings.HasPrefix(string(c.Text), strings.Join(lines[:3], "")) {
			return fmt.Errorf("%s is another checkpoint of %d records", f.Name, f.Size)
		}
	}
	return nil
}

func checkDaily(bundle string, s *Summary, day record, records []record) error {
	var last *record
	for i := range records {
		if records[i].Index < day.Index {
			last = &records[i]
		} else {
			s.Later++
		}
	}
	if last == nil {
		return errors.New("the daily record is older than all records")
	}
	text, err := os.ReadFile(filepath.Join(bundle, "daily", "last.proof"))
	if err != nil {
		return err
	}
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[0], "index "), 10, 64)
	if err != nil {
		return errors.New("daily/last.proof has no index")
	}
	var proof tlog.RecordProof
	for _, s := range lines[1:] {
		h, err := base64.StdEncoding.Strict().DecodeString(s)
		if err != nil || len(h) != tlog.HashSize {
			return fmt.Errorf("daily/last.proof: %q is not a hash", s)
		}
		proof = append(proof, tlog.Hash(h))
	}
	root, err := base64.StdEncoding.Strict().DecodeString(day.Root)
	if err != nil || len(root) != tlog.HashSize || index < 0 || index >= int64(day.Count) ||
		tlog.CheckRecord(proof, int64(day.Count), tlog.Hash(root), index, tlog.RecordHash(last.line)) != nil {
		return fmt.Errorf("the daily record does not commit to record %d", last.Index)
	}
	s.Daily = day.Time.UTC().Format("2006-01-02")
	return nil
}

func checkRecords(dir string, key note.Verifier, c journal.Checkpoint) (out []record, err error) {
	all, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range all {
		name, ok := strings.CutSuffix(e.Name(), ".json")
		if !ok {
			continue
		}
		line, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		text, err := os.ReadFile(filepath.Join(dir, name+".tlog-proof"))
		if err != nil {
			return nil, err
		}
		p, err := journal.ParseProof(text)
		if err == nil && string(p.Checkpoint) != string(c.Text) {
			err = errors.New("the proof has another checkpoint")
		}
		if err == nil {
			_, err = p.Check(line, key)
		}
		var r journal.Record
		if err == nil {
			r, err = journal.ParseRecord(line)
		}
		if err == nil && (r.Index != p.Index || strconv.FormatInt(p.Index, 10) != name) {
			err = errors.New("the record, its proof and its file name have different indexes")
		}
		if err != nil {
			return nil, fmt.Errorf("%s/%s: %w", filepath.Base(dir), e.Name(), err)
		}
		out = append(out, record{r, line})
	}
	slices.SortFunc(out, func(x, y record) int { return int(min(1, max(-1, x.Index-y.Index))) })
	return out, nil
}
