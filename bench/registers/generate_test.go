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

// Results for other registers are not comparable.
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
	if got := hex.EncodeToString(h.Sum(nil)); got != "6bcfefae521a288bf700281dea927e65cba60cfa72b189535676d3c4548d7f92" {
		t.Errorf("SHA-256 %s", got)
	}
}

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
