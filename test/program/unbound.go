package program

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// StartUnbound starts Unbound as a forwarder. The caller can add lines to the clause "server", and
// can add more clauses.
func StartUnbound(t testing.TB, dir, addr, upstream, options, clauses string) {
	t.Helper()
	at := func(addr string) string { return strings.Replace(addr, ":", "@", 1) }
	conf := fmt.Sprintf(`server:
  interface: %s
  directory: %q
  chroot: ""
  username: ""
  pidfile: ""
  logfile: ""
  use-syslog: no
  do-daemonize: no
  do-not-query-localhost: no
%sremote-control:
  control-enable: no
forward-zone:
  name: "."
  forward-addr: %s
%s`, at(addr), dir, options, at(upstream), clauses)
	if err := os.WriteFile(filepath.Join(dir, "unbound.conf"), []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	Start(t, dir, "unbound", "-d", "-c", "unbound.conf")
}
