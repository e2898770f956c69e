package journal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// VerifyOptions are the settings of Verify.
type VerifyOptions struct {
	// Key is the public key of the journal. It must come from a source that the owner of the
	// journal cannot change. If Key is nil, Verify uses the key in the directory.
	Key note.Verifier
	// Checkpoints are the paths of older checkpoints that another person kept.
	Checkpoints []string
}

// A Report is the result of Verify.
type Report struct {
	Origin string `json:"origin"`
	Key    string `json:"key"` // the public key
	Size   int64  `json:"signed"`
	// Unsigned is the number of records that no checkpoint covers.
	Unsigned    int64    `json:"unsigned"`
	Pruned      int64    `json:"pruned"`      // the number of records whose text was deleted
	Checkpoints int      `json:"checkpoints"` // the number of good checkpoints
	Versions    int      `json:"versions"`    // the number of good versions of files
	Faults      []string `json:"faults"`
	Notes       []string `json:"notes"`
}

// Verify checks a whole journal. An error means that no check was possible, for example without a
// key. The server may write the journal at the same time.
func Verify(dir string, opt VerifyOptions) (*Report, error) {
	x := &verification{dir: dir, Report: Report{Faults: []string{}, Notes: []string{}}}
	v := opt.Key
	if v == nil {
		var err error
		if v, err = ReadVerifier(filepath.Join(dir, vkeyName)); err != nil {
			return nil, err
		}
		x.note("the public key comes from the journal itself: compare it with a copy that the owner of the journal cannot change")
	}
	x.Origin = v.Name()
	if text, err := os.ReadFile(filepath.Join(dir, vkeyName)); err != nil {
		x.fault("%s: %v", vkeyName, err)
	} else if x.Key = strings.TrimSpace(string(text)); opt.Key != nil {
		if own, err := note.NewVerifier(x.Key); err != nil || own.Name() != v.Name() || own.KeyHash() != v.KeyHash() {
			x.fault("%s: is not the given public key", vkeyName)
		}
	}
	c, err := ReadCheckpoint(filepath.Join(dir, checkpointName), v)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		x.fault("checkpoint: is missing")
	case err != nil:
		x.fault("checkpoint: %v", unpath(err))
	default:
		x.points = append(x.points, point{c, checkpointName})
	}
	x.readCheckpoints(v, opt.Checkpoints)
	if len(x.points) == 0 {
		x.fault("no checkpoint is good, so no record can be checked")
		return &x.Report, nil
	}
	x.Size = x.points[0].Size
	if err != nil {
		for _, p := range x.points {
			x.Size = max(x.Size, p.Size) // the largest checkpoint takes the place of the newest
		}
	}
	if err := x.readLines(); err != nil {
		return nil, err
	}
	x.readLeaves()
	x.checkRoots()
	x.checkTiles()
	x.checkLines()
	x.checkVersions()
	return &x.Report, nil
}

type point struct {
	Checkpoint
	from string
}

// A verification is a run of Verify.
type verification struct {
	Report
	dir     string
	points  []point
	lines   []lineHash
	tail    []lineHash  // the lines behind the newest checkpoint
	leaves  []tlog.Hash // the hashes of the records, from the tiles
	missing []bool      // the hash of a record is not in the tiles; nil if all are there
	trusted bool        // leaves have the signed root
	kept    map[string]int64
}

func (x *verification) fault(format string, args ...any) {
	x.Faults = append(x.Faults, fmt.Sprintf(format, args...))
}

func (x *verification) note(format string, args ...any) {
	x.Notes = append(x.Notes, fmt.Sprintf(format, args...))
}

func unpath(err error) error {
	if e := errors.Unwrap(err); e != nil {
		return e
	}
	return err
}

