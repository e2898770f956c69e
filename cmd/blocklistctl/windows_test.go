package main

import (
	"os"
	"strings"
	"testing"
)

func TestListWindows(t *testing.T) {
	t.Chdir(t.TempDir())
	for fields, want := range map[string][3]string{
		"from: 2026-01-01, until: 2026-12-31": {"2026-01-01", "2026-12-31", ""},
		"windows: [{from: 2026-05-03, until: 2026-05-03}, {from: 2026-05-02T20:00, until: 2026-05-02T23:00}]": {
			"2026-05-02T20:00:00+02:00", "2026-05-03", "windows: 2, the next from 2026-05-02T20:00:00+02:00 until 2026-05-02T23:00:00+02:00"},
		"windows: [{from: 2026-04-01, until: 2026-04-02}, {from: 2026-05-01, until: 2026-05-01}]": {
			"2026-04-01", "2026-05-01", "windows: 2, one is open until the end of 2026-05-01"},
		"windows: [{from: 2026-04-01, until: 2026-04-02}]": {"2026-04-01", "2026-04-02", "windows: 1, all in the past"},
		"windows: [{from: 2026-04-01}]":                    {"2026-04-01", "-", "windows: 1, one is open, without an end"},
		"from: 2026-05-10, until: 2026-05-20, windows: [{from: 2026-05-01, until: 2026-05-12}, {from: 2026-05-18, until: 2026-05-25}]": {
			"2026-05-10", "2026-05-20", "windows: 2, one is open until the end of 2026-05-12"},
	} {
		text := "version: 1\ntimezone: Europe/Rome\norders: [{id: a, authority: {name: A}, scope: global, targets: [a.example], " + fields + "}]\n"
		if err := os.WriteFile("a.yaml", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		code, out, errs := ctl("list", "a.yaml")
		lines := strings.Split(out, "\n")
		if code != exitOK || len(lines) < 3 {
			t.Errorf("%s: exit %d\n%s%s", fields, code, out, errs)
			continue
		}
		cells := strings.Fields(lines[1])
		if from, until := cells[6], cells[7]; from != want[0] || until != want[1] || strings.TrimSpace(lines[2]) != want[2] {
			t.Errorf("%s: got %s %s %q, want %q", fields, from, until, lines[2], want)
		}
	}
}
