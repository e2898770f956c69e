package ordersrpz

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coredns/caddy"
	"github.com/dns-orders/blocklist/plugin/store"
	"github.com/dns-orders/blocklist/test/clock"
	"github.com/dns-orders/blocklist/test/coredns"
	"github.com/dns-orders/blocklist/test/port"
)

func TestSharedStore(t *testing.T) {
	s := newServer(t, toLoopback, "countries IT", "a.example", "ours.example")
	if err := os.WriteFile(filepath.Join(s.dir, "protect.txt"), []byte("ours.example\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	block := func(properties string) string {
		return fmt.Sprintf(".:%s {\n\tbind 127.0.0.1\n\troot %s\n\tblocklist orders.yaml {\n%s\n}\n}\n", port.Free(t), s.dir, properties)
	}
	before := len(store.All())
	shared := block("protect protect.txt\nresponse nodata")
	inst, err := caddy.Start(coredns.Input(s.corefile() + shared + block("shadow")))
	if err != nil {
		t.Fatal(err)
	}
	coredns.AwaitServing(t, inst)
	s.await(0)
	if n := len(store.All()) - before; n != 2 {
		t.Errorf("%d Stores, want one for both plugins and one for the block in shadow", n)
	}
	list, err := s.transfer(0)
	if err != nil || owners(list) != "a.example" || !strings.HasSuffix(list[2].String(), "CNAME\t*.") {
		t.Errorf("the zone does not have the settings of the blocklist directive: %v, %v", err, list)
	}
	coredns.Stop(t, inst)

	inst, err = caddy.Start(coredns.Input(s.corefile() + shared + block("response refused")))
	if err == nil {
		coredns.Stop(t, inst)
	}
	if err == nil || !strings.Contains(err.Error(), "several server blocks with the blocklist directive name the order files") {
		t.Errorf("two directives with different settings: %v", err)
	}
}

// TestParse checks the errors of the directive.
func TestParse(t *testing.T) {
	long := strings.Repeat(strings.Repeat("a", 61)+".", 4) + "b"
	for text, want := range map[string]string{
		"rpz.example:0 {\n\torders_rpz\n}":                                  "orders_rpz needs at least one order file",
		"rpz.example:0 {\n\torders_rpz http://lists.example/a.yaml\n}":      "the server fetches no URL",
		".:0 {\n\torders_rpz a\n}":                                          "needs a server block of one zone",
		"a.example:0 b.example:0 {\n\torders_rpz a\n}":                      "needs a server block of one zone",
		"rpz.example:0 {\n\torders_rpz a {\n\t\tcountries\n\t}\n}":          "countries needs at least one country code",
		"rpz.example:0 {\n\torders_rpz a {\n\t\tcountries EU\n\t}\n}":       "countries must be ISO 3166-1 alpha-2 codes, got 'EU'",
		"rpz.example:0 {\n\torders_rpz a {\n\t\tstate\n\t}\n}":              "state takes 1 values, got ''",
		"rpz.example:0 {\n\torders_rpz a {\n\t\trefused refused\n\t}\n}":    "refused must be nxdomain or nodata, got 'refused'",
		"rpz.example:0 {\n\torders_rpz a {\n\t\tparts 0\n\t}\n}":            "parts must be a number from 1 to 64, got '0'",
		"rpz.example:0 {\n\torders_rpz a {\n\t\tparts 65\n\t}\n}":           "parts must be a number from 1 to 64, got '65'",
		"rpz.example:0 {\n\torders_rpz a {\n\t\tparts 1 2\n\t}\n}":          "parts takes 1 values, got '1 2'",
		"rpz.example:0 {\n\torders_rpz a {\n\t\tsealed yes\n\t}\n}":         "sealed takes 0 values, got 'yes'",
		"rpz.example:0 {\n\torders_rpz a {\n\t\tttl 1ms\n\t}\n}":            "ttl must be whole seconds",
		"rpz.example:0 {\n\torders_rpz a {\n\t\tttl 1s\n\t\tttl 1s\n\t}\n}": "property 'ttl' is given twice",
		"rpz.example:0 {\n\torders_rpz a {\n\t\tcountry IT\n\t}\n}":         "unknown property 'country'",
		"rpz.example:0 {\n\torders_rpz a\n\torders_rpz a\n}":                "once",
		long + ":0 {\n\torders_rpz a {\n\t\tparts 9\n\t}\n}":                "the name of the zone is too long for parts",
	} {
		inst, err := caddy.Start(coredns.Input(text))
		if err == nil {
			coredns.Stop(t, inst)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

func TestNotify(t *testing.T) {
	z := &zone{clock: clock.NewSilent(time.Unix(0, 0)), stop: make(chan struct{})}
	p := &part{origin: "notify.example."}
	defer close(z.stop)
	began, end := make(chan int), make(chan struct{})
	defer close(end)
	n := 0
	send := func(string) error {
		n++
		began <- n
		<-end
		return nil
	}
	z.notifier.Store(&send)
	for want := 1; want <= maxRounds; want++ {
		z.notify(p)
		select {
		case got := <-began:
			if got != want {
				t.Errorf("round %d, want %d", got, want)
			}
		case <-time.After(patience):
			t.Fatalf("round %d waits for an earlier round", want)
		}
	}
}
