package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dns-orders/blocklist/plugin/importer"
)

// The question is whether two lines are one name.
func (q *listAsker) pairAnswer(n importer.Note, raw map[int]string, others []importer.Note) {
	var choices []choice
	seen := []string{}
	for _, c := range []struct{ word, one, two string }{
		{"join", "one name with the hyphen: ", ""}, {"drop", "one name without the hyphen: ", ""}, {"separate", "one name: ", "two names: "},
	} {
		targets := q.trial(n, c.word, "")
		text := strings.Join(targets, " and ")
		switch {
		case len(targets) == 0 || slices.Contains(seen, text):
			continue
		case len(targets) > 1:
			text = c.two + text
		case c.word == "separate":
			text = "only the name " + text + "; the other line has no name"
		case !strings.Contains(n.Refused, "hyphen"):
			text = "one name: " + text
		default:
			text = c.one + text
		}
		seen = append(seen, strings.Join(targets, " and "))
		choices = append(choices, choice{c.word, text})
	}
	choices = append(choices, choice{"refuse", "neither: leave both lines out"}, choice{"type", "another name: you type it"})
	word := q.choose(question{text: fmt.Sprintf("Line %d may continue on line %d:\n  %q\n  %q\nIs this one name or two?", n.After, n.Line, raw[n.After], raw[n.Line]), flag: "--hyphen",
		help: "On a narrow page, a long name is broken at a hyphen of the name, or inside a word with a further hyphen. Look at the paper: a wrong name may hit a site that has nothing to do with the order."},
		choices...)
	if word == "type" {
		q.typed(n)
		return
	}
	q.opt.Lines[n.Line] = word
	if word != "refuse" && word != "" && !q.oneByOne {
		q.sameAnswer(n, word, others)
	}
}

func (q *listAsker) typed(n importer.Note) {
	q.ask(question{text: "Which name is it? (as it is on the paper)", help: "If the two lines have several names, write all of them with blanks between them.",
		take: func(answer string) string {
			targets := q.trial(n, "", answer)
			if len(targets) == 0 {
				return fmt.Sprintf("it must be a name, got %q", answer)
			}
			q.opt.Typed[n.Line] = answer
			return ""
		}})
}

func (q *listAsker) pairs(res *importer.Result, n importer.Note) (out []importer.Note) {
	for _, o := range res.Notes {
		if o.Needs == importer.Hyphen && o.After > 0 && o.Line != n.Line && o.Refused == n.Refused && q.opt.Lines[o.Line] == "" {
			out = append(out, o)
		}
	}
	return out
}

func (q *listAsker) sameAnswer(n importer.Note, word string, others []importer.Note) {
	names := len(q.trial(n, word, ""))
	text, same := "", []importer.Note{}
	for _, o := range others {
		if targets := q.trial(o, word, ""); len(targets) == names {
			text += fmt.Sprintf("\n  lines %d and %d: %s", o.After, o.Line, strings.Join(targets, " and "))
			same = append(same, o)
		}
	}
	if len(same) == 0 || q.err != nil {
		return
	}
	q.ask(question{text: fmt.Sprintf("The same answer gives at %s:%s\nIs that right at each of these places? (yes, no, or the numbers of the lines where it is wrong)", count(len(same), "more place"), text), flag: "--hyphen",
		help: "Compare each name with the paper. Each place that is wrong is a question of its own. After the answer no, all places are.",
		take: func(answer string) string {
			right := same
			switch yes, ok := yesOrNo(answer); {
			case ok && !yes:
				q.oneByOne = true
				return ""
			case !ok:
				right = nil
				wrong := listWords(answer)
				for _, o := range same {
					before := len(wrong)
					wrong = slices.DeleteFunc(wrong, func(w string) bool { return w == fmt.Sprint(o.After) || w == fmt.Sprint(o.Line) })
					if len(wrong) == before {
						right = append(right, o)
					}
				}
				if len(wrong) > 0 {
					return fmt.Sprintf("it must be yes, no, or numbers of lines above, got %q", wrong[0])
				}
			}
			for _, o := range right {
				q.opt.Lines[o.Line] = word
			}
			return ""
		}})
}

func (q *listAsker) trial(n importer.Note, word, typed string) (out []string) {
	opt := q.opt
	opt.Lines, opt.Typed = maps.Clone(q.opt.Lines), maps.Clone(q.opt.Typed)
	if word != "" {
		opt.Lines[n.Line] = word
	}
	if typed != "" {
		opt.Typed[n.Line] = typed
		opt.Decide = maps.Clone(opt.Decide)
		opt.Decide[importer.Several] = "split"
	}
	res, _ := importer.Domains(strings.NewReader(string(q.data)), opt)
	if res == nil {
		return nil
	}
	for _, note := range res.Notes { // the targets of a repeated name are only in the notes
		if note.Line == n.After || note.Line == n.Line {
			out = append(out, note.Targets...)
		}
	}
	return out
}
