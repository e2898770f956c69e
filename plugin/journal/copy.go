package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dns-orders/blocklist/plugin/durable"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const maxOutside = 1 << 20

// A Copied is the result of Copy.
type Copied struct {
	Size   int64     // the number of signed records of the copy
	Time   time.Time // the time of the newest signed record, or zero
	Faults []string  // the files and records that were not copied
}

// Copy copies the signed part of a journal. The target directory must be empty or contain an
// earlier copy. The server may write the journal at the same time.
//
// If the journal contradicts the earlier copy, Copy changes nothing and returns an error. Copy
// skips records with a wrong hash. The copy is correct even after a crash.
func Copy(from, to string, key note.Verifier, vkey string, files durable.FS) (Copied, error) {
	x := &copying{from: from, to: to, key: key, fs: files, made: map[string]bool{}}
	var err error
	if x.old, err = x.earlier(vkey); err != nil {
		return Copied{}, err
	}
	out := Copied{Size: x.old.Size}
	if err := onlyFiles(from); err != nil {
		return out, err
	}
	if x.c, err = ReadCheckpoint(filepath.Join(from, checkpointName), key); err != nil {
		return out, err
	}
	if err := x.continues(x.old, "the copy"); err != nil {
		return out, err
	}
	edge, err := x.readLeaves()
	if err != nil {
		return out, err
	}
	if err := x.write(edge, vkey); err != nil {
		return out, err
	}
	return Copied{x.c.Size, x.last(), x.faults}, nil
}

// Refuse links and pipes. A link can lead to a secret file, and a read from a pipe can block
// forever.
func onlyFiles(dir string) error {
	if dir, err := filepath.EvalSymlinks(dir); err == nil {
		return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			switch {
			case errors.Is(err, fs.ErrNotExist):
				return nil // the process of the journal has removed the file in the meantime
			case err != nil:
				return err
			case !d.Type().IsRegular() && !d.IsDir():
				return fmt.Errorf("%s: is neither a file nor a directory", path)
			}
			if info, err := d.Info(); d.Name() == checkpointName && err == nil && info.Size() > maxOutside {
				return fmt.Errorf("%s: has more than %d bytes", path, maxOutside)
			}
			return nil
		})
	}
	return nil // the caller reports a missing directory
}

// A copying is a run of Copy.
type copying struct {
	from, to string
	key      note.Verifier
	fs       durable.FS
	old, c   Checkpoint  // the checkpoints of the copy and of the journal
	leaves   []tlog.Hash // the hashes of the records from old.Size on
	faults   []string
	made     map[string]bool // the directories below tile/ that exist
}

func (x *copying) fault(format string, args ...any) {
	x.faults = append(x.faults, fmt.Sprintf(format, args...))
}

func (x *copying) earlier(vkey string) (c Checkpoint, err error) {
	text, err := os.ReadFile(filepath.Join(x.to, vkeyName))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return c, nil
	case err != nil:
		return c, err
	case strings.TrimSpace(string(text)) != vkey:
		return c, fmt.Errorf("%s: the copy has another key: keep the copy in another place, and collect into an empty directory", x.to)
	}
	if c, err = ReadCheckpoint(filepath.Join(x.to, checkpointName), x.key); errors.Is(err, fs.ErrNotExist) {
		return Checkpoint{}, nil // the first copy was interrupted
	}
	if err != nil {
		return c, fmt.Errorf("the copy is damaged: %w", err)
	}
	return c, nil
}

func (x *copying) continues(older Checkpoint, what string) error {
	if older.Size > x.c.Size {
		return fmt.Errorf("the journal has %d signed records, and %s has %d: the journal was cut, or is an older copy of itself", x.c.Size, what, older.Size)
	}
	if older.Size == 0 {
		return nil
	}
	proof, err := ProveConsistency(x.from, x.c, older.Size)
	if err != nil {
		return fmt.Errorf("the tiles of the journal do not have its signed root: %w", err)
	}
	if older.Size == x.c.Size && older.Root != x.c.Root || older.Size < x.c.Size && tlog.CheckTree(proof, x.c.Size, x.c.Root, older.Size, older.Root) != nil {
		return fmt.Errorf("the journal was rewritten: its first %d records are not those of %s", older.Size, what)
	}
	return nil
}

