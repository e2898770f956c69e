package order

import (
	"io"
	"strings"
	"testing"

	"github.com/dns-orders/blocklist/plugin/printable"
)

// In this test, all secret values contain "secret".
func TestRedacted(t *testing.T) {
	const lists = "secret.example\n*.secret.example\n"
	open := func(string) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(lists)), nil }
	o := func(fields string) string {
		return "version: 1\norders:\n- {id: secret-1, authority: {name: secret}, scope: global, targets: [secret.example], " + fields + "}\n"
	}
	for what, text := range map[string]string{
		"sealed":                     o("disclosure: none, ttl: secret"),
		"sealed code":                o("ttl: secret, disclosure: code"),
		"many":                       o("disclosure: none, response: secret, except: [http://secret.example, example], force: {secret: secret.example}"),
		"id":                         strings.Replace(o("disclosure: none"), "secret-1", "secret 1", 1),
		"unknown key":                o("disclosure: none, secret.example: true"),
		"key with a bracket":         o(`disclosure: none, "targets[secret": true`),
		"key with a dot":             o("disclosure: none, targets.secret: true"),
		"target's key":               o("disclosure: none") + "- {id: secret, disclosure: code, authority: {name: secret}, scope: global, targets: [{name: secret.example, secret: a}]}\n",
		"force twice":                o("disclosure: none, force: {secret.example: a, secret.example: b}"),
		"unknown disclosure":         o("disclosure: secret, ttl: secret"),
		"typo in disclosure":         o("disclosur: none, ttl: secret"),
		"disclosure twice":           o("disclosure: full, disclosure: none, ttl: secret"),
		"tagged disclosure":          o("disclosure: !secret none, ttl: secret"),
		"anchored disclosure":        o("disclosure: &secret none, ttl: secret"),
		"list of disclosures":        o("disclosure: [none], ttl: secret"),
		"id twice":                   o("disclosure: none") + "- {id: secret-1, authority: {name: X}, scope: global, targets: [secret.example]}\n",
		"id twice, reversed":         o("disclosure: full") + "- {id: secret-1, disclosure: none, authority: {name: X}, scope: global, targets: [secret.example]}\n",
		"not a mapping":              "version: 1\norders: [secret.example]\n",
		"unknown authority":          "version: 1\norders: [{id: secret, authority: secret, ttl: secret}]\n",
		"authority's":                "version: 1\nauthorities: {secret: {authority: {name: secret}, disclosure: none, ttl: secret}}\norders: [{id: secret, authority: secret, scope: secret}]\n",
		"authority in doubt":         "version: 1\nauthorities: {secret: {authority: {name: secret}, disclosur: none}}\norders: [{id: secret, authority: secret, scope: secret}]\n",
		"authority twice":            "version: 1\nauthorities: {secret: {authority: {name: secret}}, secret: {disclosure: none}}\norders: [{id: secret, authority: secret, scope: secret}]\n",
		"defaults'":                  "version: 1\ndefaults: {disclosure: none, ttl: secret}\norders: [{id: secret, scope: secret}]\n",
		"defaults in doubt":          "version: 1\ndefaults: {disclosure: secret}\norders: [{id: secret, scope: secret}]\n",
		"defaults' two":              "version: 1\ndefaults: {disclosure: full, disclosure: none}\norders: [{id: secret, scope: secret}]\n",
		"authority's two":            "version: 1\nauthorities: {secret: {authority: {name: secret}, disclosure: full, disclosure: none}}\norders: [{id: secret, authority: secret, scope: secret}]\n",
		"authority's name":           "version: 1\nauthorities: {secret: {authority: {country: secret}, disclosure: none}}\norders: []\n",
		"authority's handle":         "version: 1\nauthorities: {secret: {authority: secret, disclosure: none}}\norders: []\n",
		"typo in defaults":           "version: 1\ndefault: {disclosure: none}\norders: [{id: secret, scope: secret}]\n",
		"defaults twice":             "version: 1\ndefaults: {ttl: 1s}\ndefaults: {disclosure: none}\norders: [{id: secret, scope: secret}]\n",
		"defaults anchored":          "version: 1\ndefaults: &a {disclosure: none}\norders: [{id: secret, scope: secret}]\n",
		"defaults' handle":           "version: 1\ndefaults: {authority: secret}\norders: [{id: secret, scope: secret}]\n",
		"lift":                       o("disclosure: none") + "- {id: secret-2, action: lift, disclosure: code, lifts: [secret-1, secret 1]}\n",
		"lift of a sealed authority": "version: 1\nauthorities: {a: {authority: {name: A}, disclosure: none}}\norders: [{id: secret, action: lift, authority: a, lifts: [secret 1]}]\n",
		"side list":                  "version: 1\norders: [{id: secret, disclosure: none, authority: {name: X}, scope: global, targets_from: {file: secret.txt}}]\n",
		"side path":                  "version: 1\norders: [{id: secret, disclosure: none, authority: {name: X}, scope: global, targets_from: {file: ../secret}}]\n",
		"digest":                     "version: 1\norders: [{id: secret, disclosure: none, authority: {name: X}, scope: global, targets_from: {file: secret, sha256: secret}}]\n",
		"duplicate target":           "version: 1\norders: [{id: secret, disclosure: none, authority: {name: X}, scope: global, targets: [secret.example, secret.example]}]\n",
	} {
		_, problems := Parse("a.yaml", strings.NewReader(text), Options{OpenSide: open})
		if len(problems) == 0 {
			t.Errorf("%s: no problem", what)
		}
		told := false
		for _, p := range problems {
			redacted := p.Redacted()
			told = told || p.Sealed
			if strings.Contains(strings.ReplaceAll(redacted, "an order that may be sealed", ""), "secret") {
				t.Errorf("%s: %s", what, redacted)
			}
			if !strings.HasPrefix(redacted, "a.yaml:") {
				t.Errorf("%s: no place: %s", what, redacted)
			}
			if p.Sealed && !strings.HasSuffix(redacted, " that may be sealed has a problem here; blocklistctl check --sealed shows the problem") || !p.Sealed && !p.outside && redacted != p.Error() {
				t.Errorf("%s: %s\nof %s", what, redacted, p.Error())
			}
		}
		if !told {
			t.Errorf("%s: nothing is sealed in %v", what, problems)
		}
	}
}

