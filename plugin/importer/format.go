package importer

import (
	"net/netip"
	"regexp"
	"strings"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/lint"
)

type format struct {
	name, advice string
	lines        *regexp.Regexp
}

const types = `SOA|NS|A|AAAA|CNAME|DNAME|TXT|MX|PTR|SRV|CAA|DS|DNSKEY|RRSIG|NSEC|NSEC3|HTTPS|SVCB`

var formats = []format{
	{"a DNS zone or RPZ file", "blocklistctl import rpz FILE reads a response policy zone",
		regexp.MustCompile(`^;[;\s]*[^\s;,]` + // a comment of a zone file
			`|^\$(?i:ORIGIN|TTL|INCLUDE|GENERATE)\b` +
			`|^(?:\S+\s+)?(?:\d+[smhdwSMHDW]?\s+)?(?:IN|CH|HS)\s+(?:\d+[smhdwSMHDW]?\s+)?(?i:` + types + `)(?:\s|$)` +
			`|^(?:\S+\s+)?(?:\d+[smhdw]?\s+)?in\s+(?:soa|ns|aaaa|cname|dname|txt|mx|ptr|srv)\s` +
			`|^(?:\S+\s+)(?:\d+[smhdwSMHDW]?\s+)?(?:SOA|NS|AAAA|CNAME|DNAME|TXT|MX|PTR|SRV|HTTPS|SVCB|cname|dname)\s+\S` +
			`|^(?:\S+\s+)(?:\d+[smhdwSMHDW]?\s+)?(?:[iI][nN]\s+)?[aA]\s+\d{1,3}(?:\.\d{1,3}){3}$` +
			`|(?i:(?:^|[\s.])rpz-(?:passthru|drop|tcp-only|ip|nsip|nsdname|client-ip|log)\b)`)},
	{diffFile.name, diffFile.advice,
		regexp.MustCompile(`^(?:@@ -\d|diff --git |\+\+\+ \S)`)},
	{"adblock rules", "blocklistctl import adblock FILE reads the rules that block whole hosts",
		regexp.MustCompile(`^\[(?i:adblock)` +
			`|^!|^@@|^\|\||^\|https?:` +
			`|^[^\s#/]+#[@?$%]{0,2}#\S` + // an element rule of a host
			`|\^(?:\$\S*)?$` +
			`|^[^\s/]+\$(?:~?third-party|all|important|document|popup|dnsrewrite|denyallow|client)\b` +
			`|^/[^*/].*[\\^$*|].*/$|^\(\\?\.\|\^\)|^\(\^\|`)},
	{"match patterns of a browser", "blocklistctl import adblock FILE reads the patterns of whole sites",
		regexp.MustCompile(`^(?:\*|https?):?//\*\.|^\*://`)},
	{"a dnsmasq configuration", "make a list of the names between the slashes of the address= lines",
		regexp.MustCompile(`^(?:address|server|local|ipset|nftset|rebind-domain-ok|host-record|cname|bogus-nxdomain|txt-record|filter-rr|conf-file|addn-hosts)=`)},
	{"an Unbound configuration", "make a list of the names of the local-zone: lines that block",
		regexp.MustCompile(`^(?:local-zone|local-data|local-data-ptr|local-zone-tag|server|forward-zone|stub-zone|auth-zone|rpz|include|include-toplevel|domain-insecure|private-domain):(?:\s|"|$)`)},
	{"a configuration of a name server", "make a list of the names that are blocked",
		regexp.MustCompile(`^(?:zone\s+"|options\s*\{|acl\s+\S+\s*\{|policy\.add\()`)},
	{"rules of a proxy", "make a list of the names of the rules that block",
		regexp.MustCompile(`^(?:-\s+)?['"]?(?:DOMAIN|DOMAIN-SUFFIX|DOMAIN-KEYWORD|HOST|HOST-SUFFIX|IP-CIDR),|^payload:`)},
	{"an order file", "blocklistctl check FILE reads it",
		regexp.MustCompile(`^(?:version:\s*["']?\d|orders:|\{?\s*"orders"\s*:)`)},
	{"HTML", "make a list of the names that the page shows as blocked",
		regexp.MustCompile(`(?i)^<!doctype|<!--|</?(?:html|head|body|title|meta|link|script|style|table|thead|tbody|tr|td|th|ul|ol|li|p|a|div|span|br|pre|h[1-6])(?:\s[^<>]*)?/?>`)},
	{"XML", entriesAdvice,
		regexp.MustCompile(`^<\?xml|^<[A-Za-z][\w:-]*(?:\s+[\w:-]+\s*=.*|\s*/)>|^</?[A-Za-z][\w:-]*>$|^<([A-Za-z][\w:-]*)>[^<]*</`)},
	{"JSON", entriesAdvice,
		regexp.MustCompile(`^[\[{]$|^\[\s*["\[{]|^\{\s*["}]|^"[^"]*"\s*:`)},
	{"a mail message", "save the list itself, without the mail around it",
		regexp.MustCompile(`^(?i:Content-Type|Content-Transfer-Encoding|MIME-Version|Return-Path|Received|Message-ID):\s|^[\w.-]*(?:=[0-9A-F]{2}[\w.-]*)+$|^[\w.-]+=$`)},
	{"source text with comments", "make a list of the names outside the comments",
		regexp.MustCompile(`^//\s|^/\*|^\*/|^--\[\[|^<#`)},
	{"UTF-8 that was taken for another character set and written as UTF-8 again", "get the list anew, or undo one of the two: iconv -f UTF-8 -t WINDOWS-1252 FILE",
		regexp.MustCompile(`^ï»¿|(?:[ÐÑÃ][\x{80}-\x{bf}]){2}`)},
}

