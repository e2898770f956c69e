package main

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/dns-orders/blocklist/plugin/importer"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/printable"
	"github.com/dns-orders/blocklist/plugin/sheet"
)

// pasteEnd ends a pasted list. A blank line cannot end the list, because lists contain blank lines.
const pasteEnd = "done"

func (a *asker) paste(flag string) (text, file string) {
	a.ask(question{text: fmt.Sprintf("Which names? Paste the list, one name on each line, and write the word %s on the last line.\nOr write the path of a file with the list (text, CSV or XLSX).", pasteEnd),
		flag: flag,
		help: "Paste the list as it is on the paper. Numbers, bullets, page numbers and altered dots such as [.] are removed, and you see the result before anything is written.",
		take: func(answer string) string {
			if info, err := os.Stat(answer); err == nil && info.Mode().IsRegular() {
				file = answer
				return ""
			}
			if _, ok := yesOrNo(answer); ok || answer == "quit" || answer == "exit" {
				return "it must be a name, a list of names or a path"
			}
			if isWord(doneWords, answer) {
				return "the list is empty"
			}
			var b strings.Builder
			reminded := false
			b.WriteString(answer + "\n")
			for a.err == nil {
				line := a.line()
				if isWord(doneWords, strings.TrimSpace(line)) || a.err != nil {
					break
				}
				// A person who expects the next question presses Enter.
				if text := strings.TrimSpace(line); !reminded && (text == "" || text == "?") {
					reminded = true
					a.say("To end the list, write the word %s on a line of its own.", pasteEnd)
				}
				b.WriteString(line + "\n")
			}
			text = b.String()
			return ""
		}})
	return text, file
}

type listAsker struct {
	*asker
	c        *namesFlags
	label    string // the source of the list, for messages
	data     []byte
	opt      importer.Options
	more     bool // the names are further names of an order
	oneByOne bool // the person wants to answer for each pair of lines
	left     bool // the question about public suffixes was asked
	stated   int  // the number of names that the decision states, or 0
	given    bool // the flags give the names one by one, so the person knows how many there are
}

func (c *namesFlags) askNames(a *asker, id, flag string, names []string) ([]order.Target, *importJSON, error) {
	for a.err == nil {
		q := &listAsker{asker: a, c: c, given: len(names) > 0, more: flag == "--add"}
		pasted := c.List == "" && len(names) == 0
		var file string
		if pasted {
			var text string
			text, file = a.paste(flag + " or --list")
			q.label, q.data = "The list", []byte(text)
		}
		var err error
		switch {
		case a.err != nil:
		case file != "":
			q.label = file
			q.data, err = c.listFile(a.e, a, file)
		case !pasted:
			q.label, q.data, err = c.load(a.e, a, flag, names)
		}
		var res *importer.Result
		if err == nil && a.err == nil {
			res, err = q.decide()
		}
		if a.err != nil {
			return nil, nil, a.err
		}
		if err != nil && pasted {
			a.say("%s: %v\nThe list cannot be used. Please give the list again.", q.label, err)
			continue
		}
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", printable.Line(q.label), err)
		}
		if res == nil || !q.expect(res) {
			if !pasted {
				a.say("Nothing was written.")
				return nil, nil, errProblems
			}
			continue
		}
		if a.err != nil {
			return nil, nil, a.err
		}
		list := newReport(id, res)
		list.Stated = q.stated
		return res.Targets, list, nil
	}
	return nil, nil, a.err
}

// If the result is nil, the person gives another list.
func (q *listAsker) decide() (*importer.Result, error) {
	q.opt = q.c.options()
	q.opt.Lines, q.opt.Typed = map[int]string{}, map[int]string{}
	if err := q.opt.Check(); err != nil {
		return nil, misuse("--%v", err)
	}
	for {
		res, err := importer.Domains(strings.NewReader(string(q.data)), q.opt)
		var format *importer.FormatError
		if errors.As(err, &format) {
			if q.foreign(format) {
				continue
			}
			return nil, q.err
		}
		if res == nil {
			return nil, err
		}
		if q.asked(res) {
			if q.err != nil {
				return nil, q.err
			}
			continue
		}
		d := &domainsCmd{File: q.label, Quiet: q.c.Quiet}
		d.say(q.e, res, importer.Groups(res.Notes))
		if err != nil {
			return nil, err
		}
		if !q.given {
			q.show(res)
		}
		if res.Refused > 0 && !q.c.SkipRefused {
			word := q.choose(question{text: fmt.Sprintf("The %s above cannot be used as written. What now?", count(res.Refused, "refused line")), flag: "--skip-refused",
				help: "Nothing is blocked for a line that is left out. Look at each of these lines: a heading needs no block, and a name that was mistyped does."},
				choice{"leave", "leave these lines out; they have no name that must be blocked"}, choice{"again", "paste the list again"})
			if word != "leave" {
				return nil, q.err
			}
		}
		return res, nil
	}
}

