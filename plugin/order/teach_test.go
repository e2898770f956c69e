package order

import (
	"strings"
	"testing"
)

// TestAdvice checks the whole message about common mistakes. Each field replaces the same
// field of a valid order.
func TestAdvice(t *testing.T) {
	for _, tc := range []struct{ field, want string }{
		// Text instead of a mapping, a list or a handle.
		{"authority: Tribunale di Roma", `3:22: order "a": authority: names no entry of authorities; for an authority without an entry write authority: {name: Tribunale di Roma, country: .., kind: court}, got "Tribunale di Roma"`},
		{"authority: 'Court: 3rd chamber'", `3:22: order "a": authority: names no entry of authorities; for an authority without an entry write authority: {name: "Court: 3rd chamber", country: .., kind: court}, got "Court: 3rd chamber"`},
		{"authority: agcmo", `3:22: order "a": authority: names no entry of authorities; did you mean "agcom"?, got "agcmo"`},
		{"references: RG 123/2026", `3:23: order "a": references: must be a list; write references: ["RG 123/2026"], got "RG 123/2026"`},
		{"references: 'C-1/26: Sample'", `3:23: order "a": references: must be a list; write references: ["C-1/26: Sample"], got "C-1/26: Sample"`},
		{"scope: Italy", `3:18: order "a": scope: must be "global", or a mapping with countries or clients; write scope: {countries: [IT]}, got "Italy"`},
		{"scope: IT", `3:18: order "a": scope: must be "global", or a mapping with countries or clients; write scope: {countries: [IT]}, got "IT"`},
		{"scope: UK", `3:18: order "a": scope: must be "global", or a mapping with countries or clients; write scope: {countries: [GB]}, got "UK"`},
		{"scope: FR+", `3:18: order "a": scope: must be "global", or a mapping with countries or clients; write scope: {countries: [FR+]}, got "FR+"`},
		{"scope: 192.0.2.0/24", `3:18: order "a": scope: must be "global", or a mapping with countries or clients; write scope: {clients: [192.0.2.0/24]}, got "192.0.2.0/24"`},
		{"scope: Global", `3:18: order "a": scope: must be "global", or a mapping with countries or clients; did you mean "global"?, got "Global"`},
		{"scope: worldwide", `3:18: order "a": scope: must be "global", or a mapping with countries or clients, got "worldwide"`},
		{"scope: {countries: IT}", `3:30: order "a": scope.countries: must be a list; write countries: [IT], got "IT"`},
		{"scope: {countries: 'Italy, france'}", `3:30: order "a": scope.countries: must be a list; write countries: [IT, FR], got "Italy, france"`},
		{"scope: {countries: [UK]}", `3:31: order "a": scope.countries[0]: must be an ISO 3166-1 alpha-2 country code or EU; did you mean "GB"?, got "UK"`},
		{"scope: {countries: [Italien]}", `3:31: order "a": scope.countries[0]: must be an ISO 3166-1 alpha-2 country code or EU; did you mean "IT"?, got "Italien"`},
		{"scope: {countries: [Україна]}", `3:31: order "a": scope.countries[0]: must be an ISO 3166-1 alpha-2 country code or EU; did you mean "UA"?, got "Україна"`},
		{"scope: {countries: [Deutschland]}", `3:31: order "a": scope.countries[0]: must be an ISO 3166-1 alpha-2 country code or EU; did you mean "DE"?, got "Deutschland"`},
		{"scope: {country: [IT]}", `3:19: order "a": scope.country: unknown key; did you mean "countries"?`},
		{"scope: {clients: 192.0.2.0/24}", `3:28: order "a": scope.clients: must be a list; write clients: [192.0.2.0/24], got "192.0.2.0/24"`},
		{"authority: {name: X, country: UK}", `3:41: order "a": authority.country: must be an ISO 3166-1 alpha-2 country code or EU; did you mean "GB"?, got "UK"`},
		{"targets: example.com", `3:20: order "a": targets: must be a list; write targets: [example.com], got "example.com"`},
		{"targets: example.com, example.org", `3:20: order "a": targets: must be a list; write targets: [example.com], got "example.com"
3:33: order "a": example.org: unknown key`},
		{"targets: -example.com -example.org", `3:20: order "a": targets: must be a list; write a blank behind each "-", as in - example.com, got "-example.com -example.org"`},
		{"targets: '*.example.com'", `3:20: order "a": targets: must be a list; write targets: ["*.example.com"], got "*.example.com"`},
		{"exempt: 192.0.2.1", `3:19: order "a": exempt: must be a list; write exempt: [192.0.2.1], got "192.0.2.1"`},
		{"contact: [clerk@court.example]", `3:21: order "a": contact[0]: must be a mailto: or tel: URI; write "mailto:clerk@court.example", got "clerk@court.example"`},
		{"contact: ['+39 06 (0000)']", `3:21: order "a": contact[0]: must be a mailto: or tel: URI; write "tel:+39060000", got "+39 06 (0000)"`},

		// Ids.
		{"id: RG 123/2026", `3:15: order "RG 123/2026": id: must be 1 to 128 of A-Z a-z 0-9 . _ : / -; write id: RG-123/2026, got "RG 123/2026"`},
		{"id: Königsberg № 12", `3:15: order "Königsberg № 12": id: must be 1 to 128 of A-Z a-z 0-9 . _ : / -; write id: Konigsberg-No-12, got "Königsberg № 12"`},
		{"id: “court/1”", `3:15: order "“court/1”": id: must be 1 to 128 of A-Z a-z 0-9 . _ : / -; write id: court/1, got "“court/1”"`},
		{"id: заборона 1", `3:15: order "заборона 1": id: must be 1 to 128 of A-Z a-z 0-9 . _ : / -, got "заборона 1"`},

		// Times and durations.
		{"issued: 23/11/2026", `3:19: order "a": issued: must be an RFC 3339 time or a date; write 2026-11-23, got "23/11/2026"`},
		{"issued: 11/23/2026", `3:19: order "a": issued: must be an RFC 3339 time or a date; write 2026-11-23, got "11/23/2026"`},
		{"issued: 3/4/2026", `3:19: order "a": issued: must be an RFC 3339 time or a date; "3/4/2026" is 3 April or 4 March: write 2026-04-03 or 2026-03-04, got "3/4/2026"`},
		{"issued: 4/4/2026", `3:19: order "a": issued: must be an RFC 3339 time or a date; write 2026-04-04, got "4/4/2026"`},
		{"issued: 23.11.2026", `3:19: order "a": issued: must be an RFC 3339 time or a date; write 2026-11-23, got "23.11.2026"`},
		{"issued: 3.4.2026", `3:19: order "a": issued: must be an RFC 3339 time or a date; write 2026-04-03, got "3.4.2026"`},
		{"issued: 23-11-2026", `3:19: order "a": issued: must be an RFC 3339 time or a date; write 2026-11-23, got "23-11-2026"`},
		{"issued: 2026/11/23", `3:19: order "a": issued: must be an RFC 3339 time or a date; write 2026-11-23, got "2026/11/23"`},
		{"issued: 2026-5-1", `3:19: order "a": issued: must be an RFC 3339 time or a date; write 2026-05-01, got "2026-5-1"`},
		{"issued: 20261123", `3:19: order "a": issued: must be an RFC 3339 time or a date; write 2026-11-23, got "20261123"`},
		{"issued: 'Nov 23, 2026'", `3:19: order "a": issued: must be an RFC 3339 time or a date; write 2026-11-23, got "Nov 23, 2026"`},
		{"issued: 23 November 2026", `3:19: order "a": issued: must be an RFC 3339 time or a date; write 2026-11-23, got "23 November 2026"`},
		{"issued: 'Mon, 23 Nov 2026'", `3:19: order "a": issued: must be an RFC 3339 time or a date; write 2026-11-23, got "Mon, 23 Nov 2026"`},
		{"issued: November 1st 2026", `3:19: order "a": issued: must be an RFC 3339 time or a date; write 2026-11-01, got "November 1st 2026"`},
		{"issued: 23/11/2026 14:30", `3:19: order "a": issued: must be an RFC 3339 time or a date; write 2026-11-23T14:30, got "23/11/2026 14:30"`},
		{"issued: 03/04/2026 14:30", `3:19: order "a": issued: must be an RFC 3339 time or a date; "03/04/2026" is 3 April or 4 March: write 2026-04-03T14:30 or 2026-03-04T14:30, got "03/04/2026 14:30"`},
		{"issued: 2026-11-23 9:30", `3:19: order "a": issued: must be an RFC 3339 time or a date; write 2026-11-23T09:30, got "2026-11-23 9:30"`},
		{"issued: 2026-02-30", `3:19: order "a": issued: is no day of the calendar, got "2026-02-30"`},
		{"issued: 30.02.2026", `3:19: order "a": issued: must be an RFC 3339 time or a date, such as 2026-05-01T18:30:00+02:00, 2026-05-01T18:30 or 2026-05-01, got "30.02.2026"`},
		{"issued: 23/11/26", `3:19: order "a": issued: must be an RFC 3339 time or a date, with a year of four digits in front, such as 2026-11-23, got "23/11/26"`},
		{"issued: last week", `3:19: order "a": issued: must be an RFC 3339 time or a date, such as 2026-05-01T18:30:00+02:00, 2026-05-01T18:30 or 2026-05-01, got "last week"`},
		{"until: '“2026-11-23”'", `3:18: order "a": until: must be an RFC 3339 time or a date; write 2026-11-23, got "“2026-11-23”"`},
		{"ttl: 30", `3:16: order "a": ttl: must be whole seconds from 0s to 1h, such as 30s or 5m; a duration needs a unit, write ttl: 30s, got "30"`},
		{"ttl: 5 minutes", `3:16: order "a": ttl: must be whole seconds from 0s to 1h, such as 30s or 5m; write ttl: 5m, got "5 minutes"`},
		{"ttl: 2h", `3:16: order "a": ttl: must be whole seconds from 0s to 1h, such as 30s or 5m, got "2h"`},
		{"deadline: 30", `3:21: order "a": deadline: must be a time, or a duration after served in whole seconds such as 30m or 7d; a duration needs a unit: 30m is minutes, 30h hours and 30d days, got "30"`},
		{"deadline: 48 hours", `3:21: order "a": deadline: must be a time, or a duration after served in whole seconds such as 30m or 7d; write deadline: 48h, got "48 hours"`},
		{"deadline: 2 weeks", `3:21: order "a": deadline: must be a time, or a duration after served in whole seconds such as 30m or 7d; write deadline: 14d, got "2 weeks"`},
		{"deadline: 23.11.2026", `3:21: order "a": deadline: must be a time, or a duration after served in whole seconds such as 30m or 7d; write 2026-11-23, got "23.11.2026"`},

		// Targets.
		{"targets: ['https://shop.example']", `3:21: order "a": targets[0]: has a scheme; write shop.example, got "https://shop.example"`},
		{"targets: ['https://shop.example/']", `3:21: order "a": targets[0]: has a scheme; write shop.example, got "https://shop.example/"`},
		{"targets: ['https://shop.example/page?x']", `3:21: order "a": targets[0]: has a path; write shop.example for the whole name, or {url: "https://shop.example/page?x"} for the page, which DNS cannot block, got "https://shop.example/page?x"`},
		{"targets: [shop.example/page]", `3:21: order "a": targets[0]: has a path; write shop.example for the whole name, or {url: "https://shop.example/page"} for the page, which DNS cannot block, got "shop.example/page"`},
		{"targets: [shop.example/]", `3:21: order "a": targets[0]: has a slash behind it; write shop.example, got "shop.example/"`},
		{"targets: ['shop.example:8443']", `3:21: order "a": targets[0]: has a port; DNS blocks a name whatever the port, write shop.example, got "shop.example:8443"`},
		{"targets: [192.0.2.7]", `3:21: order "a": targets[0]: is an IP address or network, not a name; write {address: 192.0.2.7}, got "192.0.2.7"`},
		{"targets: [192.0.2.0/24]", `3:21: order "a": targets[0]: is an IP address or network, not a name; write {address: 192.0.2.0/24}, got "192.0.2.0/24"`},
		{"targets: ['2001:db8::1']", `3:21: order "a": targets[0]: is an IP address or network, not a name; write {address: "2001:db8::1"}, got "2001:db8::1"`},
		{"targets: ['“shop.example”']", `3:21: order "a": targets[0]: has quotation marks of a word processor; write shop.example, got "“shop.example”"`},
		{"targets: [{name: 'https://shop.example'}]", `3:28: order "a": targets[0].name: has a scheme; write shop.example, got "https://shop.example"`},
		{"targets: [shop example]", `3:21: order "a": targets[0]: has blanks or control characters; write one bare name, got "shop example"`},
		{"targets: [info@shop.example]", `3:21: order "a": targets[0]: has an "@"; write the bare name, got "info@shop.example"`},

		// Words.
		{"status: enabled", `3:19: order "a": status: must be one of active, shadow, draft, suspended; did you mean "active"?, got "enabled"`},
		{"status: true", `3:19: order "a": status: must be one of active, shadow, draft, suspended; did you mean "active"?, got "true"`},
		{"status: Active", `3:19: order "a": status: must be one of active, shadow, draft, suspended; did you mean "active"?, got "Active"`},
		{"status: “draft”", `3:19: order "a": status: must be one of active, shadow, draft, suspended; did you mean "draft"?, got "“draft”"`},
		{"status: actve", `3:19: order "a": status: must be one of active, shadow, draft, suspended; did you mean "active"?, got "actve"`},
		{"action: unblock", `3:19: order "a": action: must be one of block, lift; did you mean "lift"?, got "unblock"`},
		{"response: NXDOMAIN", `3:21: order "a": response: must be one of nxdomain, nodata, refused, {redirect: [address]}; did you mean "nxdomain"?, got "NXDOMAIN"`},
		{"response: nxdomian", `3:21: order "a": response: must be one of nxdomain, nodata, refused, {redirect: [address]}; did you mean "nxdomain"?, got "nxdomian"`},
		{"disclosure: public", `3:23: order "a": disclosure: must be one of full, schedule, code, none; did you mean "full"?, got "public"`},
		{"disclosure: sealed", `3:23: order "a": disclosure: must be one of full, schedule, code, none; did you mean "none"?, got "sealed"`},
		{"authority: {name: X, kind: tribunal}", `3:38: order "a": authority.kind: must be one of court, regulator, law, operator; did you mean "court"?, got "tribunal"`},
		{"targets: [{url: 'https://shop.example/x', whole_host: yes}]", `3:65: order "a": targets[0].whole_host: must be true or false; write true, got "yes"`},
		{"targets: [{name: shop.example, match: domain}]", `3:49: order "a": targets[0].match: must be one of subtree, exact; did you mean "subtree"?, got "domain"`},

		// Keys.
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
		{"targets: [{name: a.example, scope: global}]", `3:39: order "a": targets[0].scope: unknown key; it is a key of an order: look how far the line is indented`},
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
