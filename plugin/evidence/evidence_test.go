package evidence

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/journal"
	"github.com/dns-orders/blocklist/test/journals"
	"golang.org/x/mod/sumdb/tlog"
)

const patience = 30 * time.Second

const canary = "canary-order-4711"

func makeJournal(t testing.TB) string {
	t.Helper()
	return journals.Make(t, canary, "target-of-"+canary)
}

func mustProve(t testing.TB, dir, order string) (string, *Summary) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "bundle")
	s, err := Prove(dir, order, out)
	if err != nil {
		t.Fatal(err)
	}
	return out, s
}

func TestBundle(t *testing.T) {
	dir := makeJournal(t)
	bundle, s := mustProve(t, dir, "court/1")
	if s.Records != 4 || s.Daily != "2026-11-29" || s.Later != 1 || s.Unsigned != 0 {
		t.Errorf("%+v", s)
	}
	got, err := Check(bundle, nil)
	if err != nil || *got != *s {
		t.Errorf("%+v, %v, want %+v", got, err, s)
	}
	vkey, err := journal.ReadVerifier(filepath.Join(dir, "journal.vkey"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Check(bundle, vkey); err != nil {
		t.Error(err)
	}
	err = filepath.WalkDir(bundle, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, secret := range []string{canary, "4711", "canary", "other/", fmt.Sprintf("%x", sha256.Sum256([]byte(canary)))[:8]} {
			if bytes.Contains(b, []byte(secret)) {
				t.Errorf("%s contains %q", path, secret)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Prove(dir, "nothing", filepath.Join(t.TempDir(), "x")); err == nil || err.Error() != "the journal has no record of this order" {
		t.Errorf("error %v", err)
	}
	if _, err := Prove(dir, "court/1", bundle); err == nil {
		t.Error("an existing directory is overwritten")
	}
}

// TestGuessing attacks a bundle. The attacker knows the text of a sealed record but not the salt.
func TestGuessing(t *testing.T) {
	dir := makeJournal(t)
	bundle, _ := mustProve(t, dir, "court/1")
	proofs, err := filepath.Glob(filepath.Join(bundle, "records", "*.tlog-proof"))
	if err != nil || len(proofs) == 0 {
		t.Fatal(err)
	}
	shown := map[tlog.Hash]bool{}
	for _, path := range proofs {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		p, err := journal.ParseProof(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range p.Hashes {
			shown[h] = true
		}
	}
	known, guessed := 0, 0
	err = journal.Read(dir, func(r journal.Record, line []byte) bool {
		if r.Order != canary {
			return true
		}
		if shown[tlog.RecordHash(line)] { // an attacker who has the salt
			known++
		}
		for _, salt := range []string{"", strings.Repeat("0", 32)} {
			guess := bytes.Replace(line, []byte(r.Salt), []byte(salt), 1)
			without := bytes.Replace(line, []byte(`"salt":"`+r.Salt+`",`), nil, 1)
			if shown[tlog.RecordHash(guess)] || shown[tlog.RecordHash(without)] {
				guessed++
			}
		}
		return true
	})
	if err != nil || known == 0 || guessed != 0 {
		t.Errorf("the proofs show the hashes of %d sealed records, and %d were guessed (%v)", known, guessed, err)
	}
}

func TestFlips(t *testing.T) {
	bundle, _ := mustProve(t, makeJournal(t), "court/1")
	r := rand.New(rand.NewPCG(1, 2))
	err := filepath.WalkDir(bundle, func(path string, d fs.DirEntry, err error) error {
		if name := filepath.Base(path); err != nil || d.IsDir() || name == "README" || name == "verify.sh" {
			return err
		}
		was, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for range 30 {
			now, at, bit := slices.Clone(was), r.IntN(len(was)), r.IntN(8)
			now[at] ^= 1 << bit
			os.WriteFile(path, now, 0o644)
			if _, err := Check(bundle, nil); err == nil {
				t.Errorf("%s: bit %d of byte %d is changed, and the bundle is accepted", path, bit, at)
			}
		}
		return os.WriteFile(path, was, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Check(bundle, nil); err != nil {
		t.Error(err)
	}
}

func TestExport(t *testing.T) {
	dir := makeJournal(t)
	out := filepath.Join(t.TempDir(), "out")
	n, err := Export(dir, out)
	if err != nil || n < 300 {
		t.Fatalf("%d records, %v", n, err)
	}
	var leaves []tlog.Hash
	for _, name := range []string{"tile/entries/000", fmt.Sprintf("tile/entries/001.p/%d", n-256)} {
		b, err := os.ReadFile(filepath.Join(out, name))
		if err != nil {
			t.Fatal(err)
		}
		for len(b) > 0 {
			size := int(b[0])<<8 | int(b[1])
			leaves = append(leaves, tlog.RecordHash(b[2:2+size]))
			b = b[2+size:]
		}
	}
	if int64(len(leaves)) != n {
		t.Errorf("%d entries, want %d", len(leaves), n)
	}
	root, _ := proveLast(leaves, 0)
	v, _ := journal.ReadVerifier(filepath.Join(out, "journal.vkey"))
	if c, err := journal.ReadCheckpoint(filepath.Join(out, "checkpoint"), v); err != nil || c.Root != root {
		t.Errorf("%+v, %v", c, err)
	}
	for _, name := range []string{"tile/0/000", "tile/1/000.p/1"} {
		if _, err := os.Stat(filepath.Join(out, name)); err != nil {
			t.Error(err)
		}
	}
}
