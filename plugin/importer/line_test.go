package importer

import (
	"strings"
	"testing"
)

// TestLines checks the targets and the report for single lines. Forms without a decision must
// be refused.
func TestLines(t *testing.T) {
	decided := map[Form]string{Mask: "subtree", Paths: "name", Ports: "name", Addresses: "network",
		TextAfter: "drop", AddressAfter: "note", Several: "split"}
	for _, tc := range []struct {
		line   string
		decide string // "" decides nothing, "all" uses decided, else FORM=WORD,...
		want   string // targets, separated by spaces
		says   string // a part of the report, including refusals and warnings
		needs  Form
	}{
		{"example.com", "", "example.com", "", ""},
		{" example.com\t\t", "", "example.com", "took off blanks", ""},
		{"example.com\u00a0", "", "example.com", "took off no-break spaces", ""},
		{"\u200bexample.com\u200b", "", "example.com", "took off invisible characters", ""},
		{"exam\u00adple.com", "", "example.com", "took out invisible characters", ""},
		{"EXAMPLE.com", "", "example.com", "lowered the letters", ""},
		{"example.com.", "", "example.com", "took off the trailing dot", ""},
		{".example.com", "", "example.com", "took off the leading dot", ""},

		// Names that were cut off, and marks of footnotes.
		{"serie-tv.co...", "all", "", "ends in several dots", ""},
		{"serie-tv.co..", "all", "", "ends in several dots", ""},
		{"https://serie-tv.co...", "all", "", "ends in several dots", ""},
		{"\"serie-tv.co...\",", "all", "", "ends in several dots", ""},
		{"serie-tv.co ...", "all", "", "ends in several dots", ""},
		{"serie-tv.co. . .", "all", "", "ends in several dots", ""},
		{"serie-tv.co\u2026", "all", "", "ends in several dots", ""},
		{"example\u00b9.com", "all", "", "mark of a footnote", ""},
		{"a1.com\u00b2", "all", "", "mark of a footnote", ""},
		{"a1.com\u2020", "all", "", "mark of a footnote", ""},
		{"a1.com*", "all", "", "", ""},
		{"example.com; ", "", "example.com", "took off the separator at its end", ""},
		{"example.com,", "", "example.com", "took off the separator at its end", ""},
		{`"example.com"`, "", "example.com", "took off quotes", ""},
		{"https://example.com", "", "example.com", "took off the scheme", ""},
		{"HTTP://example.com/", "", "example.com", "took off the slash behind it", ""},
		{"https://https://example.com", "", "example.com", "took off a doubled scheme", ""},
		{"https//example.com", "", "example.com", "took off the scheme", ""},
		{"http:/example.com", "", "example.com", "took off the scheme", ""},
		{"https://example.com:443/", "", "example.com", "took off the scheme's own port", ""},
		{"example.com:", "", "example.com", "took off the colon", ""},
		{"_dmarc.example.com", "", "_dmarc.example.com", "", ""},
		{"example.com # seen in May", "", "example.com", "took off the comment", ""},

		// Numbers and bullets of an enumeration.
		{"1. example.com", "", "example.com", "the number or bullet of an enumeration", ""},
		{"12) example.com", "", "example.com", "the number or bullet of an enumeration", ""},
		{"12)example.com", "", "example.com", "the number or bullet of an enumeration", ""},
		{"(3) example.com", "", "example.com", "the number or bullet of an enumeration", ""},
		{"a) example.com", "", "example.com", "the number or bullet of an enumeration", ""},
		{"iv. example.com", "", "example.com", "the number or bullet of an enumeration", ""},
		{"- example.com", "", "example.com", "the number or bullet of an enumeration", ""},
		{"•example.com", "", "example.com", "the number or bullet of an enumeration", ""},
		{"•\t1. example.com", "", "example.com", "the number or bullet of an enumeration", ""},
		{"\uf0b7 example.com", "", "example.com", "the number or bullet of an enumeration", ""},
		{"* example.com", "", "example.com", "the number or bullet of an enumeration", ""},
		{"*.example.com", "", "", "has a mask", Mask},
		{"1.example.com", "", "1.example.com", "", ""},
		{"a.example.com", "", "a.example.com", "", ""},
		{"-example.com", "", "", "begins with a hyphen", Hyphen},
		{"-example.com", "hyphen=separate", "-example.com", `the label "-example"`, ""},
		{"https://-foo.example.com", "", "-foo.example.com", `the label "-foo"`, ""},
		{"foo-.example.com", "", "foo-.example.com", `the label "foo-"`, ""},

		// Names that are written so that they are not links.
		{"example[.]com", "", "example.com", "wrote dots and schemes as they are", ""},
		{"www(.)example(.)com", "", "www.example.com", "wrote dots and schemes as they are", ""},
		{"example (dot) com", "", "example.com", "wrote dots and schemes as they are", ""},
		{"example[DOT]com", "", "example.com", "wrote dots and schemes as they are", ""},
		{"hxxps://example[.]com/", "", "example.com", "wrote dots and schemes as they are", ""},
		{"hXXp://example.com", "", "example.com", "wrote dots and schemes as they are", ""},
		{"ftp://example.com/x", "paths=url", "ftp://example.com/x", "recorded it as a URL, which DNS does not enforce", ""},
		{"SVN+SSH://example.com/x", "paths=url", "svn+ssh://example.com/x", "recorded it as a URL, which DNS does not enforce", ""},
		{"ftp://example.com/x", "paths=host", "example.com (exact)", "took the whole host of the URL", ""},
		{"ftp://example.com/x", "paths=name", "example.com", "took off the path", ""},
		{"hxxps[:]//example.com/x", "paths=url", "https://example.com/x", "wrote dots and schemes as they are", ""},

		// Columns.
		{"12\texample.com\t2024-05-01", "", "example.com", "took off the number before the name; took off the date beside the name", ""},
		{"12,example.com,01.05.2024", "", "example.com", "took off the number before the name; took off the date beside the name", ""},
		{"12 example.com", "", "example.com", "took off the number before the name", ""},
		{"example.com;01/05/2024 12:30", "", "example.com", "took off the date beside the name", ""},
		{"01/05/24;example.com;", "", "example.com", "took off the date beside the name", ""},
		{"1,https://example.com/a,2024-05-01", "paths=name", "example.com", "took off the path", ""},
		{"12\texample.com\texample.net", "", "", "holds several names", Several},
		{"example.com\t2024-05-01\t2024-06-01", "", "", "text behind the name", TextAfter},

		// Ends of an enumeration.
		{"example.com, and", "", "example.com", `took off the "and"`, ""},
		{"example.com and", "", "example.com", `took off the "and"`, ""},
		{"example.com; e", "", "example.com", `took off the "and"`, ""},
		{"https://example.com/.", "", "example.com", "took off the slash behind it", ""},
		{"https://example.com/.", "paths=url", "example.com", "took off the slash behind it", ""},
		{"https://example.com/;", "", "example.com", "took off the slash behind it", ""},
		{"https://example.com./", "", "example.com", "took off the slash behind it", ""},
		{"https://example.com/.,", "", "example.com", "took off the slash behind it", ""},
		{"https://example.com/)", "", "example.com", "took off", ""},
		{"https://example.com/).", "", "example.com", "took off", ""},
		{"(https://example.com/)", "", "example.com", "took off", ""},
		{"“https://example.com/”.", "", "example.com", "took off quotes", ""},
		{`"example.com".`, "", "example.com", "took off quotes", ""},
		{"example.com»;", "", "example.com", "took off quotes", ""},
		{"[example.com]", "", "example.com", "took off quotes, brackets", ""},
		{"example.com/./", "", "example.com", "took off the slash behind it", ""},
		{"https://example.com/%2e", "", "example.com", "took off the slash behind it", ""},
		{"https://example.com/a/..", "", "example.com", "took off the slash behind it", ""},
		{"https://example.com/?", "", "example.com", "took off the slash behind it", ""},
		{"https://example.com/.well-known", "", "", "has a path", Paths},
		{"https://example.com/a_(b)", "paths=url", "https://example.com/a_(b)", "recorded it as a URL", ""},

		// Letters: names are never repaired.
		{"виплата.com", "", "xn--80aaeypxx.com", "A-labels", ""},
		{"lіfedon.com.ua", "", "xn--lfedon-pvf.com.ua", "mixes Latin with other letters", ""},
		{"xn--lfedon-pvf.com.ua", "", "xn--lfedon-pvf.com.ua", "mixes Latin with other letters", ""},
		{"alco-grands.сom", "", "alco-grands.xn--om-nmc", "which is no top-level domain that anybody knows", ""},
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

		// Forms.
		{"*.example.com", "", "", "has a mask", Mask},
		{"*.example.com", "mask=subtree", "example.com", "the name and all below it", ""},
		{"*.example.com", "mask=below", "*.example.com", "without the name itself", ""},
		{"*.example.com", "mask=skip", "", "left out: has a mask", ""},
		{"example.com/page?x=1", "", "", "has a path", Paths},
		{"example.com/page?x=1", "paths=name", "example.com", "took off the path", ""},
		{"example.com/page?x=1", "paths=url", "http://example.com/page?x=1", "wrote http:// before it", ""},
		{"https://example.com:8080/page", "paths=url", "https://example.com:8080/page", "which DNS does not enforce", ""},
		{"https://example.com/page", "paths=host", "example.com (exact)", "the whole host of the URL", ""},
		{"https://example.com/page", "paths=skip", "", "left out: has a path", ""},
		{"https://example.com/#", "paths=url", "example.com", "took off the empty path", ""},
		{"example.com:8080", "", "", "has a port", Ports},
		{"example.com:8080", "ports=name", "example.com", "took off the port", ""},
		{"example.com:8080/x", "paths=name", "example.com", "took off the path", ""},
		{"192.0.2.1", "", "", "is an address", Addresses},
		{"192.0.2.1", "addresses=network", "192.0.2.1", "recorded it as an address", ""},
		{"192.0.2.0/24", "addresses=none", "192.0.2.0/24", "recorded it as an address", ""},
		{"https://192.0.2.1/", "addresses=dns", "192.0.2.1", "recorded it as an address", ""},
		{"192.0.2.1:8080", "addresses=dns", "", "has a port", Ports},
		{"2001:db8::1", "addresses=network", "2001:db8::1", "recorded it as an address", ""},
		{"[2001:db8::1]", "addresses=network", "2001:db8::1", "recorded it as an address", ""},
		{"example.com (a mirror)", "", "", "text behind the name", TextAfter},
		{"example.com (a mirror)", "text-after=note", "example.com", `kept the text behind the name`, ""},
		{"example.com blocked", "text-after=drop", "example.com", `dropped the text behind the name`, ""},
		{"https://example.com/ (167.235.12.146)", "", "", "an address behind the name", AddressAfter},
		{"example.com 167.235.12.146", "address-after=note", "example.com", `kept the text behind the name`, ""},
		{"example.com (167.235.12.146)", "address-after=none", "example.com 167.235.12.146", "for addresses", ""},
		{"example.com example.net", "", "", "several names", Several},
		{"example.com, example.net;example.org", "several=split", "example.com example.net example.org", "split it into its names", ""},
		{"https://example.comhttps://example.net/", "several=split", "example.com example.net", "split it into its names", ""},
		{"https://example.com/https://example.net", "several=split", "example.com example.net", "split it into its names", ""},
		{"example.com/x example.net", "several=split,paths=skip", "example.net", "part of the line is left out: has a path", ""},

		// Lines that no decision accepts.
		{"https://ua- reporter.сom/", "all", "", "nothing says which name is meant", ""},
		{"brillx55gg", "all", "", "has no dot and is no top-level domain", ""},
		{"192.0.2.5/24", "all", "", "is an address with the length of a network", ""},
		{"192.0.2.300", "all", "", "ends in a number", ""},
		{"0.0.0.0 example.com", "all", "", "a hosts file is another format", ""},
		{"example.com і example.net", "all", "", "mixes names and other words", ""},
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
		{"bad.example .com", "all", "", "nothing says which name is meant", ""},
		{"bad.example.com -film.example.com", "all", "", "nothing says which name is meant", ""},
		{"exa mple.com", "all", "", "nothing says which name is meant", ""},
		{";,;", "all", "", "holds no name", ""},
		{"*", "all", "", "", ""},
		{"http://", "all", "", "name is empty", ""},
		{strings.Repeat("a", 64) + ".com", "all", "", "at most 63", ""},
		{"ftp://example.com/x", "", "", "has a path", "paths"},
		{"http://192.0.2.1/x", "paths=url", "", "is an IP address", ""},
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
			targets = append(targets, targetText(&res.Targets[i]))
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
