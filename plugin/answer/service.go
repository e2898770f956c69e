package answer

import (
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/miekg/dns"
)

// ServiceLabels returns the number of leading labels for a port and a scheme (RFC 9460,
// section 2.3). For _8443._https.host.example, it is 2. Only HTTPS and SVCB have such
// labels.
func ServiceLabels(name *ruleset.QName, qtype uint16) int {
	if qtype != dns.TypeHTTPS && qtype != dns.TypeSVCB {
		return 0
	}
	return name.ServiceLabels()
}
