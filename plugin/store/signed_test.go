package store

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/signature"
)

// signer makes a secret key.
func signer(t *testing.T) signature.SecretKey {
	t.Helper()
	s, err := signature.Generate()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func verified(t *testing.T, need int, keys ...signature.SecretKey) func(*Options) {
	t.Helper()
	var public []signature.Key
	for _, k := range keys {
		public = append(public, k.Public())
	}
	p, err := signature.NewPolicy(need, public)
	if err != nil {
		t.Fatal(err)
	}
	return func(o *Options) { o.Verify, o.Demands.Signed = p, true }
}

func (w *world) sign(k signature.SecretKey, name string, slot int, text string) {
	w.t.Helper()
	h := signature.NewHash()
	h.Write([]byte(text))
	sig, err := k.Sign(filepath.Base(name), time.Unix(1700000000, 0), h)
	if err != nil {
		w.t.Fatal(err)
	}
	w.write(signature.Path(name, slot), string(sig))
}

// signed writes a file together with its signature.
func (w *world) signed(k signature.SecretKey, name, text string) {
	w.t.Helper()
	w.sign(k, name, 1, text)
	w.write(name, text)
}

func (w *world) wantAlarm(want ...string) {
	w.t.Helper()
	log := w.log.take()
	for _, text := range want {
		if !strings.Contains(log, text) {
			w.t.Fatalf("the log lacks %q:\n%s", text, log)
		}
	}
	if len(want) == 0 && (strings.Contains(log, "error: ") || strings.Contains(log, "warning: ")) {
		w.t.Fatalf("the log has an alarm:\n%s", log)
	}
}

func serial(n int) string { return fmt.Sprintf("serial: %d\n", n) }

func (w *world) failures(name string) int {
	w.t.Helper()
	for _, f := range w.s.Status().Files {
		if f.Path == filepath.Join(w.dir, name) {
			return f.Failures
		}
	}
	w.t.Fatalf("%s is not in the status", name)
	return 0
}

func TestSigned(t *testing.T) {
	w, k := newWorld(t), signer(t)
	w.signed(k, "a.yaml", orders(serial(1), "o: one.example"))
	if err := w.start(verified(t, 1, k), "a.yaml"); err != nil {
		t.Fatal(err)
	}
	w.wantBlocked("one.example", "one.example", "two.example")
	if got := w.s.Status().Files[0].Signed; got.Unix() != 1700000000 {
		t.Errorf("signed at %v", got)
	}
	w.signed(k, "a.yaml", orders(serial(2), "o: two.example"))
	w.step()
	w.wantBlocked("two.example", "one.example", "two.example")
	w.wantAlarm()

	h := signature.NewHash()
	h.Write([]byte(orders(serial(2), "o: two.example")))
	sig, err := k.Sign("a.yaml", time.Unix(1800000000, 0), h)
	if err != nil {
		t.Fatal(err)
	}
	w.write("a.yaml.minisig", string(sig))
	w.step()
	if got := w.s.Status().Files[0].Signed; got.Unix() != 1800000000 {
		t.Errorf("signed at %v", got)
	}
}

func TestStartUnsigned(t *testing.T) {
	w, k := newWorld(t), signer(t)
	w.write("a.yaml", orders(serial(1), "o: one.example"))
	err := w.start(verified(t, 1, k), "a.yaml")
	if want := `a.yaml: signature a.yaml.minisig: is missing; sign the file with "blocklistctl sign"`; err == nil || !strings.Contains(err.Error(), want) {
		t.Fatalf("got %v, want %s", err, want)
	}
	if err := Check(Options{Patterns: []string{filepath.Join(w.dir, "a.yaml")}, Verify: w.policy(k)}, w.log); err == nil || !strings.Contains(err.Error(), "is missing") {
		t.Errorf("Check returns %v", err)
	}
	w.sign(k, "a.yaml", 1, orders(serial(1), "o: one.example"))
	if err := Check(Options{Patterns: []string{filepath.Join(w.dir, "a.yaml")}, Verify: w.policy(k)}, w.log); err != nil {
		t.Errorf("Check returns %v", err)
	}
}

func (w *world) policy(k signature.SecretKey) signature.Policy {
	var o Options
	verified(w.t, 1, k)(&o)
	return o.Verify
}

func TestFileBeforeSignature(t *testing.T) {
	w, k := newWorld(t), signer(t)
	w.signed(k, "a.yaml", orders(serial(1), "o: one.example"))
	if err := w.start(verified(t, 1, k), "a.yaml"); err != nil {
		t.Fatal(err)
	}
	w.log.take()
	next := orders(serial(2), "o: two.example")
	w.write("a.yaml", next)
	w.step()
	w.wantBlocked("one.example", "one.example", "two.example")
	w.wantAlarm()
	if !w.s.Status().LastOK {
		t.Error("the last load counts as failed")
	}
	w.sign(k, "a.yaml", 1, next)
	w.step()
	w.wantBlocked("two.example", "one.example", "two.example")
	w.wantAlarm()
	if n := w.failures("a.yaml"); n != 0 {
		t.Errorf("%d failures", n)
	}
}

func TestSignatureBeforeFile(t *testing.T) {
	w, k := newWorld(t), signer(t)
	w.signed(k, "a.yaml", orders(serial(1), "o: one.example"))
	if err := w.start(verified(t, 1, k), "a.yaml"); err != nil {
		t.Fatal(err)
	}
	w.log.take()
	next := orders(serial(2), "o: two.example")
	w.sign(k, "a.yaml", 1, next)
	w.step()
	w.wantBlocked("one.example", "one.example", "two.example")
	w.wantAlarm()
	w.write("a.yaml", next)
	w.step()
	w.wantBlocked("two.example", "one.example", "two.example")
	w.wantAlarm()
}

func TestUnsigned(t *testing.T) {
	old, next := orders(serial(1), "o: one.example"), orders(serial(2), "o: two.example")
	k, other := signer(t), signer(t)
	did := "did not sign these bytes and this trusted comment"
	for _, tc := range []struct {
		name   string
		change func(w *world)
		want   string
		mend   func(w *world)
		after  string // the name that is blocked in the end
	}{
		{"the old signature", func(w *world) { w.write("a.yaml", next) }, did,
			func(w *world) { w.sign(k, "a.yaml", 1, next) }, "two.example"},
		{"the signature of another version", func(w *world) { w.sign(k, "a.yaml", 1, next) }, did,
			func(w *world) { w.sign(k, "a.yaml", 1, old) }, "one.example"},
		{"no signature", func(w *world) { w.remove("a.yaml.minisig") }, `signature a.yaml.minisig: is missing; sign the file with "blocklistctl sign"`,
			func(w *world) { w.sign(k, "a.yaml", 1, old) }, "one.example"},
		{"another key", func(w *world) { w.signed(other, "a.yaml", next) }, "which is not one of the keys that may sign",
			func(w *world) { w.signed(k, "a.yaml", next) }, "two.example"},
		{"an additional line", func(w *world) {
			w.sign(k, "a.yaml", 1, old)
			data, err := os.ReadFile(filepath.Join(w.dir, "a.yaml.minisig"))
			if err != nil {
				w.t.Fatal(err)
			}
			w.write("a.yaml.minisig", string(data)+"more\n")
		}, "has 5 lines",
			func(w *world) { w.sign(k, "a.yaml", 1, old) }, "one.example"},
		{"a large signature", func(w *world) { w.write("a.yaml.minisig", strings.Repeat("a\n", 1<<20)) }, "a.yaml.minisig: is larger than 4.0 KiB",
			func(w *world) { w.sign(k, "a.yaml", 1, old) }, "one.example"},
		{"the file of another name", func(w *world) {
			w.write("a.yaml", next)
			w.sign(k, "b.yaml", 1, next)
			if err := os.Rename(filepath.Join(w.dir, "b.yaml.minisig"), filepath.Join(w.dir, "a.yaml.minisig")); err != nil {
				w.t.Fatal(err)
			}
		}, `is the signature of a file with another name: the trusted comment has "file:b.yaml"`,
			func(w *world) { w.sign(k, "a.yaml", 1, next) }, "two.example"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t)
			w.signed(k, "a.yaml", old)
			if err := w.start(verified(t, 1, k), "a.yaml"); err != nil {
				t.Fatal(err)
			}
			w.log.take()
			tc.change(w)
			w.step()
			w.wantAlarm() // no error yet, because the version still waits for a signature
			w.step()
			w.wantBlocked("one.example", "one.example", "two.example")
			w.wantAlarm("error: ", tc.want, "stays in force")
			if n := w.failures("a.yaml"); n != 1 || w.s.Status().LastOK {
				t.Errorf("%d failures, the last load is good: %t", n, w.s.Status().LastOK)
			}
			w.step()
			w.wantAlarm() // the error is logged only once
			tc.mend(w)
			w.step()
			w.step()
			w.wantBlocked(tc.after, "one.example", "two.example")
			log := w.log.take()
			if !w.s.Status().LastOK {
				t.Errorf("the alarm stays:\n%s", log)
			}
			if tc.after == "one.example" && !strings.Contains(log, "is back as it was") {
				t.Errorf("the log is\n%s", log)
			}
		})
	}
}

