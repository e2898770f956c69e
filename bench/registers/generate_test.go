package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"github.com/dns-orders/blocklist/bench/corpus"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/register"
)

// TestDigests checks that the registers have not changed. Results for other registers cannot be
// compared.
func TestDigests(t *testing.T) {
	names := corpus.New(1000).Names
	h := sha256.New()
	for i := range kinds {
		for _, second := range []bool{false, true} {
			if err := kinds[i].write(h, names, second); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != "b8e56558ee480bc3bdd6ebd8f49068d957b30e3198a37e16e317ed01b1e30bcf" {
		t.Errorf("SHA-256 %s", got)
	}
}

// TestImports checks that each preset reads its register, and that the second edition has one new name.
func TestImports(t *testing.T) {
	names := corpus.New(1000).Names
	for i := range kinds {
		k := &kinds[i]
		if k.args[0] != "register" {
			continue
		}
		p, err := register.Load(k.args[1], "")
		if err != nil {
			t.Fatal(err)
		}
		var previous []byte
		for j, asOf := range []string{"2026-01-02", "2026-01-03"} {
			opt := register.Options{Path: "out.yaml", Previous: previous, AsOf: order.NoTime, Served: order.NoTime, Now: 2e9, DropOK: -1, RowsOK: 1000, Vanished: register.Lift}
			if k.charset == nil {
				if opt.AsOf, err = p.Time(asOf); err != nil {
					t.Fatal(err)
				}
			}
			var b bytes.Buffer
			if err := k.write(&b, names, j == 1); err != nil {
				t.Fatal(err)
			}
			res, err := register.Import(p, b.Bytes(), opt)
			if err != nil || res.Content == nil || len(res.Refused) > 0 || j == 1 && (res.Added != 1 || len(res.Ended) != 1) {
				t.Fatalf("%s, edition %d: error %v, %+v", k.name, j+1, err, res)
			}
			previous = res.Content.Bytes()
		}
	}
}
