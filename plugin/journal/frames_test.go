package journal

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/durable"
)

func TestFrames(t *testing.T) {
	dir := t.TempDir()
	j, _ := open(t, dir)
	random := rand.New(rand.NewPCG(5, 6))
	var lines [][]byte
	for i := range 200_000 {
		lines = append(lines, fmt.Appendf(nil, "name%d.%x.example\n", i, random.Uint32()))
	}
	keep := func(text []byte) (path string, now *frames) {
		sum := sha256.Sum256(text)
		j.Keep("list.txt", sum, 0, func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text)), nil })
		flush(t, j)
		return filepath.Join(dir, VersionPath(fmt.Sprintf("%x", sum))), j.frames["list.txt"]
	}
	check := func(path string, text []byte) {
		t.Helper()
		in, err := OpenVersion(dir, filepath.Base(path)[len("sha256-"):][:64])
		if err != nil {
			t.Fatal(err)
		}
		defer in.Close()
		if got, err := io.ReadAll(in); err != nil || !bytes.Equal(got, text) {
			t.Errorf("%d bytes of %d, %v", len(got), len(text), err)
		}
	}
	others := func(now, before *frames) (n int) {
		for c := range now.at {
			if _, ok := before.at[c]; !ok {
				n++
			}
		}
		return n
	}
	text := bytes.Join(lines, nil)
	_, before := keep(text)
	if n := len(before.at); n < len(text)/maxChunk || n > len(text)/minChunk+1 {
		t.Fatalf("%d chunks of %d bytes", n, len(text))
	}
	for _, tc := range []struct {
		what string
		text []byte
	}{
		{"a line at the beginning", bytes.Join([][]byte{[]byte("first.example\n"), text}, nil)},
		{"a line in the middle", bytes.Join([][]byte{text[:len(text)/2], []byte("\nmiddle.example\n"), text[len(text)/2:]}, nil)},
		{"a line less", bytes.Join(append(append([][]byte{}, lines[:1000]...), lines[1001:]...), nil)},
		{"a line at the end", append(bytes.Clone(text), "last.example\n"...)},
	} {
		path, now := keep(tc.text)
		if n := others(now, before); n == 0 || n > 6 {
			t.Errorf("%s: %d of %d chunks are new", tc.what, n, len(now.at))
		}
		check(path, tc.text)
		before = now
		if tc.what == "a line less" { // the next version must not copy the damage
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			whole := bytes.Clone(b)
			b[len(b)/2] ^= 1
			os.WriteFile(path, b, 0o600)
			defer os.WriteFile(path, whole, 0o600)
		}
	}
	os.Remove(before.path)
	for _, text := range [][]byte{append(bytes.Clone(text), "end.example\n"...), nil, bytes.Repeat([]byte("x"), 3*maxChunk), bytes.Repeat([]byte("\n"), 2*maxChunk)} {
		path, _ := keep(text)
		check(path, text)
	}
	keep(append(bytes.Clone(text), "last.example\n"...)) // the removed version again
	closeJournal(t, j)
	if r, err := Verify(dir, VerifyOptions{}); err != nil || len(r.Faults) != 1 || r.Versions != 8 {
		t.Errorf("%d versions, %q, %v; want only the fault of the damaged version", r.Versions, r.Faults, err)
	}
}

func TestKeptBeforeCrash(t *testing.T) {
	dir := t.TempDir()
	text := []byte("version: 1\n")
	sum := sha256.Sum256(text)
	path := filepath.Join(dir, VersionPath(fmt.Sprintf("%x", sum)))
	keep := func() {
		j, _ := open(t, dir)
		j.Keep("a.yaml", sum, 0, func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text)), nil })
		closeJournal(t, j)
	}
	keep()
	crashed := t.TempDir()
	if err := os.CopyFS(filepath.Join(crashed, versionDir), os.DirFS(filepath.Dir(path))); err != nil {
		t.Fatal(err)
	}
	dir = crashed
	keep()
	keep()
	var kept []string
	for _, r := range readAll(t, dir) {
		if r.Event == Kept {
			kept = append(kept, r.File+" "+r.SHA256)
		}
	}
	if want := []string{fmt.Sprintf("a.yaml %x", sum)}; !slices.Equal(kept, want) {
		t.Errorf("kept %q, want %q", kept, want)
	}
}

func TestKeptLater(t *testing.T) {
	dir := t.TempDir()
	again := make(chan time.Time)
	var full atomic.Bool
	var failures atomic.Int32
	j, _ := open(t, dir, func(o *Options) {
		o.After = func(d time.Duration) <-chan time.Time {
			if d == keepAgain {
				return again
			}
			return time.After(d)
		}
		o.FS.Hook = func(s durable.Step, run func() error) error {
			if full.Load() && s == durable.Write {
				failures.Add(1)
				return syscall.ENOSPC
			}
			return noSync(s, run)
		}
	})
	j.Append(Record{Event: InForce, Order: "a"})
	flush(t, j)
	text := []byte("version: 1\n")
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text)), nil }
	full.Store(true)
	j.Keep("a.yaml", sha256.Sum256(text), 0, open)
	j.Keep("changed.yaml", sha256.Sum256(nil), 0, open)
	flush(t, j)
	before := failures.Load()
	again <- time.Time{}
	for failures.Load() < before+2 { // the disk is still full for both versions
		time.Sleep(time.Millisecond)
	}
	full.Store(false)
	again <- time.Time{}
	for kept := false; !kept; {
		_, err := os.Stat(filepath.Join(dir, VersionPath(fmt.Sprintf("%x", sha256.Sum256(text)))))
		kept = err == nil
	}
	closeJournal(t, j)
	var got []string
	for _, r := range readAll(t, dir) {
		if r.File != "" {
			got = append(got, fmt.Sprintf("%s %s %s", r.Event, r.File, r.Why))
		}
	}
	want := []string{"version_not_kept a.yaml no space left on device", "version_not_kept changed.yaml no space left on device", "version_kept a.yaml "}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if r := verify(t, dir); r.Versions != 1 {
		t.Errorf("%d versions", r.Versions)
	}
}
