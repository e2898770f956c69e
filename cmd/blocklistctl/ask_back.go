package main

import (
	"errors"
	"io"
	"reflect"
)

// errBack is the error if the person answers "back". The command then starts again.
var errBack = errors.New("the person wants to answer an earlier question again")

// A replay repeats the earlier answers after the person has answered "back". The command starts
// again, and the replay gives it all answers except the last answer. It does not print these
// questions again.
type replay struct {
	answers [][]string // the lines of each answer until now
	queue   []string   // the lines of the answers that are given again
	muted   bool
	stdout  io.Writer // the outputs of the tool while muted is true
	stderr  io.Writer
}

// keep stores the lines of an answer that was right.
func (a *asker) keep() {
	a.answers = append(a.answers, a.read)
	if len(a.queue) == 0 {
		a.live()
	}
}

// goBack makes the command start again, with all answers except the last one.
func (a *asker) goBack() {
	if len(a.answers) == 0 {
		a.say("This is the first question.")
		return
	}
	a.err = errBack
}

// restart prepares the asker for another run of the command.
func (a *asker) restart() {
	a.err, a.queue = nil, nil
	for _, lines := range a.answers[:len(a.answers)-1] {
		a.queue = append(a.queue, lines...)
	}
	a.answers = nil
	if len(a.queue) > 0 {
		a.muted, a.stdout, a.stderr = true, a.e.stdout, a.e.stderr
		a.e.stdout, a.e.stderr = io.Discard, io.Discard
	}
}

// live ends the replay. The next question is printed and waits for an answer.
func (a *asker) live() {
	if a.queue = nil; a.muted {
		a.muted, a.e.stdout, a.e.stderr = false, a.stdout, a.stderr
	}
}

// runAgain runs a command. After each answer "back", it restores the flags of the command and runs
// the command again.
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
