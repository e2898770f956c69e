//go:build e2e

package evidence

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestCosignature(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "evidence.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "~~~ sh\nfile=5000.0a1b2c3d.cosig\n")
	_, commands, _ := strings.Cut(rest, "\n") // without the key
	commands, _, ok := strings.Cut(commands, "~~~\n")
	if !ok || !strings.Contains(commands, "cosignature/v1") {
		t.Fatal("docs/evidence.md has no commands for a cosignature")
	}
	point, err := os.ReadFile(filepath.Join(makeJournal(t), "checkpoint"))
	if err != nil {
		t.Fatal(err)
	}
	text, _, _ := strings.Cut(string(point), "\n\n")
	seed := sha256.Sum256([]byte("witness"))
	private := ed25519.NewKeyFromSeed(seed[:])
	public := append([]byte{4}, private.Public().(ed25519.PublicKey)...)
	sum := sha256.Sum256(append([]byte("witness.example.org/w1\n"), public...))
	key := fmt.Sprintf("witness.example.org/w1+%x+%s", sum[:4], base64.StdEncoding.EncodeToString(public))
	const at = 1795910400
	sig := ed25519.Sign(private, fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s\n", at, text))
	line := "— witness.example.org/w1 " + base64.StdEncoding.EncodeToString(append(binary.BigEndian.AppendUint64(sum[:4:4], at), sig...)) + "\n"
	for _, tc := range []struct {
		point string
		good  bool
	}{{string(point), true}, {strings.Replace(string(point), "\n3", "\n4", 1), false}} {
		dir := t.TempDir()
		os.WriteFile(filepath.Join(dir, "point.cosig"), []byte(tc.point+line), 0o600)
		cmd := exec.Command("bash", "-euo", "pipefail", "-c", "file=point.cosig\nkey="+key+"\n"+commands)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
		out, err := cmd.CombinedOutput()
		if good := err == nil && string(out) == "Signature Verified Successfully\nSun Nov 29 00:00:00 UTC 2026\n"; good != tc.good {
			t.Errorf("%v\n%s", err, out)
		}
	}
}
