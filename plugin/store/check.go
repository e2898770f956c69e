package store

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/source"
)

// Check reports why a Store of the options could not start, as far as a look at the files
// tells: no order file is good, and no other Store of the process has a version of one in
// force. Check starts and keeps nothing, so that a Corefile reload can be refused before
// other plugins of the new configuration have opened their listeners, which a reload that
// fails later leaves behind.
//
// One good file suffices, so the smallest files come first. A file that changed within
// the last second may be half written, and is read again. When a file system does not
// answer, Check ends all the same and reports nothing, and Acquire decides.
func Check(opt Options, log Log) error {
	s := &Store{opt: opt, log: newQueue(log)}
	for _, o := range All() {
		for path, v := range o.legacy.Load().files {
			if v.part != nil && s.names(path) {
				return nil
			}
		}
	}
	defer s.log.flush(flushPatience)
	result := make(chan error, 1)
	go func() { result <- s.checkFiles() }()
	timer := time.NewTimer(checkPatience)
	defer timer.Stop()
	select {
	case err := <-result:
		return err
	case <-timer.C:
		s.log.Warningf("the check of the order files before a reload did not end within %v; the reload goes on without the check", checkPatience)
		return nil
	}
}

// checkPatience is how long Check waits for file systems. A variable, so that tests need
// not wait.
var checkPatience = 2 * startPatience

// stat is os.Stat, for tests to replace.
var stat = os.Stat

// checkFiles looks at the files until one is good or none is being written.
func (s *Store) checkFiles() error {
	for deadline := time.Now().Add(startPatience); ; time.Sleep(source.Settle / 4) {
		err, fresh := s.anyGood()
		if err == nil || !fresh || time.Now().After(deadline) {
			return err
		}
	}
}

// anyGood returns nil when an order file is good, else every problem, and whether a file
// has changed within the last second.
func (s *Store) anyGood() (err error, fresh bool) {
	type found struct {
		path string
		size int64
	}
	var files []found
	var all []string
	paths, errs := source.Expand(s.opt.Patterns)
	for _, err := range errs {
		all = append(all, s.public("", err))
	}
	for _, path := range paths {
		info, err := stat(path)
		switch {
		case err == nil && !info.Mode().IsRegular():
			err = fmt.Errorf("%s: is not a regular file", path)
		case err == nil && info.Size() > s.maxBytes(path, false):
			err = fmt.Errorf("%s: is larger than %d octets", path, s.maxBytes(path, false))
		}
		if err != nil {
			var x *fs.PathError
			if errors.As(err, &x) {
				err = fmt.Errorf("%s: %w", path, x.Err)
			}
			all = append(all, s.public(path, err))
			continue
		}
		fresh = fresh || time.Since(info.ModTime()) < source.Settle
		files = append(files, found{path, info.Size()})
	}
	slices.SortFunc(files, func(a, b found) int { return cmp.Or(cmp.Compare(a.size, b.size), cmp.Compare(a.path, b.path)) })
	for _, f := range files {
		var err error
		if bug := s.attempt(f.path, func() { err = s.parses(f.path) }); bug != nil {
			err = bug
		}
		if err == nil {
			return nil, false
		}
		all = append(all, s.public(f.path, err))
	}
	return noGoodFile(all), fresh
}

// noGoodFile is why a Store cannot start; problems are lines for the log.
func noGoodFile(problems []string) error {
	return fmt.Errorf("no order file can be put into force:\n%s", strings.Join(problems, "\n"))
}

// parses returns the problems of an order file.
func (s *Store) parses(path string) error {
	if err := s.proves(path); err != nil {
		return err
	}
	in, err := openRegular(path)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // read only: nothing can be lost
	var demands order.Problems
	parsed, problems := order.Parse(path, in, order.Options{
		OpenSide: func(name string) (io.ReadCloser, error) {
			return openRegular(filepath.Join(filepath.Dir(path), name))
		},
		Emit: func(o *order.Order) {
			if len(demands) < maxDemands {
				demands = append(demands, s.opt.Demands.Order(path, o)...)
			}
		},
		Side: func(*order.Order) order.Names { return noNames{} },
	})
	problems = append(append(problems, demands...), s.opt.Demands.File(parsed)...)
	if bad := problems.Errors(); len(bad) > 0 {
		return bad
	}
	return nil
}

// openRegular opens a file, and never waits for the other end of a pipe.
func openRegular(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: path, Err: errors.New("is not a regular file")}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// noNames drops the names of a side list.
type noNames struct{}

func (noNames) Grow(int)            {}
func (noNames) AddWire(*dname.Wire) {}
