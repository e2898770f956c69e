//go:build linux

package durable

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/dns-orders/blocklist/test/crash"
)

func TestOwner(t *testing.T) {
	dir, path := folder(t)
	if os.Getuid() != 0 {
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
		if keepOwner(f.f, "/etc/passwd", false) == nil {
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
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := runAs(t, dir, path, 65532, false); err == nil {
		t.Error("another user has replaced the file")
	}
	content(t, path, newText, "file")
}

func TestInherit(t *testing.T) {
	dir, _ := folder(t)
	uid, gid := uint32(os.Getuid()), uint32(os.Getgid())
	if uid == 0 {
		uid, gid = 65534, 65533
		if err := os.Chown(dir, int(uid), int(gid)); err != nil {
			t.Fatal(err)
		}
	}
	d := FS{Inherit: true}
	if err := d.WriteFile(filepath.Join(dir, "new"), []byte(newText), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := d.Mkdir(filepath.Join(dir, "sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"new", "sub"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if s := info.Sys().(*syscall.Stat_t); s.Uid != uid || s.Gid != gid {
			t.Errorf("%s: owner %d:%d, want %d:%d", name, s.Uid, s.Gid, uid, gid)
		}
	}
	if os.Getuid() == 0 {
		if err := (FS{}).WriteFile(filepath.Join(dir, "plain"), []byte(newText), 0o600); err != nil {
			t.Fatal(err)
		}
		if info, _ := os.Stat(filepath.Join(dir, "plain")); info.Sys().(*syscall.Stat_t).Uid != 0 {
			t.Error("a file without Inherit has the owner of the directory")
		}
	}
}

func TestGroupOnly(t *testing.T) {
	if os.Getuid() == 0 {
		dir, path := folder(t)
		if err := errors.Join(os.Chmod(filepath.Dir(dir), 0o755), os.Chmod(dir, 0o777), os.Chown(path, 65534, 65533)); err != nil {
			t.Fatal(err)
		}
		for _, tc := range []struct {
			gid  uint32
			only bool
			ok   bool
		}{{65533, false, false}, {65533, true, true}, {65532, true, false}} {
			if err := runAs(t, dir, path, tc.gid, tc.only); (err == nil) != tc.ok {
				t.Errorf("group %d, group only %t: error %v", tc.gid, tc.only, err)
			}
		}
		content(t, path, string(bytes.Repeat(newPieces(), pieces)), "file")
		if info, _ := os.Stat(path); info.Sys().(*syscall.Stat_t).Gid != 65533 {
			t.Error("the group was lost")
		}
		return
	}
	f, err := FS{}.Create(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if keepOwner(f.f, "/etc/passwd", true) == nil {
		t.Error("a file was given to the group root")
	}
}

func runAs(t *testing.T, dir, path string, gid uint32, groupOnly bool) error {
	t.Helper()
	args := []string{path}
	if groupOnly {
		args = append(args, "group")
	}
	cmd := crash.Command(t, 0, "write", args...)
	program, err := os.ReadFile(cmd.Path)
	if err != nil {
		t.Fatal(err)
	}
	cmd.Path = filepath.Join(dir, "test")
	if err := os.WriteFile(cmd.Path, program, 0o755); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(cmd.Path)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65532, Gid: gid}}
	_, err = cmd.CombinedOutput()
	return err
}
