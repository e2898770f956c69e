package importer

import (
	"strings"
	"testing"
)

func TestLines(t *testing.T) {
	decided := map[Form]string{Mask: "subtree", Paths: "name", Ports: "name", Addresses: "network",
		TextAfter: "drop", AddressAfter: "note", Several: "split"}
	for _, tc := range []struct {
		line   string
		decide string // "" decides nothing, "all" decides as the variable decided, other text is FORM=WORD,...
		want   string // targets, separated by spaces
		says   string // a part of the report, which includes refusals and warnings
		needs  Form
	}{
		{"example.com", "", "example.com", "", ""},
		{" example.com\t\t", "", "example.com", "removed blanks", ""},
		{"example.com\u00a0", "", "example.com", "removed no-break spaces", ""},
		{"\u200bexample.com\u200b", "", "example.com", "removed invisible characters", ""},
		{"exam\u00adple.com", "", "example.com", "removed invisible characters inside the name", ""},
		{"EXAMPLE.com", "", "example.com", "changed upper case to lower case", ""},
		{"example.com.", "", "example.com", "removed the trailing dot", ""},
		{".example.com", "", "example.com", "removed the leading dot", ""},

		{"serie-tv.co...", "all", "", "ends in several dots", ""},
		{"serie-tv.co..", "all", "", "ends in several dots", ""},
		{"https://serie-tv.co...", "all", "", "ends in several dots", ""},
		{"\"serie-tv.co...\",", "all", "", "ends in several dots", ""},
		{"serie-tv.co ...", "all", "", "ends in several dots", ""},
		{"serie-tv.co. . .", "all", "", "ends in several dots", ""},
		{"serie-tv.co\u2026", "all", "", "ends in several dots", ""},
		{"example\u00b9.com", "all", "", "footnote mark", ""},
		{"a1.com\u00b2", "all", "", "footnote mark", ""},
		{"a1.com\u2020", "all", "", "footnote mark", ""},
		{"a1.com*", "all", "", "", ""},
		{"example.com; ", "", "example.com", "removed the separator at the end", ""},
		{"example.com,", "", "example.com", "removed the separator at the end", ""},
		{`"example.com"`, "", "example.com", "removed quotes", ""},
		{"https://example.com", "", "example.com", "removed the scheme", ""},
		{"HTTP://example.com/", "", "example.com", "removed the slash after the name", ""},
		{"https://https://example.com", "", "example.com", "removed a doubled scheme", ""},
		{"https//example.com", "", "example.com", "removed the scheme", ""},
		{"http:/example.com", "", "example.com", "removed the scheme", ""},
		{"https://example.com:443/", "", "example.com", "removed the default port of the scheme", ""},
		{"example.com:", "", "example.com", "removed the colon", ""},
		{"_dmarc.example.com", "", "_dmarc.example.com", "", ""},
		{"example.com # seen in May", "", "example.com", "removed the comment", ""},

		{"1. example.com", "", "example.com", "the number or bullet", ""},
		{"12) example.com", "", "example.com", "the number or bullet", ""},
		{"12)example.com", "", "example.com", "the number or bullet", ""},
		{"(3) example.com", "", "example.com", "the number or bullet", ""},
		{"a) example.com", "", "example.com", "the number or bullet", ""},
		{"iv. example.com", "", "example.com", "the number or bullet", ""},
		{"- example.com", "", "example.com", "the number or bullet", ""},
		{"•example.com", "", "example.com", "the number or bullet", ""},
		{"•\t1. example.com", "", "example.com", "the number or bullet", ""},
		{"\uf0b7 example.com", "", "example.com", "the number or bullet", ""},
		{"* example.com", "", "example.com", "the number or bullet", ""},
		{"*.example.com", "", "", "has a mask", Mask},
		{"1.example.com", "", "1.example.com", "", ""},
		{"a.example.com", "", "a.example.com", "", ""},
		{"-example.com", "", "", "begins with a hyphen", Hyphen},
		{"-example.com", "hyphen=separate", "-example.com", `the label "-example"`, ""},
		{"https://-foo.example.com", "", "-foo.example.com", `the label "-foo"`, ""},
		{"foo-.example.com", "", "foo-.example.com", `the label "foo-"`, ""},

		{"example[.]com", "", "example.com", "restored dots and schemes", ""},
		{"www(.)example(.)com", "", "www.example.com", "restored dots and schemes", ""},
		{"example (dot) com", "", "example.com", "restored dots and schemes", ""},
		{"example[DOT]com", "", "example.com", "restored dots and schemes", ""},
		{"hxxps://example[.]com/", "", "example.com", "restored dots and schemes", ""},
		{"hXXp://example.com", "", "example.com", "restored dots and schemes", ""},
		{"ftp://example.com/x", "paths=url", "ftp://example.com/x", "recorded the URL, which DNS does not enforce", ""},
		{"SVN+SSH://example.com/x", "paths=url", "svn+ssh://example.com/x", "recorded the URL, which DNS does not enforce", ""},
		{"ftp://example.com/x", "paths=host", "example.com (exact)", "used the whole host of the URL", ""},
		{"ftp://example.com/x", "paths=name", "example.com", "removed the path", ""},
		{"http://hxxp.example.com", "", "hxxp.example.com", "removed the scheme", ""},
		{"hxxps[:]//example.com/x", "paths=url", "https://example.com/x", "restored dots and schemes", ""},

		{"12\texample.com\t2024-05-01", "", "example.com", "removed the number before the name; removed the date next to the name", ""},
		{"12,example.com,01.05.2024", "", "example.com", "removed the number before the name; removed the date next to the name", ""},
		{"12 example.com", "", "example.com", "removed the number before the name", ""},
		{"example.com;01/05/2024 12:30", "", "example.com", "removed the date next to the name", ""},
		{"01/05/24;example.com;", "", "example.com", "removed the date next to the name", ""},
		{"1,https://example.com/a,2024-05-01", "paths=name", "example.com", "removed the path", ""},
		{"12\texample.com\texample.net", "", "", "has several names", Several},
		{"example.com\t2024-05-01\t2024-06-01", "", "", "text after the name", TextAfter},

		// These lines end like an item of an enumeration.
		{"example.com, and", "", "example.com", `removed the "and"`, ""},
		{"example.com and", "", "example.com", `removed the "and"`, ""},
		{"example.com; e", "", "example.com", `removed the "and"`, ""},
		{"https://example.com/.", "", "example.com", "removed the slash after the name", ""},
		{"https://example.com/.", "paths=url", "example.com", "removed the slash after the name", ""},
		{"https://example.com/;", "", "example.com", "removed the slash after the name", ""},
		{"https://example.com./", "", "example.com", "removed the slash after the name", ""},
		{"https://example.com/.,", "", "example.com", "removed the slash after the name", ""},
		{"https://example.com/)", "", "example.com", "removed", ""},
		{"https://example.com/).", "", "example.com", "removed", ""},
		{"(https://example.com/)", "", "example.com", "removed", ""},
		{"“https://example.com/”.", "", "example.com", "removed quotes", ""},
		{`"example.com".`, "", "example.com", "removed quotes", ""},
		{"example.com»;", "", "example.com", "removed quotes", ""},
		{"[example.com]", "", "example.com", "removed quotes, brackets", ""},
		{"« example.com »", "", "example.com", "removed quotes, brackets", ""},
		{"«\u202fexample.com\u202f» ;", "", "example.com", "removed quotes, brackets", ""},
		{"\"example.com\"", "", "example.com", "removed quotes, brackets", ""},
		{"„example.com“,", "", "example.com", "removed quotes, brackets", ""},
		{"n° 4 : example.com", "", "example.com", "removed the number", ""},
		{"N°4\u00a0: « example.com »", "", "example.com", "removed the number", ""},
		{"Nr. 4: „example.com“", "", "example.com", "removed the number", ""},
		{"no. 12 example.com", "", "example.com", "removed the number", ""},
		{"№ 7) example.com", "", "example.com", "removed the number", ""},
		{"no4.example.com", "", "no4.example.com", "", ""},
		{"n.4.example.com", "", "n.4.example.com", "", ""},
		{"example.com/./", "", "example.com", "removed the slash after the name", ""},
		{"https://example.com/%2e", "", "example.com", "removed the slash after the name", ""},
		{"https://example.com/a/..", "", "example.com", "removed the slash after the name", ""},
		{"https://example.com/?", "", "example.com", "removed the slash after the name", ""},
		{"https://example.com/.well-known", "", "", "has a path", Paths},
		{"https://example.com/a_(b)", "paths=url", "https://example.com/a_(b)", "recorded the URL", ""},

		{"виплата.com", "", "xn--80aaeypxx.com", "A-labels", ""},
		{"lіfedon.com.ua", "", "xn--lfedon-pvf.com.ua", "mixes Latin with other letters", ""},
		{"xn--lfedon-pvf.com.ua", "", "xn--lfedon-pvf.com.ua", "mixes Latin with other letters", ""},
		{"alco-grands.сom", "", "alco-grands.xn--om-nmc", "which is not a known top-level domain", ""},
		{".com", "", "", "is a public suffix", Suffix},
		{"com.by", "", "", "is a public suffix", Suffix},
		{"blogspot.com", "", "", "is a public suffix", Suffix},
		{"https://com.by/", "", "", "is a public suffix", Suffix},
		{"*.com.by", "mask=below", "", "is a public suffix", Suffix},
		{"com/page", "paths=name", "", "is a public suffix", Suffix},
		{"example", "", "", "is a public suffix", Suffix},
		{".com", "allow-suffix", "com", "IS A PUBLIC SUFFIX", ""},
		{"com.by", "allow-suffix", "com.by", "IS A PUBLIC SUFFIX", ""},
		{"blogspot.com", "allow-suffix", "blogspot.com", "IS A PUBLIC SUFFIX", ""},

		{"*.example.com", "", "", "has a mask", Mask},
		{"*.example.com", "mask=subtree", "example.com", "the name and all names below it", ""},
		{"*.example.com", "mask=below", "*.example.com", "without the name itself", ""},
		{"*.example.com", "mask=skip", "", "left out: has a mask", ""},
		{"example.com/page?x=1", "", "", "has a path", Paths},
		{"example.com/page?x=1", "paths=name", "example.com", "removed the path", ""},
		{"example.com/page?x=1", "paths=url", "http://example.com/page?x=1", "added http://", ""},
		{"https://example.com:8080/page", "paths=url", "https://example.com:8080/page", "which DNS does not enforce", ""},
		{"https://example.com/page", "paths=host", "example.com (exact)", "the whole host of the URL", ""},
		{"https://example.com/page", "paths=skip", "", "left out: has a path", ""},
		{"https://example.com/#", "paths=url", "example.com", "removed the empty path", ""},
		{"example.com:8080", "", "", "has a port", Ports},
		{"example.com:8080", "ports=name", "example.com", "removed the port", ""},
		{"example.com:8080/x", "paths=name", "example.com", "removed the path", ""},
		{"192.0.2.1", "", "", "is an address", Addresses},
		{"192.0.2.1", "addresses=network", "192.0.2.1", "recorded the address", ""},
		{"192.0.2.0/24", "addresses=none", "192.0.2.0/24", "recorded the address", ""},
		{"https://192.0.2.1/", "addresses=dns", "192.0.2.1", "recorded the address", ""},
		{"192.0.2.1:8080", "addresses=dns", "", "has a port", Ports},
		{"2001:db8::1", "addresses=network", "2001:db8::1", "recorded the address", ""},
		{"[2001:db8::1]", "addresses=network", "2001:db8::1", "recorded the address", ""},
		{"http://192.0.2.1/page", "", "", "has a path", Paths},
		{"http://192.0.2.1/page", "paths=url", "", "has a path at an address", AddressURLs},
		{"http://192.0.2.1/page", "paths=skip", "", "", ""},
		{"http://192.0.2.1/page", "paths=url,address-urls=url", "http://192.0.2.1/page", "recorded the URL", ""},
		{"http://192.0.2.1:8080/page", "paths=host,address-urls=url", "http://192.0.2.1:8080/page", "recorded the URL", ""},
		{"http://[2001:db8::1]/page", "paths=url,address-urls=url", "http://[2001:db8::1]/page", "recorded the URL", ""},
		{"http://192.0.2.1:8080/page", "paths=host,address-urls=none", "192.0.2.1", "used the address of the URL", ""},
		{"http://192.0.2.1/page", "paths=url,address-urls=skip", "", "", ""},
		{"http://192.0.2.1/page", "paths=name,addresses=dns", "192.0.2.1", "recorded the address", ""},
		{"http://192.0.2.300/page", "paths=url,address-urls=url", "", "ends in a number", ""},
		{"example.com (a mirror)", "", "", "text after the name", TextAfter},
		{"example.com (a mirror)", "text-after=note", "example.com", `kept the text after the name`, ""},
		{"example.com blocked", "text-after=drop", "example.com", `removed the text after the name`, ""},
		{"https://example.com/ (167.235.12.146)", "", "", "an address after the name", AddressAfter},
		{"example.com 167.235.12.146", "address-after=note", "example.com", `kept the text after the name`, ""},
		{"example.com (167.235.12.146)", "address-after=none", "example.com 167.235.12.146", "as addresses", ""},
		{"example.com example.net", "", "", "several names", Several},
		{"example.com, example.net;example.org", "several=split", "example.com example.net example.org", "split the line into its names", ""},
		{"example.com, example.net und example.org", "", "", "several names", Several},
		{"example.com, example.net und example.org", "several=split", "example.com example.net example.org", `removed the "and" between the names`, ""},
		{"example.com і example.net", "several=split", "example.com example.net", `removed the "and" between the names`, ""},
		{"example.com et example.net et", "several=split", "example.com example.net", "split the line into its names", ""},
		{"https://example.comhttps://example.net/", "several=split", "example.com example.net", "split the line into its names", ""},
		{"https://example.com/https://example.net", "several=split", "example.com example.net", "split the line into its names", ""},
		{"example.com/x example.net", "several=split,paths=skip", "example.net", "part of the line is left out: has a path", ""},

		// These lines are refused whatever the caller decides.
		{"https://ua- reporter.сom/", "all", "", "it is unclear which name is meant", ""},
		{"brillx55gg", "all", "", "has no dot and is not a top-level domain", ""},
		{"192.0.2.5/24", "all", "", "is an address with the length of a network", ""},
		{"192.0.2.300", "all", "", "ends in a number", ""},
		{"0.0.0.0 example.com", "all", "", "a hosts file is another format", ""},
		{"example.com, example.net or example.org", "all", "", "mixes names and other words", ""},
		{"example.com not example.net", "all", "", "mixes names and other words", ""},
		{"example.com and and example.net", "all", "", "mixes names and other words", ""},
		{"example.com and redirects to example.net", "all", "", "mixes names and other words", ""},
		{"example.com (and example.net)", "all", "", "has another name", ""},
		{"https://example.com/to?u=https://example.net", "all", "", "inside the path of another", ""},
		{"user@example.com", "all", "", `has an "@"`, ""},
		{"a.*.example.com", "all", "", `"*" may only stand as the whole first label`, ""},
		{"||example.com^", "all", "", "", ""},
		{"word/x", "", "", "has no dot before the slash", ""},
		{"word/x", "paths=skip", "", "has no dot before the slash", ""},
		{"word/x", "paths=url", "", "has no dot before the slash", ""},
		{"word/x", "paths=host", "", "has no dot before the slash", ""},
		{"word/x", "paths=name", "", "has no dot before the slash", ""},
		{"http://word/x", "paths=url", "", "has no dot before the slash", ""},
		{"31.12/x", "paths=url", "", "ends in a number", ""},
		{"//example.com", "all", "", "begins with a slash", ""},
		{"/example.com", "all", "", "begins with a slash", ""},
		{"serie-tv.co-", "hyphen=separate", "", "ends in a hyphen", ""},
		{"example..com", "all", "", "empty label", ""},
		{"bad.example .com", "all", "", "it is unclear which name is meant", ""},
		{"bad.example.com -film.example.com", "all", "", "it is unclear which name is meant", ""},
		{"exa mple.com", "all", "", "it is unclear which name is meant", ""},
		{";,;", "all", "", "has no name", ""},
		{"*", "all", "", "", ""},
		{"http://", "all", "", "name is empty", ""},
		{strings.Repeat("a", 64) + ".com", "all", "", "at most 63", ""},
		{"ftp://example.com/x", "", "", "has a path", "paths"},
	} {
		decide := map[Form]string{}
		if tc.decide == "all" {
			decide = decided
		} else if tc.decide != "" {
			for kv := range strings.SplitSeq(tc.decide, ",") {
				if k, v, ok := strings.Cut(kv, "="); ok {
					decide[Form(k)] = v
				}
			}
		}
		res, err := Domains(strings.NewReader(tc.line+"\n"), Options{Decide: decide, Plain: true, AllowSuffix: tc.decide == "allow-suffix"})
		if res == nil {
			t.Errorf("%q %s: %v", tc.line, tc.decide, err)
			continue
		}
		var targets []string
		for i := range res.Targets {
			targets = append(targets, res.Targets[i].String())
		}
		if got := strings.Join(targets, " "); got != tc.want {
			t.Errorf("%q %s: got %q, want %q", tc.line, tc.decide, got, tc.want)
		}
		var n Note
		if len(res.Notes) > 0 {
			n = res.Notes[0]
		}
		said := strings.Join(append(n.Did, n.Warnings...), "; ")
		if n.Skipped {
			said += "left out: "
		}
		said += n.Refused
		if !strings.Contains(said, tc.says) || tc.says == "" && tc.want != "" && said != "" || n.Needs != tc.needs {
			t.Errorf("%q %s: said %q (needs %q), want %q (%q)", tc.line, tc.decide, said, n.Needs, tc.says, tc.needs)
		}
		if (n.Refused == "") != (tc.want != "") {
			t.Errorf("%q %s: refused %q, but gave %q", tc.line, tc.decide, n.Refused, targets)
		}
	}
}
