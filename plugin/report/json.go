package report

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
)

// WriteJSON writes the report as indented JSON. It writes in parts to save memory. Each part passes
// through the given function.
func (r *Report) WriteJSON(w io.Writer, printable func(string) string) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	put := func(v any, prefix string) error {
		b.Reset()
		enc.SetIndent(prefix, "  ")
		return enc.Encode(v)
	}
	write := func(s string) error {
		_, err := io.WriteString(w, printable(s))
		return err
	}
	if err := put(r, ""); err != nil {
		return err
	}
	if err := write(strings.TrimSuffix(b.String(), "\n}\n") + ",\n  \"orders\": ["); err != nil {
		return err
	}
	separator := "\n    "
	for x := range r.Orders() {
		if err := put(x, "    "); err != nil {
			return err
		}
		if err := write(separator + strings.TrimSuffix(b.String(), "\n")); err != nil {
			return err
		}
		separator = ",\n    "
	}
	end := "\n  ]\n}\n"
	if r.NumOrders() == 0 {
		end = "]\n}\n"
	}
	return write(end)
}
