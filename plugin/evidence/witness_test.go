package evidence

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/journal"
	formats "github.com/transparency-dev/formats/log"
	cosign "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
)

type witness struct {
	t     *testing.T
	name  string
	key   ed25519.PrivateKey
	log   note.Verifier // the key of the journal; nil means that the journal is unknown
	now   time.Time
	size  uint64
	root  []byte
	asked []string // the first line of each request, with the status of the answer
	// change may change an answer 200.
	change func(line string) string
}

func newWitness(t *testing.T, name string, log note.Verifier, now time.Time) (*witness, *httptest.Server) {
	seed := sha256.Sum256([]byte(name))
	w := &witness{t: t, name: name, key: ed25519.NewKeyFromSeed(seed[:]), log: log, now: now}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /prefix/add-checkpoint", w.add)
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return w, s
}

func (w *witness) public() []byte { return w.key.Public().(ed25519.PublicKey) }

// hash returns the key id of tlog-cosignature.
func (w *witness) hash() []byte {
	sum := sha256.Sum256([]byte(w.name + "\n\x04" + string(w.public())))
	return sum[:4]
}

func (w *witness) vkey() string {
	return fmt.Sprintf("%s+%x+%s", w.name, w.hash(), base64.StdEncoding.EncodeToString(append([]byte{4}, w.public()...)))
}

func (w *witness) add(out http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.t.Error(err)
	}
	head, point, ok := strings.Cut(string(body), "\n\n")
	lines := strings.Split(head, "\n")
	digits, isOld := strings.CutPrefix(lines[0], "old ")
	old, err := strconv.ParseUint(digits, 10, 63)
	status := func(code int, text string) {
		w.asked = append(w.asked, fmt.Sprintf("%s: %d", lines[0], code))
		out.WriteHeader(code)
		io.WriteString(out, text)
	}
	if !ok || !isOld || err != nil || strconv.FormatUint(old, 10) != digits || len(lines) > 64 {
		status(http.StatusBadRequest, "")
		return
	}
	if w.log == nil || !strings.HasPrefix(point, w.log.Name()+"\n") {
		status(http.StatusNotFound, "")
		return
	}
	c, _, n, err := formats.ParseCheckpoint([]byte(point), w.log.Name(), w.log)
	if err != nil {
		status(http.StatusForbidden, "")
		return
	}
	var hashes [][]byte
	for _, l := range lines[1:] {
		h, err := base64.StdEncoding.DecodeString(l)
		if err != nil {
			status(http.StatusBadRequest, "")
			return
		}
		hashes = append(hashes, h)
	}
	switch {
	case old > c.Size:
		status(http.StatusBadRequest, "")
	case old != w.size, old == c.Size && !bytes.Equal(c.Hash, w.root):
		out.Header().Set("Content-Type", "text/x.tlog.size")
		status(http.StatusConflict, fmt.Sprintf("%d\n", w.size))
	case old == 0 && len(hashes) > 0, old > 0 && proof.VerifyConsistency(rfc6962.DefaultHasher, old, c.Size, hashes, w.root, c.Hash) != nil:
		status(http.StatusUnprocessableEntity, "")
	default:
		w.size, w.root = c.Size, c.Hash
		status(http.StatusOK, w.reply(w.sign(n.Text)))
	}
}

func (w *witness) reply(s string) string {
	if w.change != nil {
		return w.change(s)
	}
	return s
}

// sign returns the line of a cosignature/v1.
func (w *witness) sign(text string) string {
	at := uint64(w.now.Unix())
	sig := ed25519.Sign(w.key, []byte(fmt.Sprintf("cosignature/v1\ntime %d\n%s", at, text)))
	raw := append(binary.BigEndian.AppendUint64(w.hash(), at), sig...)
	return fmt.Sprintf("— %s %s\n", w.name, base64.StdEncoding.EncodeToString(raw))
}

