package report

import (
	_ "embed"
	"html/template"
	"io"
	"strings"

	"github.com/dns-orders/blocklist/plugin/printable"
)

//go:embed page.html
var pageText string

//go:embed style.css
var styleText string

var pageFuncs = template.FuncMap{
	"p":     printable.Line,
	"join":  strings.Join,
	"style": func() template.CSS { return template.CSS(styleText) },
}

var page = template.Must(template.New("report").Funcs(pageFuncs).Parse(pageText))

// WriteHTML writes the report as one self-contained HTML file. The file prints on A4.
func (r *Report) WriteHTML(w io.Writer, d *Data) error {
	from, to, _ := r.days()
	return page.Execute(w, struct {
		*Report
		Bars             []Bar
		Line             *Line
		FirstDay, EndDay string
		Made             string
	}{r, r.Bars(), r.Line(d), from, to, r.time(r.now)})
}
