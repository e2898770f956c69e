package main

import (
	"fmt"
	"strings"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/printable"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// count returns a number with a noun, for example "1 file" and "2 files".
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	if strings.HasSuffix(what, "s") {
		return fmt.Sprintf("%d %ses", n, what)
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// or returns s. If s is empty, it returns otherwise.
func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// references returns a list of reference numbers as one text. It quotes a reference that is
// not printable.
func references(list []string) string {
	out := make([]string, len(list))
	for i, r := range list {
		out[i] = printable.Line(r)
	}
	return strings.Join(out, ", ")
}

// until returns a time as text. For ruleset.Forever it returns "".
func until(t order.Time) string {
	if t == ruleset.Forever {
		return ""
	}
	return t.String()
}
