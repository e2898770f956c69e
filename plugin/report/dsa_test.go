package report

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/dns-orders/blocklist/plugin/order"
)

func annex(t *testing.T) (codes, columns []string) {
	t.Helper()
	text, err := os.ReadFile("testdata/annex2.txt")
	if err != nil {
		t.Fatal(err)
	}
	table, sections, ok := strings.Cut(string(text), "\n----\n")
	if !ok {
		t.Fatal("annex2.txt has no two parts")
	}
	_, table, _ = strings.Cut(table, "\n\n") // the source and the licence
	return strings.Split(table, "\n"), strings.Split(sections, "\n")
}

// pageNumber matches the last line of a page.
var pageNumber = regexp.MustCompile(`^\s*EN\s+\d+\s+EN$`)

func TestTemplateRows(t *testing.T) {
	lines, _ := annex(t)
	part := regexp.MustCompile(`(?:^|\s)([A-Z_]+)$`)
	var codes []string
	for _, l := range lines {
		m := part.FindStringSubmatch(l)
		switch {
		case m == nil || pageNumber.MatchString(l):
		case strings.HasPrefix(m[1], "KEYWORD_"), strings.HasPrefix(m[1], "STATEMENT_CATEGORY_"), m[1] == "TOTAL":
			codes = append(codes, m[1])
		default:
			codes[len(codes)-1] += m[1]
		}
	}
	// No order can have category 15 (the provider's own terms) or 17 (notices).
	from := slices.Index(codes, "STATEMENT_CATEGORY_OTHER_VIOLATION_TC")
	to := slices.Index(codes, notSpecifiedCode)
	codes = slices.Delete(codes, from, to)
	codes = slices.DeleteFunc(codes, func(s string) bool { return s == "STATEMENT_CATEGORY_NOT_SPECIFIED_NOTICE" })
	if len(codes) != 91 || !slices.Equal(codes, dsaCodes) {
		t.Errorf("the regulation has %d codes\n%q\nwant\n%q", len(codes), codes, dsaCodes)
	}
}

func TestTemplateColumns(t *testing.T) {
	_, lines := annex(t)
	letter := regexp.MustCompile(`^     ([A-M])(?: {4,}|$)(.*)$`)
	text := map[string]string{}
	at := ""
	for _, l := range lines {
		if m := letter.FindStringSubmatch(l); m != nil {
			at, text[m[1]] = m[1], strings.TrimSpace(m[2])
		} else if strings.TrimSpace(l) != "" && !pageNumber.MatchString(l) {
			text[at] += " " + strings.TrimSpace(l)
		}
	}
	for i := range 13 {
		s := string(rune('A' + i))
		if name := dsaColumns[i]; !strings.HasPrefix(text[s], name+" This ") {
			t.Errorf("column %s: %q, but the regulation has %q", s, name, text[s][:min(len(text[s]), 150)])
		}
	}
	if len(dsaColumns) != 20 {
		t.Errorf("%d columns", len(dsaColumns))
	}
}

