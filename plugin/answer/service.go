package answer

import (
	"strings"

	"github.com/miekg/dns"
)

// ServiceLabels returns how many leading labels of an HTTPS or SVCB question
// make it one about a service of the host behind them: the port and scheme
// labels of RFC 9460, section 2.3, which begin with an underscore.
func ServiceLabels(qname string, qtype uint16) (n int) {
	if qtype != dns.TypeHTTPS && qtype != dns.TypeSVCB {
		return 0
	}
	for rest := qname; n < 2 && strings.HasPrefix(rest, "_"); n++ {
		i, end := dns.NextLabel(rest, 0)
		if end {
			break
		}
		rest = rest[i:]
	}
	return n
}
