//go:build e2e

package faults

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/dns-orders/blocklist/test/port"
)

// The server must not run as root, because root ignores the permissions of files.
const nobody = 65534

type lab struct {
	t       *testing.T // the test of the current fault
	coredns string
	random  *rand.Rand
	root    bool     // the server runs as the user of the tests, even if that user is root
	wrap    []string // a command that starts the server in new namespaces
	stdout  *os.File // if set, the output of the server goes here instead of into the log

	dir      string
	corefile string // the properties of the blocklist directive that a fault may change
	orders   string
	addr     string
	ports    struct{ dns, metrics, ready string }
	upstream *dns.Server
	cmd      *exec.Cmd
	exited   chan struct{}
	model    *model
	client   *client
	asker    *asker
	web      *web
	version  int   // the number of the last order that the method urgent wrote
	sampled  tally // the answers to queries that the fault itself sends
}

// The plugin health can delay the end of the server by 5 seconds, so the Corefile omits it.
const corefile = `.:%s {
	bind 127.0.0.1
	errors
	prometheus 127.0.0.1:%s
	ready 127.0.0.1:%s {
		monitor continuously
	}
	blocklist %s {
		protect protect.txt
		%s
	}
	forward . %s
}
`

const (
	usualOrders  = "orders/ single.yaml"
	usualOptions = "poll 250ms"
)

func (l *lab) build() {
	l.t.Helper()
	dir, err := os.MkdirTemp("", "faults")
	l.check(err)
	l.dir = dir
	l.check(os.Chmod(dir, 0o755))
	files, want := world()
	for name, text := range files {
		l.write(name, text)
	}
	l.link("..1", "volume/..data")
	l.link("../volume/..data/linked.yaml", linked)
	l.version = 0
	l.model = &model{want: want}
	l.model.set(nxdomain, "urgent0.example")

	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	l.check(err)
	l.upstream = &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(upstream)}
	go l.upstream.ActivateAndServe()
	for _, p := range []*string{&l.ports.dns, &l.ports.metrics, &l.ports.ready} {
		*p = port.Free(l.t)
	}
	l.addr = "127.0.0.1:" + l.ports.dns
	l.client = newClient(l.addr)
	l.web = newWeb(l.ports.metrics, l.ports.ready)
	l.orders, l.corefile = usualOrders, usualOptions
	l.configure()
	l.start()
	l.until(startTime, "the reference order set to be in force", l.recovered)
	l.asker = startAsker(l.client, l.model, l.random)
}

// configure writes the Corefile.
func (l *lab) configure() {
	l.t.Helper()
	l.write("Corefile", fmt.Sprintf(corefile, l.ports.dns, l.ports.metrics, l.ports.ready,
		l.orders, l.corefile, l.upstream.PacketConn.LocalAddr()))
}

