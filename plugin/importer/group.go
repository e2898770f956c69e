package importer

import "regexp"

// These are the kinds of groups.
const (
	Cleaned = "cleaned"
	Passed  = "passed"
	Warned  = "warned"
	Skipped = "skipped"
	Refused = "refused"
)

// A Group contains lines with the same kind and reason, for example "scheme removed".
type Group struct {
	Kind   string
	Reason string // the text for the first line of the group
	Needs  Form   // the form (text with several meanings) that needs a decision, or empty
	Lines  []int
	Notes  []int // for each line, the index of its note
}

// Groups returns the notes in groups with equal kind and reason. The groups are in the order of
// their first lines. A line can be in several groups.
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

var quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)+'|\d+`)
