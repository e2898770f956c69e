package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/dns-orders/blocklist/plugin/durable"
)

func signFiles(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	for path, text := range map[string]string{
		"orders.yaml": "version: 1\nserial: 1\norders: []\n",
		"new.yaml":    "version: 1\nserial: 2\norders: []\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"keygen", "desk.key", "--no-password"}, {"sign", "orders.yaml", "--key", "desk.key"}} {
		if code, _, errs := ctl(args...); code != exitOK {
			t.Fatalf("%q: exit %d, %s", args, code, errs)
		}
	}
}

func steps(t *testing.T, fn func(s durable.Step) error) {
	t.Helper()
	files.Hook = func(s durable.Step, run func() error) error {
		if err := fn(s); err != nil {
			return err
		}
		return run()
	}
	t.Cleanup(func() { files.Hook = nil })
}

// TestSignatureFirst checks that sign renames the signature before the order file. After each
// rename, sign must sync the directory.
func TestSignatureFirst(t *testing.T) {
	signFiles(t)
	var got []string
	steps(t, func(s durable.Step) error {
		if s == durable.Rename || s == durable.Sync || s == durable.SyncDir {
			got = append(got, string(s))
		}
		if len(got) == 4 { // after the first rename, before its sync
			if text, err := os.ReadFile("orders.yaml"); err != nil || !strings.Contains(string(text), "serial: 1") {
				t.Errorf("the order file came first: %q, %v", text, err)
			}
			if code, out, _ := ctl("verify", "new.yaml", "--key", "desk.key.pub"); code != exitProblems || !strings.Contains(out, "new.yaml.minisig") {
				t.Errorf("exit %d, %s", code, out)
			}
		}
		return nil
	})
	if code, _, errs := ctl("sign", "orders.yaml", "--from", "new.yaml", "--key", "desk.key"); code != exitOK {
		t.Fatalf("exit %d, %s", code, errs)
	}
	if want := []string{"sync", "sync", "rename", "syncdir", "rename", "syncdir"}; !slices.Equal(got, want) {
		t.Errorf("steps %q, want %q", got, want)
	}
	if code, out, _ := ctl("verify", "orders.yaml", "--key", "desk.key.pub"); code != exitOK {
		t.Errorf("exit %d, %s", code, out)
	}
}

func TestSignFails(t *testing.T) {
	for at := 1; ; at++ {
		signFiles(t)
		before, err := os.ReadFile("orders.yaml")
		if err != nil {
			t.Fatal(err)
		}
		signature, err := os.ReadFile("orders.yaml.minisig")
		if err != nil {
			t.Fatal(err)
		}
		n, renames, failed := 0, 0, durable.Step("")
		steps(t, func(s durable.Step) error {
			if n++; n == at {
				failed = s
				return syscall.ENOSPC
			}
			if s == durable.Rename {
				renames++
			}
			return nil
		})
		code, out, errs := ctl("sign", "orders.yaml", "--from", "new.yaml", "--key", "desk.key")
		files.Hook = nil
		if failed == "" {
			if code != exitOK || at < 10 {
				t.Errorf("only %d steps, exit %d\n%s", at-1, code, errs)
			}
			return
		}
		if code != exitProblems || out != "" || !strings.Contains(errs, "no space left on device") {
			t.Errorf("step %d, %s: exit %d, %q, %q", at, failed, code, out, errs)
		}
		after, err := os.ReadFile("orders.yaml")
		if same := string(after) == string(before); err != nil || same != (renames < 2) {
			t.Errorf("step %d, %s: the file has %q, %v", at, failed, after, err)
		}
		after, err = os.ReadFile("orders.yaml.minisig")
		if same := string(after) == string(signature); err != nil || same != (renames < 1) {
			t.Errorf("step %d, %s: the signature has changed: %v, %v", at, failed, !same, err)
		}
		if hidden, _ := filepath.Glob(".[a-z]*"); len(hidden) > 0 {
			t.Errorf("step %d, %s: left %q", at, failed, hidden)
		}
	}
}

func TestSignSeveral(t *testing.T) {
	signFiles(t)
	if code, out, errs := ctl("sign", "orders.yaml", "new.yaml", ".", "--key", "desk.key"); code != exitMisuse || !strings.Contains(errs, "orders.yaml: is given twice") && !strings.Contains(errs, "new.yaml: is given twice") {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
	count := 0
	steps(t, func(s durable.Step) error {
		if s == durable.Rename {
			if count++; count == 2 {
				return syscall.ENOSPC
			}
		}
		return nil
	})
	code, out, errs := ctl("sign", ".", "--key", "desk.key")
	if code != exitProblems || strings.Count(out, "signed with the key") != 1 || !strings.HasPrefix(out, "new.yaml.minisig: signed") || !strings.Contains(errs, "orders.yaml.minisig: no space left on device") {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
}
