//go:build e2e

package faults

import (
	"encoding/json"
	"fmt"
	"strings"
)

const head = `version: 1
defaults: {authority: {name: Court of Test, country: IT, kind: court}, references: ["T 1"], issued: 2026-01-12, scope: global}
`

// These are the files that faults change.
const (
	court   = "orders/court.yaml"
	reg     = "orders/regulator.json"
	stream  = "orders/register.jsonl"
	side    = "orders/lists/register.txt"
	linked  = "orders/linked.yaml" // a link into volume/..data, like a file of a Kubernetes ConfigMap
	single  = "single.yaml"        // listed in the Corefile, outside the orders directory
	protect = "protect.txt"
	urgent  = "orders/urgent.yaml"
)

func world() (files, want map[string]string) {
	files, want = map[string]string{}, map[string]string{}
	expect := func(answer string, names ...string) {
		for _, n := range names {
			want[n], want["www."+n], want["not"+n] = answer, answer, pass
		}
	}
	expect(nxdomain, numbered("court", 50)...)
	expect(refused, "refused.example")
	want["important.example"] = pass // an order blocks this name, but the protect list protects the name
	files[court] = courtFile(7, numbered("court", 50))

	expect(nodata, numbered("reg", 30)...)
	expect(redirect, "redirect.example")
	files[reg] = regulatorFile(numbered("reg", 30))

	expect(nxdomain, numbered("side", 100)...)
	expect(nxdomain, numbered("stream", 20)...)
	files[side] = "# a side list\n" + strings.Join(numbered("side", 100), "\n") + "\n"
	files[stream] = streamFile()

	expect(nxdomain, "linked.example")
	files["volume/..1/linked.yaml"] = orderFile("linked/1", "linked.example")
	files["volume/..2/linked.yaml"] = orderFile("linked/1", "linked.example", "linked2.example")

	expect(nxdomain, "single.example", "stays.example")
	want["ok.single.example"], want["freed.example"] = pass, pass
	want["single.example"] = nodata // NXDOMAIN would also deny ok.single.example
	files[single] = head + `orders:
  - {id: single/1, targets: [single.example], except: [ok.single.example]}
  - {id: single/2, targets: [freed.example, stays.example]}
  - {id: single/3, action: lift, lifts: [single/2], issued: 2026-02-01, targets: [freed.example]}
`
	files[protect] = "# never block\nimportant.example\n"
	files[urgent] = orderFile("urgent/1", "urgent0.example")
	for _, n := range numbered("ordinary", 20) {
		want[n] = pass
	}
	return files, want
}

func numbered(name string, n int) (out []string) {
	for i := range n {
		out = append(out, fmt.Sprintf("%s%04d.example", name, i))
	}
	return out
}

// orderFile returns an order file with one order.
func orderFile(id string, targets ...string) string {
	return fmt.Sprintf("%scount: 1\norders:\n  - {id: %s, targets: [%s]}\n", head, id, strings.Join(targets, ", "))
}

func courtFile(serial int, targets []string) string {
	return fmt.Sprintf("%sserial: %d\ncount: 2\norders:\n  - {id: court/2, response: refused, targets: [refused.example, important.example]}\n"+
		"  - id: court/1\n    targets:\n      - %s\n", head, serial, strings.Join(targets, "\n      - "))
}

func terms(id string, fields map[string]any) map[string]any {
	o := map[string]any{"id": id, "authority": map[string]string{"name": "Regulator of Test"}, "scope": "global", "issued": "2026-01-12"}
	for k, v := range fields {
		o[k] = v
	}
	return o
}

func encode(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func regulatorFile(targets []string) string {
	return encode(map[string]any{"version": 1, "orders": []any{
		terms("reg/1", map[string]any{"response": "nodata", "targets": targets}),
		terms("reg/2", map[string]any{"response": map[string]any{"redirect": []string{redirect}}, "targets": []string{"redirect.example"}}),
	}})
}

func streamFile() string {
	return `{"version":1,"count":2}` + "\n" +
		encode(terms("stream/1", map[string]any{"targets_from": map[string]string{"file": "lists/register.txt"}})) + "\n" +
		encode(terms("stream/2", map[string]any{"targets": numbered("stream", 20)})) + "\n"
}
