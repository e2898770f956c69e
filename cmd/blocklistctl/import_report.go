package main

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"github.com/dns-orders/blocklist/plugin/importer"
	"github.com/dns-orders/blocklist/plugin/lint"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/printable"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// importJSON is the JSON output of the command import.
type importJSON struct {
	ID         string     `json:"id"`
	Lines      int        `json:"lines"`
	Blank      int        `json:"blank"`
	Comments   int        `json:"comments"`
	Passed     int        `json:"passed"`
	Taken      int        `json:"taken"`
	Targets    int        `json:"targets"`
	Duplicates int        `json:"duplicates"`
	Refused    int        `json:"refused"`
	Skipped    int        `json:"skipped"`
	Reasons    []reasonOf `json:"reasons"`
	Notes      []noteJSON `json:"notes"`
	Warnings   []string   `json:"warnings"`
	Problems   []string   `json:"problems"`
	Out        string     `json:"out,omitempty"`
	List       string     `json:"list,omitempty"`
	// This is the number of different names in the decision, or 0.
	Stated  int    `json:"stated_count,omitempty"`
	Written bool   `json:"written"`
	Content string `json:"content,omitempty"`
}

type noteJSON struct {
	Line     int          `json:"line"`
	Raw      string       `json:"raw"`
	Joined   []joinedJSON `json:"joined,omitempty"`
	Targets  []string     `json:"targets,omitempty"`
	Did      []string     `json:"did,omitempty"`
	Warnings []string     `json:"warnings,omitempty"`
	Refused  string       `json:"refused,omitempty"`
	Option   string       `json:"option,omitempty"`
	Skipped  bool         `json:"skipped,omitempty"`
	Passed   string       `json:"passed,omitempty"`
	Same     int          `json:"same,omitempty"`
}

type joinedJSON struct {
	Line int    `json:"line"`
	Raw  string `json:"raw"`
}

type reasonOf struct {
	Kind   string `json:"kind"`
	Reason string `json:"reason"`
	Option string `json:"option,omitempty"`
	Count  int    `json:"count"`
	Lines  []int  `json:"lines"`
}

// After a problem, the import writes no order file.
func (c *domainsCmd) problem(out *importJSON, format string, args ...any) {
	out.Problems = append(out.Problems, printable.Line(c.File)+": "+fmt.Sprintf(format, args...))
}

func (c *domainsCmd) expected(e *env, out *importJSON) {
	if c.Expect == nil {
		return
	}
	got := fmt.Sprintf("%s (%d with repeated lines)", count(out.Targets, "target"), out.Taken)
	left := out.Refused + out.Skipped
	switch n := *c.Expect; {
	case n == out.Targets:
		out.Stated = n
	case n > out.Taken && n <= out.Taken+left && (out.Refused == 0 || c.SkipRefused):
		out.Stated = n - out.Duplicates
		fmt.Fprintf(e.stderr, "%s: expected %d names: the list has %s, and %s left out; the decision states %s\n",
			printable.Line(c.File), n, got, count(left, "line"), count(out.Stated, "different name"))
	case n == out.Taken:
		out.Stated = out.Targets
		fmt.Fprintf(e.stderr, "%s: expected %d names: the list has %s\n", printable.Line(c.File), n, got)
	case n > out.Taken:
		c.problem(out, "expected %d names, but the list has %s; missing: %d; nothing is written", n, got, n-out.Taken)
	case n < out.Targets:
		c.problem(out, "expected %d names, but the list has %s; too many: %d; nothing is written", n, got, out.Targets-n)
	default:
		c.problem(out, "expected %d names, but the list has %s; nothing is written", n, got)
	}
}

// The command check gives the same warnings.
func (c *domainsCmd) odd(e *env, targets []order.Target) []string {
	out := []string{}
	f, err := c.head().Write("import.yaml", targets[:1], "")
	if err != nil {
		return out // Write has already reported the error for all targets
	}
	parsed, problems := order.Parse("import.yaml", bytes.NewReader(f.Order), order.Options{})
	if len(problems.Errors()) > 0 {
		return out
	}
	b := ruleset.NewBuilder("import.yaml", ruleset.Options{})
	for _, o := range parsed.Orders {
		b.Add(o)
	}
	part, _ := b.Freeze()
	set := ruleset.Merge([]*ruleset.Part{part}, ruleset.Options{})
	for _, p := range lint.Check([]lint.File{{Path: "import.yaml", Orders: parsed.Orders}}, set, order.Time(e.now().Unix())) {
		if !strings.HasPrefix(p.Field, "targets") {
			out = append(out, flagOf(p.Field)+": "+p.Msg)
		}
	}
	return out
}

const maxListed = 20

