package evidence

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dns-orders/blocklist/plugin/durable"
	"github.com/dns-orders/blocklist/plugin/journal"
	"github.com/dns-orders/blocklist/plugin/printable"
	"golang.org/x/mod/sumdb/note"
)

// These are the types of keys in C2SP's signed-note and tlog-cosignature.
const (
	keyEd25519    = 1
	keyCosignV1   = 4
	keyCosignMLDS = 6
)

// A WitnessKey is the public key of a witness for Ed25519 cosignatures (C2SP's tlog-cosignature). A
// WitnessKey is a note.Verifier.
type WitnessKey struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

// ParseWitnessKey parses a key of the form NAME+HASH+BASE64.
func ParseWitnessKey(s string) (*WitnessKey, error) {
	name, rest, _ := strings.Cut(s, "+")
	digits, text, ok := strings.Cut(rest, "+")
	hash, bad := strconv.ParseUint(digits, 16, 32)
	key, err := base64.StdEncoding.Strict().DecodeString(text)
	if !ok || bad != nil || len(digits) != 8 || err != nil || len(key) < 2 || name == "" || !utf8.ValidString(name) || strings.ContainsAny(name, " \t\r\n") {
		return nil, fmt.Errorf("is not the key of a witness, which is like witness.example.org/w1+0a1b2c3d+BAAA..., got %q", printable.Line(s))
	}
	sum := sha256.Sum256(append([]byte(name+"\n"), key...))
	switch {
	case binary.BigEndian.Uint32(sum[:4]) != uint32(hash):
		return nil, fmt.Errorf("is damaged: its hash %s does not fit the key, got %q", digits, printable.Line(s))
	case key[0] == keyEd25519:
		return nil, fmt.Errorf("is a key of type 1, for example of a journal: a witness has a key of type 4, got %q", printable.Line(s))
	case key[0] == keyCosignMLDS:
		return nil, fmt.Errorf("is a key for ML-DSA, which blocklistctl cannot check yet: ask for the Ed25519 key of the witness, got %q", printable.Line(s))
	case key[0] != keyCosignV1 || len(key) != 1+ed25519.PublicKeySize:
		return nil, fmt.Errorf("is a key of the unknown type %d, got %q", key[0], printable.Line(s))
	}
	return &WitnessKey{name, uint32(hash), key[1:]}, nil
}

// Name returns the name of the witness.
func (k *WitnessKey) Name() string { return k.name }

// KeyHash returns the hash at the start of this key's signatures.
func (k *WitnessKey) KeyHash() uint32 { return k.hash }

// Verify reports whether sig is a cosignature of the text of a checkpoint.
func (k *WitnessKey) Verify(msg, sig []byte) bool {
	if len(sig) != 8+ed25519.SignatureSize || binary.BigEndian.Uint64(sig) >= 1<<63 {
		return false
	}
	text := fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", binary.BigEndian.Uint64(sig), msg)
	return ed25519.Verify(k.key, text, sig[8:])
}

// A Cosignature is a valid signature of a witness for a checkpoint.
type Cosignature struct {
	Size    int64     `json:"size"`
	Witness string    `json:"witness"` // the name of the witness
	Time    time.Time `json:"time"`    // by the clock of the witness
	File    string    `json:"file"`    // the name of the file in the journal

	hash uint32
	line string
}

func cosignatures(c journal.Checkpoint, keys []*WitnessKey) (out []Cosignature, err error) {
	list := make([]note.Verifier, len(keys))
	for i, k := range keys {
		list[i] = k
	}
	n, err := note.Open(c.Text, note.VerifierList(list...))
	var none *note.UnverifiedNoteError
	if errors.As(err, &none) {
		return nil, nil
	}
	var bad *note.InvalidSignatureError
	if errors.As(err, &bad) {
		return nil, fmt.Errorf("the cosignature of %s is bad", bad.Name)
	}
	if err != nil {
		return nil, err
	}
	for _, s := range n.Sigs {
		raw, err := base64.StdEncoding.DecodeString(s.Base64)
		if err != nil || len(raw) < 12 {
			return nil, fmt.Errorf("the cosignature of %s is not base64", s.Name)
		}
		at := time.Unix(int64(binary.BigEndian.Uint64(raw[4:])), 0).UTC()
		out = append(out, Cosignature{Size: c.Size, Witness: s.Name, Time: at, hash: s.Hash, line: fmt.Sprintf("— %s %s\n", s.Name, s.Base64)})
	}
	return out, nil
}

