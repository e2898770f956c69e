package order

import (
	"strings"
	"testing"
)

// Five valid lines precede the text of each row.
func TestYAMLAdvice(t *testing.T) {
	const head = "version: 1\norders:\n- id: a\n  authority: {name: X}\n  scope: global\n"
	const target = "\n  targets: [one.example]\n"
	for _, tc := range []struct{ text, want string }{
		// These rows are about tabs and indentation.
		{"\ttargets: [one.example]\n", `6:2: is not YAML: the line begins with a tab, where YAML takes only blanks; begin it with 2 blanks; write targets: [one.example]`},
		{"  targets:\n\t- one.example\n", `7:2: is not YAML: the line begins with a tab, where YAML takes only blanks; begin it with 2 blanks; write - one.example`},
		{"  targets: \n  \t- one.example\n", `7:4: is not YAML: the line begins with a tab, where YAML takes only blanks; begin it with 2 blanks; write - one.example`},
		{"   targets: [one.example]\n", `6:4: is not YAML: the line begins with 3 blanks and must begin with 2; write targets: [one.example]`},
		{" targets: [one.example]\n", `6:2: is not YAML: the line begins with 1 blank and must begin with 2; write targets: [one.example]`},
		{"targets: [one.example]\n", `3:3: order "a": targets: is required; write targets, targets_from or both
6:1: targets: unknown key; it is a key of an order, so check how far the line is indented`},
		{"  targets:\n  - one.example\n - two.example\n", `8:2: is not YAML: the line begins with 1 blank and must begin with 2; write - two.example`},
		{"  targets:\n    - one.example\n   - two.example\n", `8:4: is not YAML: the line begins with 3 blanks and must begin with 4; write - two.example`},
		{"  targets: [one.example]\n - id: b\n", `7:2: is not YAML: the line begins with 1 blank and must begin with 0; write - id: b`},

		// These rows are about missing blanks and extra colons.
		{"  subject: Foo: bar" + target, `6:3: is not YAML: a text with ": " in it needs quotes; write subject: "Foo: bar"`},
		{"  targets: [one.example]\n  subject: Foo: bar # why\n", `7:3: is not YAML: a text with ": " in it needs quotes; write subject: "Foo: bar" # why`},
		{"  note: see https://a.example and: more" + target, `6:3: is not YAML: a text with ": " in it needs quotes; write note: "see https://a.example and: more"`},
		{"  references:\n  - C-1/26: Sample v. Example: costs" + target, `7:3: is not YAML: a text with ": " in it needs quotes; write - "C-1/26: Sample v. Example: costs"`},
		{"  subject:Foo" + target, `6:3: is not YAML: a blank belongs behind the colon of subject; write subject: Foo`},
		{"  targets: [one.example]\n  subject:Foo\n", `7:3: is not YAML: a blank belongs behind the colon of subject; write subject: Foo`},
		{"  targets:\n  -one.example\n  - two.example\n", `7:3: is not YAML: a blank belongs behind the "-"; write - one.example`},
		{"  targets:\n  - one.example\n  -two.example\n", `8:3: is not YAML: a blank belongs behind the "-"; write - two.example`},
		{"  targets:\n  -one.example\n  -two.example\n", `7:3: is not YAML: a blank belongs behind the "-"; write - one.example`},
		{"  subject Foo" + target, `6:3: is not YAML: a colon belongs behind subject; write subject: Foo`},
		{"  targets: [one.example]\n  note\n", `7:3: is not YAML: a colon belongs behind note; write note:`},
		{"  exempt: {clients: 192.0.2.1: 2}" + target, `6:3: is not YAML: a text with ": " in it needs quotes; write exempt: {clients: "192.0.2.1: 2"}`},
		{"  document: {note: Court: third chamber, verified_by: A}" + target, `6:3: is not YAML: a text with ": " in it needs quotes; write document: {note: "Court: third chamber", verified_by: A}`},
		{"- {id: b, targets:[one.example]}\n", `6:1: is not YAML: a blank belongs behind the colon of targets; write - {id: b, targets: [one.example]}`},
		{"  scope: {countries:[IT]}" + target, `6:3: is not YAML: a blank belongs behind the colon of countries; write scope: {countries: [IT]}`},
		{"- {id: b, note: a: b, targets: [one.example]}\n", `6:1: is not YAML: a text with ": " in it needs quotes; write - {id: b, note: "a: b", targets: [one.example]}`},
		{"- {id: b, targets:[one.example], note: a: b}\n", `6:1: is not YAML: a blank belongs behind the colon of targets, and a text with ": " in it needs quotes; write - {id: b, targets: [one.example], note: "a: b"}`},
		{"  scope: {countries [IT]}" + target, `6:3: is not YAML: a colon belongs behind a key; write scope: {countries: [IT]}`},

		{"  targets:\n  - *.example.com\n", `7:3: is not YAML: a value that begins with "*" needs quotes; write - "*.example.com"`},
		{"  targets: *.example.com\n", `6:3: is not YAML: a value that begins with "*" needs quotes; write targets: "*.example.com"`},
		{"  targets: [*.example.com, *.example.org, a.example]\n", `6:3: is not YAML: a value that begins with "*" needs quotes; write targets: ["*.example.com", "*.example.org", a.example]`},
		{"  targets:\n  - {name: *.example.com, until: 2026-05-01}\n", `7:3: is not YAML: a value that begins with "*" needs quotes; write - {name: "*.example.com", until: 2026-05-01}`},
		{"  subject: *Foo" + target, `6:3: is not YAML: a value that begins with "*" needs quotes; write subject: "*Foo"`},
		{"  subject: @foo" + target, `6:3: is not YAML: a value that begins with "@" needs quotes; write subject: "@foo"`},
		{"  subject: %foo" + target, `6:3: is not YAML: a value that begins with "%" needs quotes; write subject: "%foo"`},
		{"  subject: `foo`" + target, "6:3: is not YAML: a value that begins with \"`\" needs quotes; write subject: \"`foo`\""},
		{"  subject: - foo" + target, `6:3: is not YAML: a value that begins with "-" needs quotes; write subject: "- foo"`},
		{"  subject: [urgent] Foo" + target, `6:3: is not YAML: a text that begins with "[" needs quotes; write subject: "[urgent] Foo"`},
		{"  note: > a" + target, `6:3: is not YAML: a value that begins with ">" needs quotes; write note: "> a"`},

		// These rows are about quotation marks and brackets.
		{"  subject: 'it's'" + target, `6:3: is not YAML: the quotes do not match; a text with "'" in it goes in double quotes; write subject: "it's"`},
		{"  subject: \"foo" + target, `6:3: is not YAML: the closing quotation mark is missing; write subject: "foo"`},
		{"  subject: \"foo\" bar" + target, `6:3: is not YAML: text follows the closing quotation mark; put all of it in quotes; write subject: '"foo" bar'`},
		{"  subject: \"C:\\dir\"" + target, `6:3: is not YAML: in double quotes "\" begins an escape; single quotes take the text as it is; write subject: 'C:\dir'`},
		{"  subject: “Foo: bar”" + target, `6:3: is not YAML: the quotation marks are those of a word processor; YAML takes only " and '; write subject: "Foo: bar"`},
		{"  “subject”: Foo: bar" + target, `6:1: is not YAML: mapping values are not allowed in this context`},
		{"  references: [one, two]]" + target, `6:3: is not YAML: there is a "]" too many; write references: [one, two]`},
		{"  scope: {countries: [IT]" + target, `6:3: is not YAML: a closing "}" is missing; write scope: {countries: [IT]}`},
		{"  targets: [one.example\n", `6:3: is not YAML: a closing "]" is missing; write targets: [one.example]`},
		{"  targets: [one.example\n  subject: x\n", `6:3: is not YAML: a closing "]" is missing; write targets: [one.example]`},

		// The lines of a block text may contain anything. The mistake is in the line after the
		// block text.
		{"  note: |\n    see: this: that\n    *.example\n  subject: a: b" + target, `9:3: is not YAML: a text with ": " in it needs quotes; write subject: "a: b"`},
		// Without advice, the message comes from the YAML library.
		{"  targets: [one.example] two.example\n", `3:1: is not YAML: did not find expected key`},
		{"  ? [a]: b" + target, `6:5: order "a": a key must be text, got "{...}"`},
		// The message escapes characters that could disturb a terminal.
		{"  subject: Foo: \u202ebar" + target, `6:3: is not YAML: a text with ": " in it needs quotes; write subject: "Foo: \u202ebar"`},
	} {
		_, problems := parseString(t, head+tc.text)
		if got := strings.ReplaceAll(problems.Error(), "a.yaml:", ""); got != tc.want {
			t.Errorf("%q:\ngot  %s\nwant %s", tc.text, got, tc.want)
		}
	}
}
