package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/dns-orders/blocklist/plugin/order"
)

// TestZoneNamed checks names and cities of time zones.
func TestZoneNamed(t *testing.T) {
	for answer, want := range map[string]string{
		"Europe/Rome":      "Europe/Rome",
		"europe/rome":      "Europe/Rome",
		"Rome":             "Europe/Rome",
		"PARIS":            "Europe/Paris",
		"Berlin":           "Europe/Berlin",
		"new york":         "America/New_York",
		"S\u00e3o Paulo":   "America/Sao_Paulo",
		"Italia":           "Europe/Rome",
		"FR":               "Europe/Paris",
		"UTC":              "UTC",
		"Local":            "",
		"":                 "",
		"Germany":          "",
		"nowhere at all":   "",
		"../../etc/passwd": "",
	} {
		if got, wrong := zoneNamed(answer); got != want || (wrong == "") != (want != "") {
			t.Errorf("%q: %q, %q", answer, got, wrong)
		}
	}
	if _, wrong := zoneNamed("Roma"); wrong != `it must be a time zone or its city, such as Europe/Rome, got "Roma"` {
		t.Error(wrong)
	}
}

func TestZonesOf(t *testing.T) {
	several := map[string]int{"CY": 2, "DE": 2, "PT": 3, "ES": 3}
	for _, c := range []string{"AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"} {
		if n := len(zonesOf(order.Country(c))); n != max(several[c], 1) {
			t.Errorf("%s: %d zones", c, n)
		}
	}
}

// TestNeighbourZone checks the time zones of other order files.
func TestNeighbourZone(t *testing.T) {
	dir := t.TempDir()
	for _, step := range []struct{ name, text, want string }{
		{"readme.txt", "timezone: Europe/Paris\n", ""},
		{"a.yaml", "version: 1\ntimezone: Europe/Rome # here\norders: []\n", "Europe/Rome"},
		{"b.json", `{"version": 1, "timezone": "Europe/Rome", "orders": []}`, "Europe/Rome"},
		{"c.yaml", "version: 1\norders: []\n", "Europe/Rome"},
		{"d.yaml", "version: 1\ntimezone: Nowhere/Rome\norders: []\n", "Europe/Rome"},
		{"e.jsonl", `{"version": 1, "timezone": "Europe/Berlin"}`, ""},
	} {
		if err := os.WriteFile(filepath.Join(dir, step.name), []byte(step.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := neighbourZone(filepath.Join(dir, "new.yaml")); got != step.want {
			t.Errorf("after %s: %q, want %q", step.name, got, step.want)
		}
	}
}

// TestLocalZone checks that UTC is not a place.
func TestLocalZone(t *testing.T) {
	for tz, want := range map[string]string{"Europe/Rome": "Europe/Rome", "UTC": "", "Etc/UTC": "", "GMT": "", "Nowhere/City": ""} {
		t.Setenv("TZ", tz)
		if got := localZone(); got != want {
			t.Errorf("%s: %q", tz, got)
		}
	}
}