// WitnessOptions are the settings of AddWitness.
type WitnessOptions struct {
	URL    string // the submission prefix of the witness
	Keys   []*WitnessKey
	Client *http.Client
	Now    func() time.Time
	FS     durable.FS
}

const attempts = 3

// AddWitness asks a witness to cosign a checkpoint (C2SP's tlog-witness), and stores
// checkpoints/SIZE.KEY.cosig. It proves to the witness that no earlier record has changed. If the
// file exists, AddWitness returns the old cosignature and false.
func AddWitness(ctx context.Context, dir string, key note.Verifier, c journal.Checkpoint, opt WitnessOptions) (list []Cosignature, added bool, err error) {
	if err := checkURL(opt.URL); err != nil {
		return nil, false, err
	}
	text, err := keep(dir, key, c, opt.FS)
	if err != nil {
		return nil, false, err
	}
	if c, err = journal.OpenCheckpoint(text, key); err != nil {
		return nil, false, err
	}
	have, older, err := witnessed(dir, key, c.Size, opt.Keys)
	if err != nil || len(have) > 0 {
		return have, false, err
	}
	if list, err = askWitness(ctx, dir, c, older, opt); err != nil {
		return nil, false, fmt.Errorf("%s: %w", printable.Line(redacted(opt.URL)), err)
	}
	for i := range list {
		path := journal.CosignedPath(dir, c.Size, list[i].hash)
		if err := opt.FS.WriteFile(path, append(slices.Clone(c.Text), list[i].line...), 0o644); err != nil {
			return nil, false, err
		}
		list[i].File = "checkpoints/" + filepath.Base(path)
	}
	return list, true, nil
}

func witnessed(dir string, key note.Verifier, size int64, keys []*WitnessKey) (have []Cosignature, older int64, err error) {
	all, err := journal.Outsides(dir)
	for _, f := range all {
		for _, k := range keys {
			path := journal.CosignedPath(dir, f.Size, k.hash)
			if f.Size > size || filepath.Base(path) != filepath.Base(f.Name) {
				continue
			}
			c, err := journal.ReadCheckpoint(path, key)
			if err != nil {
				return nil, 0, err
			}
			good, err := cosignatures(c, []*WitnessKey{k})
			if err != nil {
				return nil, 0, fmt.Errorf("%s: %w", path, err)
			}
			if older = max(older, f.Size); f.Size == size {
				for i := range good {
					good[i].File = f.Name
				}
				have = append(have, good...)
			}
		}
	}
	return have, older, err
}

// The answer 409 contains the size of the witness's last checkpoint. The second request has a proof
// from this size.
func askWitness(ctx context.Context, dir string, c journal.Checkpoint, older int64, opt WitnessOptions) ([]Cosignature, error) {
	for range attempts {
		proof, err := journal.ProveConsistency(dir, c, older)
		if err != nil {
			return nil, err
		}
		var body bytes.Buffer
		fmt.Fprintf(&body, "old %d\n", older)
		for _, h := range proof {
			fmt.Fprintln(&body, h)
		}
		fmt.Fprintln(&body)
		body.Write(c.Text)
		r, err := post(ctx, opt.Client, strings.TrimSuffix(opt.URL, "/")+"/add-checkpoint", "text/plain; charset=utf-8", "", body.Bytes())
		if err != nil {
			return nil, err
		}
		if r.status == http.StatusOK {
			return checkCosignatures(c, r.body, opt)
		}
		if r.status != http.StatusConflict {
			return nil, r.refusal(c, older)
		}
		size, err := r.size()
		switch {
		case err != nil && older < c.Size:
			return nil, err
		case err != nil, size == older:
			return nil, fmt.Errorf("the witness has cosigned another history with %d records: the journal was changed", older)
		case size > c.Size:
			return nil, fmt.Errorf("the witness has already cosigned %d records, and this checkpoint has %d: give a newer checkpoint; without a newer checkpoint, the journal has lost records", size, c.Size)
		}
		older = size
	}
	return nil, errors.New("the witness has a new checkpoint of this journal after each request: another program sends checkpoints at the same time")
}