func TestEndlessWriter(t *testing.T) {
	w, k := newWorld(t), signer(t)
	w.signed(k, "a.yaml", orders(serial(1), "o: one.example"))
	if err := w.start(verified(t, 1, k), "a.yaml"); err != nil {
		t.Fatal(err)
	}
	w.log.take()
	for i := range 3 {
		w.write("a.yaml", orders(serial(i+2), "o: two.example"))
		w.step()
	}
	w.wantBlocked("one.example", "one.example", "two.example")
	w.wantAlarm("did not sign these bytes", "stays in force")
}

func TestTwoSigners(t *testing.T) {
	w, first, second := newWorld(t), signer(t), signer(t)
	old, next := orders(serial(1), "o: one.example"), orders(serial(2), "o: two.example")
	w.signed(first, "a.yaml", old)
	w.sign(second, "a.yaml", 2, old)
	if err := w.start(verified(t, 2, first, second, signer(t)), "a.yaml"); err != nil {
		t.Fatal(err)
	}
	w.log.take()
	w.signed(first, "a.yaml", next)
	w.sign(first, "a.yaml", 2, next)
	w.step()
	w.step()
	w.wantBlocked("one.example", "one.example", "two.example")
	w.wantAlarm("each signature needs another key", "2 different keys must sign this version, and 1 did")
	w.sign(second, "a.yaml", 3, next)
	w.step()
	w.wantBlocked("two.example", "one.example", "two.example")
	if !w.s.Status().LastOK {
		t.Error("the alarm stays")
	}
}

