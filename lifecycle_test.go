package blocklist

import (
	"fmt"
	"io"
	stdlog "log"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	_ "github.com/coredns/coredns/plugin/bind"
	clog "github.com/coredns/coredns/plugin/pkg/log"
	_ "github.com/coredns/coredns/plugin/tls"
	_ "github.com/coredns/coredns/plugin/whoami"
	"github.com/dns-orders/blocklist/plugin/store"
	"github.com/miekg/dns"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	caddy.Quiet, dnsserver.Quiet = true, true
	clog.Discard()
	stdlog.SetOutput(io.Discard)
	i := slices.Index(dnsserver.Directives, "cache")
	if err := dnsserver.SetDirectives(slices.Insert(slices.Clone(dnsserver.Directives), i, name)); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// A server is a real CoreDNS in this process.
type server struct {
	t    *testing.T
	dir  string
	inst *caddy.Instance
}

// startServer starts a Corefile. $DIR in the Corefile is a folder with the order file a.yaml.
func startServer(t *testing.T, corefile string) *server {
	t.Helper()
	before := goleak.IgnoreCurrent()
	s := &server{t: t, dir: t.TempDir()}
	s.write("a.yaml", "one.example")
	inst, err := caddy.Start(s.input(corefile))
	if err != nil {
		t.Fatal(err)
	}
	s.inst = inst
	t.Cleanup(func() {
		for _, err := range s.inst.ShutdownCallbacks() {
			t.Error(err)
		}
		if err := s.inst.Stop(); err != nil {
			t.Error(err)
		}
		if len(store.All()) != 0 || len(instances.all) != 0 {
			t.Errorf("%d stores, %d instances are left", len(store.All()), len(instances.all))
		}
		if err := goleak.Find(before); err != nil {
			t.Error(err)
		}
	})
	s.serving()
	return s
}

func (s *server) input(corefile string) caddy.Input {
	return caddy.CaddyfileInput{
		Filepath: "Corefile", ServerTypeName: "dns",
		Contents: []byte(strings.ReplaceAll(corefile, "$DIR", s.dir)),
	}
}

// write replaces an order file by rename, so that the file is read at once.
func (s *server) write(file, target string) {
	s.t.Helper()
	text := fmt.Sprintf("version: 1\norders:\n- {id: %s, authority: {name: A}, scope: global, targets: [%s]}\n", file, target)
	tmp := filepath.Join(s.dir, ".tmp")
	if err := os.WriteFile(tmp, []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
	// The file must look older than one second, because a newer file might still be being
	// written.
	old := time.Now().Add(-time.Minute)
	os.Chtimes(tmp, old, old)
	if err := os.Rename(tmp, filepath.Join(s.dir, file)); err != nil {
		s.t.Fatal(err)
	}
}

// restart replaces the Corefile in the way that SIGUSR1 and the reload plugin do.
func (s *server) restart(corefile string) error {
	inst, err := s.inst.Restart(s.input(corefile))
	s.inst = inst
	s.serving()
	return err
}

// serving waits until every server of the instance serves. If a server is stopped earlier,
// CoreDNS lets it run. This fault is CoreDNS's and not the plugin's.
func (s *server) serving() {
	udp, tcp := 0, 0
	for _, l := range s.inst.Servers() {
		if l.LocalAddr() != nil {
			udp++
		}
		if l.Addr() != nil {
			tcp++
		}
	}
	s.eventually("the servers do not serve", func() bool {
		return goroutinesIn("dns.(*Server).serveUDP(") == udp && goroutinesIn("dns.(*Server).serveTCP(") == tcp
	})
}

// ask sends an A query and returns the RCODE.
func (s *server) ask(name string) int {
	s.t.Helper()
	addr := s.inst.Servers()[0].LocalAddr().String()
	m, _, err := new(dns.Client).Exchange(new(dns.Msg).SetQuestion(name, dns.TypeA), addr)
	if err != nil {
		s.t.Fatal(err)
	}
	return m.Rcode
}

func (s *server) want(name string, rcode int) {
	s.t.Helper()
	if got := s.ask(name); got != rcode {
		s.t.Errorf("%s: %s, want %s", name, dns.RcodeToString[got], dns.RcodeToString[rcode])
	}
}

// eventually waits until a change of files makes a condition true.
func (s *server) eventually(what string, ok func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatal(what)
		}
	}
}

// watchers returns the number of goroutines that watch files.
func watchers() int { return goroutinesIn("plugin/source.(*Source).Run(") }

// goroutinesIn returns the number of goroutines that are in a function.
func goroutinesIn(function string) int {
	buf := make([]byte, 1<<20)
	buf = buf[:runtime.Stack(buf, true)]
	return strings.Count(string(buf), function)
}

const oneBlock = `.:0 {
	bind 127.0.0.1
	blocklist $DIR/a.yaml
	whoami
}`

func TestStartStop(t *testing.T) {
	s := startServer(t, oneBlock)
	s.want("www.one.example.", dns.RcodeNameError)
	s.want("two.example.", dns.RcodeSuccess)
	s.write("a.yaml", "two.example")
	s.eventually("the change is not noticed", func() bool { return s.ask("two.example.") == dns.RcodeNameError })
	s.want("one.example.", dns.RcodeSuccess)
}

