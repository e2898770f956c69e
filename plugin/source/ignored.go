package source

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/dns-orders/blocklist/plugin/printable"
)

// ignored is a file in a watched directory that is no order file.
type ignored struct {
	since time.Time // zero: found at the start
	said  bool
}

// notices says once of each ignored file that it is ignored, so that no one waits for an
// order that was saved under a wrong name. It runs when all reports were loaded, because
// only then is it known which files are side lists. A file that came while the Source
// runs is noticed after Patience: a side list may come before the order file that names
// it, and editors leave files for moments only.
func (s *Source) notices(now time.Time) {
	if !s.started || !s.unnoticed {
		return
	}
	s.unnoticed = false
	here := map[string]ignored{}
	for _, p := range s.patterns {
		for _, path := range p.last.ignored {
			abs, err := filepath.Abs(path)
			if err != nil || s.tracks[strings.TrimSuffix(abs, ".minisig")] != nil {
				continue
			}
			e, old := s.ignored[abs]
			if !old && s.ignored != nil {
				e.since = now
			}
			switch {
			case e.said:
			case now.Sub(e.since) >= Patience:
				e.said = true
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
