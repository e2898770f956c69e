package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestProgress checks when the progress line changes.
func TestProgress(t *testing.T) {
	var b strings.Builder
	now := time.Unix(1e9, 0)
	p := &progress{w: &b, now: func() time.Time { return now }, begin: now}
	for _, x := range []struct {
		after time.Duration
		text  string
		shown bool
	}{
		{500 * time.Millisecond, "10 rows", false}, // a short command shows nothing
		{500 * time.Millisecond, "20 rows", true},
		{100 * time.Millisecond, "30 rows", false},
		{100 * time.Millisecond, "40 rows", true},
		{time.Millisecond, "merging: 1 of 2 orders", true},
		{time.Millisecond, "merging: 2 of 2 orders", false},
	} {
		now = now.Add(x.after)
		b.Reset()
		p.say("%s", x.text)
		if want := "\r\x1b[K" + x.text; x.shown && b.String() != want || !x.shown && b.Len() > 0 {
			t.Errorf("%s: got %q", x.text, b.String())
		}
	}
	b.Reset()
	p.clear()
	p.clear()
	if b.String() != "\r\x1b[K" {
		t.Errorf("clear: got %q", b.String())
	}
}

// TestNoProgress checks that a file gets no progress line.
func TestNoProgress(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	p := newProgress(f)
	p.begin = time.Time{}
	p.say("10 rows")
	p.clear()
	if info, err := f.Stat(); err != nil || info.Size() != 0 {
		t.Errorf("%v, %v", info, err)
	}
}
