package store

import (
	"bytes"
	"crypto/sha256"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dns-orders/blocklist/plugin/signature"
	"github.com/dns-orders/blocklist/plugin/state"
)

func TestStoredSignatures(t *testing.T) {
	k, other := signer(t), signer(t)
	text := orders(serial(1), "o: one.example")
	for _, tc := range []struct {
		name string
		sign func(w *world)
		need int
		keys []signature.SecretKey
		// forge changes the state directory between the two starts.
		forge func(w *world)
		want  string // the error of the second start, if any
	}{
		{"the same key", func(w *world) { w.sign(k, "a.yaml", 1, text) }, 1, []signature.SecretKey{k}, nil, ""},
		{"two keys, and one was removed", func(w *world) { w.sign(k, "a.yaml", 1, text); w.sign(other, "a.yaml", 2, text) }, 1, []signature.SecretKey{other}, nil, ""},
		{"the key was removed", func(w *world) { w.sign(k, "a.yaml", 1, text) }, 1, []signature.SecretKey{other}, nil, "which is not one of the keys that may sign"},
		{"one more key is needed", func(w *world) { w.sign(k, "a.yaml", 1, text) }, 2, []signature.SecretKey{k, other}, nil, "2 different keys must sign this version, and 1 did"},
		{"other bytes", func(w *world) { w.sign(k, "a.yaml", 1, text) }, 1, []signature.SecretKey{k}, func(w *world) {
			w.restore(func(v *state.Version) []byte { return []byte(orders(serial(9), "o: one.example two.example")) })
		}, "did not sign these bytes"},
		{"no signatures", func(w *world) { w.sign(k, "a.yaml", 1, text) }, 1, []signature.SecretKey{k}, func(w *world) {
			w.restore(func(v *state.Version) []byte { v.Keys, v.Signatures = nil, nil; return []byte(text) })
		}, "is missing"},
		{"fewer keys than signatures", func(w *world) { w.sign(k, "a.yaml", 1, text) }, 1, []signature.SecretKey{k}, func(w *world) {
			w.restore(func(v *state.Version) []byte { v.Keys = nil; return []byte(text) })
		}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t)
			w.write("a.yaml", text)
			tc.sign(w)
			first := verified(t, 1, k, other)
			if err := w.start(func(o *Options) { first(o); withState(w)(o) }, "a.yaml"); err != nil {
				t.Fatal(err)
			}
			w.s.Close()
			if set, err := state.Read(filepath.Join(w.dir, ".state")); err != nil || len(w.stored(set).Keys) == 0 || len(w.stored(set).Keys) != len(w.stored(set).Signatures) {
				t.Fatalf("stored %+v, error %v", set, err)
			}
			w.remove("a.yaml")
			if tc.forge != nil {
				tc.forge(w)
			}
			w.log.take()
			verified(t, tc.need, tc.keys...)(&w.s.opt)
			if err := w.restart(); err != nil {
				t.Fatal(err)
			}
			w.recheck()
			if got := w.blocked("one.example"); len(got) != 1 {
				t.Error("the order is not in force")
			}
			log := w.log.take()
			const not = "is in force, but the signatures stored with it are not good: "
			if tc.want == "" && strings.Contains(log, not) || !strings.Contains(log, tc.want) || tc.want != "" && !strings.Contains(log, not) {
				t.Errorf("the log lacks %q:\n%s", tc.want, log)
			}
		})
	}
}

func TestSignedAgain(t *testing.T) {
	w, k, other := newWorld(t), signer(t), signer(t)
	text := orders(serial(1), "o: one.example")
	w.signed(k, "a.yaml", text)
	if err := w.start(func(o *Options) { verified(t, 1, k, other)(o); withState(w)(o) }, "a.yaml"); err != nil {
		t.Fatal(err)
	}
	w.sign(other, "a.yaml", 1, text)
	w.step()
	w.s.Close()
	set, err := state.Read(filepath.Join(w.dir, ".state"))
	if v := w.stored(set); err != nil || len(v.Keys) != 1 || v.Keys[0] != other.Public().ID().String() {
		t.Errorf("stored %+v, error %v", v, err)
	}
}

// stored returns the stored version of a.yaml.
func (w *world) stored(set state.Set) state.Version {
	return set.Versions[filepath.Join(w.dir, "a.yaml")]
}

func (w *world) restore(change func(*state.Version) []byte) {
	w.t.Helper()
	st, err := state.Open(filepath.Join(w.dir, ".state"), state.Options{})
	if err != nil {
		w.t.Fatal(err)
	}
	set := st.Set()
	v := w.stored(set)
	text := change(&v)
	v.Order = sha256.Sum256(text)
	set.Versions = map[string]state.Version{filepath.Join(w.dir, "a.yaml"): v}
	st.Commit(state.Next{Set: set, Blobs: map[state.Digest]func() (io.ReadCloser, error){
		v.Order: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text)), nil },
	}})
	if err := st.Close(); err != nil {
		w.t.Fatal(err)
	}
}
