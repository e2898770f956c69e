//go:build e2e && linux

// Package minisign tests blocklistctl together with Debian's minisign.
package minisign

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const password = "correct horse battery"

const content = "version: 1\nserial: 1\norders:\n- {id: one, authority: {name: Court}, scope: global, targets: [a.example]}\n"

var tool string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "minisign")
	if err != nil {
		panic(err)
	}
	tool = filepath.Join(dir, "blocklistctl")
	if out, err := exec.Command("go", "build", "-o", tool, "../../cmd/blocklistctl").CombinedOutput(); err != nil {
		panic(string(out))
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

func run(t *testing.T, stdin, name string, args ...string) (out string, err error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Stdin = strings.NewReader(stdin)
	both, err := cmd.CombinedOutput()
	return string(both), err
}

func must(t *testing.T, stdin, name string, args ...string) string {
	t.Helper()
	out, err := run(t, stdin, name, args...)
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return out
}

func refused(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := run(t, "", name, args...)
	if err == nil {
		t.Errorf("%s %q: succeeded\n%s", name, args, out)
	}
	return out
}

// write writes text to the file at path.
func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func keys(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	write(t, "orders.yaml", content)
	write(t, "password", password+"\n")
	must(t, "", tool, "keygen", "ours.key", "--no-password")
	must(t, "", tool, "keygen", "ours-locked.key", "--password-file", "password")
	must(t, "", "minisign", "-G", "-W", "-s", "theirs.key", "-p", "theirs.key.pub")
	must(t, password+"\n"+password+"\n", "minisign", "-G", "-s", "theirs-locked.key", "-p", "theirs-locked.key.pub")
}

func TestBothWays(t *testing.T) {
	keys(t)
	for _, key := range []string{"ours.key", "ours-locked.key", "theirs.key", "theirs-locked.key"} {
		for _, how := range []string{"blocklistctl", "minisign", "minisign -l"} {
			if how == "minisign -l" && strings.Contains(key, "locked") {
				continue // the legacy signature does not depend on the password, and scrypt takes seconds
			}
			t.Run(key+" "+how, func(t *testing.T) {
				stdin := ""
				if strings.Contains(key, "locked") {
					stdin = password + "\n"
				}
				switch how {
				case "blocklistctl":
					args := []string{"sign", "orders.yaml", "--key", key}
					if stdin != "" {
						args = append(args, "--password-file", "-")
					}
					must(t, stdin, tool, args...)
				case "minisign":
					must(t, stdin, "minisign", "-S", "-s", key, "-m", "orders.yaml")
				default:
					must(t, stdin, "minisign", "-S", "-l", "-s", key, "-m", "orders.yaml")
				}
				must(t, "", "minisign", "-V", "-p", key+".pub", "-m", "orders.yaml")
				must(t, "", tool, "verify", "orders.yaml", "--key", key+".pub")
				public, err := os.ReadFile(key + ".pub")
				if err != nil {
					t.Fatal(err)
				}
				line := strings.Split(string(public), "\n")[1]
				must(t, "", "minisign", "-V", "-P", line, "-m", "orders.yaml")
				must(t, "", tool, "verify", "orders.yaml", "--key", line)
			})
		}
	}
}

func TestBothRefuse(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "orders.yaml", content)
	must(t, "", "minisign", "-G", "-W", "-s", "desk.key", "-p", "desk.pub")
	must(t, "", tool, "sign", "orders.yaml", "--key", "desk.key")
	good, err := os.ReadFile("orders.yaml.minisig")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(good), "\n")
	flip := func(line int) string {
		out := append([]string(nil), lines...)
		b := []byte(out[line])
		b[20] ^= 1
		out[line] = string(b)
		return strings.Join(out, "\n")
	}
	both := func(name string) {
		t.Helper()
		refused(t, "minisign", "-V", "-p", "desk.pub", "-m", "orders.yaml")
		if out := refused(t, tool, "verify", "orders.yaml", "--key", "desk.pub"); !strings.Contains(out, "REFUSED") {
			t.Errorf("%s: blocklistctl prints %s", name, out)
		}
	}
	for line := 1; line <= 3; line++ {
		write(t, "orders.yaml.minisig", flip(line))
		both(lines[line])
	}
	write(t, "orders.yaml.minisig", string(good))
	write(t, "orders.yaml", content+"\n")
	both("another content")

	write(t, "orders.yaml", content)
	for _, text := range []string{string(good) + "more\n", string(bytes.Replace(good, []byte("untrusted comment: "), []byte("untrusted comment: \x1b[2J"), 1))} {
		write(t, "orders.yaml.minisig", text)
		if out := refused(t, tool, "verify", "orders.yaml", "--key", "desk.pub"); strings.Contains(out, "\x1b") {
			t.Errorf("blocklistctl prints an escape sequence: %q", out)
		}
	}
	write(t, "orders.yaml.minisig", string(good))
	must(t, "", tool, "verify", "orders.yaml", "--key", "desk.pub")
}

func TestTerminal(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "orders.yaml", content)
	type step = [2]string
	out := terminal(t, []step{{"Password of desk.key: ", password}, {"The same password again: ", password}}, 0, tool, "keygen", "desk.key")
	if strings.Contains(out, password) || !strings.Contains(out, "encrypted with the password") {
		t.Errorf("keygen prints %q", out)
	}
	out = terminal(t, []step{{"Password of desk.key: ", password}}, 0, tool, "sign", "orders.yaml", "--key", "desk.key")
	if strings.Contains(out, password) {
		t.Errorf("sign shows the password: %q", out)
	}
	must(t, "", "minisign", "-V", "-p", "desk.key.pub", "-m", "orders.yaml")
	terminal(t, []step{{"Password: ", password}}, 0, "minisign", "-S", "-s", "desk.key", "-m", "orders.yaml")
	must(t, "", tool, "verify", "orders.yaml", "--key", "desk.key.pub")

	out = terminal(t, []step{{"Password of desk.key: ", "wrong"}}, 1, tool, "sign", "orders.yaml", "--key", "desk.key")
	if !strings.Contains(out, "desk.key: cannot be decrypted: the password is wrong, or the file is damaged") {
		t.Errorf("sign prints %q", out)
	}
	out = terminal(t, []step{{"Password of new.key: ", "one"}, {"The same password again: ", "two"}}, 1, tool, "keygen", "new.key")
	if !strings.Contains(out, "the two passwords differ") {
		t.Errorf("keygen prints %q", out)
	}
	if _, err := os.Stat("new.key"); err == nil {
		t.Error("keygen left new.key")
	}
}
