package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/dns-orders/blocklist/plugin/printable"
)

const smallOrders = "version: 1\norders:\n- {id: a, authority: {name: A}, references: [r], scope: global, review: 2027-01-01, targets: [a.example]}\n"

func TestMisuseJSON(t *testing.T) {
	t.Chdir(t.TempDir())
	os.WriteFile("a.yaml", []byte(smallOrders), 0o600)
	for _, args := range []string{
		"",
		"frobnicate",
		"check", "check --nope a.yaml", "check a.yaml --at noon", "check a.yaml --block .:53", "check --corefile missing", "check --corefile a.yaml --protect p a.yaml",
		"explain", "explain a.example", "explain --nope", "explain a.example a.yaml --size big", "explain 192.0.2.1 a.yaml", "explain a.example --corefile missing",
		"diff", "diff a.yaml", "diff --nope", "diff a.yaml a.yaml --client x", "diff a.yaml --corefile missing", "diff a.yaml a.yaml extra",
		"due", "due --nope", "due a.yaml --days x", "due a.yaml --at noon", "due a.yaml -o pdf", "show", "show a", "show a a.yaml --at noon", "show a --corefile missing",
		"audit", "audit a.yaml", "audit --resolver 192.0.2.53", "audit a.yaml --resolver dns.example", "audit a.yaml --resolver 192.0.2.53:0", "audit a.yaml --resolver 192.0.2.53 --rate 0", "audit a.yaml --resolver 192.0.2.53 --sample -1", "audit a.yaml --resolver 192.0.2.53 -o html",
		"list", "list --nope", "list a.yaml -o pdf", "list a.yaml --state asleep", "list a.yaml --action stop", "list --corefile missing",
		"fmt", "fmt --nope", "fmt missing.yaml", "fmt -w -c a.yaml",
		"schema --nope", "schema extra",
		"status", "status orders.yaml", "explain a.example --server ftp://x", "add", "amend", "correct", "lift", "suspend", "acknowledge", "reported", "lift nope --authority A --reference R --orders a.yaml",
		"import", "import domains", "import domains --nope", "import domains list --id i --authority A --out x.txt",
	} {
		for _, where := range []string{"before", "behind"} {
			all := append([]string{"--json"}, strings.Fields(args)...)
			if where == "behind" {
				all = append(strings.Fields(args), "--json")
			}
			code, out, errs := ctl(all...)
			var doc struct{ Error *string }
			if err := json.Unmarshal([]byte(out), &doc); err != nil || doc.Error == nil || *doc.Error == "" {
				t.Errorf("%q: no error in %q", all, out)
			}
			if code != exitMisuse || errs == "" {
				t.Errorf("%q: exit %d, standard error %q", all, code, errs)
			}
		}
	}
	if _, out, _ := ctl("check", "--nope", "--", "--json"); out != "" {
		t.Errorf("--json behind -- is no flag, got %q", out)
	}
}

type full struct{ room int }

func (f *full) Write(p []byte) (int, error) {
	if f.room -= len(p); f.room < 0 {
		return 0, syscall.ENOSPC
	}
	return len(p), nil
}

func TestOutputLost(t *testing.T) {
	t.Chdir(t.TempDir())
	os.WriteFile("a.yaml", []byte(smallOrders), 0o600)
	os.WriteFile("list", []byte("a.example\n"), 0o600)
	for _, args := range []string{
		"check a.yaml", "explain a.example a.yaml", "explain none.example a.yaml", "diff a.yaml a.yaml", "list a.yaml", "list a.yaml --targets", "list a.yaml -o wide", "list a.yaml -o csv",
		"due a.yaml", "due a.yaml -o html", "due a.yaml -o csv", "due a.yaml -o ics", "show a a.yaml", "show a.example a.yaml",
		"list a.yaml --state draft", "fmt a.yaml", "fmt --check a.yaml", "schema", "import domains list --id i --authority A --scope global",
		"acknowledge a --orders a.yaml -n",
	} {
		for _, mode := range []string{"", "--json "} {
			all := strings.Fields(mode + args)
			_, whole, _ := ctl(all...)
			for _, room := range []int{0, len(whole) - 1} {
				if whole == "" {
					continue
				}
				var errs strings.Builder
				code := run(all, strings.NewReader(""), &full{room}, &errs, clock)
				if code == exitOK || strings.Count(errs.String(), syscall.ENOSPC.Error()) != 1 {
					t.Errorf("%q with room for %d of %d octets: exit %d\n%s", all, room, len(whole), code, errs.String())
				}
			}
		}
	}
}

