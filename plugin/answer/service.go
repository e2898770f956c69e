package answer

import (
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/miekg/dns"
)

// ServiceLabels returns the number of leading labels for a port and a scheme (RFC 9460,
// section 2.3). For _8443._https.host.example, the number is 2. Only names of HTTPS and
// SVCB records have these labels.
func ServiceLabels(name *ruleset.QName, qtype uint16) int {
	if qtype != dns.TypeHTTPS && qtype != dns.TypeSVCB {
		return 0
	}
	return name.ServiceLabels()
}
