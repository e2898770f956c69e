package report

import (
	"cmp"
	_ "embed"
	"encoding/csv"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/dns-orders/blocklist/plugin/due"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/printable"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// This file writes Part 3 of the transparency report, about orders of Member States. Implementing
// Regulation (EU) 2024/2835 defines the template.

//go:embed dsa_codes.txt
var dsaCodeText string

var dsaCodes = strings.Fields(dsaCodeText)

// dsaColumns are the columns of the template.
var dsaColumns = func() []string {
	columns := []string{"Applicability", "Service", "Reporting period", "Category of illegal content", `Description of the sub-category "Other"`, "Scope"}
	values := []string{
		"Number of orders to act against illegal content received",
		"Number of specific items of information included in the total number of orders to act against illegal content",
		"Median time to inform the authority of the receipt of the order to act against illegal content",
		"Median time to give effect to the order to act against illegal content",
		"Number of orders to provide information",
		"Median time to inform the authority of the receipt of the order to provide information",
		"Median time to give effect to the order to provide information",
	}
	columns = append(columns, values...)
	for i, v := range values {
		if i < 2 {
			v = "n" + v[1:] // the template has a small letter here
		}
		columns = append(columns, "Contextual information on "+v)
	}
	return columns
}()

// These are codes with a meaning of their own.
const (
	totalCode        = "TOTAL"
	notSpecifiedCode = "STATEMENT_CATEGORY_NOT_SPECIFIED_ORDER"
	otherCode        = "KEYWORD_OTHER"
)

var dsaWords = map[string]string{
	"copyright": "KEYWORD_COPYRIGHT_INFRINGEMENT", "piracy": "KEYWORD_COPYRIGHT_INFRINGEMENT",
	"trademark": "KEYWORD_TRADEMARK_INFRINGEMENT", "counterfeit": "KEYWORD_TRADEMARK_INFRINGEMENT",
	"gambling": "KEYWORD_PROHIBITED_PRODUCTS", "tobacco": "KEYWORD_PROHIBITED_PRODUCTS",
	"phishing": "KEYWORD_PHISHING", "fraud": "STATEMENT_CATEGORY_SCAMS_AND_FRAUD", "scam": "STATEMENT_CATEGORY_SCAMS_AND_FRAUD",
	"csam": "KEYWORD_CHILD_SEXUAL_ABUSE_MATERIAL", "terrorism": "KEYWORD_TERRORIST_CONTENT",
	"sanctions": "KEYWORD_VIOLATION_EU_LAW", "disinformation": "KEYWORD_MISINFORMATION_DISINFORMATION",
	"defamation": "KEYWORD_DEFAMATION", "hate speech": "KEYWORD_HATE_SPEECH",
}

// DSAOptions are the settings of a DSA.
type DSAOptions struct {
	Service string // the name of the service
	// The keys of Words are categories of orders in lower case, for example "casino". The values
	// are codes of the template.
	Words map[string]string
}

// CheckDSACode checks whether an order can use a code of the DSA template. Nil means that the code
// is valid.
func CheckDSACode(code string) error {
	if _, _, ok := dsaRow(code); !ok {
		if strings.HasPrefix(code, otherCode) {
			return fmt.Errorf("%s needs its category: write the code of the category and a description, for example \"STATEMENT_CATEGORY_SCAMS_AND_FRAUD: fake shops\"", otherCode)
		}
		err := fmt.Sprintf("%q is no code of the regulation for an order", code)
		if near := order.Nearest(code, slices.Values(dsaCodes)); near != "" && near != code {
			err += fmt.Sprintf("; did you mean %q?", near)
		}
		return fmt.Errorf("%s", err)
	}
	return nil
}

func dsaRow(code string) (row int, description string, ok bool) {
	code, description, _ = strings.Cut(code, ":")
	code, description = strings.TrimSpace(code), strings.TrimSpace(description)
	row = slices.Index(dsaCodes, code)
	switch {
	case row < 0 || code == totalCode || code == otherCode:
		return 0, "", false
	case code == notSpecifiedCode || strings.HasPrefix(code, "KEYWORD_"):
		return row, "", description == ""
	}
	for dsaCodes[row] != otherCode {
		row++
	}
	return row, cmp.Or(description, "no sub-category"), true
}

// dsaCell has the numbers of one row.
type dsaCell struct {
	orders, items  int
	inform, effect []float64
	descriptions   []string
}

// A DSA is Part 3 of the report.
type DSA struct {
	Notes []string

	service, period string
	scopes          map[string][]dsaCell // by scope
}

const totalScope = "TOTAL"

// DSA returns Part 3 of the transparency report. The second result lists the problems. A report
// with problems lacks orders and must not be used. The period must consist of whole days.
func (r *Report) DSA(opt DSAOptions) (*DSA, []string, error) {
	from, to, whole := r.days()
	if !whole {
		return nil, nil, fmt.Errorf("the period must have whole days in the time zone %s", r.Timezone)
	}
	d := &DSA{service: opt.Service, period: from + "/" + to, scopes: map[string][]dsaCell{totalScope: make([]dsaCell, len(dsaCodes))}}
	var problems []string
	left := map[string]int{} // reason -> number of orders
	dated := 0
	for x := range r.all() {
		if !x.Received {
			continue
		}
		scope, why := dsaScope(x)
		if why != "" {
			left[why]++
			continue
		}
		row, description, problem := dsaCategory(x, opt.Words)
		if problem != "" {
			problems = append(problems, problem)
			continue
		}
		if d.scopes[scope] == nil {
			d.scopes[scope] = make([]dsaCell, len(dsaCodes))
		}
		rows := []int{0, row}
		if dsaCodes[row] != notSpecifiedCode {
			category := row
			for !strings.HasPrefix(dsaCodes[category], "STATEMENT_CATEGORY_") {
				category--
			}
			rows = append(rows, category)
		}
		for _, s := range []string{totalScope, scope} {
			for _, i := range rows {
				c := &d.scopes[s][i]
				c.add(r, x)
				if i == row && description != "" && !slices.Contains(c.descriptions, description) {
					c.descriptions = append(c.descriptions, description)
				}
			}
		}
		if f := x.f; f.Served != order.NoTime && len(f.Served.StartText(f.zone)) == len("2006-01-02") {
			dated++
		}
	}
	for _, why := range slices.Sorted(maps.Keys(left)) {
		d.Notes = append(d.Notes, fmt.Sprintf("not in Part 3: %s: %s", count(left[why], "order"), why))
	}
	if dated > 0 {
		d.Notes = append(d.Notes, fmt.Sprintf("%s with a date without a time of day as served: the medians count from the start of the day", count(dated, "order")))
	}
	if r.unserved > 0 {
		d.Notes = append(d.Notes, fmt.Sprintf("%s without served: the first record in a journal, or issued, is the time of the receipt", count(r.unserved, "order")))
	}
	if r.end.Before(r.to) {
		d.Notes = append(d.Notes, "the period has not ended")
	}
	d.Notes = append(d.Notes, "the columns about orders to provide information are empty, because order files have only orders to block: fill in the columns by hand")
	slices.Sort(problems)
	return d, problems, nil
}

func dsaScope(x *Row) (scope, why string) {
	if x.f == nil {
		return "", "the fields of the order are unknown"
	}
	a := x.f.Authority
	switch {
	case x.lift:
		return "", "a lift"
	case a.Kind == order.KindOperator:
		return "", "the operator's own decision"
	case a.Kind == order.KindLaw:
		return "", "a law, and no order of an authority"
	case a.Country == "":
		return "", "the order file has no country of the authority"
	case !a.Country.InEU():
		return "", "the authority is not of a Member State (" + string(a.Country) + ")"
	case a.Country == "GR":
		return "EL", "" // the code in Eurostat's glossary
	}
	return string(a.Country), ""
}

func dsaCategory(x *Row, words map[string]string) (row int, description, problem string) {
	word := strings.TrimSpace(x.f.Category)
	if word == "" && x.f.Basis == "" {
		return slices.Index(dsaCodes, notSpecifiedCode), "", ""
	}
	low := strings.ToLower(word)
	for _, code := range []string{words[low], word, dsaWords[low]} {
		row, description, ok := dsaRow(code)
		if !ok {
			continue
		}
		if description != "" && code != word && !strings.Contains(code, ":") {
			description = printable.Clean(low) // the word says more than "no sub-category"
		}
		return row, description, ""
	}
	id, got := x.id, fmt.Sprintf(", got %q", word)
	if x.hidden {
		id, got = ruleset.SealedLabel(x.id), ""
	}
	if word == "" {
		return 0, "", fmt.Sprintf("order %q: category: is missing, although the order has a basis", id)
	}
	return 0, "", fmt.Sprintf("order %q: category: has no code in the regulation%s", id, got)
}

// add counts an order.
func (c *dsaCell) add(r *Report, x *Row) {
	f := x.f
	c.orders++
	c.items += f.NumTargets()
	for i := range f.Targets {
		if a := f.Targets[i].Attr; a != nil && a.Served != order.NoTime && (a.Served.Time().Before(r.from) || !a.Served.Time().Before(r.to)) {
			c.items-- // the target came with a decision of another period
		}
	}
	if f.Served != order.NoTime && f.Acknowledged != order.NoTime {
		c.inform = append(c.inform, hours(f.Served.Time(), f.Acknowledged.Time()))
	}
	if x.Hours != nil {
		c.effect = append(c.effect, *x.Hours)
	}
}

// WriteCSV writes the report as CSV (RFC 4180, UTF-8).
func (d *DSA) WriteCSV(w io.Writer) error {
	c := csv.NewWriter(w)
	c.UseCRLF = true
	c.Write(dsaColumns)
	d.writeScope(c, totalScope)
	for _, scope := range slices.Sorted(maps.Keys(d.scopes)) {
		if scope != totalScope {
			d.writeScope(c, scope)
		}
	}
	c.Flush()
	return c.Error()
}

func (d *DSA) writeScope(w *csv.Writer, scope string) {
	for i, code := range dsaCodes {
		c := &d.scopes[scope][i]
		slices.Sort(c.descriptions)
		row := make([]string, len(dsaColumns))
		row[0], row[1], row[2], row[3], row[4], row[5] = "All", due.Cell(d.service), d.period, code, due.Cell(strings.Join(c.descriptions, "; ")), scope
		row[6], row[7], row[8], row[9] = fmt.Sprint(c.orders), fmt.Sprint(c.items), number(median(c.inform)), number(median(c.effect))
		row[15] = unmeasured(c.orders, len(c.inform), "without served or acknowledged in the order file")
		row[16] = unmeasured(c.orders, len(c.effect), "without a known time on the last server")
		w.Write(row)
	}
}

func unmeasured(orders, measured int, why string) string {
	if orders == measured {
		return ""
	}
	return fmt.Sprintf("not in the median: %d of %s, %s", orders-measured, count(orders, "order"), why)
}