func TestDSA(t *testing.T) {
	d := read(t, fleet(t), present(t))
	r := Collect(d, april)
	x, problems, err := r.DSA(DSAOptions{Service: "=1+1"})
	if len(problems) > 0 || err != nil {
		t.Fatal(problems, err)
	}
	var b bytes.Buffer
	if err := x.WriteCSV(&b); err != nil {
		t.Fatal(err)
	}
	if strings.Count(b.String(), "\r\n") != 1+91*3 || strings.Contains(strings.ReplaceAll(b.String(), "\r\n", ""), "\n") {
		t.Error("the lines do not end with CR LF")
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	scopes := map[string]int{}
	for i, row := range rows[1:] {
		scopes[row[5]]++
		if row[0] != "All" || row[1] != "'=1+1" || row[2] != "2026-04-01/2026-04-30" || row[3] != dsaCodes[i%91] {
			t.Errorf("row %d: %q", i, row)
		}
		if row[3] != otherCode {
			got[row[5]+" "+row[3]] = row[6:]
		}
	}
	if fmt.Sprint(scopes) != "map[EL:91 IT:91 TOTAL:91]" {
		t.Errorf("scopes %v", scopes)
	}
	for key, want := range map[string]string{
		"TOTAL TOTAL": "4 7", "IT TOTAL": "3 6", "EL TOTAL": "1 1", "EL KEYWORD_PHISHING": "1 1", "EL STATEMENT_CATEGORY_SCAMS_AND_FRAUD": "1 1",
		"IT KEYWORD_COPYRIGHT_INFRINGEMENT": "1 4", "IT KEYWORD_CHILD_SEXUAL_ABUSE_MATERIAL": "1 1", "TOTAL STATEMENT_CATEGORY_VIOLENCE": "0 0", "TOTAL STATEMENT_CATEGORY_NOT_SPECIFIED_ORDER": "0 0",
	} {
		if s := strings.Join(got[key][:2], " "); s != want {
			t.Errorf("%s: %s, want %s", key, s, want)
		}
	}
	if row := got["IT KEYWORD_COPYRIGHT_INFRINGEMENT"]; row[2] != "0.33" || row[3] != "0.2" || row[4]+row[5]+row[6] != "" {
		t.Errorf("medians %q", row)
	}
	if row := got["EL KEYWORD_PHISHING"]; row[2] != "" || row[3] != "" || row[9] == "" || row[10] == "" { // never acknowledged, and not on all nodes
		t.Errorf("medians %q", row)
	}
	if row := got["TOTAL STATEMENT_CATEGORY_VIOLENCE"]; strings.Join(row[2:], "") != "" {
		t.Errorf("a row without orders: %q", row)
	}
}

func TestCategories(t *testing.T) {
	for _, tc := range []struct{ category, basis, code, parent, description, problem string }{
		{"copyright", "", "KEYWORD_COPYRIGHT_INFRINGEMENT", "STATEMENT_CATEGORY_INTELLECTUAL_PROPERTY_INFRINGEMENTS", "", ""},
		{" Gambling ", "", "KEYWORD_PROHIBITED_PRODUCTS", "STATEMENT_CATEGORY_UNSAFE_AND_PROHIBITED_PRODUCTS", "", ""},
		{"KEYWORD_SUICIDE", "", "KEYWORD_SUICIDE", "STATEMENT_CATEGORY_SELF_HARM", "", ""},
		{"fraud", "", otherCode, "STATEMENT_CATEGORY_SCAMS_AND_FRAUD", "fraud", ""},
		{"STATEMENT_CATEGORY_VIOLENCE", "", otherCode, "STATEMENT_CATEGORY_VIOLENCE", "no sub-category", ""},
		{"STATEMENT_CATEGORY_VIOLENCE: hooligans", "", otherCode, "STATEMENT_CATEGORY_VIOLENCE", "hooligans", ""},
		{notSpecifiedCode, "", notSpecifiedCode, "", "", ""},
		{"", "", notSpecifiedCode, "", "", ""},
		{"", "a law", "", "", "", "category: is missing, although the order has a basis"},
		{"weeds", "", "", "", "", `category: has no code in the regulation, got "weeds"`},
		{"KEYWORD_OTHER", "", "", "", "", "category: has no code in the regulation"},
		{"TOTAL", "", "", "", "", "category: has no code in the regulation"},
		{"mapped", "", "KEYWORD_DEFAMATION", "STATEMENT_CATEGORY_ILLEGAL_OR_HARMFUL_SPEECH", "", ""},
	} {
		x := &Row{id: "x", f: &fields{Order: &order.Order{Terms: &order.Terms{Category: tc.category, Basis: tc.basis}}}}
		row, description, problem := dsaCategory(x, map[string]string{"mapped": "KEYWORD_DEFAMATION"})
		if problem != "" || tc.problem != "" {
			if tc.problem == "" || !strings.Contains(problem, tc.problem) {
				t.Errorf("%q: problem %q, want %q", tc.category, problem, tc.problem)
			}
			continue
		}
		parent := row
		for parent > 0 && !strings.HasPrefix(dsaCodes[parent], "STATEMENT_") {
			parent--
		}
		if dsaCodes[row] != tc.code || description != tc.description || tc.parent != "" && dsaCodes[parent] != tc.parent {
			t.Errorf("%q: %s in %s, %q", tc.category, dsaCodes[row], dsaCodes[parent], description)
		}
	}
	hidden := &Row{id: "secret", hidden: true, f: &fields{Order: &order.Order{Terms: &order.Terms{Category: "secret words"}}}}
	if _, _, problem := dsaCategory(hidden, nil); strings.Contains(problem, "secret") || !strings.Contains(problem, "sealed:") {
		t.Errorf("problem %q", problem)
	}
	if err := CheckDSACode("KEYWORD_OTHER"); err == nil || !strings.Contains(err.Error(), "needs its category") {
		t.Error(err)
	}
	if err := CheckDSACode("KEYWORD_PISHING"); err == nil || !strings.Contains(err.Error(), `did you mean "KEYWORD_PHISHING"?`) {
		t.Error(err)
	}
}