func (q *listAsker) foreign(e *importer.FormatError) bool {
	choices := []choice{{"again", "give another list"}, {"plain", "read each line as a name in spite of that"}}
	var columns *sheet.ColumnError
	if _, _, err := sheet.Text(pastedTable, q.data, ""); errors.As(err, &columns) && len(columns.Columns) > 1 {
		choices = append(choices, choice{"column", "read one column of the table; you choose the column"})
	}
	word := q.choose(question{text: fmt.Sprintf("%s looks like %s and not like a list of names, because of line %d:\n  %q\nWhat now?", q.label, e.Format, e.Line, e.Text), flag: "--plain or --column",
		help: "A file in another format may contain names that must not be blocked, such as names that were removed."}, choices...)
	if word == "column" {
		return q.fromColumn(columns)
	}
	q.opt.Plain = word == "plain"
	return q.opt.Plain
}

// Because of the extension .tsv, package sheet reads pasted text as a table.
const pastedTable = "list.tsv"

func (q *listAsker) fromColumn(e *sheet.ColumnError) bool {
	column := q.column(&columnError{q.label, e})
	if q.err != nil {
		return false
	}
	text, _, err := sheet.Text(pastedTable, q.data, column)
	if err != nil {
		q.say("%s: %v", q.label, err)
		return false
	}
	q.say("The other columns are not read. All rows are used, even if a row says that its name is no longer blocked.")
	q.data = []byte(text)
	return true
}

func (q *listAsker) asked(res *importer.Result) bool {
	if q.pair(res) {
		return true
	}
	for _, g := range importer.Groups(res.Notes) {
		if g.Kind != importer.Refused || g.Needs == importer.Hyphen {
			continue
		}
		if f, ok := formQuestions[g.Needs]; ok && q.opt.Decide[g.Needs] == "" {
			text := fmt.Sprintf("%s: %s.", count(len(g.Lines), "line"), printable.Line(g.Reason))
			texts, more := noteTexts(res.Notes, &g, 3)
			text += "\n  " + strings.Join(texts, "\n  ")
			if more > 0 {
				text += fmt.Sprintf("\n  and %s more", count(more, "line"))
			}
			word := q.choose(question{text: text + "\n" + f.text, flag: "--" + string(g.Needs)}, f.choices...)
			q.opt.Decide[g.Needs] = word
			return true
		}
		if g.Needs == importer.Suffix && !q.opt.AllowSuffix && !q.left {
			q.left = true
			q.opt.AllowSuffix = q.yes(question{text: fmt.Sprintf("%s: %s.\n  %s\nShall these names be targets in spite of that? (yes or no)",
				count(len(g.Lines), "line"), printable.Line(g.Reason), noteText(&res.Notes[g.Notes[0]])), offer: "no", flag: "--allow-suffix"})
			return true
		}
	}
	return false
}

// formQuestions are the questions about lines with several meanings.
var formQuestions = map[importer.Form]struct {
	text    string
	choices []choice
}{
	importer.Mask: {"A name with *. in front has two readings. Which names shall be blocked?", []choice{
		{"subtree", "the name itself and all names below it"}, {"below", "only the names below it, not the name itself"}, {"skip", "leave these lines out"}}},
	importer.Paths: {"These are pages. A resolver cannot block one page of a site.", []choice{
		{"url", "only note the page; nothing is blocked"}, {"host", "block the whole host of the page"}, {"name", "block the whole host and all names below it"}, {"skip", "leave these lines out"}}},
	importer.Ports: {"A resolver cannot block one port.", []choice{
		{"name", "block the name, for every port"}, {"skip", "leave these lines out"}}},
	importer.Addresses: {"These are addresses and not names.", []choice{
		{"network", "note the address; the routers block it"}, {"none", "only note the address; nothing is blocked"}, {"dns", "block the answers that have the address"}, {"skip", "leave these lines out"}}},
	importer.AddressURLs: {"These are pages at an address. A resolver cannot block one page.", []choice{
		{"url", "only note the page; nothing is blocked"}, {"network", "note the address; the routers block it"}, {"none", "only note the address; nothing is blocked"}, {"dns", "block the answers that have the address"}, {"skip", "leave these lines out"}}},
	importer.TextAfter: {"There is text behind the name.", []choice{
		{"drop", "use the name without the text"}, {"note", "use the name, and keep the text as a note"}, {"skip", "leave these lines out"}}},
	importer.AddressAfter: {"There is an address behind the name.", []choice{
		{"drop", "use the name without the address"}, {"note", "use the name, and keep the address as a note"}, {"skip", "leave these lines out"}}},
	importer.Several: {"There are several names on one line.", []choice{
		{"split", "use each of the names"}, {"skip", "leave these lines out"}}},
}

