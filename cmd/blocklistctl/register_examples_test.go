package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/register"
	"github.com/dns-orders/blocklist/test/registers"
)

func TestRegisterExamples(t *testing.T) {
	now := func() time.Time { return clock().AddDate(1, 0, 0) }
	for _, e := range registers.Examples(t) {
		t.Run(e.Preset, func(t *testing.T) {
			t.Chdir(t.TempDir())
			p, err := register.Load(e.Preset, "")
			if err != nil {
				t.Fatal(err)
			}
			for _, ed := range []*registers.Edition{&e.First, &e.Second} {
				importExample(t, now, p, &e, ed)
				code, out, errs := ctlAt(now, "check", "out.yaml")
				if code != exitOK || !strings.Contains(out+errs, " 0 errors") {
					t.Errorf("check: exit %d\n%s%s", code, out, errs)
				}
				explainExample(t, now, ed)
			}
		})
	}
}

func importExample(t *testing.T, now func() time.Time, p *register.Preset, e *registers.Example, ed *registers.Edition) {
	t.Helper()
	data := e.Bytes(t, ed)
	if err := os.WriteFile(e.File, data, 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"import", "register", e.Preset, e.File, "--out", "out.yaml", fmt.Sprintf("--rows-ok=%d", ed.Rows), "--drop-ok=1"}
	if p.Vanished == register.Refuse {
		args = append(args, "--vanished", "lift")
	}
	if ed.AsOf != "" && p.AsOf.Dates == nil {
		args = append(args, "--as-of", ed.AsOf)
	}
	if p.SHA256 != "" {
		args = append(args, "--sha256", fmt.Sprintf("%x", sha256.Sum256(data)))
	}
	for column, value := range e.Given(ed) {
		args = append(args, "--set", column+"="+value)
	}
	code, out, errs := ctlAt(now, args...)
	if _, confirm, ok := strings.Cut(errs, "--drop-ok "); ok && code == exitProblems {
		n, _, _ := strings.Cut(confirm, " ")
		code, out, errs = ctlAt(now, append(args, "--drop-ok", n)...)
	}
	if code != exitOK || !strings.Contains(errs, "written with serial") {
		t.Fatalf("%q: exit %d\n%s%s", args, code, out, errs)
	}
}

// explainExample asks about the names of an edition.
func explainExample(t *testing.T, now func() time.Time, ed *registers.Edition) {
	t.Helper()
	f, err := os.Open("out.yaml")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	orders, problems := order.Parse("out.yaml", f, order.Options{})
	if len(problems.Errors()) > 0 {
		t.Fatal(problems)
	}
	country := orders.Orders[0].Terms.Scope.CountryTexts()[0]
	for _, q := range ed.Blocked {
		_, out, errs := ctlAt(now, "explain", q.Name, "--country", country, "out.yaml")
		by := fmt.Sprintf("by order %q (", q.Order)
		_, after, ok := strings.Cut(out, by)
		line, _, _ := strings.Cut(after, "\n")
		if !ok || !strings.Contains(line, q.Decision) || !strings.Contains(line, "at out.yaml:") || !strings.Contains(out, q.Address) {
			t.Errorf("%s: want %s and %q, got\n%s%s", q.Name, by, q.Decision, out, errs)
		}
	}
	for _, name := range ed.Passed {
		if _, out, errs := ctlAt(now, "explain", name, "--country", country, "out.yaml"); !strings.Contains(out, name+" is not blocked") {
			t.Errorf("%s: got\n%s%s", name, out, errs)
		}
	}
}

func TestRegisterProgress(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("hosts", []byte("0.0.0.0 a.example.com\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var screen, out strings.Builder
	e := &env{stdout: &out, stderr: &screen, now: clock, progress: newProgress(&screen)}
	e.progress.w, e.progress.begin = &screen, e.progress.last
	c := registerCmd{Preset: "hosts", File: "hosts", Set: map[string]string{"id": "a", "authority": "A", "country": "IT"}, mergeFlags: mergeFlags{Out: "out.yaml", DropOK: -1, RowsOK: -1}}
	if err := c.Run(e); err != nil {
		t.Fatal(err)
	}
	got := screen.String()
	if !strings.HasPrefix(got, "\r\x1b[Kreading hosts\r\x1b[Khosts: ") || !strings.Contains(got, "\r\x1b[Khosts: checking the output\r\x1b[Khosts: 1 row;") {
		t.Errorf("got %q", screen.String())
	}
}