// TestSharedStore checks that server blocks, transports and views with the same order files
// share one store with one watcher.
func TestSharedStore(t *testing.T) {
	s := startServer(t, `.:0 {
		bind 127.0.0.1
		blocklist $DIR/a.yaml
		whoami
	}
	example.org:0 example.net:0 {
		bind 127.0.0.1
		blocklist $DIR/./a.yaml {
			ttl 5m
		}
		whoami
	}
	tls://.:0 {
		bind 127.0.0.1
		blocklist $DIR/a.yaml
		whoami
	}`)
	// The goroutine of the watcher may not have started yet.
	s.eventually("not one store and one watcher", func() bool { return len(store.All()) == 1 && watchers() == 1 })
}

func TestReload(t *testing.T) {
	s := startServer(t, oneBlock)
	first := store.All()[0]
	loaded := first.Status().LastLoad
	for range 3 {
		if err := s.restart(oneBlock + "\n# changed"); err != nil {
			t.Fatal(err)
		}
		s.want("one.example.", dns.RcodeNameError)
	}
	s.eventually("not one watcher", func() bool { return watchers() == 1 })
	if now := store.All(); len(now) != 1 || now[0] != first || now[0].Status().LastLoad != loaded {
		t.Errorf("a reload without changes loaded files again: %d stores", len(now))
	}
	// With other order files the old store is closed together with the old instance.
	s.write("b.yaml", "two.example")
	if err := s.restart(strings.ReplaceAll(oneBlock, "a.yaml", "b.yaml")); err != nil {
		t.Fatal(err)
	}
	s.want("one.example.", dns.RcodeSuccess)
	s.want("two.example.", dns.RcodeNameError)
	s.eventually("not one watcher", func() bool { return watchers() == 1 })
	if now := store.All(); len(now) != 1 || now[0] == first {
		t.Errorf("%d stores", len(now))
	}
	s.write("b.yaml", "three.example")
	s.eventually("the change is not noticed", func() bool { return s.ask("three.example.") == dns.RcodeNameError })
}

// TestReloadFailsAtListen checks a reload whose new instance starts and cannot listen. CoreDNS
// drops the new instance without notifying it. The old instance must keep watching files, and
// nothing may leak.
func TestReloadFailsAtListen(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	s := startServer(t, oneBlock)
	s.write("b.yaml", "two.example")
	for range 3 {
		err := s.restart(strings.ReplaceAll(oneBlock, "a.yaml", "b.yaml") + fmt.Sprintf(`
			.:%d {
				bind 127.0.0.1
				blocklist $DIR/a.yaml
				blocklist_ignored
			}`, taken.Addr().(*net.TCPAddr).Port))
		if err == nil {
			t.Fatal("an unknown directive was accepted")
		}
		err = s.restart(fmt.Sprintf(`.:%d {
			bind 127.0.0.1
			blocklist $DIR/b.yaml
			whoami
		}
		example.org:%[1]d {
			bind 127.0.0.1
			blocklist $DIR/a.yaml
			whoami
		}`, taken.Addr().(*net.TCPAddr).Port))
		if err == nil || !strings.Contains(err.Error(), "address already in use") {
			t.Fatalf("restart: %v", err)
		}
	}
	s.eventually("the new instance was not stopped", func() bool { return len(store.All()) == 1 && watchers() == 1 })
	s.want("one.example.", dns.RcodeNameError)
	s.write("a.yaml", "three.example")
	s.eventually("the old instance does not watch files any more", func() bool { return s.ask("three.example.") == dns.RcodeNameError })
	// A later reload must still work.
	if err := s.restart(oneBlock); err != nil {
		t.Fatal(err)
	}
	s.want("three.example.", dns.RcodeNameError)
}

// TestReloadFailsAtStartup checks a reload whose second server block has bad orders. The store
// that the first server block acquired must be released.
func TestReloadFailsAtStartup(t *testing.T) {
	s := startServer(t, oneBlock)
	s.write("b.yaml", "two.example")
	err := s.restart(`.:0 {
		bind 127.0.0.1
		blocklist $DIR/b.yaml
		whoami
	}
	example.org:0 {
		bind 127.0.0.1
		blocklist $DIR/none.yaml
		whoami
	}`)
	if err == nil || !strings.Contains(err.Error(), "none.yaml") {
		t.Fatalf("restart: %v", err)
	}
	s.eventually("not one store and one watcher", func() bool { return len(store.All()) == 1 && watchers() == 1 })
	s.want("one.example.", dns.RcodeNameError)
}

// TestReady checks that a server block with good orders reports not ready while another server
// block is not ready. CoreDNS asks only one instance of each plugin.
func TestReady(t *testing.T) {
	s := startServer(t, `.:0 {
		bind 127.0.0.1
		blocklist $DIR/a.yaml $DIR/late.yaml
		whoami
	}
	example.org:0 {
		bind 127.0.0.1
		blocklist $DIR/a.yaml
		whoami
	}`)
	h := &Blocklist{}
	if h.Ready() {
		t.Error("ready, though late.yaml has never been in force")
	}
	s.write("late.yaml", "late.example")
	s.eventually("not ready with all files in force", h.Ready)
	os.Remove(filepath.Join(s.dir, "late.yaml"))
	s.eventually("the lost file is not noticed", func() bool {
		return slices.ContainsFunc(store.All(), func(s *store.Store) bool { return !s.Status().LastOK })
	})
	if !h.Ready() {
		t.Error("not ready, though the last good version is in force")
	}
}
