package state

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/dns-orders/blocklist/plugin/printable"
)

const (
	format     = 1
	maxCurrent = 256 << 20
)

type document struct {
	Format  int    `json:"format"`
	Writer  text   `json:"writer"`
	Options Digest `json:"options"`
	Guard   Digest `json:"guard"`
	// Older programs did not write Unaccepted.
	Unaccepted string         `json:"unaccepted,omitempty"`
	Versions   []versionEntry `json:"versions"`
	Floors     []floorEntry   `json:"floors"`
}

type versionEntry struct {
	Path       text           `json:"path"`
	SHA256     Digest         `json:"sha256"`
	Sides      []sideEntry    `json:"sides,omitempty"`
	Serial     *int64         `json:"serial,omitempty"`
	Keys       []text         `json:"keys,omitempty"`
	Signatures []text         `json:"signatures,omitempty"`
	Accepted   string         `json:"accepted"`
	Snapshot   *snapshotEntry `json:"snapshot,omitempty"`
}

type sideEntry struct {
	Name   text   `json:"name"`
	SHA256 Digest `json:"sha256"`
}

type snapshotEntry struct {
	File  string `json:"file"`
	Size  int64  `json:"size"`
	XXH64 string `json:"xxh64"`
}

type floorEntry struct {
	Path   text    `json:"path"`
	Serial int64   `json:"serial"`
	SHA256 *Digest `json:"sha256,omitempty"`
}

// A text may contain any bytes, but a JSON string must be UTF-8. Unprintable text is stored as a Go
// string literal.
type text string

func (t text) MarshalText() ([]byte, error) {
	if printable.Is(string(t)) && (t == "" || t[0] != '"') {
		return []byte(t), nil
	}
	return []byte(strconv.Quote(string(t))), nil
}

func (t *text) UnmarshalText(b []byte) error {
	if len(b) == 0 || b[0] != '"' {
		*t = text(b)
		return nil
	}
	s, err := strconv.Unquote(string(b))
	if err != nil {
		return fmt.Errorf("a Go string literal is wanted, got %q", b)
	}
	*t = text(s)
	return nil
}

func texts(in []string) (out []text) {
	for _, s := range in {
		out = append(out, text(s))
	}
	return out
}

func stringsOf(in []text) (out []string) {
	for _, t := range in {
		out = append(out, string(t))
	}
	return out
}

// The last line is a JSON object with the SHA-256 of all other lines.
func encode(set Set, writer string) ([]byte, error) {
	doc := document{Format: format, Writer: text(writer), Options: set.Options, Guard: set.Guard, Versions: []versionEntry{}, Floors: []floorEntry{}}
	if !set.Unaccepted.IsZero() {
		doc.Unaccepted = set.Unaccepted.UTC().Format(time.RFC3339)
	}
	for path, v := range set.Sorted() {
		e := versionEntry{Path: text(path), SHA256: v.Order, Keys: texts(v.Keys), Signatures: texts(v.Signatures), Accepted: v.Accepted.UTC().Format(time.RFC3339)}
		for _, name := range slices.Sorted(maps.Keys(v.Sides)) {
			e.Sides = append(e.Sides, sideEntry{text(name), v.Sides[name]})
		}
		if v.Serial != NoSerial {
			e.Serial = &v.Serial
		}
		if v.Snapshot.Size > 0 {
			e.Snapshot = &snapshotEntry{v.Snapshot.File(), v.Snapshot.Size, fmt.Sprintf("%016x", v.Snapshot.XXH64)}
		}
		doc.Versions = append(doc.Versions, e)
	}
	for _, path := range slices.Sorted(maps.Keys(set.Floors)) {
		f := set.Floors[path]
		e := floorEntry{Path: text(path), Serial: f.Serial}
		if f.Order != (Digest{}) {
			e.SHA256 = &f.Order
		}
		doc.Floors = append(doc.Floors, e)
	}
	var b bytes.Buffer
	to := json.NewEncoder(&b)
	to.SetEscapeHTML(false)
	to.SetIndent("", " ")
	if err := to.Encode(doc); err != nil {
		return nil, err
	}
	fmt.Fprintf(&b, "{\"sha256\":\"%x\"}\n", sha256.Sum256(b.Bytes()))
	return b.Bytes(), nil
}