func TestRedactedOutside(t *testing.T) {
	for _, tt := range []struct{ path, text, want string }{
		{"a.yaml", "secret.example\nsecret2.example\n", "a.yaml:1:1: looks like a plain list of names, not like an order file; blocklistctl import domains makes an order file from a list"},
		{"a.yaml", "root:x:0:0:secret:/root\nsecret:x:1\n", "a.yaml:1:1: must be an order file, with the keys version and orders"},
		{"a.json", `"secret.example"`, "a.json:1:1: must be an order file, with the keys version and orders"},
		{"a.jsonl", `"secret.example"`, "a.jsonl:1:1: must be an order file, with the keys version and orders"},
		{"a.yaml", "version: 1\norders: secret.example\n", "a.yaml:2:9: orders: must be a list"},
		{"a.yaml", "version: secret\norders: []\n", "a.yaml:1:10: version: must be a whole number"},
		{"a.yaml", "version: 1\nserial: secret\norders: []\n", "a.yaml:2:9: serial: must be a whole number"},
		{"a.yaml", "version: 1\ntimezone: secret\norders: []\n", "a.yaml:2:11: timezone: must be an IANA time zone such as Europe/Rome"},
		{"a.yaml", "version: 1\nexpires: secret\norders: []\n", "a.yaml:2:10: expires: must be a date or a time, such as 2026-05-01, 2026-05-01T18:30 or 2026-05-01T18:30:00+02:00"},
		{"a.yaml", "version: 1\nexpires: 31.12.2031\norders: []\n", "a.yaml:2:10: expires: must be a date or a time"},
		{"a.yaml", "version: 1\nsource: secret\norders: []\n", "a.yaml:2:9: source: must be a mapping"},
		{"a.yaml", "version: 1\nsource: {register: R, secret.example: 1}\norders: []\n", "a.yaml:2:23: source: unknown key"},
		{"a.yaml", "version: 1\ncount: 7311\norders: []\n", "a.yaml:2:8: count: does not match the number of orders, which is 0"},
		{"a.yaml", "version: 1\nsecret.example: 1\norders: []\n", "a.yaml:2:1: unknown key"},
		{"a.yaml", "version: 1\n\"targets:secret\": 1\norders: []\n", "a.yaml:2:1: unknown key; write a blank behind the colon"},
		{"a.yaml", "version: 1\nsecret: 1\nsecret: 2\norders: []\n", "a.yaml:3:1: the key is on line 2 too; remove one of the two"},
		{"a.yaml", "version: 1\n[secret]: 2\norders: []\n", "a.yaml:2:1: a key must be text"},
		{"a.yaml", "version: 1\ndefaults: {references: secret}\norders: []\n", "a.yaml:2:24: defaults.references: must be a list"},
		{"a.yaml", "version: 1\nauthorities: {secret: {authority: secret}}\norders: []\n", "a.yaml:2:35: authorities: must be a mapping"},
	} {
		_, problems := Parse(tt.path, strings.NewReader(tt.text), Options{})
		found := false
		for _, p := range problems {
			got := p.Redacted()
			found = found || got == tt.want
			if strings.Contains(got, "secret") || strings.Contains(got, "2031") || strings.Contains(got, "7311") {
				t.Errorf("%q: %s", tt.text, got)
			}
		}
		if !found {
			t.Errorf("%q: %s\nwant %s", tt.text, problems[0].Redacted(), tt.want)
		}
		if text := problems.Error(); !strings.Contains(text, "got ") && !strings.Contains(text, "key") && !strings.Contains(text, "plain list") {
			t.Errorf("%q: the tool shows no value: %s", tt.text, text)
		}
	}
}

