package coredns

import (
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/signature"

	"github.com/dns-orders/blocklist/test/port"
	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus"
)

// AskBlocked starts servers and sends queries. All metrics of the plugin and of CoreDNS then have
// samples. The test must import the plugins bind, prometheus and whoami.
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
		inst := Start(t, strings.NewReplacer("PORT", port.Free(t), "ORDERS", file, "PROPERTY", property).Replace(`.:0 {
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

// StartSecondary starts a secondary. It answers each NOTIFY with the given RCODE.
func StartSecondary(t testing.TB, code *atomic.Int64) (addr string) {
	t.Helper()
	started, ended := make(chan struct{}), make(chan error, 1)
	s := &dns.Server{Addr: "127.0.0.1:0", Net: "udp", NotifyStartedFunc: func() { close(started) }}
	s.Handler = dns.HandlerFunc(func(w dns.ResponseWriter, r *dns.Msg) {
		w.WriteMsg(new(dns.Msg).SetRcode(r, int(code.Load())))
	})
	go func() { ended <- s.ListenAndServe() }()
	select {
	case <-started:
	case err := <-ended:
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Shutdown() })
	return s.PacketConn.LocalAddr().String()
}

// ServeZone starts a server with the plugin orders_rpz. All metrics of the zone then have a value.
// The test must import the plugin and add the directive orders_rpz.
func ServeZone(t testing.TB) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "orders.yaml")
	if err := os.WriteFile(file, []byte("version: 1\norders:\n- {id: one, authority: {name: A}, scope: global, targets: [blocked.example]}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	Start(t, strings.NewReplacer("ORDERS", file, "SECONDARY", StartSecondary(t, new(atomic.Int64))).Replace(`rpz.example:0 {
	bind 127.0.0.1
	transfer {
		to SECONDARY
	}
	orders_rpz ORDERS
}`))
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		families, err := prometheus.DefaultGatherer.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			if f.GetName() == "coredns_orders_rpz_last_notify_timestamp_seconds" {
				return
			}
		}
		if time.Now().After(deadline) {
			t.Fatal("no NOTIFY was accepted")
		}
	}
}
