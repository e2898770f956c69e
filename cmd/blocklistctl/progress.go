package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/dns-orders/blocklist/plugin/printable"
)

// progress shows the current step of a long command on one line. It prints nothing if standard
// error is not a terminal.
type progress struct {
	w     io.Writer // nil if standard error is not a terminal
	begin time.Time
	last  time.Time
	shown bool
}

const (
	progressAfter = time.Second            // the time before the progress line appears
	progressEvery = 200 * time.Millisecond // the shortest time between two changes of the line
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

// say replaces the progress line. It may be called often.
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

// clear removes the progress line. Call it before any other output.
func (p *progress) clear() {
	if p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.shown = false
	}
}
