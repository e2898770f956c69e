package coredns

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/signature"

	"github.com/dns-orders/blocklist/test/port"
	"github.com/miekg/dns"
)

// AskBlocked starts three servers until the end of the test, and sends queries. All
// metrics of the plugin and of CoreDNS then have samples. The test must import the plugins
// bind, prometheus and whoami.
//
// The first server has a state directory and a journal. The second server is in shadow.
// The third server checks signatures.
func AskBlocked(t testing.TB) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "orders.yaml")
	text := "version: 1\nserial: 1\norders:\n- {id: one, authority: {name: A}, scope: global, targets: [blocked.example]}\n"
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	// Only signed files have a time of signing.
	key, err := signature.Generate()
	if err != nil {
		t.Fatal(err)
	}
	hash := signature.NewHash()
	hash.Write([]byte(text))
	sig, err := key.Sign("orders.yaml", time.Now(), hash)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file+".minisig", sig, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, property := range []string{"state " + filepath.Join(t.TempDir(), "state") + "\n journal " + filepath.Join(t.TempDir(), "journal") + " node1/journal", "shadow", "state " + filepath.Join(t.TempDir(), "signed") + "\n verify " + key.Public().String()} {
		p, err := port.Free()
		if err != nil {
			t.Fatal(err)
		}
		inst := Start(t, strings.NewReplacer("PORT", p, "ORDERS", file, "PROPERTY", property).Replace(`.:0 {
	bind 127.0.0.1
	prometheus 127.0.0.1:PORT
	blocklist ORDERS {
		PROPERTY
	}
	whoami
}`))
		addr := inst.Servers()[0].LocalAddr().String()
		for _, name := range []string{"blocked.example.", "other.example."} {
			if _, err := dns.Exchange(new(dns.Msg).SetQuestion(name, dns.TypeA), addr); err != nil {
				t.Fatal(err)
			}
		}
	}
}
