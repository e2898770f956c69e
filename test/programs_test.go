//go:build e2e

package test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// programs is the directory of the programs that the tests of this package share.
var programs string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		var err error
		if programs, err = os.MkdirTemp("", "blocklist-test-"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(programs)
		return m.Run()
	}())
}

var (
	buildCoreDNS      = sync.OnceValues(func() (string, error) { return build("coredns") })
	buildBlocklistctl = sync.OnceValues(func() (string, error) { return build("blocklistctl") })
)

func build(name string) (string, error) {
	path := filepath.Join(programs, name)
	out, err := exec.Command("go", "build", "-o", path, "../cmd/"+name).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("go build ../cmd/%s: %w\n%s", name, err, out)
	}
	return path, err
}

// built returns the path of a program. Its argument is buildCoreDNS or buildBlocklistctl.
func built(t *testing.T, build func() (string, error)) string {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return path
}
