package due

import (
	_ "embed"
	"html/template"
	"io"
	"strings"

	"github.com/dns-orders/blocklist/plugin/printable"
)

//go:embed page.html
var pageText string

var page = template.Must(template.New("due").Funcs(template.FuncMap{"join": strings.Join, "p": printable.Line, "noDate": unknownDate,
	"twoLines": func(date string) string { return strings.Replace(date, " to ", "\nto ", 1) }}).Parse(pageText))

// WriteHTML writes the report as one self-contained HTML file. The pages fit on A4 and letter
// paper.
func (r *Report) WriteHTML(w io.Writer) error {
	return page.Execute(w, struct {
		*Report
		Last, Note string
	}{r, when(r.until, r.zone, true, false), Note})
}
