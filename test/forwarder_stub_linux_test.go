//go:build e2e

package test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/dns-orders/blocklist/test/program"
)

const inside = "STUB_TEST_INSIDE"

// TestStub needs new network and mount namespaces, because glibc reads /etc/resolv.conf and uses
// port 53.
func TestStub(t *testing.T) {
	t.Parallel()
	if os.Getenv(inside) != "" {
		stub(t)
		return
	}
	coredns := filepath.Join(t.TempDir(), "coredns")
	program.Build(t, coredns, "../cmd/coredns")
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestStub$", "-test.v")
	cmd.Env = append(os.Environ(), inside+"="+coredns)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS}
	if os.Getuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	out, err := cmd.CombinedOutput()
	if cmd.Process == nil {
		t.Fatalf("the kernel gives this process no network and mount namespace of its own, which this test needs "+
			"(root with CAP_SYS_ADMIN, in Docker --privileged; else unprivileged user namespaces): %v", err)
	}
	if err != nil || !strings.Contains(string(out), "--- PASS: TestStub") {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}

const stubOrders = `version: 1
defaults: {authority: {name: A court}, scope: global}
orders:
  - {id: subtree, targets: [blocked.example]}
  - {id: exact, targets: [{name: exact.example, match: exact}]}
  - {id: except, targets: [wide.example], except: [ok.wide.example]}
  - {id: nodata, targets: [nodata.example], response: nodata}
  - {id: redirect, targets: [redirect.example], response: {redirect: [192.0.2.99]}}
  - {id: refused, targets: [refused.example], response: refused}
  - {id: lifted, targets: [lifted.example]}
`

func stub(t *testing.T) {
	dir := t.TempDir()
	run(t, "mount", "--make-rprivate", "/")
	run(t, "ip", "link", "set", "lo", "up")
	for _, a := range []string{passing, "192.0.2.99"} {
		run(t, "ip", "addr", "add", a+"/32", "dev", "lo")
		serveHTTP(t, a)
	}
	lookUpWithDNS(t, dir)

	orders := filepath.Join(dir, "orders.yaml")
	write(t, orders, stubOrders)
	const open = `
	template IN A . {
		answer "{{ .Name }} 60 IN A %[1]s"
	}
	template IN ANY . {
		rcode NOERROR
		authority "example. 60 IN SOA . . 1 3600 600 86400 60"
	}
`
	write(t, filepath.Join(dir, "Corefile"), fmt.Sprintf(".:53 {\n\tbind 127.0.0.1\n\tblocklist orders.yaml"+open+"}\n.:53 {\n\tbind 127.0.0.2"+open+"}\n", passing))
	program.Start(t, dir, os.Getenv(inside))
	awaitAnswer(t, "127.0.0.1:53", "passing.example.")
	awaitAnswer(t, "127.0.0.2:53", "passing.example.")

	const nobody = "cannot resolve"
	for _, servers := range []string{"nameserver 127.0.0.1\n", "nameserver 127.0.0.1\nnameserver 127.0.0.2\noptions edns0 trust-ad\n"} {
		second := strings.Contains(servers, "127.0.0.2")
		write(t, "/etc/resolv.conf", servers)
		refused := nobody
		if second {
			// glibc asks the next server after REFUSED.
			refused = passing
		}
		for _, tc := range []struct{ name, want string }{
			{"passing.example", passing},
			{"blocked.example", nobody},
			{"www.blocked.example", nobody},
			{"notblocked.example", passing},
			{"exact.example", nobody},
			{"www.exact.example", passing},
			{"wide.example", nobody},
			{"www.wide.example", nobody},
			{"ok.wide.example", passing},
			{"nodata.example", nobody},
			{"redirect.example", "192.0.2.99"},
			{"www.redirect.example", "192.0.2.99"},
			{"refused.example", refused},
		} {
			if got := curl(t, tc.name); got != tc.want {
				t.Errorf("curl http://%s/ with %q: %s, want %s", tc.name, servers, got, tc.want)
			}
			out, err := exec.Command("getent", "ahostsv4", tc.name).Output()
			got, _, _ := strings.Cut(string(out), " ")
			if err != nil {
				got = nobody
			}
			if got != tc.want {
				t.Errorf("getent ahostsv4 %s with %q: %s, want %s", tc.name, servers, got, tc.want)
			}
		}
	}

	if got := curl(t, "lifted.example"); got != nobody {
		t.Errorf("lifted.example before the lift: %s", got)
	}
	write(t, orders+".new", stubOrders+"  - {id: appeal, action: lift, authority: {name: A court}, issued: 2026-02-01, lifts: [lifted]}\n")
	if err := os.Rename(orders+".new", orders); err != nil {
		t.Fatal(err)
	}
	await(t, "the lift", func() string {
		if got := curl(t, "lifted.example"); got != passing {
			return got
		}
		return ""
	})
}

func lookUpWithDNS(t *testing.T, dir string) {
	t.Helper()
	for file, text := range map[string]string{"resolv.conf": "", "nsswitch.conf": "hosts: dns\n"} {
		own := filepath.Join(dir, file)
		write(t, own, text)
		// Mount the target of a symbolic link, not the link.
		at := filepath.Join("/etc", file)
		if real, err := filepath.EvalSymlinks(at); err == nil {
			at = real
		}
		run(t, "mount", "--bind", own, at)
	}
}

func serveHTTP(t *testing.T, address string) {
	t.Helper()
	l, err := net.Listen("tcp", address+":80")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, address) })}
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
}

func curl(t *testing.T, name string) string {
	t.Helper()
	cmd := exec.Command("curl", "--silent", "--show-error", "--noproxy", "*", "--max-time", "120", "http://"+name+"/")
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState != nil && cmd.ProcessState.ExitCode() == 6 {
		return "cannot resolve"
	}
	if err != nil {
		return fmt.Sprintf("%v: %s", err, out)
	}
	return string(out)
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}
