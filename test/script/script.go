// Package script runs test scripts, for example the scenarios in test/scenarios. A script is a
// txtar archive. The text before the first file contains steps and their expected output:
//
//	# A comment begins with a number sign.
//	step with 'some arguments'
//	    the first line of the output
//
//	    the third line of the output
//	another step
//
// An argument with blanks needs single or double quotes. Each line of the output begins with four
// blanks. The output cannot end with an empty line. The flag -update replaces the expected output
// with the actual output.
//
// The archive contains two kinds of files:
//
//	name#...    a file for a step
//	name        a file that is in the working directory from the beginning
package script

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "write the output of the steps into the scripts; read the output before you commit it")

const indent = "    "

// A Step runs one step and returns the output. The arguments are the words after the name of the
// step.
type Step func(args []string) string

// A Script is a script file that a test runs.
type Script struct {
	T   *testing.T
	Dir string // the working directory

	files map[string][]byte
	used  map[string]bool
}

// RunAll runs all scripts that match a pattern. Each script is a subtest. The last argument is a
// function that returns the steps by name. The test fails if too few files match.
func RunAll(t *testing.T, glob string, least int, begin func(s *Script) map[string]Step) {
	t.Helper()
	paths, err := filepath.Glob(glob)
	if err != nil || len(paths) < least {
		t.Fatalf("%s: %d files, want at least %d (error %v)", glob, len(paths), least, err)
	}
	for _, path := range paths {
		path, err := filepath.Abs(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) { run(t, path, begin) })
	}
}

func run(t *testing.T, path string, begin func(s *Script) map[string]Step) {
	ar, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s := &Script{T: t, Dir: t.TempDir(), files: map[string][]byte{}, used: map[string]bool{}}
	for _, f := range ar.Files {
		s.files[f.Name] = f.Data
	}
	t.Chdir(s.Dir)
	steps := begin(s)
	played, problems := play(filepath.Base(path), string(ar.Comment), steps)
	for _, f := range ar.Files {
		if !s.used[f.Name] {
			t.Errorf("%s: nothing uses the file %s", filepath.Base(path), f.Name)
		}
	}
	if !*update {
		for _, p := range problems {
			t.Error(p)
		}
		return
	}
	ar.Comment = []byte(played)
	if text := txtar.Format(ar); !t.Failed() && !bytes.Equal(text, readFile(t, path)) {
		if err := os.WriteFile(path, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func readFile(t *testing.T, path string) []byte {
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// LayOut writes the files of the script to the working directory. The files get an old modification
// time. LayOut omits files with a number sign in the name. It also omits files for which the given
// function returns true.
func (s *Script) LayOut(except func(name string) bool) {
	s.T.Helper()
	for name, data := range s.files {
		if !strings.Contains(name, "#") && (except == nil || !except(name)) {
			s.used[name] = true
			s.Put(name, data, time.Unix(0, 0))
		}
	}
}

// Put writes a file and sets its modification time. It creates missing folders.
func (s *Script) Put(name string, data []byte, at time.Time) {
	s.T.Helper()
	for _, err := range []error{os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, data, 0o644), os.Chtimes(name, at, at)} {
		if err != nil {
			s.T.Fatal(err)
		}
	}
}

// Has reports whether the script has a file.
func (s *Script) Has(name string) bool {
	_, ok := s.files[name]
	return ok
}

// File returns the content of a file of the script. If the file does not exist, the test fails.
func (s *Script) File(name string) []byte {
	s.T.Helper()
	data, ok := s.files[name]
	if !ok {
		s.T.Fatalf("the script has no file %s", name)
	}
	s.used[name] = true
	return data
}
