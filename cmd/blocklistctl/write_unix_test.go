//go:build unix

package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const unformatted = "orders:\n- {targets: [a.example], id: a, authority: {name: A}, scope: global}\nversion: 1\n"

// TestWriteKeeps checks that "fmt -w" keeps the owner, the group, the mode and links. Only root can
// change the owner.
func TestWriteKeeps(t *testing.T) {
	uid, gid := os.Getuid(), os.Getgid()
	if uid == 0 {
		uid, gid = 1234, 5678
	} else if groups, err := os.Getgroups(); err == nil && len(groups) > 0 {
		gid = groups[len(groups)-1]
	}
	for _, mode := range []fs.FileMode{0o640, 0o600, 0o664, 0o444} {
		t.Chdir(t.TempDir())
		os.Mkdir("real", 0o755)
		if err := os.WriteFile("real/a.yaml", []byte(unformatted), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("real/a.yaml", "a.yaml"); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown("real/a.yaml", uid, gid); err != nil {
			t.Fatal(err)
		}
		os.Chmod("real/a.yaml", mode)
		if code, out, errs := ctl("fmt", "-w", "a.yaml"); code != exitOK {
			t.Fatalf("exit %d\n%s%s", code, out, errs)
		}
		info, err := os.Lstat("real/a.yaml")
		if err != nil {
			t.Fatal(err)
		}
		s := info.Sys().(*syscall.Stat_t)
		if info.Mode() != mode || int(s.Uid) != uid || int(s.Gid) != gid {
			t.Errorf("mode %v owner %d group %d, want %v %d %d", info.Mode(), s.Uid, s.Gid, mode, uid, gid)
		}
		if link, err := os.Readlink("a.yaml"); link != "real/a.yaml" {
			t.Errorf("the link leads to %q, %v", link, err)
		}
		if text, _ := os.ReadFile("a.yaml"); !strings.HasPrefix(string(text), "version: 1\ncount: 1\n") {
			t.Errorf("not formatted: %q", text)
		}
		if left, _ := filepath.Glob("real/.*"); len(left) > 0 {
			t.Errorf("left over: %q", left)
		}
	}
}

// TestWriteNew checks the modes of new files. Other users must not be able to read a sealed order.
func TestWriteNew(t *testing.T) {
	t.Chdir(t.TempDir())
	os.WriteFile("list", []byte("a.example\n"), 0o600)
	defer syscall.Umask(syscall.Umask(0))
	for _, tc := range []struct {
		umask      int
		disclosure string
		want       fs.FileMode
	}{{0o022, "full", 0o644}, {0o077, "full", 0o600}, {0o002, "full", 0o644}, {0o022, "code", 0o640}, {0o022, "none", 0o640}, {0o077, "none", 0o600}} {
		syscall.Umask(tc.umask)
		os.Remove("a.yaml")
		if code, _, errs := ctl("import", "domains", "list", "--id", "a", "--authority", "A", "--scope", "global",
			"--disclosure", tc.disclosure, "--out", "a.yaml", "--list", "a.txt", "--overwrite"); code != exitOK {
			t.Fatalf("exit %d\n%s", code, errs)
		}
		for _, file := range []string{"a.yaml", "a.txt"} {
			if info, err := os.Stat(file); err != nil || info.Mode() != tc.want {
				t.Errorf("umask %o, %s: %s has mode %v, want %v (%v)", tc.umask, tc.disclosure, file, info.Mode(), tc.want, err)
			}
		}
		os.Remove("a.txt")
	}
}

func TestFormatOdd(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := syscall.Mkfifo("pipe.yaml", 0o600); err != nil {
		t.Fatal(err)
	}
	os.Mkdir("dir.yaml", 0o700)
	for name, size := range map[string]int64{"huge.yaml": 3 << 30, "huge.jsonl": 3 << 30} {
		f, err := os.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Truncate(size); err != nil { // a sparse file takes no space
			t.Fatal(err)
		}
		f.Close()
	}
	for file, want := range map[string]string{
		"pipe.yaml":    "pipe.yaml: is not a regular file",
		"dir.yaml":     "dir.yaml: is a directory",
		"huge.yaml":    "huge.yaml: is larger than 64 MiB",
		"huge.jsonl":   "huge.jsonl: is larger than 256 MiB",
		"missing.yaml": "missing.yaml: no such file or directory",
	} {
		for _, args := range [][]string{{"fmt", file}, {"fmt", "-w", file}, {"fmt", "--check", file}} {
			code, out, errs := ctl(args...)
			if code != exitMisuse || out != "" || errs != "blocklistctl: "+want+"\n" {
				t.Errorf("%q: exit %d\n%s%s", args, code, out, errs)
			}
		}
	}
}

func TestSecretExposed(t *testing.T) {
	const readable, public = "all users of this computer can read a.yaml, because its mode is 0644. The command chmod 640 a.yaml", "a.yaml also has 1 public order."
	for _, tc := range []struct {
		mode       fs.FileMode
		text       string
		disclosure string
		want       []string
	}{
		{0o644, unformatted, "none", []string{readable, public}},
		{0o644, unformatted, "code", []string{readable, public}},
		{0o644, unformatted, "full", nil},
		{0o640, unformatted, "none", []string{public}},
		{0o644, "version: 1\norders: []\n", "none", []string{readable}},
		{0o640, "version: 1\norders: []\n", "none", nil},
		{0, "", "none", nil}, // a new file
	} {
		t.Chdir(t.TempDir())
		if tc.text != "" {
			os.WriteFile("a.yaml", []byte(tc.text), 0o600)
			os.Chmod("a.yaml", tc.mode)
		}
		code, out, errs := ctl("add", "a.yaml", "--id", "s", "--authority", "S", "--reference", "R", "--scope", "global", "--review", "2027-01-01",
			"--disclosure", tc.disclosure, "--name", "s.example", "--yes")
		if code != exitOK || !strings.Contains(content(t, "a.yaml"), "id: s") {
			t.Fatalf("exit %d\n%s%s", code, out, errs)
		}
		if n := strings.Count(errs, "warning: "); n != len(tc.want) {
			t.Errorf("%v, %s: %d warnings\n%s", tc.mode, tc.disclosure, n, errs)
		}
		for _, want := range tc.want {
			if !strings.Contains(errs, "warning: "+want) {
				t.Errorf("%v, %s: no %q in\n%s", tc.mode, tc.disclosure, want, errs)
			}
		}
		// The second change of the order gives no warning.
		if _, _, errs := ctl("acknowledge", "s", "--orders", "a.yaml", "--yes"); strings.Contains(errs, "warning: ") {
			t.Error(errs)
		}
	}
}
