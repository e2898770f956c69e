package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/dns-orders/blocklist/plugin/printable"
)

// progress shows on a terminal what takes long. Elsewhere it says nothing: logs
// want results.
type progress struct {
	w     io.Writer // nil: silent
	begin time.Time
	last  time.Time
	shown bool
}

const (
	progressAfter = time.Second
	progressEvery = 200 * time.Millisecond
)

func newProgress(w io.Writer) *progress {
	p := &progress{begin: time.Now()}
	if f, ok := w.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			p.w = w
		}
	}
	return p
}

// say replaces the line; it may be called often.
func (p *progress) say(format string, args ...any) {
	if p.w == nil {
		return
	}
	now := time.Now()
	if now.Sub(p.begin) < progressAfter || now.Sub(p.last) < progressEvery {
		return
	}
	p.last, p.shown = now, true
	fmt.Fprint(p.w, "\r\x1b[K"+printable.Line(fmt.Sprintf(format, args...)))
}

// clear takes the line away, before anything else is written.
func (p *progress) clear() {
	if p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.shown = false
	}
}