func mustKey(t *testing.T, dir string) note.Verifier {
	t.Helper()
	v, err := journal.ReadVerifier(filepath.Join(dir, "journal.vkey"))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// grow adds records and a checkpoint to a journal.
func grow(t *testing.T, dir string, n int) {
	t.Helper()
	j := journal.Open(dir, journal.Options{Origin: "dns.example.net/journal/node1"})
	for range n {
		j.Append(journal.Record{Event: journal.InForce, Order: "court/2"})
	}
	j.Do(0, func(b *journal.Batch) { b.Beat(journal.Record{}) })
	if !j.Close(patience) {
		t.Fatal("the journal does not close")
	}
}

func TestWitness(t *testing.T) {
	dir := makeJournal(t)
	key := mustKey(t, dir)
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	one, s1 := newWitness(t, "witness.example.org/one", key, now)
	two, s2 := newWitness(t, "witness.example.org/two", key, now.Add(time.Minute))
	parse := func(w *witness) *WitnessKey {
		k, err := ParseWitnessKey(w.vkey())
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	keys := []*WitnessKey{parse(one), parse(two)}
	add := func(s *httptest.Server, k *WitnessKey) (Cosignature, bool) {
		t.Helper()
		c, err := Newest(dir, key)
		if err != nil {
			t.Fatal(err)
		}
		list, added, err := AddWitness(context.Background(), dir, key, c, WitnessOptions{URL: s.URL + "/prefix/", Keys: []*WitnessKey{k}, Client: s.Client(), Now: func() time.Time { return now }})
		if err != nil || len(list) != 1 || list[0].Size != c.Size {
			t.Fatalf("%+v, %v", list, err)
		}
		return list[0], added
	}
	first, added := add(s1, keys[0])
	if !added || first.Witness != one.name || !first.Time.Equal(now) || strings.Join(one.asked, "; ") != "old 0: 200" {
		t.Errorf("%+v, %v, %q", first, added, one.asked)
	}
	if again, added := add(s1, keys[0]); added || again != first || len(one.asked) != 1 {
		t.Errorf("%+v, %v, %q", again, added, one.asked)
	}
	add(s2, keys[1])
	grow(t, dir, 500)
	os.Remove(journal.CosignedPath(dir, first.Size, keys[1].KeyHash())) // the second witness has a checkpoint that is unknown here
	second, _ := add(s1, keys[0])
	add(s2, keys[1])
	if got := strings.Join(one.asked[1:], "; ") + " | " + strings.Join(two.asked[1:], "; "); got != fmt.Sprintf("old %d: 200 | old 0: 409; old %[1]d: 200", first.Size) {
		t.Errorf("requests %s", got)
	}

	for i, w := range []*witness{one, two} {
		v, err := cosign.NewVerifierForCosignatureV1(w.vkey())
		if err != nil || v.KeyHash() != keys[i].KeyHash() {
			t.Fatalf("formats does not accept the key: %v", err)
		}
		text, err := os.ReadFile(journal.CosignedPath(dir, second.Size, keys[i].KeyHash()))
		if err != nil {
			t.Fatal(err)
		}
		_, _, n, err := formats.ParseCheckpoint(text, key.Name(), key, v)
		if err != nil || len(n.Sigs) != 2 {
			t.Fatalf("%v, %+v", err, n)
		}
		if at, err := cosign.CoSigV1Timestamp(n.Sigs[1]); err != nil || !at.Equal(w.now) {
			t.Errorf("time %v, %v", at, err)
		}
	}
	out, faults := CheckOutsiders(dir, key, keys, nil)
	if len(faults) > 0 || len(out.Cosigned) != 3 {
		t.Errorf("%+v, %q", out, faults)
	}
	if r, err := journal.Verify(dir, journal.VerifyOptions{Key: key}); err != nil || len(r.Faults) > 0 {
		t.Errorf("%+v, %v", r, err)
	}
	grow(t, dir, 10)
	if out, faults := CheckOutsiders(dir, key, keys, nil); len(faults) > 0 || len(out.Cosigned) != 3 {
		t.Errorf("%+v, %q", out, faults)
	}
	stranger, _ := newWitness(t, "witness.example.org/three", key, now)
	if _, faults := CheckOutsiders(dir, key, []*WitnessKey{parse(stranger)}, nil); strings.Join(faults, "") != "no checkpoint has a cosignature of witness.example.org/three" {
		t.Errorf("faults %q", faults)
	}
	path := journal.CosignedPath(dir, second.Size, keys[0].KeyHash())
	text, _ := os.ReadFile(path)
	os.WriteFile(path, bytes.Replace(text, []byte("— witness.example.org/one "), []byte("— witness.example.org/one x"), 1)[:len(text)], 0o644)
	if r, err := journal.Verify(dir, journal.VerifyOptions{Key: key}); err != nil || len(r.Faults) != 1 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestWitnessErrors(t *testing.T) {
	dir := makeJournal(t)
	key := mustKey(t, dir)
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	c, err := Newest(dir, key)
	if err != nil {
		t.Fatal(err)
	}
	other, _ := newWitness(t, "witness.example.org/other", key, now)
	for _, tc := range []struct {
		name   string
		change func(*witness)
		want   string
	}{
		{"an unknown journal", func(w *witness) { w.log = nil }, `the witness does not know the journal dns.example.net/journal/node1, or the URL is wrong`},
		{"another key", func(w *witness) {
			_, vkey, err := note.GenerateKey(rand.Reader, key.Name())
			if err != nil {
				t.Fatal(err)
			}
			w.log, _ = note.NewVerifier(vkey)
		}, "the witness has another public key for the journal"},
		{"another history", func(w *witness) { w.size, w.root = 100, make([]byte, 32) }, "the witness says that the first 100 records were changed since it cosigned them (422"},
		{"another root", func(w *witness) { w.size, w.root = uint64(c.Size), make([]byte, 32) }, fmt.Sprintf("the witness has cosigned another history with %d records: the journal was changed", c.Size)},
		{"more records", func(w *witness) { w.size = 9999 }, fmt.Sprintf("the witness has already cosigned 9999 records, and this checkpoint has %d", c.Size)},
		{"a signature of another key", func(w *witness) { w.key, w.name = other.key, other.name }, "the answer has no cosignature of the given key"},
		{"a bad signature", func(w *witness) { w.change = func(s string) string { return strings.Replace(s, "AAAA", "AAAB", 1) } }, "the cosignature of witness.example.org/w is bad"},
		{"no line end", func(w *witness) { w.change = func(s string) string { return strings.TrimSpace(s) } }, "the answer has no cosignature"},
		{"an old time", func(w *witness) { w.now = now.Add(-time.Hour) }, "says 2026-11-29T11:00:00Z, and the clock here says 2026-11-29T12:00:00Z: one of the clocks is wrong"},
		{"a huge answer", func(w *witness) { w.change = func(s string) string { return strings.Repeat(s, 10000) } }, "the answer has more than 1048576 bytes"},
	} {
		w, s := newWitness(t, "witness.example.org/w", key, now)
		k, err := ParseWitnessKey(w.vkey())
		if err != nil {
			t.Fatal(err)
		}
		tc.change(w)
		_, _, err = AddWitness(context.Background(), dir, key, c, WitnessOptions{URL: s.URL + "/prefix", Keys: []*WitnessKey{k}, Client: s.Client(), Now: func() time.Time { return now }})
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v", tc.name, err)
		}
		if _, err := os.Stat(journal.CosignedPath(dir, c.Size, k.KeyHash())); err == nil {
			t.Errorf("%s: a file was stored", tc.name)
		}
	}
}

// TestWitnessKey checks the errors for keys.
func TestWitnessKey(t *testing.T) {
	w, _ := newWitness(t, "w", nil, time.Now())
	k := w.vkey()
	if _, err := ParseWitnessKey(k); err != nil {
		t.Error(err)
	}
	made := func(kind byte, n int) string {
		key := append([]byte{kind}, make([]byte, n)...)
		sum := sha256.Sum256(append([]byte("w\n"), key...))
		return fmt.Sprintf("w+%x+%s", sum[:4], base64.StdEncoding.EncodeToString(key))
	}
	for s, want := range map[string]string{
		"":                              "is not the key of a witness",
		"w+1":                           "is not the key of a witness",
		k + "x":                         "is not the key of a witness",
		strings.Replace(k, "w", "v", 1): "does not fit the key",
		made(1, 32):                     "is a key of type 1",
		made(6, 1312):                   "is a key for ML-DSA",
		made(9, 32):                     "is a key of the unknown type 9",
		made(4, 31):                     "is a key of the unknown type 4",
	} {
		if _, err := ParseWitnessKey(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v", s, err)
		}
	}
}