func (x *verification) readCheckpoints(v note.Verifier, outside []string) {
	all, err := os.ReadDir(filepath.Join(x.dir, checkpointDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		x.fault("%s: %v", checkpointDir, err)
	}
	for _, e := range all {
		name := checkpointDir + "/" + e.Name()
		if strings.HasSuffix(name, stampSuffix) || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		size := e.Name()
		if strings.HasSuffix(size, cosignedSuffix) {
			size, _, _ = strings.Cut(size, ".")
		}
		c, err := ReadCheckpoint(filepath.Join(x.dir, name), v)
		switch {
		case err != nil:
			x.fault("%s: %v", name, unpath(err))
		case strconv.FormatInt(c.Size, 10) != size:
			x.fault("%s: is a checkpoint of %d records", name, c.Size)
		default:
			x.points = append(x.points, point{c, name})
		}
	}
	for _, path := range outside {
		c, err := ReadCheckpoint(path, v)
		if err != nil {
			x.fault("%v", err)
			continue
		}
		x.points = append(x.points, point{c, path})
	}
}

func (x *verification) readLeaves() {
	x.leaves = make([]tlog.Hash, 0, x.Size)
	for n := int64(0); n<<tileHeight < x.Size; n++ {
		t := tlog.Tile{H: tileHeight, L: 0, N: n, W: int(min(tileWidth, x.Size-n<<tileHeight))}
		data, err := readTile(x.dir, t)
		if err != nil {
			x.fault("%s: %v", TilePath(t), unpath(err))
			if x.missing == nil {
				x.missing = make([]bool, x.Size)
			}
			for i := range t.W {
				x.missing[n<<tileHeight+int64(i)] = true
			}
			data = make([]byte, t.W*tlog.HashSize)
		}
		for ; len(data) > 0; data = data[tlog.HashSize:] {
			x.leaves = append(x.leaves, tlog.Hash(data[:tlog.HashSize]))
		}
	}
}

// sizes must be sorted.
func roots(leaves []tlog.Hash, sizes []int64) map[int64]tlog.Hash {
	out := map[int64]tlog.Hash{}
	t := tree{}
	for _, size := range sizes {
		for t.size < min(size, int64(len(leaves))) {
			t.add(leaves[t.size])
		}
		if t.size == size && size > 0 {
			out[size] = t.root()
		}
	}
	return out
}

func (x *verification) checkRoots() {
	var sizes []int64
	for _, p := range x.points {
		if p.Size <= x.Size {
			sizes = append(sizes, p.Size)
		}
	}
	slices.Sort(sizes)
	bad := func(have map[int64]tlog.Hash) (out []point) {
		for _, p := range x.points {
			if p.Size > 0 && p.Size <= x.Size && have[p.Size] != p.Root {
				out = append(out, p)
			}
		}
		return out
	}
	wrong := bad(roots(x.leaves, sizes))
	if x.missing != nil || len(wrong) > 0 {
		if own := x.lineLeaves(); own != nil && len(bad(roots(own, sizes))) == 0 {
			for i, h := range own {
				if x.leaves[i] != h && i%tileWidth == 0 || x.leaves[i] != h && x.leaves[i-1] == own[i-1] {
					x.fault("%s: the hash of record %d was changed; the record itself is as signed", TilePath(tlog.Tile{H: tileHeight, L: 0, N: int64(i) >> tileHeight, W: tileWidth}), i)
				}
			}
			x.leaves, x.missing, wrong = own, nil, nil
		}
	}
	x.trusted = x.missing == nil && len(wrong) == 0
	slices.SortFunc(wrong, func(p, q point) int { return int(min(1, max(-1, p.Size-q.Size))) })
	for i, p := range wrong {
		if i == 0 {
			x.fault("%s: the journal does not have the root that was signed for %d records: one of these records was changed, removed or added", p.from, p.Size)
		} else {
			x.fault("%s: the journal does not have the root that was signed for %d records", p.from, p.Size)
		}
	}
	for _, p := range x.points {
		if p.Size > x.Size {
			x.fault("%s: was signed for %d records, but the journal has a checkpoint for only %d", p.from, p.Size, x.Size)
		}
	}
	x.Checkpoints = len(x.points) - len(wrong)
}

func (x *verification) lineLeaves() []tlog.Hash {
	if int64(len(x.lines)) != x.Size {
		return nil
	}
	out := make([]tlog.Hash, 0, len(x.lines))
	for i, l := range x.lines {
		if l.at != int64(i) {
			return nil
		}
		out = append(out, l.hash)
	}
	return out
}

func (x *verification) checkTiles() {
	if !x.trusted {
		return // the hashes of the records are already wrong
	}
	level := x.leaves
	levels := [][]tlog.Hash{level}
	for len(level) >= tileWidth {
		var up []tlog.Hash
		for n := 0; (n+1)*tileWidth <= len(level); n++ {
			up = append(up, treeHash(level[n*tileWidth:(n+1)*tileWidth]))
		}
		levels = append(levels, up)
		level = up
	}
	for l, hashes := range levels {
		for n := 0; n*tileWidth < len(hashes); n++ {
			want := hashes[n*tileWidth : min(len(hashes), (n+1)*tileWidth)]
			t := tlog.Tile{H: tileHeight, L: l, N: int64(n), W: len(want)}
			data, err := readTile(x.dir, t)
			if err == nil && string(data) != string(tileBytes(want)) {
				err = errors.New("does not have the hashes of the records")
			}
			if err != nil && (l > 0 || !slices.ContainsFunc(x.Faults, func(s string) bool { return strings.HasPrefix(s, TilePath(t)) })) {
				x.fault("%s: %v", TilePath(t), unpath(err))
			}
		}
	}
	x.checkOtherTiles(levels)
}

func (x *verification) checkOtherTiles(levels [][]tlog.Hash) {
	err := filepath.WalkDir(filepath.Join(x.dir, tileDir), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if errors.Is(err, fs.ErrNotExist) {
				return nil // the server has removed a partial tile in the meantime
			}
			return err
		}
		name, err := filepath.Rel(x.dir, path)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		t, err := tlog.ParseTilePath(fmt.Sprintf("tile/%d/", tileHeight) + strings.TrimPrefix(name, "tile/"))
		if err != nil || TilePath(t) != name {
			if !strings.Contains(name, "/.durable-") {
				x.fault("%s: is no tile", name)
			}
			return nil
		}
		data, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		var known []tlog.Hash // the signed hashes of the tile
		if t.L < len(levels) {
			hashes := levels[t.L]
			known = hashes[min(int64(len(hashes)), t.N*tileWidth):min(int64(len(hashes)), t.N*tileWidth+int64(t.W))]
		}
		if want := tileBytes(known); len(data) != t.W*tlog.HashSize || string(data[:len(want)]) != string(want) {
			if !slices.ContainsFunc(x.Faults, func(s string) bool { return strings.HasPrefix(s, name) }) {
				x.fault("%s: does not have the hashes of the records", name)
			}
		}
		return nil
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		x.fault("%v", err)
	}
}

// checkVersions checks the kept versions of files.
func (x *verification) checkVersions() {
	all, err := os.ReadDir(filepath.Join(x.dir, versionDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		x.fault("%s: %v", versionDir, err)
	}
	have := map[string]bool{}
	for _, e := range all {
		sum, ok := strings.CutPrefix(e.Name(), "sha256-")
		sum, ok2 := strings.CutSuffix(sum, ".zst")
		if strings.HasPrefix(e.Name(), ".durable-") {
			continue
		}
		if !ok || !ok2 {
			x.fault("%s/%s: is no version of a file", versionDir, e.Name())
			continue
		}
		have[sum] = true
		in, err := OpenVersion(x.dir, sum)
		if err == nil {
			_, err = io.Copy(io.Discard, in)
			in.Close()
		}
		if err != nil {
			x.fault("%s/%s: %v", versionDir, e.Name(), unpath(err))
			continue
		}
		x.Versions++
	}
	for _, sum := range slices.Sorted(maps.Keys(x.kept)) {
		if !have[sum] {
			x.fault("record %d: the version sha256-%s of a file is missing in %s", x.kept[sum], sum, versionDir)
		}
	}
}
