package main

import (
	"fmt"
	"slices"

	"github.com/dns-orders/blocklist/plugin/status"
	"github.com/dns-orders/blocklist/plugin/store"
)

type localSet struct {
	// The digest depends on settings in the Corefile. Without a Corefile, it is empty.
	Digest string `json:"digest,omitempty"`
	// These are the sorted digests of the order files. A digest includes the side lists.
	Files []string `json:"files"`
}

// Without files and a Corefile, the result is nil.
func (c *statusCmd) here(e *env, files []string) (*localSet, error) {
	if len(files) == 0 && c.Corefile == "" {
		if c.Block != "" {
			return nil, misuse("--block requires --corefile")
		}
		return nil, nil
	}
	s, err := (&serverFlags{Corefile: c.Corefile, Block: c.Block}).server(files)
	if err != nil {
		return nil, err
	}
	opt := s.Store
	opt.State = "" // the state directory belongs to the server
	e.progress.say("reading the order files")
	st, err := store.Open(opt, noLog{}, nil)
	if err != nil {
		return nil, fmt.Errorf("the order files here: %w", err)
	}
	defer st.Close()
	got := st.Status()
	out := &localSet{}
	for _, f := range got.Files {
		if p := st.Problem(f); p != "" {
			return nil, fmt.Errorf("the order files here have a problem, so they give no set: %s", p)
		}
		if f.Kind == store.OrderFile {
			out.Files = append(out.Files, f.Digest)
		}
	}
	slices.Sort(out.Files)
	if c.Corefile != "" {
		out.Digest = got.Digest
	}
	return out, nil
}

// isIn reports whether a server has the set.
func (l *localSet) isIn(d *status.Document) bool {
	return slices.ContainsFunc(d.Sets, func(s status.Set) bool {
		if l.Digest != "" {
			return s.Digest == l.Digest
		}
		var files []string
		for _, f := range s.Files {
			if f.Kind == string(store.OrderFile) {
				files = append(files, f.Digest)
			}
		}
		slices.Sort(files)
		return slices.Equal(slices.Compact(files), slices.Compact(slices.Clone(l.Files)))
	})
}

type noLog struct{}

// Infof implements store.Log.
func (noLog) Infof(string, ...any) {}

// Warningf implements store.Log.
func (noLog) Warningf(string, ...any) {}

// Errorf implements store.Log.
func (noLog) Errorf(string, ...any) {}
