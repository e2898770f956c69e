//go:build e2e

package test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/net/idna"
)

// data is where the real orders lie, beside the checkout.
const data = "../../shared/data"

// attachment is a row of orders.tsv.
type attachment struct {
	number, kind, place, file, id string
}

// attachments reads orders.tsv. The place of an order in history is the day of
// the decision, else that of its publication.
func attachments(t *testing.T) (out []attachment) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(data, "ua-orders/orders.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	r := csv.NewReader(bytes.NewReader(raw))
	r.Comma, r.LazyQuotes = '\t', true
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]int{}
	for _, row := range rows[1:] {
		a := attachment{number: row[0], kind: row[1], place: row[3], file: filepath.Join(data, "ua-orders", row[5])}
		if a.place == "" {
			a.place = row[2]
		}
		used[a.number]++
		a.id = "ncu/" + strings.ReplaceAll(a.number, "/", "-")
		if n := used[a.number]; n > 1 {
			a.id += fmt.Sprintf("-annex%d", n)
		}
		out = append(out, a)
	}
	if len(out) != 169 {
		t.Fatalf("orders.tsv has %d attachments, 169 were expected", len(out))
	}
	return out
}

// target is what this test, on its own, reads out of a line.
type target struct {
	name  string
	exact bool // a page of the name: the host alone
}

var (
	scheme  = regexp.MustCompile(`^https?://`)
	address = regexp.MustCompile(`^\d+\.\d+\.\d+\.\d+`)
)

// read is a slow and simple reader of a list, written without a look at the
// importer: what both make of the real lists must agree.
func read(t *testing.T, file string) (out []target) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(string(raw), "\n") {
		line = strings.ToLower(strings.TrimSpace(line))
		line = scheme.ReplaceAllString(line, "")
		line = strings.TrimRight(strings.SplitN(line, " (", 2)[0], "; ")
		host, page, _ := strings.Cut(line, "/")
		host, _, _ = strings.Cut(host, ":")
		host = strings.TrimRight(host, ".;")
		// A blank inside, or a word without a dot, is a slip of the pen; nobody
		// can tell which name was meant. The test below wants these two refused.
		if host == "" || strings.Contains(host, " ") || !strings.Contains(host, ".") || address.MatchString(host) {
			continue
		}
		a, err := idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(false)).ToASCII(host)
		if err != nil {
			t.Fatalf("%s: %q: %v", file, host, err)
		}
		out = append(out, target{a, page != ""})
	}
	return out
}

// covers reports whether the target covers the name.
func (x target) covers(name string) bool {
	return name == x.name || !x.exact && strings.HasSuffix(name, "."+x.name)
}

// history is all orders, for the slow answer to what should be blocked.
type history []struct {
	attachment
	targets []target
}

// blocked: some block order covers the name, and no lift of the same day or
// later does. (All attachments are in files of their own, so on equal days the
// lift counts.) ever reports whether one covered it at all.
func (h history) blocked(name string) (now, ever bool) {
	covers := func(x target) bool { return x.covers(name) }
	for _, o := range h {
		if o.kind == "unblock" || !slices.ContainsFunc(o.targets, covers) {
			continue
		}
		ever = true
		lifted := false
		for _, l := range h {
			lifted = lifted || l.kind == "unblock" && l.place >= o.place && slices.ContainsFunc(l.targets, covers)
		}
		now = now || !lifted
	}
	return now, ever
}

