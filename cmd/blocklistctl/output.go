package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"

	"github.com/dns-orders/blocklist/plugin/printable"
)

// errProblems sets the exit code for problems. The command has already printed the problems.
var errProblems = errors.New("problems found")

func (e *env) report(err error) (code int) {
	e.progress.clear()
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errProblems):
		return exitProblems
	case errors.Is(err, errMisuse):
		return exitMisuse
	}
	if e.json {
		e.writeJSON(struct {
			Error string `json:"error"`
		}{err.Error()})
	}
	e.say("%v", err)
	var m misuseError
	var column *columnError
	if errors.As(err, &m) || errors.As(err, &column) {
		return exitMisuse
	}
	return exitProblems
}

func (e *env) format(output *string, normal string) error {
	switch {
	case e.json && *output != "json" && *output != normal:
		return misuse("--json and --output %s exclude each other", *output)
	case e.json:
		*output = "json"
	}
	e.json = *output == "json"
	return nil
}

// The message is made printable.
func (e *env) say(format string, args ...any) {
	e.progress.clear()
	for i, line := range strings.Split(fmt.Sprintf(format, args...), "\n") {
		if i == 0 {
			line = "blocklistctl: " + line
		}
		fmt.Fprintln(e.stderr, printable.Line(line))
	}
}

// After a write error, the exit code of the tool is not 0.
type output struct {
	w   io.Writer
	err error
}

// Write implements io.Writer.
func (o *output) Write(p []byte) (n int, err error) {
	n, err = o.w.Write(p)
	if err != nil && o.err == nil {
		o.err = err
	}
	return n, err
}

// The function escapes text that could control a terminal.
func (e *env) writeJSON(v any) error {
	e.progress.clear()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return err
	}
	_, err := io.WriteString(e.stdout, printableJSON(b.String()))
	return err
}

func printableJSON(s string) string {
	var out strings.Builder
	for _, r := range s {
		if r == '\n' || printable.Is(string(r)) {
			out.WriteRune(r)
			continue
		}
		for _, u := range utf16.AppendRune(nil, r) {
			fmt.Fprintf(&out, `\u%04x`, u)
		}
	}
	return out.String()
}
