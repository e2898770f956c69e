//go:build linux

package durable

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// TestOwner checks that a new file gets the owner and group of the old file. If the process
// may not set the owner, the write must fail. Only this failure is tested without root.
func TestOwner(t *testing.T) {
	dir, path := folder(t)
	if os.Getuid() != 0 {
		// Only root can give a file to another user, so keepOwner must return an error here.
		t.Log("not root: checks the failure only")
		d := FS{}
		info, err := os.Lstat("/etc/passwd")
		if err != nil || info.Sys().(*syscall.Stat_t).Uid == uint32(os.Getuid()) {
			t.Fatal("no file of another user")
		}
		f, err := d.Create(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if keepOwner(f.f, "/etc/passwd") == nil {
			t.Error("a file was given to root")
		}
		return
	}
	if err := os.Chown(path, 65534, 65533); err != nil {
		t.Fatal(err)
	}
	if err := (FS{}).WriteFile(path, []byte(newText), 0o640); err != nil {
		t.Fatal(err)
	}
	content(t, path, newText, "file")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if s := info.Sys().(*syscall.Stat_t); s.Uid != 65534 || s.Gid != 65533 || info.Mode() != 0o640 {
		t.Errorf("owner %d:%d, mode %o", s.Uid, s.Gid, info.Mode())
	}
	// A process that may not change the owner must leave the old file in place.
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(dir, "test")
	program, err := os.ReadFile(exe)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(copied, program, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(copied, "-test.run=^$", "write", path)
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), crashEnv+"=0")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65532, Gid: 65532}}
	if out, err := cmd.CombinedOutput(); err == nil {
		t.Errorf("another user has replaced the file: %s", out)
	}
	os.Remove(copied)
	content(t, path, newText, "file")
}
