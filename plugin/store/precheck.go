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

// Check returns an error if no Store could start with these options. A reload must call Check
// first, because a later failure leaves listeners of other plugins open.
//
// Check starts no Store. If a file system does not answer, Check returns nil.
func Check(opt Options, log Log) error {
	s := &Store{opt: opt, log: newQueue(log)}
	for _, o := range All() {
		for path, v := range o.handover.Load().files {
			if v.part != nil && s.configures(path) {
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

var checkPatience = 2 * startPatience

var stat = os.Stat

// A bad file may be incomplete, so repeat the check for a while.
func (s *Store) checkFiles() error {
	for deadline := time.Now().Add(startPatience); ; time.Sleep(source.Settle / 4) {
		err, fresh := s.anyGood()
		if err == nil || !fresh || time.Now().After(deadline) {
			return err
		}
	}
}

func (s *Store) anyGood() (err error, fresh bool) {
	type found struct {
		path string
		size int64
	}
	var files []found
	var all []string
	paths, errs := source.Expand(s.opt.Patterns)
	for _, err := range errs {
		all = append(all, s.publicText("", err))
	}
	for _, path := range paths {
		info, err := stat(path)
		switch {
		case err == nil && !info.Mode().IsRegular():
			err = fmt.Errorf("%s: is not a regular file", path)
		case err == nil && info.Size() > s.maxBytes(path, false):
			err = fmt.Errorf("%s: is larger than %d bytes", path, s.maxBytes(path, false))
		}
		if err != nil {
			var x *fs.PathError
			if errors.As(err, &x) {
				err = fmt.Errorf("%s: %w", path, x.Err)
			}
			all = append(all, s.publicText(path, err))
			continue
		}
		fresh = fresh || time.Since(info.ModTime()) < source.Settle
		files = append(files, found{path, info.Size()})
	}
	slices.SortFunc(files, func(a, b found) int { return cmp.Or(cmp.Compare(a.size, b.size), cmp.Compare(a.path, b.path)) })
	for _, f := range files {
		var err error
		if bug := s.catchPanic(f.path, func() { err = s.parses(f.path) }); bug != nil {
			err = bug
		}
		if err == nil {
			return nil, false
		}
		all = append(all, s.publicText(f.path, err))
	}
	return noGoodFile(all), fresh
}

func noGoodFile(problems []string) error {
	return fmt.Errorf("no order file can be put into force:\n%s", strings.Join(problems, "\n"))
}

// parses returns the errors of an order file.
func (s *Store) parses(path string) error {
	if err := s.proves(path); err != nil {
		return err
	}
	in, err := openRegular(path)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // a file that was only read loses nothing
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

// Without O_NONBLOCK, opening a pipe without a writer would block.
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

type noNames struct{}

func (noNames) Grow(int)            {}
func (noNames) AddWire(*dname.Wire) {}
