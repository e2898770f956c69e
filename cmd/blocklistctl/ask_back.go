package main

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"github.com/dns-orders/blocklist/plugin/order"
)

// errBack restarts the command after the answer "back".
var errBack = errors.New("the person wants to answer an earlier question again")

// After the answer "back", the command starts again. A replay gives the command all earlier answers
// except the last.
type replay struct {
	now     order.Time // the start of the first run; a later run reads relative times in the same way
	answers []answered
	kept    map[string][]string // the lines of the answers before "back", by the text of the question
	queue   []string            // the lines of the answers that are given again
	muted   bool
	stdout  io.Writer // the outputs of the tool while muted is true
	stderr  io.Writer
}

type answered struct {
	question string
	lines    []string
	fresh    bool // the answer is not offered again
}

func (a *asker) keep(q question, answer string) {
	a.answers = append(a.answers, answered{q.text, a.read, q.fresh != nil && q.fresh(answer)})
	if len(a.queue) == 0 {
		a.live()
	}
}

func (a *asker) goBack() {
	if len(a.answers) == 0 {
		a.say("This is the first question.")
		return
	}
	if a.kept == nil {
		a.kept = map[string][]string{}
		a.say("Earlier answers are offered in brackets. An empty line accepts the offer, and the word %s means that there is no answer.", noneWords[0])
	}
	for _, given := range a.answers {
		if !given.fresh {
			a.kept[given.question] = given.lines
		}
	}
	a.err = errBack
}

func offerText(lines []string) string {
	if len(lines) > 1 {
		return fmt.Sprintf("the same %s", count(len(lines)-1, "line")) // the last line is the word done
	}
	return strings.Join(lines, "")
}

func (a *asker) again(lines []string) (answer string) {
	a.read = slices.Clone(lines[:1])
	a.queue = slices.Concat(lines[1:], a.queue)
	return unquoted(lines[0])
}

func (a *asker) restart() {
	a.err, a.queue = nil, nil
	for _, given := range a.answers[:len(a.answers)-1] {
		a.queue = append(a.queue, given.lines...)
	}
	a.answers = nil
	if len(a.queue) > 0 {
		a.muted, a.stdout, a.stderr = true, a.e.stdout, a.e.stderr
		a.e.stdout, a.e.stderr = io.Discard, io.Discard
	}
}

func (a *asker) live() {
	if a.queue = nil; a.muted {
		a.muted, a.e.stdout, a.e.stderr = false, a.stdout, a.stderr
	}
}

// runAgain runs a command. After each answer "back", runAgain restores the flags and runs the
// command again.
func (e *env) runAgain(command reflect.Value, run func() error) error {
	for {
		flags := reflect.New(command.Type()).Elem()
		flags.Set(command)
		err := run()
		if e.asks != nil {
			e.asks.live()
		}
		if !errors.Is(err, errBack) {
			return err
		}
		command.Set(flags)
		e.edited = nil
		e.asks.restart()
	}
}
