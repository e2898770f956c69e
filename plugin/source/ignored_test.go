package source

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func (r *rig) noted() (out []string) {
	for _, err := range r.note {
		out = append(out, strings.ReplaceAll(err.Error(), r.dir+"/", ""))
	}
	r.note = nil
	return out
}

func TestIgnored(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a.yaml", "b.YAML", "c.Json", "x.yaml.txt", "y.yaml~", "z.yaml.bak", "README", "l.txt",
		"l.txt.minisig", "a.yaml.minisig", "protect.txt", ".hidden", "sub/z.txt", "g/a.yaml", "g/A.YAML", "g/b.yaml.orig", "g/README"} {
		old(t, filepath.Join(dir, name), name)
	}
	r := newRig(t, dir, []string{".", "g/*.yaml"}, func(c *Config) { c.Files = []string{filepath.Join(dir, "protect.txt")} })
	fs := r.scan(0)
	var names []string
	for _, f := range fs {
		names = append(names, strings.TrimPrefix(f.Path, dir+"/"))
	}
	if got := strings.Join(names, " "); got != "a.yaml b.YAML c.Json g/a.yaml protect.txt" {
		t.Errorf("found %s", got)
	}
	fs[0].SetSides([]string{"l.txt"})
	if got := r.noted(); got != nil {
		t.Errorf("too early: %q", got)
	}
	named := func() (out []string) {
		for _, s := range r.noted() {
			name, text, _ := strings.Cut(s, ": ")
			if text != "is ignored: its name does not end in .yaml .yml .json .jsonl, and no order file that was loaded names it as a list" {
				t.Error(s)
			}
			out = append(out, name)
		}
		return out
	}
	r.pump()
	if got := named(); !slices.Equal(got, []string{"README", "x.yaml.txt", "y.yaml~", "z.yaml.bak", "g/A.YAML", "g/b.yaml.orig"}) {
		t.Errorf("named %q", got)
	}
	r.publish("new.txt", "a list that comes before its order")
	r.publish("tmp.txt", "of an editor")
	r.publish("x.yaml\n.txt", "a name is data")
	r.pass(Patience / 2)
	fs[0].SetSides([]string{"new.txt"})
	must(t, os.Remove(r.path("tmp.txt")))
	r.pass(Patience + DefaultPoll)
	if got := named(); !slices.Equal(got, []string{`"x.yaml\n.txt"`, "l.txt", "l.txt.minisig"}) {
		t.Errorf("named %q", got)
	}
	r.pass(Patience)
	if got := named(); got != nil {
		t.Errorf("named again: %q", got)
	}
}
