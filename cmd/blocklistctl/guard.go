package main

import (
	"github.com/dns-orders/blocklist/plugin/guard"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// guardFlag is for the commands that judge orders as a server would.
type guardFlag struct {
	Protect []string `placeholder:"FILE" sep:"none" help:"A protect list, as in the Corefile; may be given several times. What the guard holds without one is held always."`
}

// guard reads the protect lists. Like a server that starts, it goes on without a
// bad one; the problems tell.
func (f *guardFlag) guard() (ruleset.Guard, order.Problems) {
	var lists []*guard.List
	var all order.Problems
	for _, path := range f.Protect {
		list, problems := readList(path)
		lists = append(lists, list)
		all = append(all, problems...)
	}
	return guard.New(lists...), all
}

func readList(path string) (*guard.List, order.Problems) {
	in, err := openFile(path)
	if err != nil {
		return nil, order.Problems{{File: path, Msg: "cannot be read: " + err.Error()}}
	}
	defer in.Close()
	return guard.Parse(path, in)
}

// heldJSON is a target that the guard holds.
type heldJSON struct {
	Target string `json:"target,omitempty"`
	Why    string `json:"why"`
}

// heldBy returns what is held, by the id of the order.
func heldBy(s *ruleset.Set) map[string][]heldJSON {
	m := map[string][]heldJSON{}
	for _, h := range s.Held() {
		m[h.Order.ID] = append(m[h.Order.ID], heldJSON{h.Target, h.Why})
	}
	return m
}
