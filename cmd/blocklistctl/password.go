package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"golang.org/x/term"
)

type passwordFlags struct {
	PasswordFile string `placeholder:"FILE" help:"Read the password from the first line of FILE, or of standard input if FILE is -. The default is to ask on the terminal."`
}

// maxPassword is the largest length in bytes.
const maxPassword = 1024

// If isNew is true, the person types the password twice.
func (f *passwordFlags) password(e *env, prompt string, isNew bool) (string, error) {
	switch f.PasswordFile {
	case "":
		return askPassword(e, prompt, isNew)
	case "-":
		return firstLine(e.stdin, "standard input")
	}
	in, err := openFile(f.PasswordFile, 1<<20)
	if err != nil {
		return "", misuse("--password-file: %s: %v", f.PasswordFile, err)
	}
	defer in.Close()
	return firstLine(in, f.PasswordFile)
}

func firstLine(r io.Reader, name string) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(r, maxPassword+2)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("the password cannot be read from %s: %w", name, err)
	}
	return line, checkPassword(&line)
}

func checkPassword(line *string) error {
	*line = strings.TrimSuffix(strings.TrimSuffix(*line, "\n"), "\r")
	switch {
	case *line == "":
		return errors.New("the password is empty")
	case len(*line) > maxPassword:
		return fmt.Errorf("the password is longer than %d bytes", maxPassword)
	}
	return nil
}

func askPassword(e *env, prompt string, isNew bool) (string, error) {
	in, ok := e.stdin.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return "", misuse("standard input is not a terminal, so the password of %s cannot be asked for; use --password-file FILE", prompt)
	}
	defer keepTerminal(int(in.Fd()))()
	ask := func(text string) (string, error) {
		e.progress.clear()
		fmt.Fprint(e.stderr, text)
		line, err := term.ReadPassword(int(in.Fd()))
		fmt.Fprintln(e.stderr)
		if err != nil {
			return "", fmt.Errorf("the password cannot be read: %w", err)
		}
		password := string(line)
		return password, checkPassword(&password)
	}
	first, err := ask("Password of " + prompt + ": ")
	if err != nil || !isNew {
		return first, err
	}
	second, err := ask("The same password again: ")
	if err == nil && first != second {
		err = errors.New("the two passwords differ")
	}
	return first, err
}

// Ctrl-C must restore the terminal. Otherwise, the terminal would not show typed text.
func keepTerminal(fd int) (release func()) {
	state, err := term.GetState(fd)
	if err != nil {
		return func() {}
	}
	c := make(chan os.Signal, 1)
	signal.Notify(c, os.Interrupt)
	go func() {
		if _, ok := <-c; ok {
			term.Restore(fd, state)
			os.Exit(130)
		}
	}()
	return func() { signal.Stop(c); close(c) }
}
