package main

import (
	"os"
	"strings"
	"testing"

	"github.com/dns-orders/blocklist/plugin/signature"
)

func TestKeygen(t *testing.T) {
	t.Chdir(t.TempDir())
	code, out, errs := ctl("keygen", "desk.key", "--no-password")
	if code != exitOK || errs != "" {
		t.Fatalf("exit %d, %s", code, errs)
	}
	for path, mode := range map[string]os.FileMode{"desk.key": 0o600, "desk.key.pub": 0o644} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != mode {
			t.Errorf("%s has the mode %v, want %v", path, got, mode)
		}
	}
	text, err := os.ReadFile("desk.key.pub")
	if err != nil {
		t.Fatal(err)
	}
	key, err := signature.ParseKeyFile(text)
	if err != nil {
		t.Fatal(err)
	}
	want := "desk.key: the secret key " + key.ID().String() + ", not encrypted\ndesk.key.pub: the public key " + key.String() + "\n"
	if out != want {
		t.Errorf("got %q, want %q", out, want)
	}

	if err := os.WriteFile("orders.yaml", []byte("version: 1\nserial: 1\norders: []\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := ctl("sign", "orders.yaml", "--key", "desk.key"); code != exitOK {
		t.Fatalf("sign: exit %d, %s", code, errs)
	}
	if code, out, errs := ctl("verify", "orders.yaml", "--key", key.String()); code != exitOK {
		t.Errorf("verify: exit %d, %s%s", code, out, errs)
	}
}

func TestKeygenKeeps(t *testing.T) {
	for _, tc := range []struct{ exists, want string }{
		{"desk.key", "blocklistctl: desk.key: exists already, and a key is never replaced; remove the file or choose another name\n"},
		{"desk.key.pub", "blocklistctl: desk.key.pub: exists already, and a key is never replaced; remove the file or choose another name\n"},
	} {
		t.Chdir(t.TempDir())
		if err := os.WriteFile(tc.exists, []byte("old"), 0o644); err != nil {
			t.Fatal(err)
		}
		code, out, errs := ctl("keygen", "desk.key", "--no-password")
		if code != exitProblems || out != "" || errs != tc.want {
			t.Errorf("%s: exit %d, %q, %q", tc.exists, code, out, errs)
		}
		if data, err := os.ReadFile(tc.exists); err != nil || string(data) != "old" {
			t.Errorf("%s: has %q, %v", tc.exists, data, err)
		}
		if files, err := os.ReadDir("."); err != nil || len(files) != 1 {
			t.Errorf("%s: there are the files %v, %v", tc.exists, files, err)
		}
	}
}

func TestKeygenErrors(t *testing.T) {
	for _, tc := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"desk.key"}, exitMisuse, "standard input is not a terminal, so the password of desk.key cannot be asked for; use --password-file FILE"},
		{[]string{"desk.key", "--password-file", "-"}, exitProblems, "the password is empty"},
		{[]string{"desk.key", "--password-file", "missing"}, exitMisuse, "--password-file: missing: no such file or directory"},
		{[]string{"desk.key", "--password-file", "-", "--no-password"}, exitMisuse, "--no-password and --password-file exclude each other"},
		{[]string{"no/desk.key", "--no-password"}, exitProblems, "open no/desk.key: no such file or directory"},
		{[]string{"desk.key", "--public", "no/desk.pub", "--no-password"}, exitProblems, "open no/desk.pub: no such file or directory"},
	} {
		t.Chdir(t.TempDir())
		code, out, errs := ctl(append([]string{"keygen"}, tc.args...)...)
		if code != tc.code || out != "" || !strings.HasPrefix(errs, "blocklistctl: ") || !strings.Contains(errs, tc.want) {
			t.Errorf("%q: exit %d, %q, %q, want %d, %q", tc.args, code, out, errs, tc.code, tc.want)
		}
		if files, err := os.ReadDir("."); err != nil || len(files) != 0 {
			t.Errorf("%q: there are the files %v, %v", tc.args, files, err)
		}
	}
}