// A removed key must not end the orders of a file.
func TestRemovedKey(t *testing.T) {
	k, other := signer(t), signer(t)
	for _, tc := range []struct {
		name string
		keys []signature.SecretKey
		bad  bool
	}{
		{"a key is added", []signature.SecretKey{other, k}, false},
		{"the key is removed", []signature.SecretKey{other}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t)
			w.signed(k, "a.yaml", orders(serial(1), "o: one.example"))
			if err := w.start(verified(t, 1, k), "a.yaml"); err != nil {
				t.Fatal(err)
			}
			opt := w.s.opt
			verified(t, 1, tc.keys...)(&opt)
			s, err := prepare(opt, w.log, w.clock, []*Store{w.s})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(s.Close)
			w.s = s
			w.step()
			w.wantBlocked("one.example", "one.example")
			log := w.log.take()
			if alarm := strings.Contains(log, "which is not one of the keys that may sign; version "); alarm != tc.bad || s.Status().LastOK == tc.bad {
				t.Errorf("good: %t, the log is\n%s", s.Status().LastOK, log)
			}
		})
	}
}

func TestSignedContent(t *testing.T) {
	k := signer(t)
	list := "one.example\n"
	sum := sha256.Sum256([]byte(list))
	side := func(hash string) string {
		return "version: 1\nserial: 2\norders:\n- {id: o, authority: {name: A}, scope: global, targets_from: {file: l.txt" + hash + "}}\n"
	}
	for _, tc := range []struct{ name, text, want string }{
		{"no serial", orders("", "o: two.example"), "a.yaml: serial: is required when signatures are checked"},
		{"a side list without its hash", side(""), "targets_from: sha256 is required when signatures are checked"},
		{"a side list with its hash", side(", sha256: " + hex.EncodeToString(sum[:])), ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t)
			w.write("l.txt", list)
			w.signed(k, "a.yaml", tc.text)
			err := w.start(verified(t, 1, k), "a.yaml")
			if tc.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				w.wantBlocked("one.example", "one.example")
				w.remove("a.yaml.minisig")
				w.step()
				w.step()
				w.wantAlarm("a.yaml.minisig: is missing")
				return
			}
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
}

func TestSameBaseName(t *testing.T) {
	w, k := newWorld(t), signer(t)
	for _, dir := range []string{"a", "b"} {
		if err := os.Mkdir(filepath.Join(w.dir, dir), 0o755); err != nil {
			t.Fatal(err)
		}
		w.signed(k, dir+"/o.yaml", orders(serial(1), dir+": "+dir+".example"))
	}
	if err := w.start(verified(t, 1, k), "a", "b"); err != nil {
		t.Fatal(err)
	}
	w.wantBlocked("a.example", "a.example", "b.example")
	w.wantAlarm("b/o.yaml: has the same base name as " + filepath.Join(w.dir, "a/o.yaml") + ", so the signatures of the two files are interchangeable; rename one of them and sign it again")
}

func TestApproval(t *testing.T) {
	w := newWorld(t)
	doc := func(by string) string {
		return "version: 1\norders:\n- {id: o, authority: {name: A}, scope: global, targets: [one.example], document: {sha256: " +
			strings.Repeat("a", 64) + ", verified_by: Ann, approved_by: " + by + "}}\n"
	}
	w.write("a.yaml", doc("Bob"))
	if err := w.start(func(o *Options) { o.Demands.Approved = true }, "a.yaml"); err != nil {
		t.Fatal(err)
	}
	w.wantBlocked("one.example", "one.example")
	w.log.take()
	w.write("a.yaml", doc("ann"))
	w.step()
	w.wantAlarm("document: verified_by and approved_by must be two different people", "stays in force")
	if err := Check(Options{Patterns: []string{filepath.Join(w.dir, "a.yaml")}, Demands: order.Demands{Approved: true}}, w.log); err == nil {
		t.Error("Check accepts the file")
	}
}
