package answer

import (
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/miekg/dns"
)

// ServiceLabels returns how many leading labels of the name make a question of this
// type one about a service of the host behind them: the port and scheme labels of
// RFC 9460, section 2.3.
func ServiceLabels(name *ruleset.Asked, qtype uint16) int {
	if qtype != dns.TypeHTTPS && qtype != dns.TypeSVCB {
		return 0
	}
	return name.ServiceLabels()
}
