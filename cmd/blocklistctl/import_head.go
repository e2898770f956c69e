package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/printable"
)

// minutes is a duration in minutes as people write it.
var minutes = regexp.MustCompile(`(?i)^\s*(\d+)\s*(?:min|mins|minutes?)\.?\s*$`)

// check refuses options that the order file could not express, with the options to give
// instead.
func (f *headFlags) check() error {
	places := len(f.ScopeCountry) + len(f.ScopeClient)
	switch {
	case f.Scope != "" && f.Scope != "global":
		if code := order.CountryNamed(f.Scope); code != "" {
			return misuse("--scope takes only global; for clients in %s give --scope-country %s, got %q", printable.Line(f.Scope), code, f.Scope)
		}
		return misuse("--scope takes only global; for clients in Italy give --scope-country IT, got %q", f.Scope)
	case f.Scope == "global" && places > 0:
		return misuse("--scope global is for every client; leave it out, or leave out --scope-country and --scope-client")
	}
	if m := minutes.FindStringSubmatch(f.Deadline); m != nil {
		return misuse("--deadline: write --deadline %sm, got %q", m[1], f.Deadline)
	}
	return nil
}

// badField returns the text about a problem of the order, with the option in place of the field.
func (f *headFlags) badField(p order.Problem) string {
	if p.Field == "scope" && f.Scope == "" {
		return fmt.Sprintf("--scope-country or --scope: is required; give --scope-country %s for clients in that country, or --scope global for every client", f.ownCountry())
	}
	text := or(flagOf[strings.TrimRight(p.Field, "[]0123456789")], p.Field) + ": " + p.Msg
	if p.HasGot {
		text += fmt.Sprintf(", got %q", p.Got)
	}
	return text
}

// ownCountry returns the country of the authority, or Italy as an example.
func (f *headFlags) ownCountry() string {
	if f.AuthorityCountry == "" {
		return "IT"
	}
	return strings.ToUpper(printable.Line(f.AuthorityCountry))
}

// checkFolder refuses a path in a folder that does not exist.
func checkFolder(path string) error {
	if path == "" {
		return nil
	}
	dir := filepath.Dir(path)
	if _, err := os.Stat(dir); os.IsNotExist(err) {
		return fmt.Errorf("%s: there is no such folder", printable.Line(dir))
	}
	return nil
}
