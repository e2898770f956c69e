package edit

import (
	"fmt"
	"strings"
)

// A Line is one line of the comparison of two texts.
type Line struct {
	Sign byte // '-' for a line of the old text only, '+' for a line of the new text only, ' ' for both
	Text string
}

// A Hunk is a group of changed lines. It includes some unchanged lines around them.
type Hunk struct {
	Old, New int // the numbers of the first line in the old and the new text, from 1
	Lines    []Line
}

// Title returns the header of the Hunk in a unified diff.
func (h *Hunk) Title() string {
	var was, is int
	for _, l := range h.Lines {
		if l.Sign != '+' {
			was++
		}
		if l.Sign != '-' {
			is++
		}
	}
	return fmt.Sprintf("@@ -%d,%d +%d,%d @@", h.Old, was, h.New, is)
}

const maxSearch = 5000

// Diff compares two texts line by line. The last argument is the maximum number of unchanged lines
// around each change. The result may not be the shortest.
func Diff(was, is []byte, context int) (hunks []Hunk) {
	a, b := lines(was), lines(is)
	var all []Line
	for i, j := 0, 0; i < len(a) || j < len(b); {
		if i < len(a) && j < len(b) && a[i] == b[j] {
			all = append(all, Line{' ', a[i]})
			i, j = i+1, j+1
			continue
		}
		x, y := skip(a[i:], b[j:])
		for _, s := range a[i : i+x] {
			all = append(all, Line{'-', s})
		}
		for _, s := range b[j : j+y] {
			all = append(all, Line{'+', s})
		}
		i, j = i+x, j+y
	}
	var open *Hunk
	last := 0 // the index after the last changed line
	oldLine, newLine := 1, 1
	for i, l := range all {
		if l.Sign != ' ' {
			if open == nil || i-last > 2*context {
				before := min(context, i-last)
				if open != nil {
					open.Lines = append(open.Lines, all[last:min(last+context, i)]...)
				}
				hunks = append(hunks, Hunk{Old: oldLine - before, New: newLine - before, Lines: append([]Line(nil), all[i-before:i]...)})
			} else {
				open.Lines = append(open.Lines, all[last:i]...)
			}
			open = &hunks[len(hunks)-1]
			open.Lines = append(open.Lines, l)
			last = i + 1
		}
		if l.Sign != '+' {
			oldLine++
		}
		if l.Sign != '-' {
			newLine++
		}
	}
	if open != nil {
		open.Lines = append(open.Lines, all[last:min(last+context, len(all))]...)
	}
	return hunks
}

func lines(text []byte) []string {
	if len(text) == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n"), "\n")
}

func skip(a, b []string) (x, y int) {
	for sum := 1; sum <= min(len(a)+len(b), maxSearch); sum++ {
		for x = max(0, sum-len(b)); x <= min(sum, len(a)); x++ {
			y = sum - x
			if x == len(a) && y == len(b) || x < len(a) && y < len(b) && a[x] == b[y] {
				return x, y
			}
		}
	}
	return len(a), len(b)
}
