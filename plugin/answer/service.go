package answer

import (
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/miekg/dns"
)

// ServiceLabels returns the number of leading labels for a port and a scheme (RFC 9460, section
// 2.3). The name _8443._https.host.example has 2. For types other than HTTPS and SVCB, the result
// is 0.
func ServiceLabels(name *ruleset.QName, qtype uint16) int {
	if qtype != dns.TypeHTTPS && qtype != dns.TypeSVCB {
		return 0
	}
	return name.ServiceLabels()
}
