//go:build e2e

package test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/test/port"
	"github.com/dns-orders/blocklist/test/program"
	"github.com/miekg/dns"
)

const policyZone = "rpz-it.example"

func zoneSerial(addr string) uint32 {
	c := dns.Client{Timeout: time.Second}
	r, _, err := c.Exchange(new(dns.Msg).SetQuestion(dns.Fqdn(policyZone), dns.TypeSOA), addr)
	if err != nil || len(r.Answer) == 0 {
		return 0
	}
	soa, ok := r.Answer[0].(*dns.SOA)
	if !ok {
		return 0
	}
	return soa.Serial
}

type restartable struct {
	*primary
	program string
	cmd     *exec.Cmd
	said    *program.Buffer
	last    uint32 // the highest serial of the zone until now
}

func (p *restartable) start(t *testing.T, corefile string) {
	t.Helper()
	write(t, filepath.Join(p.dir, "Corefile"), corefile)
	p.cmd = exec.Command(p.program, "-conf", "Corefile")
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = p.dir, p.said, p.said
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	await(t, "the primary has a zone", func() string {
		if zoneSerial(p.addr) == 0 {
			return "no serial"
		}
		return ""
	})
}

func (p *restartable) kill() {
	p.cmd.Process.Kill()
	p.cmd.Wait()
}

func (p *restartable) level(t *testing.T, secondary string) (risen bool) {
	t.Helper()
	var serial uint32
	await(t, "the secondary has the serial of the primary", func() string {
		serial = zoneSerial(p.addr)
		if got := zoneSerial(secondary); got == 0 || got != serial {
			return fmt.Sprintf("primary %d, secondary %d", serial, got)
		}
		return ""
	})
	if int32(serial-p.last) < 0 {
		t.Fatalf("the serial went down from %d to %d", p.last, serial)
	}
	risen, p.last = serial != p.last, serial
	return risen
}

func TestSecondaryAfterRestarts(t *testing.T) {
	t.Parallel()
	upstream, bind := startPlainUpstream(t), port.Address(t)
	p := &restartable{primary: newPrimary(t, bind, bind, bind), program: filepath.Join(t.TempDir(), "coredns"), said: new(program.Buffer)}
	program.Build(t, p.program, "../cmd/coredns")
	corefile := p.corefile(t)
	p.start(t, corefile)
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("the primary said:\n%s", p.said.String())
		}
	})
	dir := t.TempDir()
	startNamed, stopNamed := startBINDSecondary(t, p.primary, dir, bind, upstream)
	sees(t, bind, "first.example", "other.example")
	p.level(t, bind)

	p.block(t, "second.example")
	sees(t, bind, "second.example", "first.example")
	if !p.level(t, bind) {
		t.Error("a change did not raise the serial")
	}
	// With the state, an unchanged zone keeps its serial.
	await(t, "the digest of the zone is stored", func() string {
		text, err := os.ReadFile(filepath.Join(p.dir, "rpz", policyZone+".serial"))
		if err != nil || !strings.Contains(string(text), fmt.Sprintf(`{"serial":%d,"digest":"`, p.last)) {
			return fmt.Sprintf("%s, %v", text, err)
		}
		return ""
	})
	p.kill()
	p.start(t, corefile)
	if p.level(t, bind) {
		t.Error("a restart with state changed the serial of an unchanged zone")
	}
	p.kill()
	p.block(t, "third.example")
	p.start(t, corefile)
	sees(t, bind, "third.example", "second.example")
	if !p.level(t, bind) {
		t.Error("a change during a restart did not raise the serial")
	}
	p.block(t, "second.example")
	sees(t, bind, "second.example", "third.example")
	if !p.level(t, bind) {
		t.Error("orders that went back did not raise the serial")
	}
	// Without the state, the serial is the time.
	if err := os.RemoveAll(filepath.Join(p.dir, "rpz")); err != nil {
		t.Fatal(err)
	}
	stateless := strings.ReplaceAll(corefile, "state "+p.dir+"/rpz", "")
	if stateless == corefile {
		t.Fatalf("no state in\n%s", corefile)
	}
	p.kill()
	await(t, "the last serial is not later than the clock", func() string {
		if now := time.Now().Unix(); now < int64(p.last) {
			return fmt.Sprintf("%d, serial %d", now, p.last)
		}
		return ""
	})
	p.block(t, "first.example")
	p.start(t, stateless)
	sees(t, bind, "first.example", "second.example")
	if !p.level(t, bind) {
		t.Error("a restart without state did not raise the serial")
	}

	age := func(d time.Duration) {
		old := time.Now().Add(-d)
		for _, file := range []string{policyZone + ".zone", policyZone + ".zone.jnl"} {
			if err := os.Chtimes(filepath.Join(dir, file), old, old); err != nil && !os.IsNotExist(err) {
				t.Fatal(err)
			}
		}
	}
	stopNamed()
	age(24 * time.Hour)
	var many []string
	for i := range 800 {
		many = append(many, fmt.Sprintf("n%d.example", i))
	}
	for _, names := range [][]string{many, append(many[1:], "away.example")} {
		before := zoneSerial(p.addr)
		p.block(t, names...)
		await(t, "the primary has the change", func() string {
			if zoneSerial(p.addr) == before {
				return "the serial is the same"
			}
			return ""
		})
	}
	startNamed()
	sees(t, bind, "away.example", "n0.example")
	if p.level(t, bind); !strings.Contains(p.said.String(), "Outgoing transfer of 1603 records of zone \"rpz-it.example.\"") {
		t.Error("the primary did not send the whole zone")
	}

	// The zone has expired on the secondary.
	stopNamed()
	age(31 * 24 * time.Hour)
	p.block(t, append(many[2:], "back.example")...)
	startNamed()
	sees(t, bind, "back.example", "first.example")
	sees(t, bind, "n799.example", "n1.example")
	if !p.level(t, bind) {
		t.Error("changes did not raise the serial")
	}
	p.kill()
	stopNamed()
	age(24 * time.Hour)
	startNamed()
	sees(t, bind, "back.example", "first.example")
	stopNamed()
	age(31 * 24 * time.Hour)
	startNamed()
	await(t, "the zone has expired", func() string {
		if got := outcome(exchange(t, bind, "back.example", dns.TypeA)); got != realAddress {
			return got
		}
		return ""
	})
	p.start(t, stateless)
	sees(t, bind, "back.example", "first.example")
}
