package order

import (
	"strings"
	"testing"
)

func TestAdvice(t *testing.T) {
	for _, tc := range []struct{ field, want string }{
		{"authority: Tribunale di Roma", `3:22: order "a": authority: is no handle of authorities; write authority: {name: Tribunale di Roma, country: CODE, kind: court}, got "Tribunale di Roma"`},
		{"authority: 'Court: 3rd chamber'", `3:22: order "a": authority: is no handle of authorities; write authority: {name: "Court: 3rd chamber", country: CODE, kind: court}, got "Court: 3rd chamber"`},
		{"authority: agcmo", `3:22: order "a": authority: is no handle of authorities; did you mean "agcom"? got "agcmo"`},
		{"references: RG 123/2026", `3:23: order "a": references: must be a list; write references: ["RG 123/2026"], got "RG 123/2026"`},
		{"references: 'C-1/26: Sample'", `3:23: order "a": references: must be a list; write references: ["C-1/26: Sample"], got "C-1/26: Sample"`},
		{"scope: Italy", `3:18: order "a": scope: must be "global", or a mapping with countries or clients; write scope: {countries: [IT]}, got "Italy"`},
		{"scope: IT", `3:18: order "a": scope: must be "global", or a mapping with countries or clients; write scope: {countries: [IT]}, got "IT"`},
		{"scope: UK", `3:18: order "a": scope: must be "global", or a mapping with countries or clients; write scope: {countries: [GB]}, got "UK"`},
		{"scope: FR+", `3:18: order "a": scope: must be "global", or a mapping with countries or clients; write scope: {countries: [FR+]}, got "FR+"`},
		{"scope: 192.0.2.0/24", `3:18: order "a": scope: must be "global", or a mapping with countries or clients; write scope: {clients: [192.0.2.0/24]}, got "192.0.2.0/24"`},
		{"scope: Global", `3:18: order "a": scope: must be "global", or a mapping with countries or clients; did you mean "global"? got "Global"`},
		{"scope: worldwide", `3:18: order "a": scope: must be "global", or a mapping with countries or clients, got "worldwide"`},
		{"scope: {countries: IT}", `3:30: order "a": scope.countries: must be a list; write countries: [IT], got "IT"`},
		{"scope: {countries: 'Italy, france'}", `3:30: order "a": scope.countries: must be a list; write countries: [IT, FR], got "Italy, france"`},
		{"scope: {countries: [UK]}", `3:31: order "a": scope.countries[0]: must be a country code of two letters, such as IT, or EU; did you mean "GB"? got "UK"`},
		{"scope: {countries: [Italien]}", `3:31: order "a": scope.countries[0]: must be a country code of two letters, such as IT, or EU; did you mean "IT"? got "Italien"`},
		{"scope: {countries: [Україна]}", `3:31: order "a": scope.countries[0]: must be a country code of two letters, such as IT, or EU; did you mean "UA"? got "Україна"`},
		{"scope: {countries: [Deutschland]}", `3:31: order "a": scope.countries[0]: must be a country code of two letters, such as IT, or EU; did you mean "DE"? got "Deutschland"`},
		{"scope: {country: [IT]}", `3:19: order "a": scope.country: unknown key; did you mean "countries"?`},
		{"scope: {clients: 192.0.2.0/24}", `3:28: order "a": scope.clients: must be a list; write clients: [192.0.2.0/24], got "192.0.2.0/24"`},
		{"authority: {name: X, country: UK}", `3:41: order "a": authority.country: must be a country code of two letters, such as IT, or EU; did you mean "GB"? got "UK"`},
		{"targets: example.com", `3:20: order "a": targets: must be a list; write targets: [example.com], got "example.com"`},
		{"targets: example.com, example.org", `3:20: order "a": targets: must be a list; write targets: [example.com], got "example.com"
3:33: order "a": example.org: unknown key`},
		{"targets: -example.com -example.org", `3:20: order "a": targets: must be a list; write a blank behind each "-", as in - example.com, got "-example.com -example.org"`},
		{"targets: '*.example.com'", `3:20: order "a": targets: must be a list; write targets: ["*.example.com"], got "*.example.com"`},
		{"exempt: 192.0.2.1", `3:19: order "a": exempt: must be a list; write exempt: [192.0.2.1], got "192.0.2.1"`},
		{"contact: [clerk@court.example]", `3:21: order "a": contact[0]: must be a mailto: or tel: URI; write "mailto:clerk@court.example", got "clerk@court.example"`},
		{"contact: ['+39 06 (0000)']", `3:21: order "a": contact[0]: must be a mailto: or tel: URI; write "tel:+39060000", got "+39 06 (0000)"`},

		{"scope: Italia", `3:18: order "a": scope: must be "global", or a mapping with countries or clients; write scope: {countries: [IT]}, got "Italia"`},
		{"scope: 'Italia, Francia'", `3:18: order "a": scope: must be "global", or a mapping with countries or clients; write scope: {countries: [IT, FR]}, got "Italia, Francia"`},
		{"scope: [IT]", `3:18: order "a": scope: must be "global", or a mapping with countries or clients; write scope: {countries: [IT]}, got "[...]"`},
		{"scope: [192.0.2.0/24, 192.0.2.7]", `3:18: order "a": scope: must be "global", or a mapping with countries or clients; write scope: {clients: [192.0.2.0/24, 192.0.2.7]}, got "[...]"`},
		{"scope: {countries: [Italien, IT]}", `3:31: order "a": scope.countries[0]: must be a country code of two letters, such as IT, or EU; did you mean "IT"? got "Italien"`},
		{"targets: ['http://192.0.2.4/']", `3:21: order "a": targets[0]: has a scheme; write {address: 192.0.2.4}, got "http://192.0.2.4/"`},
		{"targets: ['http://[2001:db8::4]:80/']", `3:21: order "a": targets[0]: has a scheme; write {address: "2001:db8::4"}, got "http://[2001:db8::4]:80/"`},
		{"targets: ['192.0.2.4:80']", `3:21: order "a": targets[0]: has a port; write {address: 192.0.2.4}, got "192.0.2.4:80"`},
		{"targets: ['http://192.0.2.4/x']", `3:21: order "a": targets[0]: has a path; write {address: 192.0.2.4} for the whole address, or {url: "http://192.0.2.4/x"} for the page, which DNS cannot block, got "http://192.0.2.4/x"`},
		{"until: never", `3:18: order "a": until: must be a date or a time; an order without until has no end, so leave until out, and write a review date, got "never"`},
		{"until: until further notice", `3:18: order "a": until: must be a date or a time; an order without until has no end, so leave until out, and write a review date, got "until further notice"`},
		{"issued: 2026-11-23 14:30 CEST", `3:19: order "a": issued: must be a date or a time; write 2026-11-23T14:30+02:00, got "2026-11-23 14:30 CEST"`},
		{"issued: 23.11.2026 14:30 UTC", `3:19: order "a": issued: must be a date or a time; write 2026-11-23T14:30Z, got "23.11.2026 14:30 UTC"`},

		// These rows are wrong ids.
		{"id: RG 123/2026", `3:15: order "RG 123/2026": id: must have at most 128 characters, all of A-Z a-z 0-9 . _ : / -; write id: RG-123/2026, got "RG 123/2026"`},
		{"id: Königsberg № 12", `3:15: order "Königsberg № 12": id: must have at most 128 characters, all of A-Z a-z 0-9 . _ : / -; write id: Konigsberg-No-12, got "Königsberg № 12"`},
		{"id: “court/1”", `3:15: order "“court/1”": id: must have at most 128 characters, all of A-Z a-z 0-9 . _ : / -; write id: court/1, got "“court/1”"`},
		{"id: заборона 1", `3:15: order "заборона 1": id: must have at most 128 characters, all of A-Z a-z 0-9 . _ : / -, got "заборона 1"`},

		// These rows are wrong times and durations.
		{"issued: 23/11/2026", `3:19: order "a": issued: must be a date or a time; write 2026-11-23, got "23/11/2026"`},
		{"issued: 11/23/2026", `3:19: order "a": issued: must be a date or a time; write 2026-11-23, got "11/23/2026"`},
		{"issued: 3/4/2026", `3:19: order "a": issued: must be a date or a time; "3/4/2026" is 3 April or 4 March: write 2026-04-03 or 2026-03-04, got "3/4/2026"`},
		{"issued: 4/4/2026", `3:19: order "a": issued: must be a date or a time; write 2026-04-04, got "4/4/2026"`},
		{"issued: 23.11.2026", `3:19: order "a": issued: must be a date or a time; write 2026-11-23, got "23.11.2026"`},
		{"issued: 3.4.2026", `3:19: order "a": issued: must be a date or a time; write 2026-04-03, got "3.4.2026"`},
		{"issued: 23-11-2026", `3:19: order "a": issued: must be a date or a time; write 2026-11-23, got "23-11-2026"`},
		{"issued: 2026/11/23", `3:19: order "a": issued: must be a date or a time; write 2026-11-23, got "2026/11/23"`},
		{"issued: 2026-5-1", `3:19: order "a": issued: must be a date or a time; write 2026-05-01, got "2026-5-1"`},
		{"issued: 20261123", `3:19: order "a": issued: must be a date or a time; write 2026-11-23, got "20261123"`},
		{"issued: 'Nov 23, 2026'", `3:19: order "a": issued: must be a date or a time; write 2026-11-23, got "Nov 23, 2026"`},
		{"issued: 23 November 2026", `3:19: order "a": issued: must be a date or a time; write 2026-11-23, got "23 November 2026"`},
		{"issued: 'Mon, 23 Nov 2026'", `3:19: order "a": issued: must be a date or a time; write 2026-11-23, got "Mon, 23 Nov 2026"`},
		{"issued: November 1st 2026", `3:19: order "a": issued: must be a date or a time; write 2026-11-01, got "November 1st 2026"`},
		{"issued: 23/11/2026 14:30", `3:19: order "a": issued: must be a date or a time; write 2026-11-23T14:30, got "23/11/2026 14:30"`},
		{"issued: 03/04/2026 14:30", `3:19: order "a": issued: must be a date or a time; "03/04/2026" is 3 April or 4 March: write 2026-04-03T14:30 or 2026-03-04T14:30, got "03/04/2026 14:30"`},
		{"issued: 2026-11-23 9:30", `3:19: order "a": issued: must be a date or a time; write 2026-11-23T09:30, got "2026-11-23 9:30"`},
		{"issued: 2026-02-30", `3:19: order "a": issued: is no day of the calendar; check the day and the month, got "2026-02-30"`},
		{"issued: 30.02.2026", `3:19: order "a": issued: must be a date or a time, such as 2026-05-01, 2026-05-01T18:30 or 2026-05-01T18:30:00+02:00, got "30.02.2026"`},
		{"issued: 23/11/26", `3:19: order "a": issued: must be a date or a time, with a year of four digits in front, such as 2026-11-23, got "23/11/26"`},
		{"issued: last week", `3:19: order "a": issued: must be a date or a time, such as 2026-05-01, 2026-05-01T18:30 or 2026-05-01T18:30:00+02:00, got "last week"`},
		{"until: '“2026-11-23”'", `3:18: order "a": until: must be a date or a time; write 2026-11-23, got "“2026-11-23”"`},
		{"ttl: 30", `3:16: order "a": ttl: must be whole seconds from 0s to 1h, such as 30s or 5m; a duration needs a unit, write ttl: 30s, got "30"`},
		{"ttl: 5 minutes", `3:16: order "a": ttl: must be whole seconds from 0s to 1h, such as 30s or 5m; write ttl: 5m, got "5 minutes"`},
		{"ttl: 2h", `3:16: order "a": ttl: must be whole seconds from 0s to 1h, such as 30s or 5m, got "2h"`},
		{"deadline: 30", `3:21: order "a": deadline: must be a date, a time, or whole seconds, minutes, hours or days after served, such as 30m or 7d; a duration needs a unit: 30m is minutes, 30h hours and 30d days, got "30"`},
		{"deadline: 48 hours", `3:21: order "a": deadline: must be a date, a time, or whole seconds, minutes, hours or days after served, such as 30m or 7d; write deadline: 48h, got "48 hours"`},
		{"deadline: 2 weeks", `3:21: order "a": deadline: must be a date, a time, or whole seconds, minutes, hours or days after served, such as 30m or 7d; write deadline: 14d, got "2 weeks"`},
		{"deadline: 23.11.2026", `3:21: order "a": deadline: must be a date, a time, or whole seconds, minutes, hours or days after served, such as 30m or 7d; write 2026-11-23, got "23.11.2026"`},

		// These rows are wrong targets.
		{"targets: ['https://shop.example']", `3:21: order "a": targets[0]: has a scheme; write shop.example, got "https://shop.example"`},
		{"targets: ['https://shop.example/']", `3:21: order "a": targets[0]: has a scheme; write shop.example, got "https://shop.example/"`},
		{"targets: ['https://shop.example/page?x']", `3:21: order "a": targets[0]: has a path; write shop.example for the whole name, or {url: "https://shop.example/page?x"} for the page, which DNS cannot block, got "https://shop.example/page?x"`},
		{"targets: [shop.example/page]", `3:21: order "a": targets[0]: has a path; write shop.example for the whole name, or {url: "https://shop.example/page"} for the page, which DNS cannot block, got "shop.example/page"`},
		{"targets: [shop.example/]", `3:21: order "a": targets[0]: has a slash behind it; write shop.example, got "shop.example/"`},
		{"targets: ['shop.example:8443']", `3:21: order "a": targets[0]: has a port, and DNS blocks a name for all ports; write shop.example, got "shop.example:8443"`},
		{"targets: [192.0.2.7]", `3:21: order "a": targets[0]: is an IP address or network, not a name; write {address: 192.0.2.7}, got "192.0.2.7"`},
		{"targets: [192.0.2.0/24]", `3:21: order "a": targets[0]: is an IP address or network, not a name; write {address: 192.0.2.0/24}, got "192.0.2.0/24"`},
		{"targets: ['2001:db8::1']", `3:21: order "a": targets[0]: is an IP address or network, not a name; write {address: "2001:db8::1"}, got "2001:db8::1"`},
		{"targets: ['“shop.example”']", `3:21: order "a": targets[0]: has quotation marks of a word processor; write shop.example, got "“shop.example”"`},
		{"targets: [{name: 'https://shop.example'}]", `3:28: order "a": targets[0].name: has a scheme; write shop.example, got "https://shop.example"`},
		{"targets: [shop example]", `3:21: order "a": targets[0]: has blanks or control characters; write one bare name, got "shop example"`},
		{"targets: [info@shop.example]", `3:21: order "a": targets[0]: has an "@"; write the bare name, got "info@shop.example"`},

		{"status: enabled", `3:19: order "a": status: must be one of active, shadow, draft, suspended; did you mean "active"? got "enabled"`},
		{"status: true", `3:19: order "a": status: must be one of active, shadow, draft, suspended; did you mean "active"? got "true"`},
		{"status: Active", `3:19: order "a": status: must be one of active, shadow, draft, suspended; did you mean "active"? got "Active"`},
		{"status: “draft”", `3:19: order "a": status: must be one of active, shadow, draft, suspended; did you mean "draft"? got "“draft”"`},
		{"status: actve", `3:19: order "a": status: must be one of active, shadow, draft, suspended; did you mean "active"? got "actve"`},
		{"action: unblock", `3:19: order "a": action: must be one of block, lift; did you mean "lift"? got "unblock"`},
		{"response: NXDOMAIN", `3:21: order "a": response: must be one of nxdomain, nodata, refused, {redirect: [address]}; did you mean "nxdomain"? got "NXDOMAIN"`},
		{"response: nxdomian", `3:21: order "a": response: must be one of nxdomain, nodata, refused, {redirect: [address]}; did you mean "nxdomain"? got "nxdomian"`},
		{"disclosure: public", `3:23: order "a": disclosure: must be one of full, schedule, code, none; did you mean "full"? got "public"`},
		{"disclosure: sealed", `3:23: order "a": disclosure: must be one of full, schedule, code, none; did you mean "none"? got "sealed"`},
		{"authority: {name: X, kind: tribunal}", `3:38: order "a": authority.kind: must be one of court, regulator, law, operator; did you mean "court"? got "tribunal"`},
		{"targets: [{url: 'https://shop.example/x', whole_host: yes}]", `3:65: order "a": targets[0].whole_host: must be true or false; write true, got "yes"`},
		{"targets: [{name: shop.example, match: domain}]", `3:49: order "a": targets[0].match: must be one of subtree, exact; did you mean "subtree"? got "domain"`},

		// These rows have an unknown key.
		{"refrences: [x]", `3:11: order "a": refrences: unknown key; did you mean "references"?`},
		{"Status: draft", `3:11: order "a": Status: unknown key; did you mean "status"?`},
		{"country: IT", `3:11: order "a": country: unknown key; it is a key of authority`},
		{"countries: [IT]", `3:11: order "a": countries: unknown key; it is a key of scope`},
		{"file: x.txt", `3:11: order "a": file: unknown key; it is a key of targets_from`},
		{"serial: 3", `3:11: order "a": serial: unknown key; it is a key of the file, which is not indented`},
		{"colour: red", `3:11: order "a": colour: unknown key`},
		{"disclosure:none", `3:11: order "a": disclosure:none: unknown key; write a blank behind the colon: disclosure: none`},
		{"colour", `3:11: order "a": colour: unknown key`},
		{"targets: [{name: a.example, untill: 2026-05-01}]", `3:39: order "a": targets[0].untill: unknown key; did you mean "until"?`},
		{"targets: [{name: a.example, scope: global}]", `3:39: order "a": targets[0].scope: unknown key; it is a key of an order, so check how far the line is indented`},
		{"targets: [{name: a.example, status:draft}]", `3:39: order "a": targets[0].status:draft: unknown key; write a blank behind the colon: status: draft`},
	} {
		key, _, _ := strings.Cut(tc.field, ":")
		fields := []string{tc.field}
		for _, f := range []string{"id: a", "authority: {name: X}", "scope: global", "targets: [one.example]"} {
			if k, _, _ := strings.Cut(f, ":"); k != key {
				fields = append(fields, f)
			}
		}
		_, problems := parseString(t, "version: 1\nauthorities: {agcom: {authority: {name: AGCOM}}}\norders: [{"+strings.Join(fields, ", ")+"}]\n")
		if got := strings.ReplaceAll(problems.Error(), "a.yaml:", ""); got != tc.want {
			t.Errorf("%s:\ngot  %s\nwant %s", tc.field, got, tc.want)
		}
	}
}