// decode accepts only bytes that encode returns.
func decode(b []byte) (Set, error) {
	doc, err := parse(b)
	if err != nil {
		return Set{}, err
	}
	set := Set{Options: doc.Options, Guard: doc.Guard, Versions: map[string]Version{}, Floors: map[string]Floor{}}
	if doc.Unaccepted != "" {
		at, err := time.Parse(time.RFC3339, doc.Unaccepted)
		if err != nil {
			return Set{}, fmt.Errorf("unaccepted: %w", err)
		}
		set.Unaccepted = at.UTC()
	}
	for i, e := range doc.Versions {
		v, err := e.version()
		if err != nil {
			return Set{}, fmt.Errorf("version %d: %w", i+1, err)
		}
		set.Versions[string(e.Path)] = v
	}
	for i, e := range doc.Floors {
		if e.Serial < 0 {
			return Set{}, fmt.Errorf("floor %d: serial: got %d, which is negative", i+1, e.Serial)
		}
		f := Floor{Serial: e.Serial}
		if e.SHA256 != nil {
			f.Order = *e.SHA256
		}
		set.Floors[string(e.Path)] = f
	}
	again, err := encode(set, string(doc.Writer))
	if err != nil {
		return Set{}, err
	}
	if !bytes.Equal(again, b) {
		return Set{}, errors.New("is not in the form in which this program writes the file")
	}
	return set, nil
}

func parse(b []byte) (document, error) {
	if len(b) == 0 {
		return document{}, errors.New("is empty")
	}
	end := bytes.LastIndexByte(b[:len(b)-1], '\n') + 1
	body, last := b[:end], b[end:]
	var sum struct {
		SHA256 Digest `json:"sha256"`
	}
	if err := json.Unmarshal(last, &sum); err != nil {
		return document{}, errors.New("has no checksum in the last line, so the file was cut or edited")
	}
	if Digest(sha256.Sum256(body)) != sum.SHA256 {
		return document{}, errors.New("has another checksum than its last line says, so the file was damaged or edited")
	}
	var doc document
	if err := json.Unmarshal(body, &struct {
		Format *int  `json:"format"`
		Writer *text `json:"writer"`
	}{&doc.Format, &doc.Writer}); err != nil {
		return document{}, err
	}
	if doc.Format != format {
		return document{}, fmt.Errorf("has format %d, written by %q; this program reads format %d", doc.Format, string(doc.Writer), format)
	}
	return doc, json.Unmarshal(body, &doc)
}

// version returns the Version that an entry describes.
func (e versionEntry) version() (v Version, err error) {
	v = Version{Order: e.SHA256, Serial: NoSerial, Keys: stringsOf(e.Keys), Signatures: stringsOf(e.Signatures)}
	for _, side := range e.Sides {
		if v.Sides == nil {
			v.Sides = map[string]Digest{}
		}
		v.Sides[string(side.Name)] = side.SHA256
	}
	if e.Serial != nil {
		v.Serial = *e.Serial
	}
	if v.Accepted, err = time.Parse(time.RFC3339, e.Accepted); err != nil {
		return v, fmt.Errorf("accepted: %w", err)
	}
	v.Accepted = v.Accepted.UTC()
	if s := e.Snapshot; s != nil {
		sum, ok := snapshotSum(s.File)
		if !ok || s.Size <= 0 {
			return v, fmt.Errorf("snapshot: file %q with %d bytes", s.File, s.Size)
		}
		v.Snapshot = Snapshot{s.Size, sum}
	}
	return v, nil
}
