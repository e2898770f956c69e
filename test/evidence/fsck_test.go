//go:build e2e

package evidence

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/evidence"
)

// The program fsck of Tessera 1.0.4 returns 0 even for a bad checkpoint. So the test reads the
// output.
func TestFsck(t *testing.T) {
	program := filepath.Join(t.TempDir(), "fsck")
	build := exec.Command("go", "build", "-o", program, "github.com/transparency-dev/tessera/cmd/fsck")
	build.Dir = filepath.Join("..", "fsck")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	export := filepath.Join(t.TempDir(), "export")
	if _, err := evidence.Export(makeJournal(t), export); err != nil {
		t.Fatal(err)
	}
	accepts := func() (bool, string) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, program, "--storage_url=file://"+export+"/", "--public_key="+filepath.Join(export, "journal.vkey"), "--ui=false")
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		_ = cmd.Run()
		return strings.Contains(out.String(), "Successfully fsck'd log"), out.String()
	}
	if ok, out := accepts(); !ok {
		t.Errorf("fsck does not accept the export:\n%s", out)
	}
	path := filepath.Join(export, "checkpoint")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	os.WriteFile(path, bytes.Replace(text, []byte("\n3"), []byte("\n2"), 1), 0o644)
	if ok, out := accepts(); ok {
		t.Errorf("fsck accepts a checkpoint with a bad signature:\n%s", out)
	}
}
