package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dns-orders/blocklist/plugin/journal"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/test/journals"
)

func TestVersions(t *testing.T) {
	text := func(orders ...string) string {
		return "version: 1\ntimezone: Europe/Rome\norders: [" + strings.Join(orders, ", ") + "]\n"
	}
	one := func(id, more string) string {
		return fmt.Sprintf("{id: %s, authority: {name: A}, scope: global, targets: [%s.example]%s}", id, id, more)
	}
	dir := filepath.Join(t.TempDir(), "node")
	j := journals.New(t, dir, "node", "2026-04-01T00:00:00Z")
	j.Load("a.yaml", text(one("stays", ""), one("goes", "")))
	j.Receive("stays", false, journal.InForce)
	j.Receive("goes", false, journal.InForce)
	for i, version := range []string{
		text(one("stays", ""), one("goes", ", acknowledged: 2026-04-02")), // no record of the orders
		text(one("stays", "")),
		text(one("stays", ", acknowledged: 2026-04-04")),
		text(one("stays", ", acknowledged: 2026-04-05"), "{id: new}"), // is refused
	} {
		j.At(fmt.Sprintf("2026-04-%02dT00:00:00Z", i+2))
		if i == 3 {
			j.Add(journal.Record{Event: journal.Outcome, Files: []journal.Version{{File: "a.yaml", SHA256: "00", Problem: "bad"}}})
			break
		}
		j.Load("a.yaml", version)
		if i == 1 {
			j.Add(journal.Record{Event: journal.Removed, Order: "goes"})
		}
	}
	j.Close()
	d := read(t, dir, nil)
	for id, want := range map[string]string{"stays": "2026-04-04", "goes": "2026-04-02"} {
		if f := d.fields[id]; f == nil || f.Acknowledged.StartText(rome) != want || f.present {
			t.Errorf("%s: %+v, want acknowledged %s", id, f, want)
		}
	}
	if d.Zone.String() != "Europe/Rome" {
		t.Errorf("zone %s", d.Zone)
	}
}

// TestMedian checks medians.
func TestMedian(t *testing.T) {
	for _, tc := range []struct {
		in   []float64
		want string
	}{{nil, ""}, {[]float64{3}, "3"}, {[]float64{3, 1}, "2"}, {[]float64{9, 1, 2}, "2"}, {[]float64{0.001, 0}, "0"}, {[]float64{1.0 / 3}, "0.33"}, {[]float64{4, 1, 2, 100}, "3"}} {
		if got := number(median(tc.in)); got != tc.want {
			t.Errorf("%v: %s, want %s", tc.in, got, tc.want)
		}
	}
}

func TestSchedule(t *testing.T) {
	const text = "version: 1\norders: [{id: x, authority: {name: A, country: IT, kind: court}, category: copyright, disclosure: schedule, scope: global, served: 2026-04-10T08:00:00Z, targets: [secret.example]}]\n"
	dir := filepath.Join(t.TempDir(), "node")
	j := journals.New(t, dir, "node", "2026-04-01T00:00:00Z")
	j.Load("a.yaml", "version: 1\norders: []\n")
	j.At("2026-04-10T09:00:00Z")
	j.Load("a.yaml", text)
	j.Receive("x", false, journal.InForce)
	for _, e := range []journal.Event{journal.SelfTest, journal.Probe} {
		j.Add(journal.Record{Event: e, Order: "x", Target: "secret.example", Name: "secret.example", Type: "A", Why: "secret.example has addresses"},
			journal.Record{Event: e, Order: "x", Target: "secret.example", Name: "secret.example", Type: "A", Why: "not tested: secret.example is gone"})
	}
	j.Add(journal.Record{Event: journal.TargetHeld, Order: "x", Target: "secret.example", Why: "secret.example is protected"})
	j.Close()
	for _, sealed := range []bool{false, true} {
		d := read(t, dir, nil)
		opt := april
		opt.Sealed = sealed
		r := Collect(d, opt)
		c, err := NewCertificate(d, "x", opt)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		for _, err := range []error{r.WriteText(&b), r.WriteCSV(&b), r.WriteHTML(&b, d), c.WriteText(&b), c.WriteHTML(&b)} {
			if err != nil {
				t.Fatal(err)
			}
		}
		fmt.Fprintf(&b, "%+v %+v", *c, slices.Collect(r.Orders())[0].Held)
		list, notes := r.Lumen("P")
		if len(list) != 0 || !strings.Contains(strings.Join(notes, ""), "no notice for 1 order: the targets are secret") {
			t.Errorf("%+v, %q", list, notes)
		}
		if strings.Contains(b.String(), "secret.example") != sealed {
			t.Errorf("sealed %v:\n%s", sealed, b.String())
		}
		if results := fmt.Sprint(c.Tests[0].Result, c.Tests[1].Result); results != "wrongunknown" {
			t.Errorf("results %s", results)
		}
		n, _, err := NewNotice(d, "x", NoticeOptions{Options: opt})
		if err != nil || !strings.Contains(n.Body, "- secret.example") {
			t.Errorf("%+v, %v", n, err)
		}
	}
}