// size returns the size in the answer 409.
func (r *reply) size() (int64, error) {
	digits := strings.TrimSuffix(string(r.body[:min(len(r.body), 24)]), "\n")
	n, err := strconv.ParseInt(digits, 10, 64)
	if r.kind != "text/x.tlog.size" || err != nil || n < 0 {
		return 0, fmt.Errorf("the answer is %q without the number of records that the witness has%s", r.text, r.says())
	}
	return n, nil
}

func (r *reply) refusal(c journal.Checkpoint, older int64) error {
	why := "the witness does not accept the request"
	switch r.status {
	case http.StatusNotFound:
		why = fmt.Sprintf("the witness does not know the journal %s, or the URL is wrong: give the operator of the witness the public key of the journal", c.Origin)
	case http.StatusForbidden:
		why = fmt.Sprintf("the witness has another public key for the journal %s", c.Origin)
	case http.StatusUnprocessableEntity:
		why = fmt.Sprintf("the witness says that the first %d records were changed since it cosigned them", older)
	}
	return fmt.Errorf("%s (%s%s)", why, r.text, r.says())
}

func checkCosignatures(c journal.Checkpoint, lines []byte, opt WitnessOptions) ([]Cosignature, error) {
	c.Text = append(slices.Clone(c.Text), lines...)
	if !bytes.HasPrefix(lines, []byte("— ")) || !bytes.HasSuffix(lines, []byte("\n")) {
		return nil, errors.New("the answer has no cosignature")
	}
	list, err := cosignatures(c, opt.Keys)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, errors.New("the answer has no cosignature of the given key")
	}
	for _, s := range list {
		if d := s.Time.Sub(opt.Now()); d.Abs() > plausible {
			return nil, fmt.Errorf("the cosignature of %s says %s, and the clock here says %s: one of the clocks is wrong", s.Witness, s.Time.Format(time.RFC3339), opt.Now().UTC().Format(time.RFC3339))
		}
	}
	return list, nil
}

// Outsiders are the stamps and cosignatures of a journal.
type Outsiders struct {
	Stamps   []Stamp       `json:"stamps"`
	Cosigned []Cosignature `json:"cosigned"`
}

// CheckOutsiders checks the time stamps and cosignatures of a journal, and returns the faults. It
// does not check the signatures of time stamps. The last argument lists the paths of further
// checkpoints.
func CheckOutsiders(dir string, key note.Verifier, witnesses []*WitnessKey, more []string) (out Outsiders, faults []string) {
	out = Outsiders{Stamps: []Stamp{}, Cosigned: []Cosignature{}}
	fault := func(name string, err error) { faults = append(faults, fmt.Sprintf("%s: %v", name, err)) }
	all, err := journal.Outsides(dir)
	if err != nil {
		fault("checkpoints", err)
	}
	all = append(all, journal.Outside{Name: "checkpoint"})
	seen := map[string]bool{}
	point := func(name, path string) {
		c, err := journal.ReadCheckpoint(path, key)
		if err != nil {
			return // journal.Verify names this fault
		}
		list, err := cosignatures(c, witnesses)
		if err != nil {
			fault(name, err)
		}
		for _, s := range list {
			if id := fmt.Sprint(s.Size, s.line); !seen[id] {
				seen[id], s.File = true, name
				out.Cosigned = append(out.Cosigned, s)
			}
		}
	}
	for _, f := range all {
		path := filepath.Join(dir, filepath.FromSlash(f.Name))
		if !f.Stamp {
			point(f.Name, path)
			continue
		}
		data, err := os.ReadFile(journal.KeptCheckpoint(dir, f.Size))
		if err != nil {
			fault(f.Name, errors.New("the checkpoint of the stamp is missing"))
			continue
		}
		answer, err := os.ReadFile(path)
		if err != nil {
			fault(f.Name, err)
			continue
		}
		s, err := parseStamp(answer, data, nil)
		if err != nil {
			fault(f.Name, err)
			continue
		}
		s.Size, s.File = f.Size, f.Name
		out.Stamps = append(out.Stamps, *s)
	}
	for _, path := range more {
		point(path, path)
	}
	for _, w := range witnesses {
		if !slices.ContainsFunc(out.Cosigned, func(s Cosignature) bool { return s.hash == w.hash && s.Witness == w.name }) {
			faults = append(faults, fmt.Sprintf("no checkpoint has a cosignature of %s", w.name))
		}
	}
	return out, faults
}