func (c *domainsCmd) say(e *env, res *importer.Result, groups []importer.Group) {
	file := printable.Line(c.File)
	var how []string
	if res.BOM {
		how = append(how, "a byte order mark")
	}
	if res.CRLF {
		how = append(how, "the CR of CR LF line ends")
	}
	if len(how) > 0 && !c.Quiet {
		fmt.Fprintf(e.stderr, "%s: removed %s\n", file, strings.Join(how, " and "))
	}
	for _, kind := range []string{importer.Cleaned, importer.Passed, importer.Skipped, importer.Warned, importer.Refused} {
		for _, g := range groups {
			if g.Kind == kind {
				c.group(e, file, res.Notes, &g)
			}
		}
	}
}

var kindText = map[string]string{importer.Cleaned: "cleaned", importer.Passed: "passed over", importer.Skipped: "left out",
	importer.Warned: "warning about", importer.Refused: "refused"}

func (c *domainsCmd) group(e *env, file string, notes []importer.Note, g *importer.Group) {
	cleaned := g.Kind == importer.Cleaned || g.Kind == importer.Passed
	if cleaned && c.Quiet {
		return
	}
	decides := ""
	switch g.Needs {
	case "":
	case importer.Suffix:
		decides = "; --allow-suffix accepts public suffixes"
	default:
		decides = fmt.Sprintf("; --%s decides (%s)", g.Needs, choices(g.Needs))
	}
	fmt.Fprintf(e.stderr, "%s: %s %s: %s%s\n", file, kindText[g.Kind], count(len(g.Lines), "line"), printable.Line(g.Reason), decides)
	most := maxListed
	if cleaned {
		most = 1
	}
	texts, more := noteTexts(notes, g, most)
	for _, text := range texts {
		fmt.Fprintf(e.stderr, "  %s\n", text)
	}
	if more > 0 && !cleaned {
		fmt.Fprintf(e.stderr, "  and %s more (--json lists all of them)\n", count(more, "line"))
	}
}

func noteTexts(notes []importer.Note, g *importer.Group, most int) (texts []string, more int) {
	var keys []string
	lines := map[string][]*importer.Note{}
	for _, at := range g.Notes {
		n := &notes[at]
		k := sameText(n)
		if lines[k] == nil {
			keys = append(keys, k)
		}
		lines[k] = append(lines[k], n)
	}
	for i, k := range keys {
		n := lines[k]
		if i >= most {
			more += len(n)
			continue
		}
		text := noteText(n[0])
		if len(n) > 1 && most > 1 {
			var at []string
			for _, other := range n[1:] {
				at = append(at, fmt.Sprint(other.Line))
			}
			if len(at) > maxListed {
				at = append(at[:maxListed], "...")
			}
			text += fmt.Sprintf(", %d times; also %s %s", len(n), map[bool]string{true: "line", false: "lines"}[len(n) == 2], strings.Join(at, ", "))
		}
		texts = append(texts, text)
	}
	return texts, more
}

func sameText(n *importer.Note) string {
	switch raw := strings.Join(strings.Fields(n.Raw), " "); {
	case len(n.Targets) > 0 || len(n.Joined) > 0:
		return fmt.Sprint(n.Line)
	case dotInside.MatchString(raw):
		return raw
	default:
		return digits.ReplaceAllString(raw, "0")
	}
}

var (
	dotInside = regexp.MustCompile(`[\pL\d]\.\pL`)
	digits    = regexp.MustCompile(`\d+`)
)

func noteText(n *importer.Note) string {
	s := fmt.Sprintf("line %d: %q", n.Line, n.Raw)
	for _, r := range n.Joined {
		s += fmt.Sprintf(" + line %d: %q", r.Line, r.Raw)
	}
	if len(n.Targets) > 0 {
		s += fmt.Sprintf(" -> %q", strings.Join(n.Targets, ", "))
	}
	return s
}

func choices(f importer.Form) string {
	if f == importer.Charset {
		return strings.Join(importer.Charsets, ", ")
	}
	return strings.Join(importer.Choices(f), ", ")
}

func reasonsJSON(groups []importer.Group) []reasonOf {
	out := make([]reasonOf, len(groups))
	for i, g := range groups {
		out[i] = reasonOf{g.Kind, g.Reason, optionOf(g.Needs), len(g.Lines), g.Lines}
	}
	return out
}

func notesJSON(notes []importer.Note) []noteJSON {
	out := make([]noteJSON, len(notes))
	for i, n := range notes {
		var joined []joinedJSON
		for _, r := range n.Joined {
			joined = append(joined, joinedJSON(r))
		}
		out[i] = noteJSON{n.Line, n.Raw, joined, n.Targets, n.Did, n.Warnings, n.Refused, optionOf(n.Needs), n.Skipped, n.Passed, n.Same}
	}
	return out
}

func optionOf(f importer.Form) string {
	if f == "" {
		return ""
	}
	return "--" + string(f)
}
