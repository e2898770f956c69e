package main

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/dns-orders/blocklist/plugin/printable"
)

func git(dir string, args ...string) (string, error) {
	cmd := exec.Command("git", append([]string{"-C", dir}, args...)...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if text := strings.TrimSpace(errs.String()); err != nil && text != "" && !errors.Is(err, exec.ErrNotFound) {
		err = errors.New(text)
	}
	return strings.TrimSuffix(string(out), "\n"), err
}

// The flag --commit must commit only this change. Call this function before the command writes a
// file.
func (x *editing) committable() error {
	dir, base, err := x.inGit()
	if err != nil {
		return err
	}
	switch inside, err := git(dir, "rev-parse", "--is-inside-work-tree"); {
	case errors.Is(err, exec.ErrNotFound):
		return fmt.Errorf("--commit needs the program git, which is not installed; nothing was written")
	case err != nil || inside != "true":
		return fmt.Errorf("%s: is not in a git work tree, so --commit cannot commit it; nothing was written", printable.Line(x.path))
	}
	if _, err := git(dir, "check-ignore", "--quiet", "--", base); err == nil {
		return fmt.Errorf("%s: git ignores the file, so --commit cannot commit it; nothing was written", printable.Line(x.path))
	}
	status, err := git(dir, "status", "--porcelain", "--", base)
	if err != nil {
		return fmt.Errorf("%s: git status: %w; nothing was written", printable.Line(x.path), err)
	}
	if status != "" && !strings.HasPrefix(status, "??") {
		return fmt.Errorf("%s: has changes that are not committed; commit these changes first; nothing was written", printable.Line(x.path))
	}
	return nil
}

// If the file is a symbolic link, the results are for its target.
func (x *editing) inGit() (dir, base string, err error) {
	path := x.path
	if !x.isNew {
		if path, err = filepath.EvalSymlinks(path); err != nil {
			return "", "", err
		}
	}
	return filepath.Dir(path), filepath.Base(path), nil
}

func (x *editing) commit(out *editJSON) error {
	if !x.flags.Commit || !out.Written {
		return nil
	}
	dir, base, err := x.inGit()
	if err != nil {
		return err
	}
	message := fmt.Sprintf("blocklist: %s %s", x.verb, out.label)
	files := []string{"--"}
	for _, path := range out.written {
		files = append(files, base+strings.TrimPrefix(path, x.path))
	}
	if _, err = git(dir, append([]string{"add"}, files...)...); err == nil {
		_, err = git(dir, append([]string{"commit", "--quiet", "--message", message, "--only"}, files...)...)
	}
	if err != nil {
		return fmt.Errorf("%s: was written, but git did not commit it: %w", printable.Line(x.path), err)
	}
	if !x.e.json {
		fmt.Fprintf(x.e.stdout, "git: committed %q\n", message)
	}
	return nil
}
