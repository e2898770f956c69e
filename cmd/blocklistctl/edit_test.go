package main

import (
	"os"
	"strings"
	"testing"
)

func TestEditRace(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("a.yaml", []byte(unformattedOrder), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs strings.Builder
	e := &env{stdout: &out, stderr: &errs, now: clock, progress: newProgress(&errs)}
	c := &editFlags{Orders: []string{"a.yaml"}, writeFlags: writeFlags{Yes: true}}
	x, err := c.begin(e)
	if err != nil {
		t.Fatal(err)
	}
	if err := x.open("a"); err != nil {
		t.Fatal(err)
	}
	if err := x.text.SetText("a", "note", "mine"); err != nil {
		t.Fatal(err)
	}
	other := unformattedOrder + "# another person\n"
	if err := os.WriteFile("a.yaml", []byte(other), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := x.finish(x.now); err == nil || err.Error() != "a.yaml: has changed while the command ran; nothing was written" {
		t.Errorf("%v\n%s%s", err, &out, &errs)
	}
	if text := content(t, "a.yaml"); text != other {
		t.Errorf("got %q", text)
	}
}

func TestNewRace(t *testing.T) {
	t.Chdir(t.TempDir())
	var out, errs strings.Builder
	e := &env{stdout: &out, stderr: &errs, now: clock, progress: newProgress(&errs)}
	c := &addCmd{Files: []string{"a.yaml"}, editFlags: editFlags{Orders: []string{"a.yaml"}, writeFlags: writeFlags{Yes: true}}}
	x, err := c.load(e)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("a.yaml", []byte(unformattedOrder), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := x.finish(x.now); err == nil || err.Error() != "a.yaml: was made while the command ran; nothing was written" {
		t.Errorf("%v\n%s%s", err, &out, &errs)
	}
	if text := content(t, "a.yaml"); text != unformattedOrder {
		t.Errorf("got %q", text)
	}
}

const unformattedOrder = "orders:\n- {targets: [a.example], id: a, authority: {name: A}, scope: global}\nversion: 1\n"