func TestHelpLost(t *testing.T) {
	var errs strings.Builder
	if code := run([]string{"check", "--help"}, strings.NewReader(""), &full{100}, &errs, clock); code == exitOK {
		t.Errorf("exit %d", code)
	}
}

// These texts would control a terminal, forge a line or change the reading direction.
var hostile = []string{
	"x\x1b[2J\x1b]0;pwn\x07x", "x\rx", "in_force  block  forged\nx\n", "x\tx", "x\u202e\u2066\u200bx", "x\u2028\u0085\x7fx",
}

func hostileOrders(text, id string) string {
	quoted, _ := json.Marshal(text)
	q := string(quoted)
	o := `{"id": "` + id + `", "authority": {"name": ` + q + `}, "references": [` + q + `, "second"], "basis": ` + q + `, "category": ` + q + `,
"subject": ` + q + `, "note": ` + q + `, "issued": "2026-01-01", "served": "2026-01-05", "deadline": "2026-01-02", "scope": {"countries": ["IT"], "clients": ["192.0.2.0/24"]},
"exempt": [{"clients": ["192.0.2.1"], "reference": ` + q + `}], "justification": ` + q + `, "organization": ` + q + `, "report_to": ` + q + `,
"document": {"sha256": "` + strings.Repeat("0", 64) + `", "verified_by": ` + q + `, "approved_by": ` + q + `, "note": ` + q + `},
"force": {"com": ` + q + `},
"targets": ["a.example", "com", "co.uk", {"name": "b.example", "references": [` + q + `], "note": ` + q + `}, {"url": "https://a.example/` + "page" + `", "note": ` + q + `}]}`
	lift := `{"id": "` + id + `-lift", "action": "lift", "authority": {"name": ` + q + `}, "references": [` + q + `], "lifts": ["` + id + `"], "issued": "2026-02-01", "targets": ["b.example"]}`
	return `{"version": 1, "orders": [` + strings.ReplaceAll(o+","+lift, "\n", " ") + `]}`
}

