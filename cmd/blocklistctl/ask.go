package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/term"

	"github.com/dns-orders/blocklist/plugin/printable"
)

// An asker asks a person questions on a terminal. After an input error, all answers are empty.
type asker struct {
	e       *env
	in      *bufio.Reader
	err     error
	release func()   // ends the handling of Ctrl-C, see onInterrupt
	read    []string // the lines of the present answer
	replay           // see goBack
}

var errStopped = errors.New("the input ended before the last answer; nothing was written")

// The result is nil without a terminal or with --json.
func (e *env) asker() *asker {
	if e.asks != nil || e.json || !terminal(e.stdin) || !terminal(e.stderr) {
		return e.asks
	}
	e.progress.w = nil // a progress line would be between the questions
	e.asks = &asker{e: e, in: bufio.NewReader(e.stdin)}
	e.asks.onInterrupt()
	return e.asks
}

// terminal reports whether v is a terminal.
func terminal(v any) bool {
	f, ok := v.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

type question struct {
	text string // one sentence
	hint string // a line below the text, or ""
	help string // more sentences, for the answer "?"
	flag string // the flag that gives the same answer
	// offer is the answer that an empty line gives.
	offer    string
	optional bool
	none     func(answer string) bool
	fresh    func(answer string) bool
	// The function stores an answer, or returns an error text. The answer is never empty.
	take func(answer string) (wrong string)
}

// ask asks a question until the answer is right.
func (a *asker) ask(q question) {
	if a.err != nil {
		return
	}
	kept := a.kept[q.text]
	delete(a.kept, q.text)
	first := q.offer // the offer without an earlier answer
	if earlier := offerText(kept); earlier != "" {
		q.offer = earlier
		a.say("\n%s", emptyLine.ReplaceAllString(q.text, ""))
	} else {
		kept = nil
		a.say("\n%s", q.text)
	}
	if q.hint != "" {
		a.say("%s", q.hint)
	}
	for {
		a.read = nil
		answer := a.prompt(q.offer)
		if a.err != nil {
			return
		}
		switch {
		case answer == "?":
			a.explain(q)
			continue
		case isWord(backWords, answer):
			if a.goBack(); a.err != nil {
				if kept != nil {
					a.kept[q.text] = kept
				}
				return
			}
			continue
		case answer == "" && kept != nil:
			answer = q.meaning(a.again(kept), first)
		default:
			answer = q.meaning(answer, first)
		}
		if answer == "" && q.optional {
			a.keep(q, answer)
			return
		}
		wrong := "an answer is needed here"
		if answer != "" {
			wrong = flagLead.ReplaceAllString(q.take(answer), "")
		}
		if wrong == "" {
			a.keep(q, answer)
			return
		}
		a.live() // the files may have changed since the answer was right
		a.say("This answer cannot be used: %s.\nPlease answer again, or write ? for an explanation.", wrong)
	}
}

var flagLead = regexp.MustCompile(`^--[a-z-]+:? `)

var emptyLine = regexp.MustCompile(` \(an empty line[^)]*\)|; an empty line[^)]*`)

func (q *question) meaning(answer, offer string) string {
	switch {
	case answer == "", q.optional && q.none != nil && q.none(answer):
		return offer
	case q.optional && isWord(noneWords, answer):
		return ""
	}
	return answer
}

// explain prints the help of a question.
func (a *asker) explain(q question) {
	if q.help != "" {
		a.say("%s", q.help)
	}
	switch {
	case q.offer != "":
		a.say("An empty line means %s.", q.offer)
		if q.optional {
			a.say("Write %s if there is no answer.", noneWords[0])
		}
	case q.optional:
		a.say("An empty line means that there is no answer.")
	}
	if len(a.answers) > 0 {
		a.say("Write back to answer the question before again.")
	}
	if q.flag != "" {
		a.say("A script gives the answer with %s.", q.flag)
	}
}

// say prints lines.
func (a *asker) say(format string, args ...any) {
	for line := range strings.SplitSeq(fmt.Sprintf(format, args...), "\n") {
		fmt.Fprintln(a.e.stderr, printable.Line(line))
	}
}

func (a *asker) prompt(offer string) string {
	if offer != "" {
		offer = "[" + offer + "] "
	}
	fmt.Fprint(a.e.stderr, printable.Line(offer)+"> ")
	return unquoted(a.line())
}

const quoteMarks = "\"“”„«»"

// unquoted removes blanks and quotation marks around an answer.
func unquoted(s string) string {
	s = strings.TrimSpace(s)
	inner := strings.TrimRight(strings.TrimLeft(s, quoteMarks), quoteMarks)
	if open, closed := !strings.HasPrefix(s, inner), !strings.HasSuffix(s, inner); inner == "" || !open || !closed || strings.ContainsAny(inner, quoteMarks) {
		return s
	}
	return strings.TrimSpace(inner)
}

func (a *asker) line() string {
	if a.err != nil {
		return ""
	}
	if len(a.queue) > 0 {
		s := a.queue[0]
		a.queue, a.read = a.queue[1:], append(a.read, s)
		return s
	}
	s, err := a.in.ReadString('\n')
	if err != nil {
		if a.err = err; errors.Is(err, io.EOF) {
			a.err = errStopped
		}
		fmt.Fprintln(a.e.stderr)
		return ""
	}
	s = strings.TrimRight(s, "\r\n")
	a.read = append(a.read, s)
	return s
}

// A choice is one of several answers.
type choice struct {
	word string // the answer, for example yes
	text string // a description, or "" if the word says enough
}

func (a *asker) choose(q question, choices ...choice) (word string) {
	for i, c := range choices {
		text := c.text
		if text == "" {
			text = c.word
		}
		q.text += fmt.Sprintf("\n  %d  %s", i+1, text)
		if c.word == "again" {
			q.fresh = func(string) bool { return true }
		}
	}
	return a.oneOf(q, choices, true)
}

func (a *asker) yes(q question) (yes bool) {
	q.take = func(answer string) string {
		var ok bool
		if yes, ok = yesOrNo(answer); !ok {
			return fmt.Sprintf("it must be yes or no, got %q", answer)
		}
		return ""
	}
	a.ask(q)
	return yes && a.err == nil
}

func yesOrNo(answer string) (yes, ok bool) {
	word := strings.ToLower(plainLetters(answer))
	yes = slices.Contains(yesWords, word)
	return yes, yes || slices.Contains(noWords, word)
}

func isWord(words []string, answer string) bool {
	return slices.Contains(words, strings.ToLower(plainLetters(answer)))
}

var (
	allWords  = []string{"all", "everything", "tutti", "tutto", "tutte", "todos", "todo", "todas", "tous", "tout", "toutes", "alle", "alles", "allemaal", "allen", "alt", "wszystkie", "wszystko", "wszyscy", "tudo"}
	backWords = []string{"back", "zuruck", "indietro", "retour", "atras", "voltar", "terug", "tilbage", "wstecz"}
	doneWords = []string{"done", "end", "fatto", "fine", "finito", "hecho", "fin", "listo", "fini", "termine", "fertig", "ende", "klaar", "einde", "færdig", "slut", "gotowe", "koniec", "feito", "fim", "pronto"}
)

// The words have no accents. They are in English, Italian, Spanish, French, German, Dutch, Danish,
// Polish and Portuguese.
var (
	yesWords = []string{"y", "ye", "yes", "si", "s", "oui", "o", "ja", "j", "tak", "sim"}
	noWords  = []string{"n", "no", "non", "nein", "nee", "nej", "nie", "nao"}
)

func (a *asker) oneOf(q question, choices []choice, numbered bool) (word string) {
	q.take = func(answer string) string {
		if yes, ok := yesOrNo(answer); ok {
			meaning := map[bool]string{true: "yes", false: "no"}[yes]
			if slices.ContainsFunc(choices, func(c choice) bool { return c.word == meaning }) {
				word = meaning
				return ""
			}
		}
		var words, found []string
		for i, c := range choices {
			if !numbered || c.text == "" || slices.Contains(strings.FieldsFunc(c.text, notLetter), c.word) {
				words = append(words, c.word) // the words that the person can see
			}
			if numbered && answer == fmt.Sprint(i+1) || strings.EqualFold(answer, c.word) || meansChoice(answer, c.word) {
				word = c.word
				return ""
			}
			if strings.HasPrefix(c.word, strings.ToLower(answer)) {
				found = append(found, c.word)
			}
		}
		if len(found) != 1 {
			if numbered && len(words) == 0 {
				return fmt.Sprintf("it must be a number from 1 to %d, got %q", len(choices), answer)
			}
			if numbered {
				return fmt.Sprintf("it must be a number from 1 to %d, or a word: %s, got %q", len(choices), strings.Join(words, ", "), answer)
			}
			return fmt.Sprintf("it must be %s, got %q", strings.Join(words, " or "), answer)
		}
		word = found[0]
		return ""
	}
	a.ask(q)
	return word
}

func notLetter(r rune) bool { return !unicode.IsLetter(r) }

func text(s *string, q question) question {
	q.take = func(answer string) string {
		*s = answer
		return ""
	}
	return q
}

// Ctrl-C ends the process. After a.release, the process ignores Ctrl-C, because the tool writes
// files.
func (a *asker) onInterrupt() {
	c := make(chan os.Signal, 1)
	signal.Notify(c, os.Interrupt)
	done := make(chan struct{})
	go func() {
		select {
		case <-c:
			fmt.Fprintln(a.e.stderr, "\nblocklistctl: interrupted; nothing was written")
			os.Exit(130)
		case <-done:
		}
	}()
	a.release = func() {
		signal.Stop(c)
		signal.Ignore(os.Interrupt)
		close(done)
	}
}
