//go:build e2e

package evidence

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/whoami"
	_ "github.com/dns-orders/blocklist"
	"github.com/dns-orders/blocklist/plugin/journal"
	"github.com/dns-orders/blocklist/test/coredns"
	"github.com/miekg/dns"
)

func TestMain(m *testing.M) {
	coredns.Prepare()
	os.Exit(m.Run())
}

var queries = flag.Int("queries", 20_000, "the number of queries that TestPrivacy sends")

func TestPrivacy(t *testing.T) {
	coredns.CaptureLog(t)
	file, dir := filepath.Join(t.TempDir(), "orders.yaml"), filepath.Join(t.TempDir(), "journal")
	text := `version: 1
defaults: {authority: {name: A}, scope: global}
orders:
- {id: one, targets: [blocked.example]}
- {id: two, disclosure: none, targets: [hidden.example]}
- {id: three, scope: {clients: [127.0.0.2/32]}, targets: [some.example]}
`
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	inst := coredns.Start(t, fmt.Sprintf(".:0 {\n bind 127.0.0.1\n blocklist %s {\n journal %s node1/journal\n }\n whoami\n}", file, dir))
	addr := inst.Servers()[0].LocalAddr().String()
	var conns []*dns.Conn
	for _, client := range []string{"127.0.0.3", "127.0.0.2", "127.66.77.88"} {
		c, err := (&net.Dialer{LocalAddr: &net.UDPAddr{IP: net.ParseIP(client)}, Timeout: 5 * time.Second}).Dial("udp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		conns = append(conns, &dns.Conn{Conn: c})
	}
	blocked := 0
	for i := range *queries {
		c := conns[i%len(conns)]
		name := []string{"askedname%d.blocked.example.", "askedname%d.hidden.example.", "askedname%d.other.example.", "askedname%d.some.example."}[i%4]
		m := new(dns.Msg).SetQuestion(fmt.Sprintf(name, i), []uint16{dns.TypeA, dns.TypeAAAA, dns.TypeHTTPS}[i%3])
		c.SetDeadline(time.Now().Add(30 * time.Second))
		if err := c.WriteMsg(m); err != nil {
			t.Fatal(err)
		}
		r, err := c.ReadMsg()
		if err != nil {
			t.Fatal(err)
		}
		if r.Rcode == dns.RcodeNameError {
			blocked++
		}
	}
	coredns.Stop(t, inst)
	if blocked < *queries/2 {
		t.Fatalf("only %d of %d queries were blocked", blocked, *queries)
	}
	firsts, files := 0, 0
	var versions []string
	err := journal.Read(dir, func(r journal.Record, _ []byte) bool {
		switch r.Event {
		case journal.FirstAnswer:
			firsts++
		case journal.Kept:
			versions = append(versions, r.SHA256)
		}
		return true
	})
	if err != nil || firsts != 3 {
		t.Errorf("%d first answers, %v", firsts, err)
	}
	secrets := [][]byte{[]byte("askedname"), []byte("127.0.0.3"), []byte("127.66"), []byte("7f424d58"), {127, 66, 77, 88}, []byte("other.example")}
	look := func(name string, b []byte) {
		files++
		for _, s := range secrets {
			if bytes.Contains(bytes.ToLower(b), s) {
				t.Errorf("%s contains %q", name, s)
			}
		}
	}
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		look(path, append([]byte(path+"\n"), b...))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, sum := range versions { // the versions are compressed
		in, err := journal.OpenVersion(dir, sum)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(in)
		in.Close()
		if err != nil {
			t.Error(err)
		}
		look(sum, b)
	}
	if files < 6 {
		t.Errorf("only %d files", files)
	}
	if r, err := journal.Verify(dir, journal.VerifyOptions{}); err != nil || len(r.Faults) > 0 {
		t.Errorf("%+v, %v", r, err)
	}
}
