package main

import (
	"fmt"
	"time"

	"github.com/dns-orders/blocklist/plugin/evidence"
	"github.com/dns-orders/blocklist/plugin/explain"
	"github.com/dns-orders/blocklist/plugin/journal"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/source"
)

type keptVersions struct {
	history  *evidence.History
	versions []journal.Version
}

// paths returns the paths of the order files.
func (k *keptVersions) paths() (out []string) {
	for _, v := range k.versions {
		out = append(out, v.File)
	}
	return out
}

// read parses a kept version of an order file.
func (k *keptVersions) read(path string, emit func(*order.Order)) (*order.File, source.Digest, order.Problems) {
	for _, v := range k.versions {
		if v.File != path {
			continue
		}
		in, err := k.history.Open(v)
		if err != nil {
			return nil, source.Digest{}, order.Problems{{File: path, Msg: fmt.Sprintf("version %.12s is not in the journal: %v", v.SHA256, err)}}
		}
		defer in.Close()
		return parseOrders(path, in, k.history.SideOf(v), emit)
	}
	return nil, source.Digest{}, order.Problems{{File: path, Msg: "is not in the journal"}}
}

func (e *env) past(dir string, at order.Time) (*explain.Journal, error) {
	h, err := evidence.Open(dir)
	if err != nil {
		return nil, err
	}
	m := h.At(at.Time())
	if len(m.Versions) == 0 && m.Unknown != "" {
		return nil, fmt.Errorf("%s: %s", dir, m.Unknown)
	}
	e.kept = &keptVersions{h, m.Versions}
	j := &explain.Journal{Stopped: !m.Running, Doubt: m.Unknown != "", Notes: []string{fmt.Sprintf("decided by the order files that the journal %s has for this time; \"blocklistctl evidence verify\" checks the journal", h.Node())}}
	if m.Unknown != "" {
		j.Notes = append(j.Notes, m.Unknown)
	}
	if !m.Running {
		j.Notes = append(j.Notes, fmt.Sprintf("the server did not run at this time: it was stopped at %s, so it answered no query", m.Ended.UTC().Format(time.RFC3339)))
	}
	j.First = func(id string) time.Time {
		o := h.Order(id)
		if o == nil {
			return time.Time{}
		}
		for _, x := range o.Intervals {
			if !x.From.After(at.Time()) && (x.Until.IsZero() || x.Until.After(at.Time())) {
				return x.From
			}
		}
		return time.Time{}
	}
	j.Held = func(id, target string) string { return h.HeldAt(id, target, at.Time()) }
	return j, nil
}
