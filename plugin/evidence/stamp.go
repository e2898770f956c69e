package evidence

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dns-orders/blocklist/plugin/durable"
	"github.com/dns-orders/blocklist/plugin/journal"
	"github.com/dns-orders/blocklist/plugin/printable"
	"golang.org/x/mod/sumdb/note"
)

// These types are from RFC 3161 and RFC 5652. Some types lack the last fields of the RFC.
// encoding/asn1 ignores these fields.
type (
	messageImprint struct {
		Algorithm pkix.AlgorithmIdentifier
		Hash      []byte
	}
	stampRequest struct {
		Version int
		Imprint messageImprint
		Nonce   *big.Int
		CertReq bool
	}
	stampResponse struct {
		Status stampStatus
		Token  asn1.RawValue `asn1:"optional"`
	}
	stampStatus struct {
		Status  int
		Text    []asn1.RawValue `asn1:"optional"`
		Failure asn1.BitString  `asn1:"optional"`
	}
	contentInfo struct {
		Type    asn1.ObjectIdentifier
		Content asn1.RawValue `asn1:"explicit,tag:0"`
	}
	signedData struct {
		Version int
		Digests asn1.RawValue
		Content contentInfo
	}
	stampInfo struct {
		Version  int
		Policy   asn1.ObjectIdentifier
		Imprint  messageImprint
		Serial   *big.Int
		Time     time.Time     `asn1:"generalized"`
		Accuracy stampAccuracy `asn1:"optional"`
		Ordering bool          `asn1:"optional"`
		Nonce    *big.Int      `asn1:"optional"`
		TSA      asn1.RawValue `asn1:"optional,tag:0"`
	}
	stampAccuracy struct {
		Seconds int `asn1:"optional"`
		Millis  int `asn1:"optional,tag:0"`
		Micros  int `asn1:"optional,tag:1"`
	}
)

var (
	oidSHA256     = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
	oidSignedData = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	oidStampInfo  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 1, 4}
)

// failures contains texts for the bits of PKIFailureInfo (RFC 3161).
var failures = map[int]string{0: "bad algorithm", 2: "bad request", 5: "bad data format", 14: "the time source is not available",
	15: "unaccepted policy", 16: "unaccepted extension", 17: "the additional information is not available", 25: "system failure"}

const plausible = 10 * time.Minute

// A Stamp contains the data of a time stamp. This package does not check the signature.
type Stamp struct {
	Size      int64     `json:"size"`
	Time      time.Time `json:"time"` // by the clock of the authority
	Authority string    `json:"authority,omitempty"`
	Policy    string    `json:"policy"`
	Serial    string    `json:"serial"`
	File      string    `json:"file"` // the name of the file in the journal
}

// If the nonce is nil, the nonce of the answer is not checked.
func parseStamp(answer, data []byte, nonce *big.Int) (*Stamp, error) {
	var r stampResponse
	if rest, err := asn1.Unmarshal(answer, &r); err != nil || len(rest) > 0 {
		return nil, errors.New("the answer is not the DER of a TimeStampResp (RFC 3161)")
	}
	if r.Status.Status != 0 && r.Status.Status != 1 {
		return nil, fmt.Errorf("the authority did not grant the stamp: %s", r.Status)
	}
	var outer contentInfo
	if _, err := asn1.Unmarshal(r.Token.FullBytes, &outer); err != nil || !outer.Type.Equal(oidSignedData) {
		return nil, errors.New("the answer has no signed token")
	}
	var signed signedData
	if _, err := asn1.Unmarshal(outer.Content.Bytes, &signed); err != nil || !signed.Content.Type.Equal(oidStampInfo) {
		return nil, errors.New("the token of the answer is not a time stamp")
	}
	var content []byte
	var info stampInfo
	if _, err := asn1.Unmarshal(signed.Content.Content.Bytes, &content); err != nil {
		return nil, errors.New("the time stamp is not DER")
	}
	if _, err := asn1.Unmarshal(content, &info); err != nil || info.Serial == nil {
		return nil, errors.New("the time stamp is not a TSTInfo (RFC 3161)")
	}
	sum := sha256.Sum256(data)
	switch {
	case info.Version != 1:
		return nil, fmt.Errorf("the time stamp has version %d, and not 1", info.Version)
	case !info.Imprint.Algorithm.Algorithm.Equal(oidSHA256) || !bytes.Equal(info.Imprint.Hash, sum[:]):
		return nil, errors.New("the time stamp is for other data: the message imprint is not the SHA-256 of the checkpoint")
	case nonce != nil && (info.Nonce == nil || info.Nonce.Cmp(nonce) != 0):
		return nil, errors.New("the time stamp has not the nonce of the request: it may be an old answer")
	}
	return &Stamp{Time: info.Time.UTC(), Authority: directoryName(info.TSA.Bytes), Policy: info.Policy.String(), Serial: info.Serial.Text(16)}, nil
}

func directoryName(der []byte) string {
	var name asn1.RawValue
	var rdn pkix.RDNSequence
	if _, err := asn1.Unmarshal(der, &name); err != nil || name.Class != asn1.ClassContextSpecific || name.Tag != 4 {
		return ""
	}
	if _, err := asn1.Unmarshal(name.Bytes, &rdn); err != nil {
		return ""
	}
	return rdn.String()
}

