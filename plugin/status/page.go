package status

import (
	"bytes"
	_ "embed" // for page.html
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"sync"
)

const maxRows = 500

//go:embed page.html
var pageText string

var pageTemplate = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("page").Funcs(template.FuncMap{
		"short":  func(s string) string { return s[:min(12, len(s))] },
		"counts": countsText,
	}).Parse(pageText))
})

// A page is the data of page.html.
type page struct {
	*Document
	Orders []Order
	Total  int // the number of orders and lifts
	Shown  int
}

func (h *handler) page(w http.ResponseWriter, _ *http.Request) error {
	p := page{Document: h.document()}
	h.each(func(o *Order) bool {
		p.Total++
		p.Orders = append(p.Orders, *o)
		if len(p.Orders) >= 2*maxRows {
			p.cut()
		}
		return true
	})
	p.cut()
	p.Shown = len(p.Orders)
	var out bytes.Buffer
	if err := pageTemplate().Execute(&out, &p); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(out.Bytes()) // the client has gone
	return nil
}

func (p *page) cut() {
	slices.SortStableFunc(p.Orders, func(a, b Order) int {
		x, y := a.Hits+a.Shadow, b.Hits+b.Shadow
		switch {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return 0
	})
	p.Orders = slices.Delete(p.Orders, min(maxRows, len(p.Orders)), len(p.Orders))
}

func countsText(n map[string]int) string {
	out := ""
	for _, s := range stateWords() {
		if n[s] > 0 {
			if out != "" {
				out += ", "
			}
			out += fmt.Sprintf("%d %s", n[s], s)
		}
	}
	if out == "" {
		return "0"
	}
	return out
}
