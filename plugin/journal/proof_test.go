package journal

import (
	"bytes"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	tlogproof "github.com/transparency-dev/formats/proof"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"

	formats "github.com/transparency-dev/formats/log"
)

func TestProofs(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for _, n := range []int{1, 2, 3, 255, 600} {
		dir := t.TempDir()
		fill(t, dir, n)
		v, err := ReadVerifier(filepath.Join(dir, vkeyName))
		if err != nil {
			t.Fatal(err)
		}
		c, err := ReadCheckpoint(filepath.Join(dir, checkpointName), v)
		if err != nil {
			t.Fatal(err)
		}
		theirs, _, _, err := formats.ParseCheckpoint(c.Text, origin, v)
		if err != nil || theirs.Size != uint64(c.Size) || !bytes.Equal(theirs.Hash, c.Root[:]) {
			t.Fatalf("%d records: %+v, %v", n, theirs, err)
		}
		var lines [][]byte
		if err := Read(dir, func(_ Record, line []byte) bool { lines = append(lines, slices.Clone(line)); return true }); err != nil {
			t.Fatal(err)
		}
		for _, i := range []int64{0, c.Size - 1, r.Int64N(c.Size), r.Int64N(c.Size)} {
			ps, err := Prove(dir, c, []int64{i})
			if err != nil {
				t.Fatal(err)
			}
			text := ps[0].Marshal()
			var other tlogproof.TLogProof
			if err := other.Unmarshal(text); err != nil {
				t.Fatalf("%v:\n%s", err, text)
			}
			var hashes [][]byte
			for _, h := range other.Hashes {
				hashes = append(hashes, h[:])
			}
			if err := proof.VerifyInclusion(rfc6962.DefaultHasher, other.Index, theirs.Size, rfc6962.DefaultHasher.HashLeaf(lines[i]), hashes, theirs.Hash); err != nil {
				t.Errorf("record %d of %d: %v", i, c.Size, err)
			}
			p, err := ParseProof(text)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := p.Check(lines[i], v); err != nil {
				t.Error(err)
			}
			if _, err := p.Check(append(slices.Clone(lines[i]), ' '), v); err == nil {
				t.Error("another record is accepted")
			}
			for range 20 { // each flip must be refused
				bad := slices.Clone(text)
				at := r.IntN(len(bad))
				bad[at] ^= 1 << r.IntN(8)
				p, err := ParseProof(bad)
				if err == nil {
					_, err = p.Check(lines[i], v)
				}
				if err == nil && at >= len(proofHeader) {
					t.Errorf("a proof with the changed byte %d is accepted:\n%q", at, bad)
				}
			}
		}
		if _, err := Prove(dir, c, []int64{c.Size}); err == nil {
			t.Error("a record that is not signed is proved")
		}
	}
}