func (l *lab) start() {
	l.t.Helper()
	log, err := os.OpenFile(l.path("log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	l.check(err)
	defer log.Close()
	args := append(append([]string{}, l.wrap...), l.coredns, "-conf", "Corefile")
	l.cmd = exec.Command(args[0], args[1:]...)
	l.cmd.Dir, l.cmd.Stdout, l.cmd.Stderr = l.dir, log, log
	if l.stdout != nil {
		l.cmd.Stdout, l.cmd.Stderr = l.stdout, l.stdout
	}
	l.cmd.Env = append(os.Environ(), "BLOCKLIST_FAULT_CLOCK="+l.path("clock"))
	l.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	switch {
	case l.wrap != nil:
		l.cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS
		l.cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		l.cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	case os.Getuid() == 0 && !l.root:
		l.cmd.SysProcAttr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
	}
	l.check(l.cmd.Start())
	exited, cmd := make(chan struct{}), l.cmd
	l.exited = exited
	go func() {
		_ = cmd.Wait() // the log contains the reason
		close(exited)
	}()
	l.until(startTime, "the server to answer", func() error {
		select {
		case <-exited:
			l.t.Fatalf("the server has ended:\n%s", l.tail())
		default:
		}
		if got := l.client.ask("start.invalid"); got != pass {
			return fmt.Errorf("start.invalid: %s", got)
		}
		return nil
	})
}

func (l *lab) stop() (time.Duration, error) {
	if l.cmd == nil {
		return 0, nil
	}
	// Close these connections, because http.Server.Shutdown waits 5 seconds for a connection
	// without a request.
	l.web.client.CloseIdleConnections()
	begin := time.Now()
	defer func() { l.cmd = nil }()
	_ = l.cmd.Process.Signal(syscall.SIGTERM) // an error means that the process has ended
	select {
	case <-l.exited:
		return time.Since(begin), nil
	case <-time.After(stopTime):
		l.kill()
		return 0, fmt.Errorf("SIGTERM did not end the server in %s; the last lines of the log:\n%s", stopTime, l.tail())
	}
}

func (l *lab) kill() {
	_ = l.cmd.Process.Kill() // an error means that the process has ended
	<-l.exited
}

func (l *lab) close() (time.Duration, error) {
	if l.dir == "" {
		return 0, nil
	}
	if l.asker != nil {
		l.asker.close()
		l.asker = nil
	}
	took, err := l.stop()
	if l.upstream != nil {
		_ = l.upstream.Shutdown() // no query is open
	}
	_ = exec.Command("chmod", "-R", "u+rwx", l.dir).Run() // if chmod fails, os.RemoveAll returns an error
	if rm := os.RemoveAll(l.dir); err == nil {
		err = rm
	}
	l.dir = ""
	return took, err
}

func (l *lab) reload(word string) {
	l.t.Helper()
	from := l.logSize()
	l.check(l.cmd.Process.Signal(syscall.SIGUSR1))
	l.until(startTime, "the log to say "+word, func() error {
		if !strings.Contains(l.logFrom(from), word) {
			return fmt.Errorf("the log says %q", l.logFrom(from))
		}
		return nil
	})
}

func (l *lab) path(name string) string { return filepath.Join(l.dir, name) }

func (l *lab) write(name, text string) {
	l.t.Helper()
	l.writeInPlace(filepath.Dir(name)+"/.new", text)
	l.check(os.Rename(l.path(filepath.Dir(name)+"/.new"), l.path(name)))
}

func (l *lab) writeInPlace(name, text string) {
	l.t.Helper()
	l.check(os.MkdirAll(filepath.Dir(l.path(name)), 0o755))
	l.check(os.WriteFile(l.path(name), []byte(text), 0o644))
}

func (l *lab) link(to, name string) {
	l.t.Helper()
	next := l.path(filepath.Dir(name) + "/.link")
	_ = os.Remove(next) // usually there is no old link
	l.check(os.Symlink(to, next))
	l.check(os.Rename(next, l.path(name)))
}

func (l *lab) remove(name string) {
	l.t.Helper()
	l.check(os.RemoveAll(l.path(name)))
}

func (l *lab) check(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

func (l *lab) until(limit time.Duration, what string, f func() error) time.Duration {
	l.t.Helper()
	took, err := within(limit, f)
	if err != nil {
		l.t.Fatalf("waited %s for %s: %v", limit, what, err)
	}
	return took
}

func within(limit time.Duration, f func() error) (time.Duration, error) {
	begin := time.Now()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := f()
		took := time.Since(begin)
		if err == nil || took > limit {
			return took, err
		}
		<-tick.C
	}
}

func (l *lab) logSize() int { return len(l.logFrom(0)) }

func (l *lab) logFrom(from int) string {
	l.t.Helper()
	text, err := os.ReadFile(l.path("log"))
	l.check(err)
	return string(text[min(from, len(text)):])
}

func (l *lab) tail() string {
	text := l.logFrom(0)
	return text[max(0, len(text)-2000):]
}
