package report

import (
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/dns-orders/blocklist/plugin/journal"
	"github.com/dns-orders/blocklist/plugin/printable"
)

// A Section is a part of the certificate.
type Section struct {
	Title    string
	Facts    []Fact
	Commands []string
}

// A Fact is a line of a Section.
type Fact struct {
	Name, Value string
	Alarm       bool
}

const shownTests = 3

const shownWrong = 20

const shownTargets = 20

// Sections returns the text of the certificate.
func (c *Certificate) Sections() []Section {
	x, r := c.x, c.r
	var order, effect, tests, proof Section
	fact := func(s *Section, name, format string, args ...any) {
		if text := fmt.Sprintf(format, args...); text != "" {
			s.Facts = append(s.Facts, Fact{name, text, false})
		}
	}
	order.Title = "The order"
	date := r.dates(x)
	fact(&order, "authority", "%s", c.Authority)
	fact(&order, "number", "%s", strings.Join(c.References, ", "))
	if c.Document != "" {
		fact(&order, "SHA-256 of the document", "%s", c.Document)
	}
	for _, p := range [][2]string{{"issued", date.issued}, {"served", date.served}, {"acknowledged", date.acknowledged}, {"deadline", date.deadline}, {"reported to the authority", date.reported}} {
		fact(&order, p[0], "%s", forPeople(p[1]))
	}
	if x.f != nil {
		fact(&order, "targets", "%s", c.targetText())
	}
	effect.Title = "The effect"
	fact(&effect, "effect", "%s", r.effectText(x))
	if len(c.Nodes) > 2 && c.Median != "" {
		fact(&effect, "median of the nodes", "%s", r.time(x.medianTime()))
	}
	for _, n := range c.Nodes {
		fact(&effect, n.Node, "%s", c.nodeText(n))
	}
	fact(&effect, "state", "%s", c.stateText())
	fact(&effect, "changes", "%s", x.changeText(c.r))
	for _, s := range x.heldTexts() {
		effect.Facts = append(effect.Facts, Fact{"held", s, true})
	}
	if s := r.onTimeText(x); s != "" {
		effect.Facts = append(effect.Facts, Fact{"deadline", s, x.OnTime == "no"})
	}
	fact(&effect, "caches", "%s", c.cacheText())
	tests.Title = "Answers that were checked"
	c.testFacts(&tests)
	proof.Title = "How to check this page"
	for _, n := range c.Nodes {
		fact(&proof, n.Node, "%s", c.proofText(n))
	}
	if len(c.Nodes) > 0 {
		proof.Commands = []string{
			"blocklistctl evidence verify DIR --key KEY",
			"blocklistctl evidence prove DIR --order " + c.Order + " --out bundle",
			"bash bundle/verify.sh KEY",
		}
	}
	if slices.ContainsFunc(c.Nodes, func(n CertificateNode) bool { return n.Stamp > 0 }) {
		proof.Commands = append(proof.Commands, "openssl ts -verify -data DIR/checkpoints/SIZE -in DIR/checkpoints/SIZE.tsr -CAfile CA")
	}
	out := []Section{order, effect, tests, proof}
	return slices.DeleteFunc(out, func(s Section) bool { return len(s.Facts) == 0 })
}

// targetText returns the number and the first targets.
func (c *Certificate) targetText() string {
	if c.Targets == nil && c.TargetCount > 0 {
		return fmt.Sprintf("%d; the order does not disclose the targets", c.TargetCount)
	}
	shown := c.Targets[:min(len(c.Targets), shownTargets)]
	s := fmt.Sprintf("%d: %s", c.TargetCount, strings.Join(shown, ", "))
	if more := len(c.Targets) - len(shown); more > 0 {
		s += fmt.Sprintf(", and %d more", more)
	}
	return s
}

// nodeText says when a node enforced the order.
func (c *Certificate) nodeText(n CertificateNode) string {
	s := "never in force; state: " + n.State
	if !n.inForce.IsZero() {
		s = "in force at " + c.r.time(n.inForce)
		if n.AtLatest {
			s = "in force since its journal began, at " + c.r.time(n.inForce)
		}
		if n.Version != "" {
			s += fmt.Sprintf(", by version %.12s of the order file", n.Version)
		}
	}
	if n.Answered != "" {
		if t, err := time.Parse(time.RFC3339, n.Answered); err == nil {
			s += "; first blocked query at " + c.r.time(t)
		}
	}
	if !n.until.IsZero() {
		s += "; until " + c.r.time(n.until) + ": " + n.State
		if n.By != "" {
			s += " by " + n.By
		}
	}
	return s
}

func (c *Certificate) stateText() string {
	asOf := "as of " + c.r.time(c.x.asOf)
	switch c.State {
	case string(journal.InForce):
		return "in force on all nodes with records, " + asOf
	case unknownState:
		return "unknown: no journal has a record of the order"
	}
	return strings.Replace(c.x.stateText(c.r), "at the end of the period", asOf, 1)
}