// A hyphen at the start or end of a line may join two lines. It may also be a bullet.
func (q *listAsker) pair(res *importer.Result) bool {
	if q.opt.Decide[importer.Hyphen] != "" {
		return false
	}
	first := map[int]bool{} // the lines that are the first of a pair
	raw := map[int]string{}
	for _, n := range res.Notes {
		raw[n.Line] = strings.TrimSpace(n.Raw)
		if n.After > 0 {
			first[n.After] = true
		}
	}
	for _, n := range res.Notes {
		if n.Needs != importer.Hyphen || q.opt.Lines[n.Line] != "" || first[n.Line] && n.After == 0 {
			continue
		}
		if n.After == 0 {
			q.opt.Lines[n.Line] = q.choose(question{text: fmt.Sprintf("Line %d begins with a hyphen: %q\nIs the hyphen only a bullet, or does it mean that the name is removed?", n.Line, raw[n.Line]), flag: "--hyphen"},
				choice{"separate", "a bullet; use the name"}, choice{"refuse", "leave the line out"})
			return true
		}
		q.pairAnswer(n, raw, q.pairs(res, n))
		return true
	}
	return false
}

const maxShown = 12

func (q *listAsker) show(res *importer.Result) {
	what := "name"
	if slices.ContainsFunc(res.Targets, func(t order.Target) bool { return t.Kind != order.TargetName }) {
		what = "target" // an address or a page
	}
	q.say("\n%s:", count(len(res.Targets), what))
	for i, t := range res.Targets {
		if n := len(res.Targets); n > maxShown && i == maxShown-4 {
			q.say("  ... and %s more until", count(n-maxShown, "name"))
		}
		if n := len(res.Targets); n <= maxShown || i < maxShown-4 || i >= n-4 {
			q.say("  %s", t.String())
		}
	}
}

func (q *listAsker) expect(res *importer.Result) bool {
	if q.err != nil {
		return false
	}
	n, again := len(res.Targets), false
	taken, left := n+res.Duplicates, res.Refused+res.Skipped
	check := func(want int) string {
		switch {
		case want == n || want == taken:
			q.stated = n
			return ""
		case want > taken && want <= taken+left:
			q.stated = want - res.Duplicates
			q.say("%s left out. The decision states %s.", count(left, "line"), count(q.stated, "different name"))
			return ""
		}
		return fmt.Sprintf("the list has %s, and the decision has %d", count(n, "name"), want)
	}
	if q.c.Expect != nil {
		wrong := check(*q.c.Expect)
		if wrong != "" {
			q.say("The number is wrong: %s.", wrong)
		}
		return wrong == ""
	}
	if q.given || q.c.uncounted {
		return true
	}
	text := "How many names does the decision have? (an empty line if it does not say)"
	if q.more {
		text = "How many names does the paper with these further names have? (an empty line if it does not say)"
	}
	q.ask(question{text: text, optional: true, flag: "--expect", fresh: func(answer string) bool { return strings.EqualFold(answer, "again") },
		help: "The number is compared with the list, so that a list that was not copied to its end is noticed. Write again to paste the list again.",
		take: func(answer string) string {
			if strings.EqualFold(answer, "again") {
				again = true
				return ""
			}
			want, ok := statedCount(answer)
			if !ok {
				return fmt.Sprintf("it must be a number, got %q", answer)
			}
			if wrong := check(want); wrong != "" {
				return wrong + "; write the right number, the word again to paste the list again, or an empty line to go on with this list"
			}
			return ""
		}})
	return !again && q.err == nil
}

var countText = regexp.MustCompile(`^(\d{1,7})(?: \D*)?$`)

func statedCount(answer string) (n int, ok bool) {
	word := plainWords(answer)
	if m := countText.FindStringSubmatch(word); m != nil {
		n, err := strconv.Atoi(m[1])
		return n, err == nil
	}
	if word == "a" || word == "an" { // perhaps the begin of the word again
		return 0, false
	}
	n, ok = numbers[word]
	return n, ok
}
