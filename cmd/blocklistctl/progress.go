package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/dns-orders/blocklist/plugin/printable"
)

// The type progress shows the current step of a long command. Without a terminal, it prints
// nothing.
type progress struct {
	w     io.Writer // nil if standard error is not a terminal
	now   func() time.Time
	begin time.Time
	last  time.Time
	step  string // the last text without its digits
	shown bool
}

const (
	progressAfter = time.Second            // the time before the progress line appears
	progressEvery = 200 * time.Millisecond // the shortest time between two changes of the line
)

func newProgress(w io.Writer) *progress {
	p := &progress{now: time.Now, begin: time.Now()}
	if f, ok := w.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			p.w = w
		}
	}
	return p
}

// Frequent calls are cheap, because most calls print nothing.
func (p *progress) say(format string, args ...any) {
	if p.w == nil {
		return
	}
	now := p.now()
	if now.Sub(p.begin) < progressAfter {
		return
	}
	text := fmt.Sprintf(format, args...)
	step := strings.Map(func(r rune) rune {
		if '0' <= r && r <= '9' {
			return -1
		}
		return r
	}, text)
	if now.Sub(p.last) < progressEvery && step == p.step {
		return
	}
	p.last, p.step, p.shown = now, step, true
	fmt.Fprint(p.w, "\r\x1b[K"+printable.Line(text))
}

// Call this method before any other output.
func (p *progress) clear() {
	if p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.shown = false
	}
}
