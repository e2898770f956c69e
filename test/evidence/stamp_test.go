//go:build e2e

package evidence

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dns-orders/blocklist/plugin/evidence"
	"github.com/dns-orders/blocklist/plugin/journal"
	"github.com/dns-orders/blocklist/test/program"
)

type authority struct {
	t   *testing.T
	dir string
}

func (a *authority) openssl(args ...string) (string, error) {
	cmd := exec.Command("openssl", args...)
	cmd.Dir = a.dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t, t.TempDir()}
	conf := `[tsa]
default_tsa = own
[own]
serial = serial
signer_cert = tsa.pem
signer_key = tsa.key
certs = ca.pem
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256
accuracy = millisecs:500
clock_precision_digits = 3
tsa_name = yes
[ext]
extendedKeyUsage = critical,timeStamping
`
	if err := os.WriteFile(filepath.Join(a.dir, "tsa.cnf"), []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	os.WriteFile(filepath.Join(a.dir, "serial"), []byte("01\n"), 0o600)
	for _, args := range []string{
		"req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -subj /CN=TestCA -days 2",
		"req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout tsa.key -out tsa.csr -subj /CN=TestTSA",
		"x509 -req -in tsa.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out tsa.pem -days 2 -extfile tsa.cnf -extensions ext",
		"req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout other.key -out other.pem -subj /CN=Other -days 2",
	} {
		if out, err := a.openssl(strings.Fields(args)...); err != nil {
			t.Fatalf("openssl %s: %v: %s", args, err, out)
		}
	}
	return a
}

// ServeHTTP answers a request for a time stamp.
func (a *authority) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil || r.Header.Get("Content-Type") != "application/timestamp-query" {
		http.Error(w, "no request", http.StatusBadRequest)
		return
	}
	os.WriteFile(filepath.Join(a.dir, "request"), body, 0o600)
	if out, err := a.openssl("ts", "-reply", "-queryfile", "request", "-config", "tsa.cnf", "-out", "answer"); err != nil {
		a.t.Errorf("%v: %s", err, out)
	}
	answer, err := os.ReadFile(filepath.Join(a.dir, "answer"))
	if err != nil {
		a.t.Error(err)
	}
	w.Header().Set("Content-Type", "application/timestamp-reply")
	w.Write(answer)
}

func tool(t *testing.T, program string, args ...string) (string, int) {
	t.Helper()
	cmd := exec.Command(program, args...)
	out, err := cmd.CombinedOutput()
	if _, exited := err.(*exec.ExitError); err != nil && !exited {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

func TestStamp(t *testing.T) {
	ctl := filepath.Join(t.TempDir(), "blocklistctl")
	program.Build(t, ctl, "../../cmd/blocklistctl")
	a := newAuthority(t)
	s := httptest.NewServer(a)
	defer s.Close()
	dir := makeJournal(t)
	key, err := journal.ReadVerifier(filepath.Join(dir, "journal.vkey"))
	if err != nil {
		t.Fatal(err)
	}
	point, err := evidence.Newest(dir, key)
	if err != nil {
		t.Fatal(err)
	}
	path := journal.StampPath(dir, point.Size)

	out, code := tool(t, ctl, "evidence", "stamp", dir, "--tsa", s.URL, "--ca", filepath.Join(a.dir, "other.pem"))
	if _, err := os.Stat(path); code != 1 || err == nil || !strings.Contains(out, "openssl does not accept the time stamp: Verification: FAILED") {
		t.Errorf("exit %d, %v\n%s", code, err, out)
	}
	out, code = tool(t, ctl, "evidence", "stamp", dir, "--tsa", s.URL, "--ca", filepath.Join(a.dir, "ca.pem"))
	if want := fmt.Sprintf("checkpoints/%d.tsr: the checkpoint of %[1]d records existed at 20", point.Size); code != 0 || !strings.HasPrefix(out, want) || !strings.HasSuffix(out, " by CN=TestTSA\n") {
		t.Errorf("exit %d\n%s", code, out)
	}
	verify := func() bool {
		out, err := a.openssl("ts", "-verify", "-in", path, "-data", journal.KeptCheckpoint(dir, point.Size), "-CAfile", "ca.pem")
		return err == nil && strings.Contains(out, "Verification: OK")
	}
	if !verify() {
		t.Error("openssl does not accept the stored stamp")
	}
	out, code = tool(t, ctl, "evidence", "verify", dir)
	if code != 0 || !strings.Contains(out, fmt.Sprintf("stamp: checkpoints/%d.tsr says 20", point.Size)) {
		t.Errorf("exit %d\n%s", code, out)
	}
	out, code = tool(t, ctl, "evidence", "stamp", dir, "--tsa", s.URL)
	if command := fmt.Sprintf("openssl ts -verify -in %s -data %s -CAfile CA.pem", path, journal.KeptCheckpoint(dir, point.Size)); code != 0 || !strings.Contains(out, "already there: ") || !strings.Contains(out, command) {
		t.Errorf("exit %d\n%s", code, out)
	}

	// A changed checkpoint.
	text, err := os.ReadFile(journal.KeptCheckpoint(dir, point.Size))
	if err != nil {
		t.Fatal(err)
	}
	os.WriteFile(journal.KeptCheckpoint(dir, point.Size), bytes.Replace(text, []byte("\n3"), []byte("\n4"), 1), 0o644)
	if out, code = tool(t, ctl, "evidence", "verify", dir); verify() || code != 1 || !strings.Contains(out, "the time stamp is for other data") {
		t.Errorf("exit %d\n%s", code, out)
	}
}
