package main

import (
	"fmt"
	"strings"

	"github.com/dns-orders/blocklist/plugin/explain"
	"github.com/dns-orders/blocklist/plugin/printable"
)

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	if strings.HasSuffix(what, "s") {
		return fmt.Sprintf("%d %ses", n, what)
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// references returns reference numbers as one printable text.
func references(list []string) string {
	out := make([]string, len(list))
	for i, r := range list {
		out[i] = printable.Line(r)
	}
	return strings.Join(out, ", ")
}

// For ruleset.Forever, the text is "".
var until = explain.Until

type number struct {
	text string
	n    int
}

func someOf(separator string, numbers ...number) string {
	var b strings.Builder
	for _, x := range numbers {
		if x.n != 0 {
			fmt.Fprintf(&b, separator+x.text, x.n)
		}
	}
	return b.String()
}