// String returns the status of a refusal for people.
func (s stampStatus) String() string {
	words := []string{fmt.Sprintf("status %d", s.Status)}
	for bit, text := range failures {
		if s.Failure.At(bit) == 1 {
			words = append(words, text)
		}
	}
	slices.Sort(words[1:])
	for _, t := range s.Text {
		words = append(words, fmt.Sprintf("%q", printable.Line(string(t.Bytes[:min(len(t.Bytes), 200)]))))
	}
	return strings.Join(words, ", ")
}

// StampOptions are the settings of AddStamp.
type StampOptions struct {
	URL    string
	Client *http.Client
	Now    func() time.Time
	// Verify checks the signature of an answer. AddStamp calls Verify before it stores the answer.
	// The second argument is the checkpoint. Verify may be nil.
	Verify func(answer, data []byte) error
	FS     durable.FS
}

// AddStamp gets a time stamp for a checkpoint and stores checkpoints/SIZE.tsr. If this file exists,
// AddStamp returns the old stamp and false.
func AddStamp(ctx context.Context, dir string, key note.Verifier, c journal.Checkpoint, opt StampOptions) (s *Stamp, added bool, err error) {
	if err := checkURL(opt.URL); err != nil {
		return nil, false, err
	}
	data, err := keep(dir, key, c, opt.FS)
	if err != nil {
		return nil, false, err
	}
	path := journal.StampPath(dir, c.Size)
	old, err := os.ReadFile(path)
	if err == nil {
		if s, err = parseStamp(old, data, nil); err != nil {
			return nil, false, fmt.Errorf("%s: %w", path, err)
		}
		s.Size, s.File = c.Size, "checkpoints/"+filepath.Base(path)
		return s, false, nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return nil, false, err
	}
	request, nonce, err := newStampRequest(data)
	if err != nil {
		return nil, false, err
	}
	begin := opt.Now()
	answer, err := askStamp(ctx, opt, request)
	if err == nil {
		s, err = parseStamp(answer, data, nonce)
	}
	if err == nil && (s.Time.Before(begin.Add(-plausible)) || s.Time.After(opt.Now().Add(plausible))) {
		err = fmt.Errorf("the time stamp says %s, and the clock here says %s: one of the clocks is wrong", s.Time.Format(time.RFC3339), opt.Now().UTC().Format(time.RFC3339))
	}
	if err == nil && opt.Verify != nil {
		err = opt.Verify(answer, data)
	}
	if err != nil {
		return nil, false, fmt.Errorf("%s: %w", printable.Line(redacted(opt.URL)), err)
	}
	s.Size, s.File = c.Size, "checkpoints/"+filepath.Base(path)
	return s, true, opt.FS.WriteFile(path, answer, 0o644)
}

func newStampRequest(data []byte) (der []byte, nonce *big.Int, err error) {
	var random [8]byte
	if _, err := rand.Read(random[:]); err != nil {
		return nil, nil, err
	}
	nonce = new(big.Int).SetBytes(random[:])
	sum := sha256.Sum256(data)
	der, err = asn1.Marshal(stampRequest{
		Version: 1, Nonce: nonce, CertReq: true,
		Imprint: messageImprint{pkix.AlgorithmIdentifier{Algorithm: oidSHA256, Parameters: asn1.NullRawValue}, sum[:]},
	})
	return der, nonce, err
}

func askStamp(ctx context.Context, opt StampOptions, request []byte) ([]byte, error) {
	r, err := post(ctx, opt.Client, opt.URL, "application/timestamp-query", "application/timestamp-reply", request)
	switch {
	case err != nil:
		return nil, err
	case r.status != http.StatusOK:
		return nil, fmt.Errorf("the answer is %q%s", r.text, r.says())
	case r.kind != "application/timestamp-reply":
		return nil, fmt.Errorf("the answer has the content type %q, and not application/timestamp-reply: the URL is no time stamping authority", printable.Line(r.kind))
	}
	return r.body, nil
}

func keep(dir string, key note.Verifier, c journal.Checkpoint, files durable.FS) ([]byte, error) {
	path := journal.KeptCheckpoint(dir, c.Size)
	kept, err := journal.ReadCheckpoint(path, key)
	if errors.Is(err, os.ErrNotExist) {
		return c.Text, files.WriteFile(path, c.Text, 0o644)
	}
	if err == nil && (kept.Size != c.Size || kept.Root != c.Root) {
		err = fmt.Errorf("%s: is another checkpoint: the journal has two histories", path)
	}
	return kept.Text, err
}

// Newest returns the newest checkpoint in the directory checkpoints. If this directory has no
// checkpoint, the result is the checkpoint of the journal.
func Newest(dir string, key note.Verifier) (c journal.Checkpoint, err error) {
	all, err := journal.Outsides(dir)
	if err != nil {
		return c, err
	}
	for _, f := range slices.Backward(all) {
		if path := journal.KeptCheckpoint(dir, f.Size); f.Size >= 0 && filepath.Base(path) == filepath.Base(f.Name) {
			return journal.ReadCheckpoint(path, key)
		}
	}
	return journal.ReadCheckpoint(filepath.Join(dir, "checkpoint"), key)
}
