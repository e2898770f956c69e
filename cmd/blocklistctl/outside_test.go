package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/journal"
	"golang.org/x/mod/sumdb/note"
)

type commandCase struct {
	args string
	code int
	want string
}

// runCases runs commands, and again with --json.
func runCases(t *testing.T, cases []commandCase) {
	t.Helper()
	for _, tc := range cases {
		code, out, errs := ctl(strings.Fields(tc.args)...)
		for line := range strings.Lines(errs) {
			out += "! " + line
		}
		if code != tc.code || out != tc.want {
			t.Errorf("%s: exit %d\n%s\nwant %d\n%s", tc.args, code, out, tc.code, tc.want)
		}
		if tc.code == exitMisuse {
			continue
		}
		args := append([]string{"--json"}, strings.Fields(tc.args)...)
		again, out, _ := ctl(args...)
		if again != tc.code {
			t.Errorf("%q: exit %d", args, again)
		}
		oneDocument(t, args, []byte(out))
	}
}

func TestCollect(t *testing.T) {
	t.Chdir(t.TempDir())
	makeJournal(t, "node1")
	j := journal.Open("node2", journal.Options{Origin: "dns.example.net/journal/node2", Now: clock})
	j.Append(journal.Record{Event: journal.InForce, Order: "court/1"})
	j.Close(time.Minute)
	key := func(dir string) string { return strings.TrimSpace(content(t, filepath.Join(dir, "journal.vkey"))) }
	inventory := "nodes:\n"
	for _, n := range []string{"node1", "node2"} {
		inventory += fmt.Sprintf("- {name: dns.example.net/journal/%s, key: %s, dir: %[1]s}\n", n, key(n))
	}
	os.WriteFile("i.yaml", []byte(inventory), 0o600)
	_, third, err := note.GenerateKey(rand.Reader, "n3")
	if err != nil {
		t.Fatal(err)
	}
	os.WriteFile("three.yaml", []byte(inventory+fmt.Sprintf("- {name: n3, key: %s, dir: node3}\n", third)), 0o600)
	os.WriteFile("bad.yaml", []byte("nodes: [{name: a}]\n"), 0o600)
	const one, two = "dns.example.net/journal/node1", "dns.example.net/journal/node2"
	const hint = "note: the public key comes from collected.json: give the inventory with --inventory\n"
	const sum1 = one + ": 20 signed records, 0 not signed yet, 0 pruned; 3 good checkpoints; 2 good versions of files; 0 faults\n"
	const sum2 = two + ": 3 signed records, 0 not signed yet, 0 pruned; 1 good checkpoints; 0 good versions of files; 0 faults\n"
	os.WriteFile("kept", []byte(content(t, "node1/checkpoint")), 0o600)
	runCases(t, []commandCase{
		{"evidence collect --inventory i.yaml --out out", exitOK, one + ": 20 records in out/dns.example.net_journal_node1, the newest of 2026-05-01T13:00:00Z, which is 1h0m0s later than the clock of this machine\n" +
			two + ": 3 records in out/dns.example.net_journal_node2, the newest of 2026-05-01T12:00:00Z\n"},
		{"evidence verify out --checkpoint kept", exitOK, hint + sum1 + hint + sum2},
		{"evidence verify out --inventory i.yaml", exitOK, strings.Replace(sum1, "3 good", "2 good", 1) + sum2},
		{"evidence verify out --key " + key("node1"), exitMisuse, "! blocklistctl: --key cannot be used with a directory of \"evidence collect\": use --inventory\n"},
		{"evidence verify node1 --inventory i.yaml", exitMisuse, "! blocklistctl: --inventory needs a directory of \"evidence collect\"\n"},
		{"evidence collect --inventory bad.yaml --out out", exitProblems, "! blocklistctl: bad.yaml:1: the node has no key dir\n"},
		{"evidence collect --inventory nothing --out out", exitMisuse, "! blocklistctl: --inventory: open nothing: no such file or directory\n"},
	})
	code, out, _ := ctl("history", "court/1", "--journal", "out")
	if want := "order court/1: enforced on 0 of 2 nodes at the end of their journals; ended on " + one + ", " + two + "\n"; code != exitOK || !strings.HasSuffix(out, want) {
		t.Errorf("exit %d\n%s", code, out)
	}
	_, out, _ = ctl("--json", "history", "court/1", "--journal", "out")
	oneDocument(t, []string{"--json", "history"}, []byte(out))
	code, out, _ = ctl("history", "www.a.example", "--journal", "out")
	if code != exitOK || strings.Contains(out, "hidden/1") || !strings.Contains(out, "order court/1: enforced on 0 of 2 nodes at the end of their journals; ended on "+one+"; never on "+two+"\n") {
		t.Errorf("exit %d\n%s", code, out)
	}
	if code, out, _ := ctl("evidence", "collect", "--inventory", "three.yaml", "--out", "out"); code != exitProblems || !strings.HasSuffix(out, "n3: 0 records in out/n3\n  ERROR: open node3/checkpoint: no such file or directory\n") {
		t.Errorf("exit %d\n%s", code, out)
	}
	if code, out, _ := ctl("evidence", "verify", "out", "--inventory", "three.yaml"); code != exitProblems || !strings.Contains(out, "FAULT: checkpoint: is missing\n") {
		t.Errorf("exit %d\n%s", code, out)
	}
	os.RemoveAll("node1")
	code, out, _ = ctl("evidence", "collect", "--inventory", "i.yaml", "--out", "out")
	if code != exitProblems || !strings.HasPrefix(out, one+": 20 records in out/dns.example.net_journal_node1, the newest of 2026-05-01T13:00:00Z\n  ERROR: open node1/checkpoint: no such file or directory\n") {
		t.Errorf("exit %d\n%s", code, out)
	}
	if code, out, errs := ctl("evidence", "verify", "out", "--checkpoint", "i.yaml"); code != exitMisuse || !strings.Contains(errs, "--checkpoint i.yaml is of no journal in out") {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
}

func signing(t *testing.T) (*httptest.Server, string) {
	seed := sha256.Sum256([]byte("witness"))
	private := ed25519.NewKeyFromSeed(seed[:])
	public := append([]byte{4}, private.Public().(ed25519.PublicKey)...)
	sum := sha256.Sum256(append([]byte("w.example/1\n"), public...))
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, point, _ := strings.Cut(string(body), "\n\n")
		text, _, ok := strings.Cut(point, "\n\n")
		if !ok || !strings.HasPrefix(string(body), "old 0\n") {
			t.Errorf("request %q", body)
		}
		at := uint64(clock().Unix())
		sig := ed25519.Sign(private, []byte(fmt.Sprintf("cosignature/v1\ntime %d\n%s\n", at, text)))
		fmt.Fprintf(w, "— w.example/1 %s\n", base64.StdEncoding.EncodeToString(append(binary.BigEndian.AppendUint64(sum[:4:4], at), sig...)))
	}))
	t.Cleanup(s.Close)
	return s, fmt.Sprintf("w.example/1+%x+%s", sum[:4], base64.StdEncoding.EncodeToString(public))
}

