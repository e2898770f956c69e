// Package program builds and starts programs for tests.
package program

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

var builds sync.Map

// Build compiles a package and writes the program to a path. A process compiles each package only
// once.
func Build(t testing.TB, path, pkg string) {
	t.Helper()
	build, _ := builds.LoadOrStore(pkg, sync.OnceValues(func() ([]byte, error) {
		if out, err := exec.Command("go", "build", "-o", path, pkg).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("go build %s: %w\n%s", pkg, err, out)
		}
		return os.ReadFile(path)
	}))
	program, err := build.(func() ([]byte, error))()
	if err != nil {
		t.Fatal(err)
	}
	// Write the file in another process. Linux does not execute a file that is open for writing,
	// and a child of this process could inherit the open file.
	install := exec.Command("install", "-m", "755", "/dev/stdin", path)
	install.Stdin = bytes.NewReader(program)
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// Start starts a program in a directory and returns its output. The program ends with the test.
func Start(t testing.TB, dir, name string, args ...string) *Buffer {
	t.Helper()
	cmd, said := exec.Command(name, args...), &Buffer{}
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, said, said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			text := said.String()
			t.Logf("%s said last:\n%s", filepath.Base(name), text[max(0, len(text)-3000):])
		}
	})
	return said
}

// A Buffer is a buffer for several goroutines.
type Buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

// String returns the whole text.
func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