func TestRedactedText(t *testing.T) {
	for _, tt := range []struct{ field, want string }{
		{"ttl", "a.yaml:3:4: ttl: an order that may be sealed has a problem here; blocklistctl check --sealed shows the problem"},
		{"targets[2].name", "a.yaml:3:4: targets[2].name: an order that may be sealed has a problem here; blocklistctl check --sealed shows the problem"},
		{"", "a.yaml:3:4: an order that may be sealed has a problem here; blocklistctl check --sealed shows the problem"},
		{"x.example", "a.yaml:3:4: an order that may be sealed has a problem here; blocklistctl check --sealed shows the problem"},
		{"targets[0].x.name", "a.yaml:3:4: targets[0]: an order that may be sealed has a problem here; blocklistctl check --sealed shows the problem"},
		{"targets[x].name", "a.yaml:3:4: an order that may be sealed has a problem here; blocklistctl check --sealed shows the problem"},
	} {
		p := Problem{File: "a.yaml", Line: 3, Column: 4, Order: "id", Field: tt.field, Msg: "is id", Got: "id", HasGot: true, Sealed: true}
		if got := p.Redacted(); got != tt.want {
			t.Errorf("%q: got\n%s\nwant\n%s", tt.field, got, tt.want)
		}
	}
	// The path of a side list is secret.
	_, problems := Parse("a.yaml", strings.NewReader(`version: 1
orders: [{id: a, disclosure: none, authority: {name: X}, scope: global, targets_from: {file: list.txt}}]
`), Options{OpenSide: side("*.one.example")})
	if got, want := problems[0].Redacted(), "a.yaml:2:94: targets_from: an order that may be sealed has a problem here; blocklistctl check --sealed shows the problem"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	_, problems = parseString(t, `version: 1
orders:
- {id: a, disclosure: none, authority: {name: X}, scope: global, targets: [one.example]}
- {id: b, authority: {name: X}, scope: global, targets: [two.example], ttl: long}
`)
	if len(problems) != 1 || problems[0].Sealed || problems[0].Redacted() != problems[0].Error() {
		t.Errorf("%v, sealed %v", problems, problems[0].Sealed)
	}
}