// TestUkrainianOrders imports every attachment of the Ukrainian orders, starts
// the server on them and asks for every name: what is ordered is blocked, what
// is lifted is not, what was blocked again is, and ordinary names pass.
func TestUkrainianOrders(t *testing.T) {
	bin, dir := t.TempDir(), t.TempDir()
	for _, cmd := range []string{"coredns", "blocklistctl"} {
		if out, err := exec.Command("go", "build", "-o", bin, "../cmd/"+cmd).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	orders := filepath.Join(dir, "orders")
	os.Mkdir(orders, 0o755)
	var h history
	var refused []string
	for _, a := range attachments(t) {
		args := []string{"import", "domains", a.file, "--id", a.id, "--reference", a.number, "--issued", a.place,
			"--authority", "NCU", "--authority-country", "UA", "--authority-kind", "regulator",
			"--paths", "host", "--ports", "name", "--addresses", "network", "--address-after", "drop", "--skip-refused",
			"--out", filepath.Join(orders, strings.ReplaceAll(a.id, "/", "-")+".yaml")}
		if a.kind == "unblock" {
			args = append(args, "--action", "lift")
		} else {
			args = append(args, "--scope", "global")
		}
		out, err := exec.Command(filepath.Join(bin, "blocklistctl"), args...).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", a.file, err, out)
		}
		for _, line := range strings.Split(string(out), "\n") {
			if raw, _, ok := strings.Cut(line, ": refused: "); ok {
				refused = append(refused, raw[strings.LastIndex(raw, "/lists/")+len("/lists/"):])
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

	addr := serve(t, filepath.Join(bin, "coredns"), dir, orders)

	names := map[string]bool{}
	for _, o := range h {
		for _, x := range o.targets {
			names[x.name] = true
			names["www."+x.name] = true
			names["not"+x.name] = true // no dot: another name
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
		// Ordered by 276/2081, lifted by 502/2307, ordered again by 555/2360.
		if !got["tabakevich.com"] {
			t.Errorf("tabakevich.com, blocked again, passes over %s", network)
		}
	}
	// Printed as it is, so that .ci/run can show it.
	fmt.Printf("counts: %d attachments, %d names asked over UDP and TCP: %v\n", len(h), len(list), counts)
	if counts["lifted, passing over udp"] == 0 || counts["blocked over udp"] < 5000 || counts["ordinary names passing over udp"] < 19000 {
		t.Errorf("the counts are too small to prove anything: %v", counts)
	}
}

func passNames(t *testing.T) (out []string) {
	t.Helper()
	for _, f := range []string{"opendns-top-10000.txt", "opendns-random-10000.txt"} {
		raw, err := os.ReadFile(filepath.Join(data, "pass", f))
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range strings.Fields(string(raw)) {
			out = append(out, strings.ToLower(n))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// passing is what the server answers for names that pass.
const passing = "192.0.2.80"

// serve starts the server on the orders in a directory and returns its address.
func serve(t *testing.T, coredns, dir, orders string) string {
	t.Helper()
	addr := freePort(t)
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	corefile := fmt.Sprintf(`.:%s {
	bind 127.0.0.1
	errors
	blocklist %s/
	template IN A . {
		answer "{{ .Name }} 60 IN A %s"
	}
}`, port, orders, passing)
	if err := os.WriteFile(filepath.Join(dir, "Corefile"), []byte(corefile), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(coredns, "-conf", filepath.Join(dir, "Corefile"))
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			t.Log(log.String()[:min(log.Len(), 4000)])
		}
	})
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		// Not a socket's own question, which it receives when it has the server's port.
		if r, _, err := new(dns.Client).Exchange(new(dns.Msg).SetQuestion("up.invalid.", dns.TypeA), addr); err == nil && r.Response {
			return addr
		}
		if time.Now().After(deadline) {
			t.Fatalf("the server does not answer:\n%s", log.String())
		}
	}
}

// askAll asks for the A records of all names, over a few connections at a time,
// and reports which names are blocked.
func askAll(t *testing.T, network, addr string, names []string) map[string]bool {
	t.Helper()
	const workers = 4
	var mu sync.Mutex
	var wg sync.WaitGroup
	out := make(map[string]bool, len(names))
	for w := range workers {
		wg.Go(func() {
			c := &dns.Client{Net: network, Timeout: 5 * time.Second}
			conn, err := c.Dial(addr)
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			for i := w; i < len(names); i += workers {
				m := new(dns.Msg).SetQuestion(dns.Fqdn(names[i]), dns.TypeA)
				m.SetEdns0(1232, false)
				r, _, err := c.ExchangeWithConn(m, conn)
				if err != nil {
					t.Errorf("%s over %s: %v", names[i], network, err)
					return
				}
				passed := len(r.Answer) == 1 && strings.HasSuffix(r.Answer[0].String(), passing)
				if !passed && !censored(r) {
					t.Errorf("%s over %s: neither passes nor is it blocked: %v", names[i], network, r)
				}
				mu.Lock()
				out[names[i]] = !passed
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return out
}

// censored reports whether r is a blocking answer that says so: EDE 16.
func censored(r *dns.Msg) bool {
	if o := r.IsEdns0(); o != nil && len(r.Answer) == 0 && len(r.Ns) == 1 {
		for _, opt := range o.Option {
			if e, ok := opt.(*dns.EDNS0_EDE); ok && e.InfoCode == dns.ExtendedErrorCodeCensored {
				return true
			}
		}
	}
	return false
}