func TestHostileText(t *testing.T) {
	t.Chdir(t.TempDir())
	commands := []string{
		"check a.json", "check bad.json", "check a.json --against old.json", "list a.json --targets", "list a.json --state in_force --targets --sealed", "list bad.json",
		"explain a.example a.json --client 192.0.2.7", "explain a.example a.json --client 192.0.2.7 --structured", "explain b.example a.json --client 192.0.2.7",
		"explain a.example a.json --client 192.0.2.1", "explain a.example a.json --country IT --at 2026-01-03", "explain bad.example bad.json",
		"show o a.json", "show b.example a.json", "show second a.json", "show bad bad.json", "due a.json", "due a.json -o csv", "due a.json -o ics", "list a.json -o wide", "list a.json -o csv --targets",
		"diff old.json a.json --country IT", "diff a.json old.json --sealed", "fmt bad.json", "fmt --check bad.json",
		"lift o --authority A --reference R --orders edit.json -n", "amend o --add z.example --orders edit.json -n", "acknowledge o --orders edit.json -n",
	}
	lines := func(text string) map[string]int {
		os.WriteFile("a.json", []byte(hostileOrders(text, "o")), 0o600)
		var escaped strings.Builder // a file with raw control characters cannot be edited
		for _, r := range hostileOrders(text, "o") {
			if r < 0x7f {
				escaped.WriteRune(r)
			} else {
				fmt.Fprintf(&escaped, `\u%04x`, r)
			}
		}
		os.WriteFile("edit.json", []byte(escaped.String()), 0o600)
		os.WriteFile("old.json", []byte(hostileOrders("old"+text, "o")), 0o600)
		key, _ := json.Marshal(text)
		os.WriteFile("bad.json", []byte(`{"version": 1, "orders": [{"id": `+string(key)+`, `+string(key)+`: 1, "authority": {"name": "A"}, "scope": `+string(key)+`, "targets": [`+string(key)+`]}]}`), 0o600)
		out := map[string]int{}
		for _, args := range commands {
			if _, text, _ := ctl(strings.Fields("--json " + args)...); !printable.Is(strings.ReplaceAll(text, "\n", "")) {
				t.Errorf("--json %q prints %q", args, text)
			}
			code, text, errs := ctl(strings.Fields(args)...)
			due := strings.HasPrefix(args, "due") // an order is behind, and long lines are wrapped
			if code == exitMisuse || text+errs == "" || code != exitOK && !strings.Contains(args, "bad") && !due {
				t.Fatalf("%q: exit %d\n%s%s", args, code, text, errs)
			}
			for line := range strings.Lines(text + errs) {
				line = strings.TrimSuffix(line, "\n")
				if strings.HasSuffix(args, "csv") || strings.HasSuffix(args, "ics") || strings.Contains(args, "csv ") {
					line = strings.TrimSuffix(line, "\r") // RFC 4180 and RFC 5545 end a line with CRLF
				}
				if line = strings.ReplaceAll(line, "\t", ""); !printable.Is(line) {
					t.Errorf("%q prints %q", args, line)
				}
			}
			if !due {
				out[args] = strings.Count(text+errs, "\n")
			}
		}
		return out
	}
	want := lines("harmless")
	for _, text := range hostile {
		for args, n := range lines(text) {
			if n != want[args] && !strings.Contains(args, "bad") { // a bad id may have more or fewer problems
				t.Errorf("%q: %d lines with %q, want %d", args, n, text, want[args])
			}
		}
	}
}

// TestHostileNames checks that hostile file names are made printable.
func TestHostileNames(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, text := range hostile {
		for _, name := range []string{text + ".yaml"} {
			os.WriteFile(name, []byte(strings.Replace(smallOrders, "[a.example]", "[a.example, com]", 1)), 0o600)
			os.WriteFile("bad"+name, []byte("version: 2\n"), 0o600)
			os.WriteFile("corefile"+text, []byte(".:53 {\nblocklist "+`"`+text+`.yaml"`+" {\nfoo\n}\n}\n"), 0o600)
			for _, args := range [][]string{
				{"check", name}, {"check", "bad" + name}, {"list", name}, {"explain", "a.example", name}, {"explain", text, name}, {"diff", name, "bad" + name},
				{"fmt", name}, {"fmt", "--check", name}, {"fmt", "missing" + name}, {"check", "missing" + name}, {"list", name, "--protect", name},
				{"list", "--corefile", "corefile" + text}, {"list", "--corefile", name}, {"explain", "a.example", "--corefile", "corefile" + text, "--block", text}, {"--" + text},
			} {
				_, out, errs := ctl(args...)
				for line := range strings.Lines(out + errs) {
					if line = strings.TrimSuffix(line, "\n"); !printable.Is(strings.ReplaceAll(line, "\t", "")) {
						t.Errorf("%q prints %q", args, line)
					}
				}
			}
		}
	}
}

func TestHostileProgress(t *testing.T) {
	for _, text := range hostile {
		var b strings.Builder
		p := newProgress(&b)
		p.w, p.begin = &b, p.last
		p.say("reading %d of %d: %s", 1, 2, text)
		if shown, ok := strings.CutPrefix(b.String(), "\r\x1b[K"); !ok || !printable.Is(shown) || !strings.Contains(shown, "reading 1 of 2: ") {
			t.Errorf("shows %q", b.String())
		}
	}
}
