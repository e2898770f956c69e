//go:build e2e

package test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dns-orders/blocklist/test/program"
)

func TestUkrainianOrders(t *testing.T) {
	t.Parallel()
	addr, h := ukrainian(t)
	t.Run("every name", func(t *testing.T) { everyName(t, addr, h) })
	t.Run("over-blocking", func(t *testing.T) { overBlocking(t, addr, h) })
	t.Run("evasion", func(t *testing.T) { evasion(t, addr, h) })
}

func everyName(t *testing.T, addr string, h history) {
	names := map[string]bool{}
	for _, o := range h {
		for _, x := range o.targets {
			names[x.name] = true
			names["www."+x.name] = true
			names["not"+x.name] = true // without the dot, this is another name
		}
	}
	pass := passNames(t)
	for _, n := range pass {
		names[n] = true
	}
	var list []string
	for n := range names {
		list = append(list, n)
	}
	slices.Sort(list)

	counts := map[string]int{}
	for _, network := range []string{"udp", "tcp"} {
		got := askAll(t, network, addr, list)
		for _, n := range list {
			want, ever := h.blocked(n)
			if got[n] != want {
				t.Errorf("%s over %s: blocked %v, want %v", n, network, got[n], want)
			}
			switch {
			case want:
				counts["blocked over "+network]++
			case ever:
				counts["lifted, passing over "+network]++
			default:
				counts["never ordered, passing over "+network]++
			}
		}
		for _, n := range pass {
			if got[n] {
				counts["ordinary names that an order covers over "+network]++
			} else {
				counts["ordinary names passing over "+network]++
			}
		}
		if !got["tabakevich.com"] {
			t.Errorf("tabakevich.com, blocked again, passes over %s", network)
		}
	}
	// .ci/run shows this line of standard output.
	fmt.Printf("counts: %d attachments, %d names asked over UDP and TCP: %v\n", len(h), len(list), counts)
	if counts["lifted, passing over udp"] == 0 || counts["blocked over udp"] < 5000 || counts["ordinary names passing over udp"] < 19000 {
		t.Errorf("the counts are too small to prove anything: %v", counts)
	}
}

func ukrainian(t *testing.T) (addr string, h history) {
	t.Helper()
	bin, dir := t.TempDir(), t.TempDir()
	for _, cmd := range []string{"coredns", "blocklistctl"} {
		program.Build(t, filepath.Join(bin, cmd), "../cmd/"+cmd)
	}
	orders := filepath.Join(dir, "orders")
	os.Mkdir(orders, 0o755)
	var refused []string
	for _, a := range attachments(t) {
		args := []string{"--json", "import", "domains", a.file, "--id", a.id, "--reference", a.number, "--issued", a.place,
			"--authority", "NCU", "--authority-country", "UA", "--authority-kind", "regulator",
			"--paths", "host", "--ports", "name", "--addresses", "network", "--address-after", "drop", "--skip-refused",
			"--out", filepath.Join(orders, strings.ReplaceAll(a.id, "/", "-")+".yaml")}
		if a.kind == "unblock" {
			args = append(args, "--action", "lift")
		} else {
			args = append(args, "--scope", "global")
		}
		out, err := exec.Command(filepath.Join(bin, "blocklistctl"), args...).Output()
		if err != nil {
			t.Fatalf("%s: %v\n%s", a.file, err, out)
		}
		var said struct {
			Notes []struct {
				Line         int
				Raw, Refused string
			}
		}
		if err := json.Unmarshal(out, &said); err != nil {
			t.Fatalf("%s: %v\n%s", a.file, err, out)
		}
		for _, n := range said.Notes {
			if n.Refused != "" {
				refused = append(refused, fmt.Sprintf("%s:%d: %q", filepath.Base(a.file), n.Line, n.Raw))
			}
		}
		h = append(h, struct {
			attachment
			targets []target
		}{a, read(t, a.file)})
	}

	slices.Sort(refused)
	if want := []string{`61035.txt:8: "https://ua- reporter.сom/"`, `65319.txt:18: "brillx55gg"`}; !slices.Equal(refused, want) {
		t.Errorf("refused lines: %q, want %q", refused, want)
	}

	return serve(t, filepath.Join(bin, "coredns"), dir, orders), h
}

func passNames(t *testing.T) (out []string) {
	t.Helper()
	for _, f := range []string{"opendns-top-10000.txt", "opendns-random-10000.txt"} {
		raw, err := os.ReadFile(filepath.Join(data, "pass", f))
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range strings.Fields(string(raw)) {
			out = append(out, strings.ToLower(strings.TrimSuffix(n, ".")))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
