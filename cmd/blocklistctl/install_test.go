package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// signFiles makes a key, a signed order file, and a new version of it.
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

// TestSignatureFirst checks that sign installs the signature before the order file.
func TestSignatureFirst(t *testing.T) {
	signFiles(t)
	var got []string
	defer func() { rename = os.Rename }()
	rename = func(from, to string) error {
		got = append(got, filepath.Base(to))
		return os.Rename(from, to)
	}
	if code, _, errs := ctl("sign", "orders.yaml", "--from", "new.yaml", "--key", "desk.key"); code != exitOK {
		t.Fatalf("exit %d, %s", code, errs)
	}
	if want := []string{"orders.yaml.minisig", "orders.yaml"}; !slices.Equal(got, want) {
		t.Errorf("renamed %q, want %q", got, want)
	}
}

// TestSignFails lets sign fail at different steps. The old order file must stay. The old
// signature must stay until the new signature is installed. No hidden file may be left.
func TestSignFails(t *testing.T) {
	for _, failing := range []string{"orders.yaml.minisig", "orders.yaml"} {
		signFiles(t)
		before, err := os.ReadFile("orders.yaml")
		if err != nil {
			t.Fatal(err)
		}
		rename = func(from, to string) error {
			if filepath.Base(to) == failing {
				return errors.New("no space left on device")
			}
			return os.Rename(from, to)
		}
		code, out, errs := ctl("sign", "orders.yaml", "--from", "new.yaml", "--key", "desk.key")
		rename = os.Rename
		if code != exitProblems || out != "" || errs != "blocklistctl: no space left on device\n" {
			t.Errorf("%s: exit %d, %q, %q", failing, code, out, errs)
		}
		if after, err := os.ReadFile("orders.yaml"); err != nil || string(after) != string(before) {
			t.Errorf("%s: the file has %q, %v", failing, after, err)
		}
		if hidden, _ := filepath.Glob(".blocklistctl-*"); len(hidden) > 0 {
			t.Errorf("%s: left %q", failing, hidden)
		}
	}
}
