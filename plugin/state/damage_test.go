package state

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/durable"
)

var unsynced = durable.FS{Hook: func(s durable.Step, run func() error) error {
	if s == durable.Sync || s == durable.SyncDir {
		return nil
	}
	return run()
}}

// current returns the content of current.json.
func current(t *testing.T, dir string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, currentName))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func flips(b []byte, do func(at int, variant []byte), masks ...byte) {
	for i := range b {
		for _, mask := range masks {
			v := bytes.Clone(b)
			v[i] ^= mask
			do(i, v)
		}
	}
}

func TestDamagedCurrent(t *testing.T) {
	dir := t.TempDir()
	stored(t, dir, example())
	good := current(t, dir)
	if _, err := decode(good); err != nil {
		t.Fatal(err)
	}
	flips(good, func(at int, b []byte) {
		if _, err := decode(b); err == nil {
			t.Errorf("byte %d changed from %q to %q: not detected", at, good[at], b[at])
		}
	}, 0x01, 0x20, 0x80, 0xff)
	for n := range good {
		if _, err := decode(good[:n]); err == nil {
			t.Errorf("cut to %d bytes: not detected", n)
		}
	}
	for _, tail := range []string{"\n", " ", "\x00", "{}", string(good)} {
		if _, err := decode(append(bytes.Clone(good), tail...)); err == nil {
			t.Errorf("with %.10q at the end: not detected", tail)
		}
	}
}

func TestRefused(t *testing.T) {
	for _, tc := range []struct {
		name, want string
		edit       func(t *testing.T, path string)
	}{
		{"cut", "has no checksum in the last line", func(t *testing.T, path string) { os.Truncate(path, 100) }},
		{"empty", "is empty", func(t *testing.T, path string) { os.Truncate(path, 0) }},
		{"edited", "has another checksum", func(t *testing.T, path string) {
			b, _ := os.ReadFile(path)
			os.WriteFile(path, bytes.Replace(b, []byte("police"), []byte("polite"), 1), 0o600)
		}},
		{"directory", "not a regular file", func(t *testing.T, path string) { os.Remove(path); os.Mkdir(path, 0o700) }},
		{"missing", "no such file", func(t *testing.T, path string) { os.Remove(path) }},
	} {
		dir := t.TempDir()
		stored(t, dir, example())
		tc.edit(t, filepath.Join(dir, currentName))
		s := open(t, dir, Options{})
		if p := s.Problems(); len(p) != 1 || !strings.Contains(p[0].Error(), tc.want) || !strings.HasSuffix(p[0].Error(), "; no version is known") {
			t.Errorf("%s: problems %v", tc.name, p)
		}
		if len(s.Set().Versions) != 0 {
			t.Errorf("%s: set %v", tc.name, s.Set())
		}
		n := example()
		n.Versions = map[string]Version{"/orders/new.yaml": versionOf(1, "new")}
		n.Blobs = from("new")
		s.Commit(n)
		if err := s.Close(); err != nil {
			t.Errorf("%s: %v", tc.name, err)
		}

		s = open(t, dir, Options{})
		if p := s.Problems(); len(p) != 1 || !strings.Contains(p[0].Error(), "refused.json: keeps a set") {
			t.Errorf("%s: problems %v", tc.name, p)
		}
		if got := without(s.Set()); !reflect.DeepEqual(got, n.Set) {
			t.Errorf("%s: the new set is not stored: %v", tc.name, got)
		}
		for _, c := range []string{"court", "side one", "side two", "police", "new"} {
			readBlob(t, s, digest(c))
		}
		if err := os.RemoveAll(filepath.Join(dir, refusedName)); err != nil {
			t.Fatal(err)
		}
		s.Close()
		s = sound(t, dir, Options{})
		s.Close()
		if got := files(t, dir); len(got) != 3 {
			t.Errorf("%s: files %q", tc.name, got)
		}
	}
}

func TestNewerFormat(t *testing.T) {
	b, err := encode(Set{}, "v9")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(b), `"format": 1`, `"format": 2`, 1)
	text = text[:strings.LastIndex(text, `{"sha256"`)]
	text += `{"sha256":"` + digest(text).String() + "\"}\n"
	_, err = decode([]byte(text))
	if want := `has format 2, written by "v9"; this program reads format 1`; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestDamagedBlob(t *testing.T) {
	dir := t.TempDir()
	stored(t, dir, example())
	set, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	type file struct{ name, owner string }
	var all []file
	for path, v := range set.Sorted() {
		for what, d := range v.blobs() {
			all = append(all, file{filepath.Join(blobDir, blobName(d)), path + ": " + what})
		}
		all = append(all, file{filepath.Join(partDir, v.Snapshot.File()), path + ": snapshot"})
	}
	for _, f := range all {
		path := filepath.Join(dir, f.name)
		good, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		damage := func(what string, b []byte) {
			t.Helper()
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
			s := open(t, dir, Options{Writer: "test", FS: unsynced})
			found := s.Verify()
			if len(found) != 1 || !errors.Is(found[0], ErrDamaged) || !strings.HasPrefix(found[0].Error(), "state: "+f.owner+": "+path+": damaged") {
				t.Errorf("%s, %s: %v", f.name, what, found)
			}
			s.Commit(example())
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if b, _ := os.ReadFile(path); !bytes.Equal(b, good) {
				t.Errorf("%s, %s: not repaired", f.name, what)
			}
		}
		flips(good, func(at int, b []byte) { damage("flipped", b) }, 0x01)
		damage("cut", good[:len(good)-1])
		damage("empty", nil)
		damage("longer", append(bytes.Clone(good), 0))
	}
	sound(t, dir, Options{})
}