func TestOutsiders(t *testing.T) {
	t.Chdir(t.TempDir())
	makeJournal(t, "journal")
	s, key := signing(t)
	own := strings.TrimSpace(content(t, "journal/journal.vkey"))
	const name = "dns.example.net/journal/node1"
	cosigned := "checkpoints/16." + strings.Split(key, "+")[1] + ".cosig: w.example/1 has cosigned 16 records at 2026-05-01T12:00:00Z\n"
	address := s.URL
	runCases(t, []commandCase{
		{"evidence witness journal --witness " + address + " --witness-key " + own, exitMisuse, "! blocklistctl: --witness-key is a key of type 1, for example of a journal: a witness has a key of type 4, got \"" + own + "\"\n"},
		{"evidence witness journal --witness ftp://x --witness-key " + key, exitProblems, "! blocklistctl: a URL like https://HOST/PATH is needed, got \"ftp://x\"\n"},
		{"evidence witness journal --witness " + address + " --witness-key " + key + " --timeout 0s", exitMisuse, "! blocklistctl: --timeout must be more than 0s, got \"0s\"\n"},
		{"evidence verify journal --key " + own + " --witness " + key, exitProblems, "FAULT: no checkpoint has a cosignature of w.example/1\n" +
			name + ": 20 signed records, 0 not signed yet, 0 pruned; 2 good checkpoints; 2 good versions of files; 1 faults\n"},
	})
	if code, out, errs := ctl("evidence", "witness", "journal", "--witness", address, "--witness-key", key); code != exitOK || out != cosigned {
		t.Fatalf("exit %d\n%s%s\nwant\n%s", code, out, errs, cosigned)
	}
	os.WriteFile("key", []byte(key+"\n"), 0o600)
	runCases(t, []commandCase{
		{"evidence witness journal --witness " + address + " --witness-key key", exitOK, "already there: " + cosigned},
		{"evidence verify journal --key " + own + " --witness key", exitOK, "cosigned: 16 records by w.example/1 at 2026-05-01T12:00:00Z\n" +
			name + ": 20 signed records, 0 not signed yet, 0 pruned; 3 good checkpoints; 2 good versions of files; 0 faults\n"},
		{"evidence stamp journal --tsa " + address + " --ca nothing", exitMisuse, "! blocklistctl: --ca: stat nothing: no such file or directory\n"},
		{"evidence stamp nothing --tsa " + address, exitProblems, "! blocklistctl: nothing: is not the directory of a journal or of a bundle: open nothing/journal.vkey: no such file or directory\n"},
	})
}
