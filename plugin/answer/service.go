package answer

import (
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/miekg/dns"
)

// ServiceLabels returns the number of leading port and scheme labels of the name (RFC 9460,
// section 2.3). A question of type HTTPS or SVCB for such a name is about a service of the
// host after these labels. For other types the number is 0.
func ServiceLabels(name *ruleset.QName, qtype uint16) int {
	if qtype != dns.TypeHTTPS && qtype != dns.TypeSVCB {
		return 0
	}
	return name.ServiceLabels()
}
