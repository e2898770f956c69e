package registers_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/whoami"
	"github.com/miekg/dns"

	_ "github.com/dns-orders/blocklist"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/register"
	"github.com/dns-orders/blocklist/test/coredns"
	"github.com/dns-orders/blocklist/test/port"
	"github.com/dns-orders/blocklist/test/registers"
)

func TestMain(m *testing.M) {
	coredns.Prepare()
	os.Exit(m.Run())
}

func TestServed(t *testing.T) {
	corefile, addrs := "", map[*registers.Edition]string{}
	examples := registers.Examples(t)
	for i := range examples {
		e, out := &examples[i], []byte(nil)
		for _, ed := range []*registers.Edition{&e.First, &e.Second} {
			out = imported(t, e, ed, out)
			addrs[ed] = addBlock(t, &corefile, out)
		}
	}
	coredns.Start(t, corefile)
	for i := range examples {
		for _, ed := range []*registers.Edition{&examples[i].First, &examples[i].Second} {
			for _, q := range ed.Blocked {
				blocked(t, addrs[ed], q)
			}
			for _, name := range ed.Passed {
				if ede := errorOf(ask(t, addrs[ed], name)); ede != nil {
					t.Errorf("%s: %s is blocked: %s", examples[i].Preset, name, ede)
				}
			}
		}
	}
}

func imported(t *testing.T, e *registers.Example, ed *registers.Edition, previous []byte) []byte {
	t.Helper()
	p, err := register.Load(e.Preset, "")
	if err != nil {
		t.Fatal(err)
	}
	opt := register.Options{Path: "orders.yaml", Previous: previous, AsOf: order.NoTime, Now: 2e9, Served: order.NoTime, Given: e.Given(ed), DropOK: -1, RowsOK: ed.Rows}
	if p.Vanished == register.Refuse {
		opt.Vanished = register.Lift
	}
	if ed.AsOf != "" {
		if opt.AsOf, err = p.Time(ed.AsOf); err != nil {
			t.Fatal(err)
		}
	}
	res, err := register.Import(p, e.Bytes(t, ed), opt)
	for opt.DropOK = 0; err == nil && len(res.Problems) > 0 && opt.DropOK <= len(res.Ended); opt.DropOK++ {
		res, err = register.Import(p, e.Bytes(t, ed), opt)
	}
	if err != nil || res.Content == nil {
		t.Fatalf("error %v, result %+v", err, res)
	}
	return res.Content.Bytes()
}

func addBlock(t *testing.T, corefile *string, orders []byte) (addr string) {
	t.Helper()
	f, problems := order.Parse("orders.yaml", bytes.NewReader(orders), order.Options{})
	if len(problems.Errors()) > 0 {
		t.Fatal(problems)
	}
	path := filepath.Join(t.TempDir(), "orders.yaml")
	if err := os.WriteFile(path, orders, 0o600); err != nil {
		t.Fatal(err)
	}
	free := port.Free(t)
	*corefile += fmt.Sprintf(".:%s {\n\tbind 127.0.0.1\n\tblocklist %s {\n\t\tcountry %s 127.0.0.0/8\n\t}\n\twhoami\n}\n", free, path, f.Orders[0].Terms.Scope.CountryTexts()[0])
	return "127.0.0.1:" + free
}

func blocked(t *testing.T, addr string, q registers.Question) {
	t.Helper()
	m := ask(t, addr, q.Name)
	ede := errorOf(m)
	if ede == nil || !strings.Contains(ede.ExtraText, q.Decision) {
		t.Errorf("%s: want the decision %q, got\n%s", q.Name, q.Decision, m)
		return
	}
	switch {
	case q.Address != "":
		if len(m.Answer) != 1 || !strings.HasSuffix(m.Answer[0].String(), "\t"+q.Address) {
			t.Errorf("%s: want the address %s, got\n%s", q.Name, q.Address, m)
		}
	case len(m.Answer) > 0:
		t.Errorf("%s: got\n%s", q.Name, m)
	}
}

func ask(t *testing.T, addr, name string) *dns.Msg {
	t.Helper()
	query := new(dns.Msg).SetQuestion(dns.Fqdn(name), dns.TypeA).SetEdns0(1232, false)
	m, err := dns.Exchange(query, addr)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func errorOf(m *dns.Msg) *dns.EDNS0_EDE {
	if opt := m.IsEdns0(); opt != nil {
		for _, o := range opt.Option {
			if ede, ok := o.(*dns.EDNS0_EDE); ok {
				return ede
			}
		}
	}
	return nil
}
