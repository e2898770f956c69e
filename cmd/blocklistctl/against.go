package main

import (
	"errors"
	"path/filepath"
	"strings"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/store"
)

// refusals returns a problem for each new file that a running server would refuse. A server refuses
// a file if its serial is too low, or if the file loses too many targets (max_shrink).
func refusals(s *server, before, after *orders, now order.Time) (problems order.Problems) {
	for _, next := range after.versions {
		old, ok := versionOf(next, before.versions, len(after.versions))
		if !ok {
			continue
		}
		if err := store.Accept(s.Store, old, next, now.Time()); err != nil {
			problems = append(problems, asProblem(next.Path, err))
		}
	}
	return problems
}

// versionOf finds the old version of the file "next". The base names of the two versions must be
// equal. If there is only one old file and only one new file (n is 1), the names may differ.
func versionOf(next store.Version, olds []store.Version, n int) (store.Version, bool) {
	if len(olds) == 1 && n == 1 {
		return olds[0], true
	}
	for _, old := range olds {
		if filepath.Base(old.Path) == filepath.Base(next.Path) {
			return old, true
		}
	}
	return store.Version{}, false
}

// asProblem converts an error about a file to a problem. It removes the path from the
// message.
func asProblem(path string, err error) order.Problem {
	var p order.Problem
	if errors.As(err, &p) {
		return p
	}
	return order.Problem{File: path, Msg: "a running server refuses this version: " + strings.TrimPrefix(err.Error(), path+": ")}
}
