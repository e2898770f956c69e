package answer

import (
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/miekg/dns"
)

// ServiceLabels returns the number of leading port and scheme labels of name (RFC 9460,
// section 2.3). For example, it returns 2 for _8443._https.host.example. A question of type
// HTTPS or SVCB for this name is about a service of host.example. For other types the result
// is 0.
func ServiceLabels(name *ruleset.QName, qtype uint16) int {
	if qtype != dns.TypeHTTPS && qtype != dns.TypeSVCB {
		return 0
	}
	return name.ServiceLabels()
}
