package journal

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const proofHeader = "c2sp.org/tlog-proof@v1"

// A Proof shows that a record is in the tree of a checkpoint.
type Proof struct {
	Index      int64
	Hashes     tlog.RecordProof
	Checkpoint []byte
}

// Prove returns proofs that some records are in the tree of a checkpoint. If the tiles do not match
// the root of the tree, Prove returns an error.
func Prove(dir string, c Checkpoint, indexes []int64) (out []Proof, err error) {
	r := tlog.TileHashReader(tlog.Tree{N: c.Size, Hash: c.Root}, tileReader{dir})
	for _, i := range indexes {
		if i >= c.Size {
			return nil, fmt.Errorf("record %d is not signed yet", i)
		}
		hashes, err := tlog.ProveRecord(c.Size, i, r)
		if err != nil {
			return nil, fmt.Errorf("record %d: %w", i, err)
		}
		out = append(out, Proof{i, hashes, c.Text})
	}
	return out, nil
}

// ProveConsistency returns a proof that the tree of a checkpoint begins with an older tree. The
// last argument is the number of records in the older tree. If the older tree is empty or equal,
// the proof is empty.
func ProveConsistency(dir string, c Checkpoint, older int64) (tlog.TreeProof, error) {
	switch {
	case older < 0 || older > c.Size:
		return nil, fmt.Errorf("%d records are more than the %d records of the checkpoint", older, c.Size)
	case older == 0 || older == c.Size:
		return nil, nil
	}
	return tlog.ProveTree(c.Size, older, tlog.TileHashReader(tlog.Tree{N: c.Size, Hash: c.Root}, tileReader{dir}))
}

// Marshal returns the text of the proof (C2SP tlog-proof).
func (p Proof) Marshal() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\nindex %d\n", proofHeader, p.Index)
	for _, h := range p.Hashes {
		fmt.Fprintln(&b, h)
	}
	fmt.Fprintln(&b)
	b.Write(p.Checkpoint)
	return b.Bytes()
}

// ParseProof parses a C2SP tlog-proof.
func ParseProof(text []byte) (p Proof, err error) {
	head, checkpoint, ok := bytes.Cut(text, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	if !ok || lines[0] != proofHeader {
		return p, errors.New("not a proof of the form " + proofHeader)
	}
	lines = lines[1:]
	if len(lines) > 0 && strings.HasPrefix(lines[0], "extra ") {
		lines = lines[1:]
	}
	if len(lines) == 0 || !strings.HasPrefix(lines[0], "index ") {
		return p, errors.New("the proof has no index")
	}
	digits := strings.TrimPrefix(lines[0], "index ")
	if p.Index, err = strconv.ParseInt(digits, 10, 64); err != nil || p.Index < 0 || strconv.FormatInt(p.Index, 10) != digits {
		return p, fmt.Errorf("the index %q is not a number", digits)
	}
	for _, s := range lines[1:] {
		h, err := base64.StdEncoding.Strict().DecodeString(s)
		if err != nil || len(h) != tlog.HashSize {
			return p, fmt.Errorf("%q is not a hash", s)
		}
		p.Hashes = append(p.Hashes, tlog.Hash(h))
	}
	p.Checkpoint = checkpoint
	return p, nil
}

// Check returns the checkpoint of the proof. If the checkpoint does not prove the record, Check
// returns an error. The line must have no line end. The verifier has the public key of the journal.
func (p Proof) Check(line []byte, v note.Verifier) (Checkpoint, error) {
	c, err := OpenCheckpoint(p.Checkpoint, v)
	if err != nil {
		return c, err
	}
	if p.Index >= c.Size {
		return c, fmt.Errorf("the index %d is not below the %d records of the checkpoint", p.Index, c.Size)
	}
	if err := tlog.CheckRecord(p.Hashes, c.Size, c.Root, p.Index, tlog.RecordHash(line)); err != nil {
		return c, errors.New("the record is not in the tree of the checkpoint")
	}
	return c, nil
}

// The type Hashes reads the hashes of records from tiles. The tiles must match the root of a
// checkpoint.
type Hashes struct {
	r tlog.HashReader
}

// NewHashes returns the Hashes of a journal.
func NewHashes(dir string, c Checkpoint) (*Hashes, error) {
	if c.Size == 0 {
		return nil, errors.New("the journal has no signed record")
	}
	return &Hashes{tlog.TileHashReader(tlog.Tree{N: c.Size, Hash: c.Root}, tileReader{dir})}, nil
}

// Record returns the hash of one record.
func (h *Hashes) Record(index int64) (tlog.Hash, error) {
	out, err := h.r.ReadHashes([]int64{tlog.StoredHashIndex(0, index)})
	if err != nil {
		return tlog.Hash{}, err
	}
	return out[0], nil
}

// ReadTile reads the hashes of a tile. It reads only the first t.W hashes. It does not check them.
func ReadTile(dir string, t tlog.Tile) ([]byte, error) { return readTile(dir, t) }