func (x *copying) readLeaves() (*tree, error) {
	edge, err := readTree(x.to, x.old.Size, x.old.Root)
	if err != nil {
		return nil, fmt.Errorf("the copy is damaged: %w", err)
	}
	for at := x.old.Size; at < x.c.Size; {
		n := at >> tileHeight
		t := tlog.Tile{H: tileHeight, L: 0, N: n, W: int(min(tileWidth, x.c.Size-n<<tileHeight))}
		data, err := readTile(x.from, t)
		if err != nil {
			return nil, err
		}
		for ; at>>tileHeight == n && at < x.c.Size; at++ {
			x.leaves = append(x.leaves, tlog.Hash(data[at%tileWidth*tlog.HashSize:][:tlog.HashSize]))
		}
	}
	grown := edge.clone()
	for _, h := range x.leaves {
		grown.add(h)
	}
	if grown.size > 0 && grown.root() != x.c.Root {
		return nil, fmt.Errorf("the tiles of the journal do not have the signed root of %d records", x.c.Size)
	}
	return edge, nil
}

// clone returns an independent copy of a tree.
func (t *tree) clone() *tree {
	out := &tree{size: t.size}
	for _, hashes := range t.edge {
		out.edge = append(out.edge, append(make([]tlog.Hash, 0, tileWidth), hashes...))
	}
	return out
}

// write writes the new files of the copy.
func (x *copying) write(edge *tree, vkey string) error {
	for _, name := range []string{"", recordDir, versionDir, checkpointDir, tileDir} {
		if err := x.fs.Mkdir(filepath.Join(x.to, name), 0o700); err != nil {
			return err
		}
		if err := x.fs.CleanUp(filepath.Join(x.to, name)); err != nil {
			return err
		}
	}
	if err := x.fs.WriteFile(filepath.Join(x.to, vkeyName), []byte(vkey+"\n"), 0o644); err != nil {
		return err
	}
	if err := errors.Join(x.copyVersions(), x.copyRecords()); err != nil {
		return err
	}
	before := edge.partial()
	for _, h := range x.leaves {
		for _, full := range edge.add(h) {
			if err := x.writeTile(full); err != nil {
				return err
			}
		}
	}
	after := edge.partial()
	for _, p := range after {
		if err := x.writeTile(p); err != nil {
			return err
		}
	}
	// Write the file named checkpoint first. After a crash, no file in the directory checkpoints
	// may be newer.
	if x.c.Size > x.old.Size {
		if err := x.fs.WriteFile(filepath.Join(x.to, checkpointName), x.c.Text, 0o644); err != nil {
			return err
		}
	}
	for _, p := range before {
		if !slices.ContainsFunc(after, func(q fullTile) bool { return q.tile == p.tile }) {
			os.Remove(filepath.Join(x.to, filepath.FromSlash(TilePath(p.tile))))
		}
	}
	return x.copyCheckpoints()
}

func (x *copying) writeTile(t fullTile) error {
	path := filepath.Join(x.to, filepath.FromSlash(TilePath(t.tile)))
	if err := x.mkdir(filepath.Dir(path)); err != nil {
		return err
	}
	return x.fs.WriteFile(path, tileBytes(t.hashes), 0o644)
}

func (x *copying) mkdir(path string) error {
	if path == filepath.Clean(x.to) || x.made[path] {
		return nil
	}
	if err := x.mkdir(filepath.Dir(path)); err != nil {
		return err
	}
	x.made[path] = true
	return x.fs.Mkdir(path, 0o700)
}

