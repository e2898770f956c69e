package importer

import "regexp"

// Kinds of groups.
const (
	Cleaned = "cleaned"
	Passed  = "passed"
	Warned  = "warned"
	Skipped = "skipped"
	Refused = "refused"
)

// Group is the lines of which the same is to be said.
type Group struct {
	Kind   string
	Reason string // in the words of the first of the lines
	Needs  Form   // of refused lines, the form whose decision would let them in
	Lines  []int
	Notes  []int // of each line, the index of its note
}

// Groups sorts notes by what they say, in the order in which each is said first. A line
// is in several groups when there are several things to be said of it.
func Groups(notes []Note) []Group {
	type key struct {
		kind, reason string
		needs        Form
	}
	var out []Group
	at := map[key]int{}
	add := func(kind, reason string, needs Form, i int) {
		k := key{kind, quoted.ReplaceAllString(reason, ""), needs}
		g, ok := at[k]
		if !ok {
			g = len(out)
			at[k] = g
			out = append(out, Group{Kind: kind, Reason: reason, Needs: needs})
		}
		if n := len(out[g].Lines); n > 0 && out[g].Lines[n-1] == notes[i].Line {
			return
		}
		out[g].Lines = append(out[g].Lines, notes[i].Line)
		out[g].Notes = append(out[g].Notes, i)
	}
	for i := range notes {
		n := &notes[i]
		switch {
		case n.Passed != "":
			add(Passed, n.Passed, "", i)
		case n.Skipped:
			add(Skipped, n.Refused, "", i)
		case n.Refused != "":
			add(Refused, n.Refused, n.Needs, i)
		default:
			for _, did := range n.Did {
				add(Cleaned, did, "", i)
			}
		}
		for _, w := range n.Warnings {
			add(Warned, w, "", i)
		}
	}
	return out
}

// quoted finds what differs from line to line in reasons that say the same.
var quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)+'|\d+`)
