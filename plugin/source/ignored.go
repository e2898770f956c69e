package source

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/dns-orders/blocklist/plugin/printable"
)

type ignored struct {
	since   time.Time // when the file was found; zero at the start
	noticed bool
}

// Load the order files first, because they name the side lists.
func (s *Source) noticeIgnored(now time.Time) {
	if !s.started || !s.unnoticed {
		return
	}
	s.unnoticed = false
	here := map[string]ignored{}
	for _, p := range s.patterns {
		for _, path := range p.last.ignored {
			abs, err := filepath.Abs(path)
			if err != nil || s.tracked[strings.TrimSuffix(abs, ".minisig")] != nil {
				continue
			}
			e, old := s.ignored[abs]
			if !old && s.ignored != nil {
				e.since = now
			}
			switch {
			case e.noticed:
			case now.Sub(e.since) >= Patience:
				e.noticed = true
				s.notice(fmt.Errorf("%s: is ignored: its name does not end in %s, and no order file that was loaded names it as a list",
					printable.Line(path), strings.Join(endings, " ")))
			default:
				s.unnoticed = true
			}
			here[abs] = e
		}
	}
	s.ignored = here
}