func (x *copying) copyVersions() error {
	all, err := os.ReadDir(filepath.Join(x.from, versionDir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range all {
		name := versionDir + "/" + e.Name()
		sum, isVersion := strings.CutPrefix(strings.TrimSuffix(e.Name(), ".zst"), "sha256-")
		if _, err := os.Stat(filepath.Join(x.to, filepath.FromSlash(name))); err == nil || !isVersion || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		in, err := OpenVersion(x.from, sum)
		if err == nil {
			_, err = io.Copy(io.Discard, in)
			in.Close()
		}
		if err != nil {
			x.fault("%s: %v", name, unpath(err))
			continue
		}
		if err := x.copyFile(name, 0o600); err != nil {
			return err
		}
	}
	return err
}

// copyFile copies a file whose content was checked.
func (x *copying) copyFile(name string, mode fs.FileMode) error {
	in, err := os.Open(filepath.Join(x.from, filepath.FromSlash(name)))
	if err != nil {
		return err
	}
	defer in.Close()
	path := filepath.Join(x.to, filepath.FromSlash(name))
	out, err := x.fs.Create(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer out.Close()
	if _, err := io.Copy(out, in); err != nil {
		return err
	}
	return out.Commit(filepath.Base(path), mode)
}

func (x *copying) copyRecords() error {
	all, err := segments(x.from)
	if err != nil {
		return err
	}
	next := x.old.Size
	for i, s := range all {
		if s.first >= x.c.Size || i+1 < len(all) && all[i+1].first <= x.old.Size {
			continue
		}
		if next, err = x.copySegment(s.name, next); err != nil {
			return err
		}
	}
	return nil
}

func (x *copying) copySegment(name string, next int64) (int64, error) {
	path := filepath.Join(x.to, filepath.FromSlash(name))
	out, err := x.fs.Create(filepath.Dir(path))
	if err != nil {
		return next, err
	}
	defer out.Close()
	var b bytes.Buffer
	lines := 0
	put := func(text []byte) {
		lines++
		b.Write(text)
		if b.WriteByte('\n'); b.Len() >= flushBytes {
			_, err = out.Write(b.Bytes())
			b.Reset()
		}
	}
	// An interrupted copy can leave unsigned lines at the end. Drop these lines.
	_, old := readLines(path, func(l line) bool {
		if l.whole && l.text != nil && stated(l.text) >= 0 && stated(l.text) < x.old.Size {
			put(l.text)
		}
		return err == nil
	})
	if old != nil && !errors.Is(old, fs.ErrNotExist) {
		return next, old
	}
	no := 0
	_, in := readLines(filepath.Join(x.from, filepath.FromSlash(name)), func(l line) bool {
		no++
		switch i := stated(l.text); {
		case i >= 0 && i < x.old.Size, i >= x.c.Size, !l.whole:
		case i < next || tlog.RecordHash(l.text) != x.leaves[i-x.old.Size]:
			x.fault("%s:%d: the line is not the next signed record, and was not copied", name, no)
		default:
			put(l.text)
			next = i + 1
		}
		return err == nil
	})
	if err = errors.Join(err, in); err != nil || lines == 0 {
		return next, err
	}
	if _, err := out.Write(b.Bytes()); err != nil {
		return next, err
	}
	return next, out.Commit(filepath.Base(path), 0o600)
}

func (x *copying) copyCheckpoints() error {
	all, err := Outsides(x.from)
	if err != nil {
		return err
	}
	for _, f := range all {
		if _, err := os.Stat(filepath.Join(x.to, filepath.FromSlash(f.Name))); err == nil || f.Size < 0 || f.Size > x.c.Size {
			continue
		}
		path := filepath.Join(x.from, filepath.FromSlash(f.Name))
		if info, err := os.Stat(path); err != nil || info.Size() > maxOutside {
			x.fault("%s: cannot be read, or has more than %d bytes", f.Name, maxOutside)
			continue
		}
		if !f.Stamp {
			c, err := ReadCheckpoint(path, x.key)
			if err == nil && c.Size != f.Size {
				err = fmt.Errorf("is a checkpoint of %d records", c.Size)
			}
			if err == nil {
				err = x.continues(c, "this checkpoint")
			}
			if err != nil {
				x.fault("%s: %v", f.Name, unpath(err))
				continue
			}
		}
		if err := x.copyFile(f.Name, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func (x *copying) last() (t time.Time) {
	all, err := segments(x.to)
	for n := len(all); err == nil && n > 0 && t.IsZero(); n-- {
		_, err = readLines(filepath.Join(x.to, filepath.FromSlash(all[n-1].name)), func(l line) bool {
			if r, err := ParseRecord(l.text); err == nil && r.Index < x.c.Size {
				t = r.Time.Time
			}
			return true
		})
	}
	return t
}
