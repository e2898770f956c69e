package blocklist

import (
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/metrics"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coredns/caddy"
	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/metadata"
	_ "github.com/coredns/coredns/plugin/tls"
	_ "github.com/coredns/coredns/plugin/view"
	_ "github.com/coredns/coredns/plugin/whoami"
	"github.com/dns-orders/blocklist/plugin/store"
	"github.com/dns-orders/blocklist/test/coredns"
	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	coredns.Prepare()
	os.Exit(m.Run())
}

type server struct {
	t    *testing.T
	dir  string
	inst *caddy.Instance
}

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
		coredns.Stop(t, s.inst)
		if len(store.All()) != 0 || len(loaded.All()) != 0 {
			t.Errorf("%d stores, %d instances are left", len(store.All()), len(loaded.All()))
		}
		if err := goleak.Find(before); err != nil {
			t.Error(err)
		}
	})
	coredns.AwaitServing(t, s.inst)
	return s
}

func (s *server) input(corefile string) caddy.Input {
	return coredns.Input(strings.ReplaceAll(corefile, "$DIR", s.dir))
}

func (s *server) write(file, target string) {
	s.t.Helper()
	text := fmt.Sprintf("version: 1\norders:\n- {id: %s, authority: {name: A}, scope: global, targets: [%s]}\n", file, target)
	tmp := filepath.Join(s.dir, ".tmp")
	if err := os.WriteFile(tmp, []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
	old := time.Now().Add(-time.Minute)
	os.Chtimes(tmp, old, old)
	if err := os.Rename(tmp, filepath.Join(s.dir, file)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *server) restart(corefile string) error {
	inst, err := s.inst.Restart(s.input(corefile))
	s.inst = inst
	coredns.AwaitServing(s.t, s.inst)
	return err
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

// eventually waits until ok returns true.
func (s *server) eventually(what string, ok func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatal(what)
		}
	}
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

func TestSharedStore(t *testing.T) {
	startServer(t, `.:0 {
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
	if n := len(store.All()); n != 1 {
		t.Errorf("%d stores, want 1", n)
	}
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
	if now := store.All(); len(now) != 1 || now[0] != first || now[0].Status().LastLoad != loaded {
		t.Errorf("a reload without changes loaded files again: %d stores", len(now))
	}
	s.write("b.yaml", "two.example")
	if err := s.restart(strings.ReplaceAll(oneBlock, "a.yaml", "b.yaml")); err != nil {
		t.Fatal(err)
	}
	s.want("one.example.", dns.RcodeSuccess)
	s.want("two.example.", dns.RcodeNameError)
	if now := store.All(); len(now) != 1 || now[0] == first {
		t.Errorf("%d stores", len(now))
	}
	s.write("b.yaml", "three.example")
	s.eventually("the change is not noticed", func() bool { return s.ask("three.example.") == dns.RcodeNameError })
}

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
	s.eventually("the new instance was not stopped", func() bool { return len(store.All()) == 1 })
	s.want("one.example.", dns.RcodeNameError)
	s.write("a.yaml", "three.example")
	s.eventually("the old instance does not watch files any more", func() bool { return s.ask("three.example.") == dns.RcodeNameError })
	// A later reload must still work.
	if err := s.restart(oneBlock); err != nil {
		t.Fatal(err)
	}
	s.want("three.example.", dns.RcodeNameError)
}

func TestFirstReloadFails(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	const without = ".:0 {\n\tbind 127.0.0.1\n\twhoami\n}\n"
	s := startServer(t, without)
	for range 2 {
		err := s.restart(fmt.Sprintf(".:%d {\n\tbind 127.0.0.1\n\tblocklist $DIR/a.yaml\n\twhoami\n}\n", taken.Addr().(*net.TCPAddr).Port))
		if err == nil || !strings.Contains(err.Error(), "address already in use") {
			t.Fatalf("restart: %v", err)
		}
		if n := len(store.All()); n != 0 {
			t.Fatalf("%d stores", n)
		}
	}
	if err := s.restart(oneBlock); err != nil {
		t.Fatal(err)
	}
	s.want("one.example.", dns.RcodeNameError)
	if err := s.restart(without); err != nil {
		t.Fatal(err)
	}
}

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
	s.eventually("not one store", func() bool { return len(store.All()) == 1 })
	s.want("one.example.", dns.RcodeNameError)
}

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

func startLines(log string) (out []string) {
	var seen []string
	for line := range strings.Lines(log) {
		i := strings.Index(line, "server blocks: ")
		if i < 0 {
			continue
		}
		_, level, _ := strings.Cut(line, "[")
		level, _, _ = strings.Cut(level, "]")
		text := regexp.MustCompile(`digest [0-9a-f]{12}\b`).ReplaceAllStringFunc(line[i:], func(d string) string {
			if !slices.Contains(seen, d) {
				seen = append(seen, d)
			}
			return "digest " + string(rune('A'+slices.Index(seen, d)))
		})
		out = append(out, "["+level+"] "+strings.TrimSpace(strings.TrimPrefix(text, "server blocks: ")))
	}
	return out
}

func shadowGauges(t *testing.T) []string {
	t.Helper()
	families, err := prometheus.DefaultGatherer.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, f := range families {
		if f.GetName() != "coredns_blocklist_shadow" {
			continue
		}
		for _, m := range f.GetMetric() {
			l := map[string]string{}
			for _, p := range m.GetLabel() {
				l[p.GetName()] = p.GetValue()
			}
			out = append(out, strings.TrimSpace(strings.Join([]string{l["server"], l["zone"], l["view"]}, " "))+map[float64]string{0: " 0", 1: " 1"}[m.GetGauge().GetValue()])
		}
	}
	slices.Sort(out)
	return out
}

func TestServerBlocks(t *testing.T) {
	const (
		enforces = "blocklist $DIR/a.yaml\nwhoami\n}\n"
		shadow   = "blocklist $DIR/a.yaml {\nshadow\n}\nwhoami\n}\n"
		head     = ":0 {\nbind 127.0.0.1\n"
	)
	corefiles := []struct {
		corefile, line string
		gauges         []string
	}{
		{"." + head + enforces,
			"[INFO] the order set of digest A is enforced in dns://.:0 bind 127.0.0.1",
			[]string{"dns://127.0.0.1:0 . 0"}},
		{"." + head + enforces + "example.net" + head + "whoami\n}\n",
			"[WARNING] the order set of digest A is enforced in dns://.:0 bind 127.0.0.1; there is no blocklist directive, and no order is enforced, in dns://example.net.:0 bind 127.0.0.1",
			[]string{"dns://127.0.0.1:0 . 0"}},
		{"example.org" + head + "whoami\n}\nexample.net:0 tls://." + head + shadow,
			"[WARNING] orders are in shadow and change no answer in dns://example.net.:0 bind 127.0.0.1, tls://.:0 bind 127.0.0.1; there is no blocklist directive, and no order is enforced, in dns://example.org.:0 bind 127.0.0.1",
			[]string{"dns://127.0.0.1:0 example.net. 1", "tls://127.0.0.1:0 . 1"}},
		{"." + head + "view inside {\nexpr incidr(client_ip(), '127.0.0.2/32')\n}\n" + shadow + "." + head + enforces + "example.net" + head + "blocklist $DIR/b.yaml\nwhoami\n}\n",
			"[WARNING] the order set of digest A is enforced in dns://.:0 bind 127.0.0.1; the order set of digest B is enforced in dns://example.net.:0 bind 127.0.0.1; orders are in shadow and change no answer in dns://.:0 view inside bind 127.0.0.1",
			[]string{"dns://127.0.0.1:0 . 0", "dns://127.0.0.1:0 . inside 1", "dns://127.0.0.1:0 example.net. 0"}},
		{".:0 {\nbind 127.0.0.1 ::1\n" + shadow,
			"[WARNING] orders are in shadow and change no answer in dns://.:0 bind 127.0.0.1 ::1",
			[]string{"dns://127.0.0.1:0 . 1", "dns://[::1]:0 . 1"}},
	}
	log := coredns.CaptureLog(t)
	s := startServer(t, corefiles[0].corefile)
	s.write("b.yaml", "two.example")
	for i, tc := range corefiles {
		if i > 0 {
			if err := s.restart(tc.corefile); err != nil {
				t.Fatal(err)
			}
		}
		if got := startLines(log.Take()); !slices.Equal(got, []string{tc.line}) {
			t.Errorf("\n%s got %q\nwant %q", tc.corefile, got, tc.line)
		}
		if got := shadowGauges(t); !slices.Equal(got, tc.gauges) {
			t.Errorf("\n%s got %q\nwant %q", tc.corefile, got, tc.gauges)
		}
	}
	os.WriteFile(filepath.Join(s.dir, "bad.yaml"), []byte("version: 2\n"), 0o644)
	if err := s.restart("." + head + enforces + "example.net" + head + "blocklist $DIR/bad.yaml\nwhoami\n}\n"); err == nil {
		t.Error("a server started without any good order file")
	}
	if got := startLines(log.Take()); len(got) > 0 {
		t.Errorf("a failed reload logged %q", got)
	}
	if got, want := shadowGauges(t), corefiles[len(corefiles)-1].gauges; !slices.Equal(got, want) {
		t.Errorf("after a failed reload: %q, want %q", got, want)
	}
}

func TestShadowWhileReloading(t *testing.T) {
	l := labels{server: "dns://:53", zone: "."}
	both := []*instance{{shadow: map[labels]bool{l: true}}, {shadow: map[labels]bool{l: false}}}
	for _, i := range both {
		loaded.Add(i)
		defer loaded.Remove(i)
	}
	if got := shadowBlocks(); !maps.Equal(got, map[labels]bool{l: true}) {
		t.Errorf("got %v", got)
	}
}

func firstStack() uint64 {
	runtime.GC()
	runtime.GC() // the first call may only wait for a collection that began earlier
	sample := []metrics.Sample{{Name: "/gc/stack/starting-size:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

func TestFirstStack(t *testing.T) {
	usual := firstStack()

	a, b := &instance{}, &instance{}
	for _, i := range []*instance{a, b, a} {
		i.add(nil)
	}
	if got := firstStack(); got <= usual {
		t.Errorf("a new goroutine gets %d bytes, without a store %d bytes", got, usual)
	}
	a.stores, b.stores = nil, nil
	a.release()
	if got := firstStack(); got <= usual {
		t.Errorf("one of two instances has a store: a new goroutine gets %d bytes, without a store %d bytes", got, usual)
	}
	b.release()
	b.release() // an instance may be released twice
	for range 1000 {
		if firstStack() == usual {
			return
		}
		runtime.Gosched() // useStack has not ended yet
	}
	t.Errorf("all instances have released their stores: a new goroutine gets %d bytes, at first %d bytes", firstStack(), usual)
}
