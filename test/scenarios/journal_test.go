package scenarios

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/dns-orders/blocklist/plugin/journal"
)

func (s *scenario) journal(args []string) string {
	var b strings.Builder
	n := 0
	err := journal.Read(filepath.Join(s.Dir, args[0]), func(r journal.Record, _ []byte) bool {
		if n++; n <= s.recorded {
			return true
		}
		fmt.Fprintf(&b, "%s", r.Event)
		for _, x := range []struct{ name, value string }{{"", r.Order}, {"target ", r.Target}, {"by ", r.By}, {"file ", r.File}, {"why ", r.Why}} {
			if x.value != "" {
				fmt.Fprintf(&b, " %s%s", x.name, x.value)
			}
		}
		if r.Number > 0 {
			fmt.Fprintf(&b, " (%d)", r.Number)
		}
		if r.Sealed {
			b.WriteString(" sealed")
		}
		for _, f := range r.Files {
			fmt.Fprintf(&b, "; %s: %d orders, %d targets", f.File, f.Orders, f.Targets)
			if len(f.Signers) > 0 {
				fmt.Fprintf(&b, ", signed by %s", strings.Join(f.Signers, " "))
			}
			if f.Problem != "" {
				b.WriteString(", " + f.Problem)
			}
		}
		if len(r.Orders) > 0 {
			counts, _ := json.Marshal(r.Orders)
			fmt.Fprintf(&b, " %s", counts)
		}
		b.WriteString("\n")
		return true
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.recorded = n
	return s.text(b.String())
}