const (
	tableAdvice   = "blocklistctl import register PRESET FILE reads a table with a preset (blocklistctl preset list), import csv reads a table whose rows are all blocked, or make a list of the names that are blocked now"
	entriesAdvice = "blocklistctl import register PRESET FILE reads the file with a preset (blocklistctl preset list)"
)

var diffFile = format{name: "a diff between two files", advice: "import the new file itself"}

// This format must be checked last, because a plain list may contain names in brackets.
var sections = format{"a configuration with [sections]", "make a list of the names of the section that blocks",
	regexp.MustCompile(`^\[[\pL][\pL\pN _.-]*\]$`)}

var hostsFile = format{name: "a hosts file", advice: "blocklistctl import hosts FILE reads the file"}

func foreignLines(lines []line) error {
	var added, taken bool
	for i := range lines {
		l := &lines[i]
		if !l.hasText() {
			continue
		}
		if !plainName(l.text) {
			if f := formatOf(l.text); f != nil {
				return &FormatError{f.name, i + 1, l.text, f.advice}
			}
		}
		added, taken = added || l.text[0] == '+', taken || l.text[0] == '-'
		if added && taken {
			return &FormatError{diffFile.name, i + 1, l.text, diffFile.advice}
		}
	}
	var t table
	for i := range lines {
		l := &lines[i]
		if !l.hasText() {
			continue
		}
		var why string
		shown := i + 1
		if simple(l.text) {
			why = t.row(i+1, "", 0)
		} else {
			why, shown = t.line(i+1, l)
		}
		if why != "" {
			return &FormatError{why, shown, lines[shown-1].raw, tableAdvice}
		}
	}
	return foreignSuffix(lines)
}

func plainName(s string) bool {
	for i := range len(s) {
		if c := s[i] | 0x20; (c < 'a' || 'z' < c) && (s[i] < '0' || '9' < s[i]) && s[i] != '.' && s[i] != '-' && s[i] != '_' {
			return false
		}
	}
	return !strings.Contains(s, "rpz-")
}

func formatOf(s string) *format {
	for i := range formats {
		if formats[i].lines.MatchString(s) {
			return &formats[i]
		}
	}
	if sections.lines.MatchString(s) && !namelike(s) {
		return &sections
	}
	if words := strings.Fields(s); len(words) > 1 {
		if _, err := netip.ParseAddr(words[0]); err == nil && (namelike(words[1]) || strings.HasPrefix(words[1], "localhost")) {
			return &hostsFile
		}
	}
	return nil
}

func foreignSuffix(lines []line) error {
	var (
		suffix string
		first  int
		tops   = map[string]bool{}
		n      int
		common = true
	)
	for i := range lines {
		l := &lines[i]
		if !l.hasText() || strings.ContainsAny(l.text, " \t/") {
			continue
		}
		name := strings.TrimPrefix(strings.ToLower(strings.TrimSuffix(l.text, ".")), "*.")
		if before, _, ok := strings.Cut(name, ".rpz"); ok && wholeName(before) {
			return &FormatError{formats[0].name, i + 1, l.text, formats[0].advice}
		}
		if !common {
			continue
		}
		if n++; n == 1 {
			suffix, first = name, i
			continue
		}
		if suffix = commonSuffix(suffix, name); strings.Count(suffix, ".") < 1 {
			common = false
			continue
		}
	}
	if !common || n < 3 {
		return nil
	}
	for i := range lines {
		l := &lines[i]
		if !l.hasText() || strings.ContainsAny(l.text, " \t/") {
			continue
		}
		name := strings.TrimPrefix(strings.ToLower(strings.TrimSuffix(l.text, ".")), "*.")
		before, ok := strings.CutSuffix(name, "."+suffix)
		if !ok || !wholeName(before) {
			return nil
		}
		tops[before[strings.LastIndexByte(before, '.')+1:]] = true
	}
	if len(tops) < 2 {
		return nil // if all names have the same top-level domain before the suffix, they may be mirrors of a site at one proxy
	}
	return &FormatError{"the owner names of a zone (all of them end in " + suffix + ", and have a whole name before that)", first + 1, lines[first].text, formats[0].advice}
}

func wholeName(s string) bool {
	n, err := dname.Parse(s)
	return err == nil && n.NumLabels() > 1 && lint.KnownTop(n)
}

func commonSuffix(a, b string) string {
	i, j := len(a), len(b)
	for i > 0 && j > 0 && a[i-1] == b[j-1] {
		i, j = i-1, j-1
	}
	if i == 0 && (j == 0 || b[j-1] == '.') || j == 0 && a[i-1] == '.' {
		return a[i:]
	}
	if k := strings.IndexByte(a[i:], '.'); k >= 0 {
		return a[i+k+1:]
	}
	return ""
}