func TestProblemError(t *testing.T) {
	for _, tt := range []struct {
		p    Problem
		want string
	}{
		{Problem{Msg: "is bad"}, "is bad"},
		{Problem{File: "a", Msg: "is bad"}, "a: is bad"},
		{Problem{File: "a", Line: 1, Msg: "is bad"}, "a:1: is bad"},
		{Problem{File: "a", Line: 1, Column: 2, Order: "o", Field: "f.g", Msg: "is bad", HasGot: true}, `a:1:2: order "o": f.g: is bad, got ""`},
		{Problem{Msg: "is bad", Got: "x"}, "is bad"},
		{Problem{Msg: "is bad", Got: "a\n\"ü", HasGot: true}, `is bad, got "a\n\"ü"`},
		{Problem{Msg: "is bad", Got: strings.Repeat("x", 119) + "üy", HasGot: true}, `is bad, got "` + strings.Repeat("x", 119) + `..."`},
		{Problem{Msg: "is bad", Got: strings.Repeat("\x80", 300), HasGot: true}, `is bad, got "` + strings.Repeat(`\x80`, 116) + `..."`},
	} {
		if got := tt.p.Error(); got != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
	ps := Problems{{File: "b", Line: 1}, {File: "a", Line: 2, Column: 1, Warning: true}, {File: "a", Line: 1, Column: 9, Msg: "x"}, {File: "a", Line: 1, Column: 9, Msg: "a"}, {File: "a"}}
	ps.Sort()
	if got := strings.ReplaceAll(ps.Error(), "\n", "|"); got != "a: |a:1:9: x|a:1:9: a|a:2:1: |b:1: " {
		t.Error(got)
	}
	if len(ps.Errors()) != 4 || len(ps.Warnings()) != 1 {
		t.Errorf("%d errors, %d warnings", len(ps.Errors()), len(ps.Warnings()))
	}
}

// A lift may contain the id of a sealed order.
func TestLiftsAreRedacted(t *testing.T) {
	for disclosure, shown := range map[string]bool{"": false, "disclosure: full, ": true, "disclosure: code, ": false} {
		text := "version: 1\norders: [{id: l, action: lift, " + disclosure + "authority: {name: A}, issued: 2024-01-01, lifts: [a], targets: ['https://secret.example']}]\n"
		_, problems := Parse("a.yaml", strings.NewReader(text), Options{})
		if len(problems) != 1 {
			t.Fatalf("%q: %v", disclosure, problems)
		}
		if got := strings.Contains(problems[0].Redacted(), "secret.example"); got != shown {
			t.Errorf("%q: %s", disclosure, problems[0].Redacted())
		}
	}
}

func TestSaysPublic(t *testing.T) {
	for fields, public := range map[string]bool{
		"disclosure: full, discloser: x":                   true,
		"disclosure: schedule, discloser: x":               true,
		"disclosure: code, discloser: x":                   false,
		"discloser: x":                                     false,
		"disclosure: full, disclosure: code, discloser: x": false,
		"disclosure: [full], discloser: x":                 false,
		"disclosure: full, authority: nobody":              true,
	} {
		if !strings.Contains(fields, "authority") {
			fields += ", authority: {name: X}"
		}
		_, problems := parseString(t, "version: 1\norders:\n- {id: b, scope: global, targets: [two.example], "+fields+"}\n")
		if len(problems) == 0 {
			t.Fatalf("%s: no problem", fields)
		}
		for _, p := range problems {
			if p.Sealed == public {
				t.Errorf("%s: sealed %v: %s", fields, p.Sealed, p)
			}
		}
	}
}

func TestProblemsArePrintable(t *testing.T) {
	const bidi, line = "\u202egro.", "\u2028forged: line"
	for path, text := range map[string]string{
		"a" + bidi + line + ".yaml": "version: 1\norders: []\n",
		"b\n.yaml":                  "version: 1\nx" + bidi + ": 1\norders: []\n",
		"c.yaml":                    "version: 1\nx" + line + ": 1\n\"y\\e[2J\": 2\norders:\n- {id: \"" + bidi + "\", \"z" + line + "\": 1, issued: \"" + bidi + "\", authority: \"" + line + "\"}\n",
		"d.json":                    `{"version":1,"\u202ex":{},"orders":[{"\u2028y":[]}]}`,
		"e\xff.jsonl":               "\x1b\n",
		"f.yaml":                    "version: 1\norders: [{id: a, authority: {name: X}, scope: global, disclosure: none, targets: [\"a" + bidi + "\"], force: {\"" + line + "\": x}, targets_from: {file: \"l" + line + "\"}}]\n",
	} {
		_, problems := Parse(path, strings.NewReader(text), Options{OpenSide: side(bidi + "\n" + line + "\n")})
		if path[0] != 'a' && len(problems) == 0 {
			t.Errorf("%q: no problem", path)
		}
		problems = append(problems, Problem{File: path, Msg: "cannot be read: open x" + bidi + ": no such file"}, Problem{File: path, Line: 1, Column: 2, Sealed: true, Msg: "x"})
		for _, p := range problems {
			for _, s := range []string{p.Error(), p.Redacted()} {
				if !printable.Is(s) {
					t.Errorf("%q: %q", path, s)
				}
			}
		}
	}
}