// Records can reveal a target through the fields target, name, reason and digest. Only --sealed may
// show these fields of a secret order.
func TestSecretRecords(t *testing.T) {
	for _, disclosure := range []string{"code", "none", "schedule", ""} {
		dir := filepath.Join(t.TempDir(), "node")
		j := journals.New(t, dir, "node", "2026-04-01T00:00:00Z")
		if disclosure != "" {
			j.Load("a.yaml", "version: 1\norders: [{id: x, authority: {name: A, country: IT, kind: court}, disclosure: "+disclosure+", scope: global, served: 2026-04-10T08:00:00Z, targets: [secret.example]}]\n")
		}
		sealed := disclosure == "code" || disclosure == "none"
		j.At("2026-04-10T09:00:00Z")
		for _, e := range []journal.Event{journal.Received, journal.InForce, journal.Corrected, journal.SelfTest, journal.Probe, journal.TargetHeld, journal.FirstAnswer} {
			j.Add(journal.Record{Event: e, Order: "x", Sealed: sealed, Target: "secret.example", Name: "www.secret.example", Why: "secret.example is odd", Content: "c0ffee" + "c0ffee"})
		}
		j.Close()
		d := read(t, dir, nil)
		for _, show := range []bool{false, true} {
			opt := april
			opt.Disclosure = nil
			opt.Sealed = show
			r := Collect(d, opt)
			var b bytes.Buffer
			errs := []error{r.WriteText(&b), r.WriteCSV(&b), r.WriteHTML(&b, d), json.NewEncoder(&b).Encode(r)}
			c, err := NewCertificate(d, "x", opt)
			if refused := new(SealedError); errors.As(err, &refused) != (sealed && !show) {
				t.Fatalf("%q, --sealed %t: %v", disclosure, show, err)
			}
			if err == nil {
				errs = append(errs, c.WriteText(&b), c.WriteHTML(&b), json.NewEncoder(&b).Encode(c))
			}
			if err := errors.Join(errs...); err != nil {
				t.Fatal(err)
			}
			if !show && strings.Contains(b.String(), "secret.example") || strings.Contains(b.String(), "c0ffee") {
				t.Errorf("%q, --sealed %t:\n%s", disclosure, show, b.String())
			}
			if show && !strings.Contains(b.String(), "www.secret.example") {
				t.Errorf("%q: --sealed does not show the name", disclosure)
			}
		}
	}
}

func TestSealedLater(t *testing.T) {
	d := read(t, fleet(t), nil)
	full := func(string) order.Disclosure { return order.Full }
	if !d.sealed(canary+"/1", full) {
		t.Error("the order is not sealed")
	}
	d.fields[canary+"/1"].present = true
	if d.sealed(canary+"/1", full) {
		t.Error("the present file does not count")
	}
	delete(d.fields, canary+"/1")
	if !d.sealed(canary+"/1", full) {
		t.Error("the records do not count")
	}
}