func TestWholeFileAdvice(t *testing.T) {
	const head = "version: 1\norders:\n- id: a\n  authority: {name: X}\n  scope: global\n"
	const lift = "version: 1\norders:\n- id: l\n  action: lift\n  authority: {name: X}\n"
	const rome = "version: 1\ntimezone: Europe/Rome\norders:\n- id: a\n  authority: {name: X}\n  scope: global\n  targets: [a.example]\n"
	for _, tc := range []struct{ text, want string }{
		{head + "  targets:\n    - a.example\n     - b.example\n    - c.example\n", `8:6: order "a": targets[0]: the line begins with 5 blanks and must begin with 4; write - b.example`},
		{head + "  targets: [a.example]\n  references:\n  - RG 1\n   - RG 2\n   - RG 3\n", `9:4: order "a": references[0]: the line begins with 3 blanks and must begin with 2; write - RG 2`},
		{head + "  targets: [a.example]\n  references:\n  - RG 1 - RG 2\n  - RG 1\n    and RG 2\n", ``},
		{head + "  targets: [a.example]\n  except:\n  -   a.b.example\n   - b.a.example\n", `9:4: order "a": except[0]: the line begins with 3 blanks and must begin with 2; write - b.a.example`},

		// This file has two mistakes in the indentation.
		{"version: 1\norders:\n- id: a\n  authority:\n      name: X\n   country: IT\n  scope: global\n  targets: [b.example]\n",
			`6:4: is not YAML: the line begins with 3 blanks and must begin with 6; write country: IT`},
		{"version: 1\norders:\n- id: a\n  authority:\n      name: X\n   scope: global\n  targets: [b.example]\n",
			`6:4: is not YAML: the line begins with 3 blanks and must begin with 2; write scope: global`},

		// In these rows, a quotation mark is never closed.
		{head + "  subject: 'foo\n  targets:\n  - a.example\n", `6:3: is not YAML: the closing quotation mark is missing; write subject: 'foo'`},
		{head + "  targets: [\"a.example, \"b.example\"]\n  note: x\n", `6:3: is not YAML: the closing quotation mark is missing; write targets: ["a.example", "b.example"]`},
		{head + "  subject: \"foo\n  targets:\n  - a.example\n- id: b\n  authority: {name: X}\n  scope: global\n  targets: [b.example]\n  subject: \"bar\"\n",
			`6:3: is not YAML: the closing quotation mark is missing; write subject: "foo"`},
		{head + "  targets: [a.example]\n  except: [a.a.example, 'b.a.example\n  note: x\n", `7:1: is not YAML: a closing quotation mark is missing`},

		{"version: 1\norders:\n- id: a\n  scope: global\n  targets: [b.example]\n  authority:\n  name: X\n  country: IT\n",
			`3:3: order "a": authority: is required; write authority: {name: NAME, country: CODE, kind: court}
7:3: order "a": name: unknown key; indent it below authority
8:3: order "a": country: unknown key; indent it below authority`},
		{"version: 1\norders:\n- id: a\n  scope: global\n  authority: {name: X}\n  targets: [b.example]\n  until: 2026-01-01\n  name: Y\n",
			`8:3: order "a": name: unknown key; it is a key of authority and of targets`},

		{"version: 1\norder:\n- id: a\n", `2:1: order: unknown key; did you mean "orders"?`},
		{"version: 1\nOrders: []\n", `2:1: Orders: unknown key; did you mean "orders"?`},
		{"version: 1\norder:\n", `2:1: order: unknown key; did you mean "orders"?`},
		{"version: 1\ntimezome: UTC\n", `1:1: orders: is required; write the orders below this key. Only a file without orders has "orders: []", which ends all orders that the file had
2:1: timezome: unknown key; did you mean "timezone"?`},

		// These rows have a wrong version of the format.
		{"version: “1”\norders: []\n", `1:10: version: must be a whole number; write version: 1 without quotation marks, got "“1”"`},
		{"version: '1'\norders: []\n", `1:10: version: must be a whole number; write version: 1 without quotation marks, got "1"`},
		{"version: 2\norders: []\n", `1:10: version: the only version of the format is 1; write version: 1, got "2"`},
		{"orders: []\n", `1:1: version: is required; write version: 1`},

		// A wrong time must be reported only once.
		{lift + "  lifts: [b]\n  issued: 23/10/2026\n", `7:11: order "l": issued: must be a date or a time; write 2026-10-23, got "23/10/2026"`},
		{lift + "  lifts: [b]\n", `3:3: order "l": issued: a lift reaches only earlier orders of its authority, so it needs a date; write issued, from or served`},
		{head + "  targets: [a.example]\n  served: 2026-11-23 14:30 CET\n  deadline: 30m\n", `7:11: order "a": served: must be a date or a time; write 2026-11-23T14:30+01:00, got "2026-11-23 14:30 CET"`},
		{"version: 1\ndefaults: {served: 23/10/2026}\norders:\n- {id: a, authority: {name: X}, scope: global, targets: [a.example], deadline: 30m}\n",
			`2:20: defaults.served: must be a date or a time; write 2026-10-23, got "23/10/2026"`},
		{head + "  targets: [{name: a.example, served: yesterday}]\n  deadline: 30m\n",
			`6:39: order "a": targets[0].served: must be a date or a time, such as 2026-05-01, 2026-05-01T18:30 or 2026-05-01T18:30:00+02:00, got "yesterday"`},
		{head + "  targets: [a.example]\n  deadline: 30m\n",
			`7:13: order "a": deadline: a deadline of this form counts from served, and the order has no served; write served, or write the deadline as a time, got "30m"`},

		{rome + "  from: 2026-12-20\n  until: 2026-12-19\n", `9:10: order "a": until: must be later than from, which is 2026-12-20, got "2026-12-19"`},
		{rome + "  from: 2026-12-20T18:00\n  until: 2026-12-20T17:30\n", `9:10: order "a": until: must be later than from, which is 2026-12-20T18:00, got "2026-12-20T17:30"`},
		{strings.Replace(rome, "orders:", "defaults: {from: 2026-12-20}\norders:", 1) + "  until: 2026-12-19\n", `9:10: order "a": until: must be later than from, which is 2026-12-20, got "2026-12-19"`},
		{strings.Replace(rome, "orders:", "defaults: {until: 2026-12-19}\norders:", 1) + "  from: 2026-12-20T18:00\n", `5:3: order "a": until: must be later than from, which is 2026-12-20T18:00, got "2026-12-19"`},
		{strings.Replace(rome, "orders:", "defaults: {from: '2026-12-20T18:30'}\norders:", 1) + "  until: 2026-12-19\n", `9:10: order "a": until: must be later than from, which is 2026-12-20T18:30:00+01:00, got "2026-12-19"`},

		{"a.example\nb.example\n", `1:1: looks like a plain list of names, not like an order file; blocklistctl import domains makes an order file from a list`},
		{"# ours\n\na.example # x\nb.example\n", `1:1: looks like a plain list of names, not like an order file; blocklistctl import domains makes an order file from a list`},
		{"- a.example\n- b.example\n", `1:1: looks like a plain list of names, not like an order file; blocklistctl import domains makes an order file from a list`},
		{"*.a.example\nb.example\n", `1:1: looks like a plain list of names, not like an order file; blocklistctl import domains makes an order file from a list`},
		{"0.0.0.0 a.example\n0.0.0.0 b.example\n", `1:1: looks like a plain list of names, not like an order file; blocklistctl import domains makes an order file from a list`},
		{"one\n", `1:1: must be an order file, with the keys version and orders, got "one"`},
	} {
		_, problems := parseString(t, tc.text)
		if got := strings.ReplaceAll(problems.Error(), "a.yaml:", ""); got != tc.want {
			t.Errorf("%s:\ngot  %s\nwant %s", tc.text, got, tc.want)
		}
	}
}
