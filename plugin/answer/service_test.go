package answer

import (
	"testing"

	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/miekg/dns"
)

func TestServiceLabels(t *testing.T) {
	for _, tc := range []struct {
		name string
		typ  uint16
		want int
	}{
		{"host.example.", dns.TypeHTTPS, 0},
		{"_8443._https.host.example.", dns.TypeHTTPS, 2},
		{"_dns.host.example.", dns.TypeSVCB, 1},
		{"_1._2._3.host.example.", dns.TypeSVCB, 2},
		{"_8443._https.host.example.", dns.TypeA, 0},
		{"_8443._https.host.example.", dns.TypeANY, 0},
		{`\0958443.\095https.host.example.`, dns.TypeHTTPS, 2},
		{"_x.", dns.TypeHTTPS, 0},
		{".", dns.TypeHTTPS, 0},
	} {
		var name ruleset.QName
		name.Set(tc.name)
		if got := ServiceLabels(&name, tc.typ); got != tc.want {
			t.Errorf("ServiceLabels(%q, %d) = %d, want %d", tc.name, tc.typ, got, tc.want)
		}
	}
}
