package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/dns-orders/blocklist/plugin/order"
)

// This type is an exit code. The argument parser panics with it to end the tool.
type exit int

// misuseError is an error about wrong arguments.
type misuseError string

func (e misuseError) Error() string { return string(e) }

// misuse returns an error about wrong arguments.
func misuse(format string, args ...any) error {
	return misuseError(fmt.Sprintf(format, args...))
}

func oneOf(flag, word string, words []string) error {
	if word == "" || slices.Contains(words, word) {
		return nil
	}
	err := fmt.Sprintf("%s must be one of %s, got %q", flag, strings.Join(words, ", "), word)
	if near := order.Nearest(word, slices.Values(words)); near != "" {
		err += fmt.Sprintf("; did you mean %q?", near)
	}
	return misuseError(err)
}

func withHelpFlag(args []string) []string {
	if len(args) == 0 || args[0] != "help" {
		return args
	}
	return append(slices.Clone(args[1:]), "--help")
}

func (e *env) usage(err error) (code int) {
	var parse *kong.ParseError
	if !errors.As(err, &parse) {
		return e.report(err)
	}
	command := "blocklistctl"
	if n := parse.Context.Selected(); n != nil {
		command = n.FullPath()
	} else if parse.Context.Empty() && len(parse.Context.Args) == 0 && !e.json {
		parse.Context.Stdout = e.stderr
		if err := parse.Context.PrintUsage(false); err != nil {
			return e.report(err)
		}
		return exitMisuse
	}
	e.report(err)
	fmt.Fprintf(e.stderr, "%s --help describes the arguments\n", command)
	return exitMisuse
}

// The function looks for --json without the parser, because the parser may refuse the arguments.
func wantsJSON(args []string) bool {
	for _, a := range args {
		switch a {
		case "--":
			return false
		case "--json", "--json=true":
			return true
		}
	}
	return false
}
