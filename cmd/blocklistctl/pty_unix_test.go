//go:build unix

package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
)

type person struct {
	t       *testing.T
	keys    *os.File // the end at which the person types and reads
	screen  *os.File // the end of the command
	chunks  chan []byte
	seen    bytes.Buffer // all text on the terminal
	prompts int          // the number of prompts until now
	last    int          // the offset of the last prompt, from 1
}

// newPerson opens a terminal.
func newPerson(t *testing.T) *person {
	t.Helper()
	keys, screen, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	// Without noflsh, the kernel discards terminal output after Ctrl-C. The test could miss the
	// last message.
	stty := exec.Command("stty", "noflsh")
	stty.Stdin = screen
	if out, err := stty.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	p := &person{t: t, keys: keys, screen: screen, chunks: make(chan []byte, 64)}
	go func() {
		defer close(p.chunks)
		for {
			b := make([]byte, 4096)
			n, err := keys.Read(b)
			if n > 0 {
				p.chunks <- b[:n]
			}
			if err != nil { // the end of the command is closed
				return
			}
		}
	}()
	t.Cleanup(func() { keys.Close(); screen.Close() })
	return p
}

// The method reads until the last line is a prompt. The result is false if the command ends first.
func (p *person) await() bool {
	p.t.Helper()
	deadline := time.After(time.Minute)
	for {
		s := p.seen.String()
		at := strings.LastIndexByte(s, '\n') + 1
		if answer, ok := answerIn(s[at:]); ok && answer == "" && strings.HasSuffix(s, "> ") && at+1 > p.last {
			p.last = at + 1
			p.prompts++
			return true
		}
		select {
		case b, ok := <-p.chunks:
			if !ok {
				return false
			}
			p.seen.Write(bytes.ReplaceAll(b, []byte("\r"), nil))
		case <-deadline:
			p.t.Fatalf("no prompt and no end after:\n%s", &p.seen)
		}
	}
}

// write types text.
func (p *person) write(text string) {
	p.t.Helper()
	if _, err := io.WriteString(p.keys, text); err != nil {
		p.t.Fatal(err)
	}
}

func talk(t *testing.T, now func() time.Time, args []string, answers []string) (transcript string, code int) {
	t.Helper()
	p := newPerson(t)
	done := make(chan int, 1)
	go func() {
		code := run(args, p.screen, p.screen, p.screen, now)
		p.screen.Close()
		done <- code
	}()
	for i := 0; p.await(); i++ {
		if i >= len(answers) {
			p.write("\x04") // Ctrl-D
			continue
		}
		p.write(answers[i] + "\n")
	}
	code = <-done
	if p.prompts < len(answers) {
		t.Errorf("%q: only %d of %d answers were asked for", args, p.prompts, len(answers))
	}
	return p.seen.String(), code
}

func listed(list string) (answers []string) {
	for line := range strings.SplitSeq(strings.TrimSuffix(list, "\n"), "\n") {
		if answer, ok := answerIn(line); ok {
			answers = append(answers, answer)
		} else {
			answers[len(answers)-1] += "\n" + line
		}
	}
	return answers
}

func typed(transcript string) (answers []string) {
	lines := strings.Split(strings.TrimSuffix(transcript, "\n"), "\n")
	for i := 0; i < len(lines); i++ {
		answer, ok := answerIn(lines[i])
		if !ok {
			continue
		}
		list := answer
		for _, line := range lines[i+1:] {
			if _, prompt := answerIn(line); prompt {
				break
			}
			if list += "\n" + line; line == pasteEnd {
				answer = list
				break
			}
		}
		answers = append(answers, answer)
	}
	return answers
}

func answerIn(line string) (answer string, ok bool) {
	if strings.HasPrefix(line, "[") {
		_, rest, found := strings.Cut(line+" ", "] > ")
		return strings.TrimSpace(rest), found
	}
	if line == ">" {
		return "", true
	}
	return strings.CutPrefix(line, "> ")
}
