package main

import (
	"github.com/dns-orders/blocklist/plugin/guard"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// The function leaves out a list with errors, as a server does at its start.
func readGuard(paths []string) (ruleset.Guard, order.Problems) {
	var lists []*guard.List
	var all order.Problems
	for _, path := range paths {
		list, problems := readList(path)
		lists = append(lists, list)
		all = append(all, problems...)
	}
	return guard.New(lists...), all
}

// readList reads one protect list.
func readList(path string) (*guard.List, order.Problems) {
	in, err := openFile(path, order.MaxBytes(path, true))
	if err != nil {
		return nil, order.Problems{{File: path, Msg: "cannot be read: " + err.Error()}}
	}
	defer in.Close()
	return guard.Parse(path, in)
}

// An empty Target means all targets of the order.
type heldJSON struct {
	Target string `json:"target,omitempty"`
	Why    string `json:"why"`
}

func heldBy(s *ruleset.Set) map[string][]heldJSON {
	m := map[string][]heldJSON{}
	for _, h := range s.Held() {
		m[h.Order.ID] = append(m[h.Order.ID], heldJSON{h.Target, h.Why})
	}
	return m
}
