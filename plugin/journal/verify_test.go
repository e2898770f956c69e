package journal

import (
	"bytes"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// copyTo copies a journal into a new directory.
func copyTo(t testing.TB, dir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "journal")
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}

func faults(t testing.TB, dir string, opt VerifyOptions) string {
	t.Helper()
	r, err := Verify(dir, opt)
	if err != nil {
		return "error: " + err.Error()
	}
	return strings.Join(r.Faults, "\n")
}

func TestFlips(t *testing.T) {
	if raceDetector {
		return // Verify has no other goroutine
	}
	dir := t.TempDir()
	fill(t, dir, 600)
	good := verify(t, dir)
	r := rand.New(rand.NewPCG(1, 2))
	var files []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if name, _ := filepath.Rel(dir, path); err == nil && !d.IsDir() && name != "LOCK" && name != keyName {
			files = append(files, filepath.ToSlash(name))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 14 {
		t.Fatalf("only %q", files)
	}
	for _, name := range files {
		path := filepath.Join(dir, name)
		was, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for range max(2, min(6, len(was)/64)) {
			at, bit := r.IntN(len(was)), byte(1)<<r.IntN(8)
			now := slices.Clone(was)
			now[at] ^= bit
			os.WriteFile(path, now, 0o600)
			got := faults(t, dir, VerifyOptions{})
			if !named(got, name, was, at) {
				t.Errorf("%s: bit %d of byte %d: faults:\n%s", name, bit, at, got)
			}
		}
		for _, now := range [][]byte{nil, was[:len(was)-1], was[:len(was)/2], append(slices.Clone(was), was...)} {
			if name == vkeyName && len(now) == len(was)-1 {
				continue // the line end of the key does not matter
			}
			os.WriteFile(path, now, 0o600)
			if got := faults(t, dir, VerifyOptions{}); !named(got, name, was, len(was)-1) && !named(got, name, was, 0) {
				t.Errorf("%s: %d bytes in place of %d: faults:\n%s", name, len(now), len(was), got)
			}
		}
		os.Remove(path)
		if got := faults(t, dir, VerifyOptions{}); !named(got, name, was, 0) && !strings.HasPrefix(name, checkpointDir) {
			t.Errorf("%s is gone: faults:\n%s", name, got)
		}
		os.WriteFile(path, was, 0o600)
	}
	if again := verify(t, dir); fmt.Sprint(again) != fmt.Sprint(good) {
		t.Errorf("%+v, then %+v", good, again)
	}
}

func named(faults, name string, text []byte, at int) bool {
	if name == vkeyName {
		return faults != ""
	}
	if sum, ok := strings.CutPrefix(name, versionDir+"/"); ok && strings.Contains(faults, strings.TrimSuffix(sum, ".zst")) {
		return true
	}
	if strings.Contains(faults, name) {
		return true
	}
	if !strings.HasPrefix(name, recordDir) {
		return false
	}
	begin := bytes.LastIndexByte(text[:at], '\n') + 1
	r, err := ParseRecord(text[begin : begin+bytes.IndexByte(text[begin:], '\n')])
	return err == nil && mentions(faults, r.Index)
}

func mentions(faults string, index int64) bool {
	for line := range strings.Lines(faults) {
		var a, b int64
		if n, _ := fmt.Sscanf(line, "records %d to %d are missing", &a, &b); n == 2 && a <= index && index <= b {
			return true
		}
		if strings.Contains(line, fmt.Sprintf("record %d ", index)) || strings.Contains(line, fmt.Sprintf("record %d:", index)) {
			return true
		}
	}
	return false
}

func TestLines(t *testing.T) {
	if raceDetector {
		return // Verify has no other goroutine
	}
	dir := t.TempDir()
	fill(t, dir, 700)
	r := rand.New(rand.NewPCG(3, 4))
	var records []string
	for _, s := range mustSegments(t, dir) {
		b, err := os.ReadFile(filepath.Join(dir, s.name))
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")...)
	}
	n := len(records)
	for _, tc := range []struct {
		name   string
		change func(lines []string, i int) ([]string, []int64)
	}{
		{"drop", func(l []string, i int) ([]string, []int64) { return slices.Delete(l, i, i+1), []int64{int64(i)} }},
		{"drop some", func(l []string, i int) ([]string, []int64) {
			k := min(n, i+1+r.IntN(20))
			return slices.Delete(l, i, k), []int64{int64(i), int64(k - 1)}
		}},
		{"swap", func(l []string, i int) ([]string, []int64) {
			i = min(i, n-2)
			l[i], l[i+1] = l[i+1], l[i]
			return l, []int64{int64(i + 1)}
		}},
		{"swap far", func(l []string, i int) ([]string, []int64) {
			k := (i + 10 + r.IntN(n-20)) % n
			l[i], l[k] = l[k], l[i]
			return l, []int64{int64(min(i, k)), int64(max(i, k))}
		}},
		{"repeat", func(l []string, i int) ([]string, []int64) {
			return slices.Insert(l, r.IntN(n), l[i]), []int64{int64(i)}
		}},
		{"change", func(l []string, i int) ([]string, []int64) {
			l[i] = strings.Replace(l[i], `"event":"`, `"event":"x`, 1)
			return l, []int64{int64(i)}
		}},
		{"add", func(l []string, i int) ([]string, []int64) {
			return slices.Insert(l, i, strings.Replace(l[i], `"salt":"`, `"salt":"0`, 1)), nil
		}},
	} {
		for range 4 {
			i := r.IntN(n)
			lines, want := tc.change(slices.Clone(records), i)
			cp := copyTo(t, dir)
			os.RemoveAll(filepath.Join(cp, recordDir))
			os.Mkdir(filepath.Join(cp, recordDir), 0o700)
			os.WriteFile(filepath.Join(cp, recordDir, segmentName(0)), []byte(strings.Join(lines, "\n")+"\n"), 0o600)
			got := faults(t, cp, VerifyOptions{})
			for _, w := range want {
				if !mentions(got, w) {
					t.Errorf("%s %d: no fault names record %d:\n%s", tc.name, i, w, got)
				}
			}
			if n := strings.Count(got, "\n"); got == "" || n > 4 {
				t.Errorf("%s %d: faults:\n%.2000s", tc.name, i, got)
			}
		}
	}
}

func mustSegments(t testing.TB, dir string) []segment {
	t.Helper()
	all, err := segments(dir)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestRewritten(t *testing.T) {
	dir := t.TempDir()
	fill(t, dir, 300)
	kept := filepath.Join(t.TempDir(), "checkpoint")
	text, err := os.ReadFile(filepath.Join(dir, checkpointName))
	if err != nil {
		t.Fatal(err)
	}
	os.WriteFile(kept, text, 0o600)
	opt := VerifyOptions{Checkpoints: []string{kept}}
	if got := faults(t, dir, opt); got != "" {
		t.Fatal(got)
	}
	fill(t, dir, 200) // more records
	if got := faults(t, dir, opt); got != "" {
		t.Fatal(got)
	}

	fake := t.TempDir()
	for _, name := range []string{keyName, vkeyName} {
		b, _ := os.ReadFile(filepath.Join(dir, name))
		os.WriteFile(filepath.Join(fake, name), b, 0o600)
	}
	fill(t, fake, 600)
	verify(t, fake)
	if got := faults(t, fake, opt); !strings.HasPrefix(got, kept+": the journal does not have the root that was signed for 30") {
		t.Errorf("faults %q", got)
	}

	short := t.TempDir()
	for _, name := range []string{keyName, vkeyName} {
		b, _ := os.ReadFile(filepath.Join(dir, name))
		os.WriteFile(filepath.Join(short, name), b, 0o600)
	}
	fill(t, short, 10)
	if got := faults(t, short, opt); !strings.Contains(got, "but the journal has a checkpoint for only") {
		t.Errorf("faults %q", got)
	}

	// Another key.
	other := t.TempDir()
	fill(t, other, 10)
	v, err := ReadVerifier(filepath.Join(dir, vkeyName))
	if err != nil {
		t.Fatal(err)
	}
	if got := faults(t, other, VerifyOptions{Key: v}); !strings.Contains(got, "journal.vkey: is not the given public key") || !strings.Contains(got, "no checkpoint is good") {
		t.Errorf("faults %q", got)
	}
}

func TestChangedTiles(t *testing.T) {
	dir := t.TempDir()
	fill(t, dir, 600)
	s := mustSegments(t, dir)[0]
	path := filepath.Join(dir, s.name)
	b, _ := os.ReadFile(path)
	b = bytes.Replace(b, []byte("name-50.example"), []byte("name-51.example"), 1)
	os.WriteFile(path, b, 0o600)
	if got := faults(t, dir, VerifyOptions{}); got != "records/000000000000.jsonl:52: record 51 was changed" {
		t.Errorf("faults %q", got)
	}
	tile, _ := os.ReadFile(filepath.Join(dir, "tile/0/000"))
	h := tlog.RecordHash(bytes.Split(b, []byte("\n"))[51])
	copy(tile[51*32:], h[:])
	os.WriteFile(filepath.Join(dir, "tile/0/000"), tile, 0o600)
	got := faults(t, dir, VerifyOptions{})
	if !strings.HasPrefix(got, "checkpoints/102: the journal does not have the root that was signed for 102 records: one of these records was changed") {
		t.Errorf("faults %q", got)
	}
}

func TestPrune(t *testing.T) {
	dir := t.TempDir()
	fill(t, dir, 1000)
	j, _ := open(t, dir)
	for i := range 3 {
		j.Append(Record{Event: Ended, Order: fmt.Sprint("order-", i)})
	}
	flush(t, j)
	opt := Options{Now: newClock().Now}
	if _, err := Prune(dir, 600, "Ann", "", opt); err == nil || !strings.Contains(err.Error(), "locked by another process") {
		t.Errorf("error %v", err)
	}
	closeJournal(t, j)
	removed, err := Prune(dir, 600, "Ann", "older than two years", opt)
	if err != nil || len(removed) != 2 || removed[1] != "records/000000000256.jsonl" {
		t.Fatalf("removed %q, %v", removed, err)
	}
	if r := verify(t, dir); r.Pruned != 512 {
		t.Errorf("%+v", r)
	}
	j, _ = open(t, dir)
	j.Append(Record{Event: Ended, Order: "order-0"})
	j.Append(Record{Event: Ended, Order: "order-5"})
	j.Do(0, func(b *Batch) { b.Beat(Record{}) })
	closeJournal(t, j)
	verify(t, dir)
	last := map[string]int64{}
	for _, r := range readAll(t, dir) {
		if r.Order != "" {
			last[r.Order] = r.Number
		}
		if r.Event == Pruned && (*r.First != 0 || *r.Last != 511 || r.By != "Ann" || r.Why != "older than two years") {
			t.Errorf("%+v", r)
		}
	}
	if last["order-0"] < 140 || last["order-5"] < 140 {
		t.Errorf("numbers %v", last)
	}

	os.Remove(filepath.Join(dir, "records/000000000512.jsonl"))
	if got := faults(t, dir, VerifyOptions{}); !strings.Contains(got, "records 512 to 767 are missing") {
		t.Errorf("faults %q", got)
	}
}

func TestVerifier(t *testing.T) {
	skey, vkey, err := note.GenerateKey(nil, origin)
	if err != nil {
		t.Fatal(err)
	}
	s, _ := note.NewSigner(skey)
	v, _ := note.NewVerifier(vkey)
	for text, ok := range map[string]bool{
		origin + "\n3\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n":       true,
		origin + "\n3\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\nmore\n": true, // an extension line
		"other\n3\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n":           false,
		origin + "\n03\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n":      false,
		origin + "\n-3\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n":      false,
		origin + "\n3\nAAAA\n": false,
		origin + "\n3\n":       false,
	} {
		signed, err := note.Sign(&note.Note{Text: text}, s)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := OpenCheckpoint(signed, v); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
}
