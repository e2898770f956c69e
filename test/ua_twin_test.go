//go:build e2e

package test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/idna"
)

const data = "testdata"

type attachment struct {
	number, kind, place, file, id string
}

func attachments(t *testing.T) (out []attachment) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(data, "ua-orders/orders.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	r := csv.NewReader(bytes.NewReader(raw))
	r.Comma, r.LazyQuotes = '\t', true
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]int{}
	for _, row := range rows[1:] {
		a := attachment{number: row[0], kind: row[1], place: row[3], file: filepath.Join(data, "ua-orders", row[5])}
		if a.place == "" {
			a.place = row[2]
		}
		used[a.number]++
		a.id = "ncu/" + strings.ReplaceAll(a.number, "/", "-")
		if n := used[a.number]; n > 1 {
			a.id += fmt.Sprintf("-annex%d", n)
		}
		out = append(out, a)
	}
	if len(out) != 169 {
		t.Fatalf("orders.tsv has %d attachments, 169 were expected", len(out))
	}
	return out
}

type target struct {
	name  string
	below string // the suffix of all names below the target
	exact bool   // the line had a page, so the order is for the host alone
}

var (
	scheme  = regexp.MustCompile(`^https?://`)
	address = regexp.MustCompile(`^\d+\.\d+\.\d+\.\d+`)
)

func read(t *testing.T, file string) (out []target) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(string(raw), "\n") {
		line = strings.ToLower(strings.TrimSpace(line))
		line = scheme.ReplaceAllString(line, "")
		line = strings.TrimRight(strings.SplitN(line, " (", 2)[0], "; ")
		host, page, _ := strings.Cut(line, "/")
		host, _, _ = strings.Cut(host, ":")
		host = strings.TrimRight(host, ".;")
		if host == "" || strings.Contains(host, " ") || !strings.Contains(host, ".") || address.MatchString(host) {
			continue
		}
		a, err := idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(false)).ToASCII(host)
		if err != nil {
			t.Fatalf("%s: %q: %v", file, host, err)
		}
		out = append(out, target{a, "." + a, page != ""})
	}
	return out
}

// covers reports whether the target covers the name.
func (x target) covers(name string) bool {
	return name == x.name || !x.exact && strings.HasSuffix(name, x.below)
}

type history []struct {
	attachment
	targets []target
}

func (h history) blocked(name string) (now, ever bool) {
	covers := func(x target) bool { return x.covers(name) }
	for _, o := range h {
		if o.kind == "unblock" || !slices.ContainsFunc(o.targets, covers) {
			continue
		}
		ever = true
		lifted := false
		for _, l := range h {
			lifted = lifted || l.kind == "unblock" && l.place >= o.place && slices.ContainsFunc(l.targets, covers)
		}
		now = now || !lifted
	}
	return now, ever
}