func TestMissing(t *testing.T) {
	dir := t.TempDir()
	stored(t, dir, example())
	for _, name := range slices.Concat(files(t, filepath.Join(dir, blobDir)), files(t, filepath.Join(dir, partDir))) {
		sub := blobDir
		if strings.HasSuffix(name, ".snap") {
			sub = partDir
		}
		for _, kind := range []string{"nothing", "pipe", "directory"} {
			path := filepath.Join(dir, sub, name)
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			switch kind {
			case "pipe":
				pipe(t, path)
			case "directory":
				os.Mkdir(path, 0o700)
			}
			s := open(t, dir, Options{Writer: "test"})
			if p := s.Problems(); len(p) != 1 || !strings.HasPrefix(p[0].Error(), "state: /orders/") || !strings.HasSuffix(p[0].Error(), path+" is missing") {
				t.Errorf("%s, %s: problems %v", name, kind, p)
			}
			if sub == blobDir && len(s.Verify()) != 1 {
				t.Errorf("%s, %s: Verify returns %v", name, kind, s.Verify())
			}
			s.Close()
			os.RemoveAll(path)
			stored(t, dir, example())
			sound(t, dir, Options{}).Close()
		}
	}
}

func TestShortReads(t *testing.T) {
	dir := t.TempDir()
	stored(t, dir, example())
	d := digest("court")
	os.WriteFile(filepath.Join(dir, blobDir, blobName(d)), []byte("Court"), 0o600)
	s := open(t, dir, Options{})
	defer s.Close()
	r, err := s.Blob(d)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var one [1]byte
	for range 5 {
		if _, err := r.Read(one[:]); err != nil && !errors.Is(err, ErrDamaged) {
			t.Fatal(err)
		}
	}
	if _, err := r.Read(one[:]); !errors.Is(err, ErrDamaged) || err == io.EOF {
		t.Errorf("error %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	good, err := encode(example().Set, "test")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:bytes.LastIndex(good, []byte(`{"sha256"`))])
	odd := example().Set
	odd.Unaccepted = time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC)
	odd.Versions["\xff\n\u202e"] = Version{Sides: map[string]Digest{`"`: {}}, Serial: -7, Keys: []string{""}, Snapshot: Snapshot{1, 1 << 63}}
	if good, err = encode(odd, "\x00"); err != nil {
		f.Fatal(err)
	}
	f.Add(good[:bytes.LastIndex(good, []byte(`{"sha256"`))])
	f.Fuzz(func(t *testing.T, b []byte) {
		if set, err := decode(b); err == nil {
			writer := "test"
			if doc, err := parse(b); err == nil {
				writer = string(doc.Writer)
			}
			if again, err := encode(set, writer); err != nil || !bytes.Equal(again, b) {
				t.Errorf("accepted, but written as %q", again)
			}
		}
		b = append(b, `{"sha256":"`+digest(string(b)).String()+"\"}\n"...)
		set, err := decode(b)
		if err != nil {
			return
		}
		doc, err := parse(b)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := encode(set, string(doc.Writer)); err != nil || !bytes.Equal(again, b) {
			t.Errorf("accepted, but written as %q", again)
		}
	})
}

func FuzzEncode(f *testing.F) {
	f.Add("/orders/a.yaml", "list.txt", "RWQ", "untrusted comment: \n", int64(7), int64(9), uint64(5))
	f.Add("\xff", `"`, "\u202e", "\x00", int64(-1), int64(-2), uint64(0))
	f.Fuzz(func(t *testing.T, path, side, key, signature string, serial, size int64, sum uint64) {
		want := example().Set
		want.Unaccepted = time.Unix(max(serial, 0)%(1<<35), 0).UTC() // RFC 3339 has no years above 9999
		v := versionOf(serial, path)
		v.Sides = map[string]Digest{side: digest(side)}
		v.Keys, v.Signatures = []string{key, key}, []string{signature}
		if size > 0 {
			v.Snapshot = Snapshot{size, sum}
		}
		want.Versions[path] = v
		want.Floors[path+side] = Floor{Serial: max(serial, 0), Order: digest(key)}
		b, err := encode(want, signature)
		if err != nil {
			t.Fatal(err)
		}
		got, err := decode(b)
		if err != nil {
			t.Fatalf("%v\n%s", err, b)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got\n%+v\nwant\n%+v", got, want)
		}
	})
}