func (c *Certificate) cacheText() string {
	if c.x.InForce == 0 || c.x.lift {
		return ""
	}
	s := "a node decides about each query before it asks its cache, if blocklist is above cache in the Corefile"
	if c.x.InForce == c.x.Known && !c.x.last.IsZero() {
		s += "; no answer older than the TTL after " + c.r.time(c.x.last) + ": a cache in front of the nodes keeps an answer from before this time only until the TTL of the answer ends"
	}
	return s
}

// testFacts adds the self-tests and the probes.
func (c *Certificate) testFacts(s *Section) {
	for _, k := range []struct{ kind, name string }{{string(journal.SelfTest), "self-tests of the nodes"}, {string(journal.Probe), "probes"}} {
		var right, other []Test
		wrong := 0
		for _, t := range c.Tests {
			switch {
			case t.Kind != k.kind:
			case t.Result == "right":
				right = append(right, t)
			default:
				other = append(other, t)
				if t.Result == "wrong" {
					wrong++
				}
			}
		}
		if len(right)+len(other) == 0 {
			s.Facts = append(s.Facts, Fact{k.name, "the journals have none for this order", false})
			continue
		}
		sum := fmt.Sprintf("%d right, %d wrong", len(right), wrong)
		if n := len(other) - wrong; n > 0 {
			sum += fmt.Sprintf(", %d without a result", n)
		}
		s.Facts = append(s.Facts, Fact{k.name, sum, wrong > 0})
		for i, t := range other {
			if i == shownWrong {
				s.Facts = append(s.Facts, Fact{"more", count(len(other)-i, "answer") + " not right", true})
				break
			}
			text := t.text() + ": " + t.Why
			if t.Result == "wrong" {
				text = t.text() + ": WRONG: " + t.Why
			}
			s.Facts = append(s.Facts, Fact{c.r.time(t.at), text, t.Result == "wrong"})
		}
		for _, t := range right[:min(len(right), shownTests)] {
			s.Facts = append(s.Facts, Fact{c.r.time(t.at), t.text(), false})
		}
		if more := len(right) - shownTests; more > 0 {
			s.Facts = append(s.Facts, Fact{"more", count(more, "right answer"), false})
		}
	}
}

func (t Test) text() string {
	s := t.Node
	if t.Server != "" && t.Server != t.Node {
		s += " asked " + t.Server
	}
	if name := cmp.Or(t.Name, t.Target); name != "" {
		s += " for " + strings.TrimSpace(name+" "+t.Type)
	}
	s += ": " + cmp.Or(t.Rcode, "no answer")
	for _, e := range t.EDE {
		s += fmt.Sprintf(", EDE %d", e)
	}
	return s
}

// proofText describes the checkpoint of a node.
func (c *Certificate) proofText(n CertificateNode) string {
	if n.Root == "" {
		return "key " + n.Key + "; the journal has no good checkpoint"
	}
	s := fmt.Sprintf("key %s; %s of this order; newest checkpoint: %d records, root %s", n.Key, count(n.Records, "record"), n.Signed, n.Root)
	if !n.Complete {
		s += "; the last record of the order is not signed yet"
	}
	if n.Stamp > 0 {
		s += fmt.Sprintf("; the checkpoint of %d records has a time stamp and contains the record in_force", n.Stamp)
	}
	for _, x := range n.Cosignatures {
		s += fmt.Sprintf("; cosignature of %s for %d records, not checked here", x.Witness, x.Size)
	}
	return s
}

// Title returns the title of the page.
func (c *Certificate) Title() string { return "Certificate of the order " + c.Order }

// Intro returns the first sentence of the page.
func (c *Certificate) Intro() string {
	return fmt.Sprintf("Made at %s from %s. Times: %s.", c.r.time(c.r.now), count(len(c.d.Nodes), "journal"), c.Timezone)
}

// WriteText writes the certificate as text.
func (c *Certificate) WriteText(w io.Writer) error {
	var b strings.Builder
	line := func(s string) { b.WriteString(strings.TrimRight(printable.Line(s), " ") + "\n") }
	for _, f := range c.Faults {
		line("FAULT: " + f)
	}
	if len(c.Faults) > 0 {
		line("A journal with a fault is no evidence.")
		line("")
	}
	line(c.Title())
	line(c.Intro())
	for _, s := range c.Sections() {
		line("")
		line(s.Title)
		for _, f := range s.Facts {
			line("  " + f.Name + ": " + f.Value)
		}
		for _, s := range s.Commands {
			line("  $ " + s)
		}
	}
	line("")
	for _, n := range c.Notes {
		line(n)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

//go:embed certificate.html
var certificateText string

var certificatePage = template.Must(template.New("certificate").Funcs(pageFuncs).Parse(certificateText))

// WriteHTML writes the certificate as one self-contained HTML file.
func (c *Certificate) WriteHTML(w io.Writer) error { return certificatePage.Execute(w, c) }
