package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/dns-orders/blocklist/bench/server"
	"github.com/miekg/dns"
)

// rig is what all servers are measured with.
type rig struct {
	dir, coredns    string
	plan            *plan
	listed, passing string // a name of each sort
	upstreams       map[string]*upstream
	started         int
}

// instance is a running server.
type instance struct {
	*server.Server
	kind       kind
	addr, port string
	log        string
}

const (
	// sockets and outstanding are dnsperf's, as in the peers' figures.
	sockets     = 8
	outstanding = 100
	// patience is for a server to come up.
	patience = time.Minute
)

func (r *rig) close() {
	for _, u := range r.upstreams {
		u.close()
	}
}

// start runs a server of a kind and waits until it answers.
func (r *rig) start(ctx context.Context, k kind, a answer) (_ *instance, err error) {
	r.started++
	dir := filepath.Join(r.dir, strconv.Itoa(r.started))
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	in := &instance{kind: k, log: filepath.Join(dir, "log")}
	if in.addr, in.port, err = server.FreePort(); err != nil {
		return nil, err
	}
	argv, err := k.configure(r, in.port, dir, a)
	if err != nil {
		return nil, err
	}
	log, err := os.Create(in.log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	if in.Server, err = server.Start(ctx, log, r.plan.env, pinned(serverCPU, argv)...); err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		if _, err := in.exchange(r.passing); err == nil {
			return in, nil
		} else if time.Now().After(deadline) || ctx.Err() != nil {
			in.End()
			text, _ := os.ReadFile(in.log)
			return nil, fmt.Errorf("no answer: %w\n%s", err, text)
		}
	}
}

// pinned is a command line for one CPU. Go then uses one thread at a time, unless
// GOMAXPROCS says otherwise.
func pinned(cpu int, argv []string) []string {
	return append([]string{"taskset", "--cpu-list", strconv.Itoa(cpu)}, argv...)
}

func (in *instance) exchange(name string) (*dns.Msg, error) {
	m, _, err := new(dns.Client).Exchange(new(dns.Msg).SetQuestion(name, dns.TypeA), in.addr)
	if err == nil && !m.Response {
		err = errors.New("the question came back to its own socket")
	}
	return m, err
}

// check: a server that answers something else than is meant is cheap for the
// wrong reason.
func (r *rig) check(in *instance, a answer) error {
	m, err := in.exchange(r.passing)
	if err != nil {
		return err
	}
	if m.Rcode != a.rcode || a.upstream != nil && len(m.Answer) == 0 {
		return fmt.Errorf("a passing name is answered\n%v", m)
	}
	if m, err = in.exchange(dns.Fqdn(r.listed)); err != nil {
		return err
	}
	if blocked := m.Rcode == dns.RcodeNameError && len(m.Ns) == 1; blocked != in.kind.blocks {
		return fmt.Errorf("a listed name is answered\n%v", m)
	}
	return nil
}

// sample is a burst: the same queries to one server.
type sample struct {
	Answer  string  `json:"answer"`
	Server  string  `json:"server"`
	Start   int     `json:"start"`
	Round   int     `json:"round"`
	Queries int     `json:"queries"`  // answered
	CPU     float64 `json:"cpu_us"`   // of the server, for each
	Rate    float64 `json:"rate_qps"` // answers a second
}

// ask runs a burst of queries once.
func (r *rig) ask(ctx context.Context, in *instance, a answer, burst int) (s sample, err error) {
	argv := pinned(generatorCPU, []string{"dnsperf", "-s", "127.0.0.1", "-p", in.port, "-d", filepath.Join(r.dir, burstFile(burst)),
		"-n", "1", "-c", strconv.Itoa(sockets), "-q", strconv.Itoa(outstanding)})
	before, err := in.CPU()
	if err != nil {
		return s, err
	}
	out, err := exec.CommandContext(ctx, argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		return s, fmt.Errorf("dnsperf: %w\n%s", err, out)
	}
	after, err := in.CPU()
	if err != nil {
		return s, err
	}
	field := func(name string) string {
		_, rest, _ := strings.Cut(string(out), name)
		line, _, _ := strings.Cut(rest, "\n")
		return strings.TrimSpace(line)
	}
	completed, _, _ := strings.Cut(field("Queries completed:"), " ")
	s.Queries, _ = strconv.Atoi(completed)
	s.Rate, _ = strconv.ParseFloat(field("Queries per second:"), 64)
	want, mixed := fmt.Sprintf("%s %d (100.00%%)", dns.RcodeToString[a.rcode], s.Queries), in.kind.blocks && r.plan.blocked > 0
	// A few that a socket's buffer had no room for cost next to nothing.
	if s.Queries < r.plan.burst*999/1000 || field("Response codes:") != want && !mixed {
		return s, fmt.Errorf("want %d answers %s:\n%s", r.plan.burst, dns.RcodeToString[a.rcode], out)
	}
	s.CPU = float64((after - before).Nanoseconds()) / 1e3 / float64(s.Queries)
	return s, nil
}

// profiles writes CPU profiles of each server while it is asked without pause;
// go tool pprof adds up as many files as it is given.
func (r *rig) profiles(ctx context.Context, p *plan, a answer, running []*instance) error {
	const (
		pieces  = 7
		seconds = 3 // CoreDNS's pprof gives a reply five, and the server is busy
	)
	for i := range pieces * len(running) {
		in := running[i%len(running)]
		file := fmt.Sprintf("%s-%s.%d.pprof", a.name, strings.ReplaceAll(in.kind.name, " ", "-"), i/len(running))
		done := make(chan error, 1)
		go func() {
			done <- fetch(ctx, fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", in.addr, seconds), filepath.Join(p.profile, file))
		}()
		for burst := 0; len(done) == 0; burst++ {
			if _, err := r.ask(ctx, in, a, burst%p.bursts); err != nil {
				return err
			}
		}
		if err := <-done; err != nil {
			return err
		}
	}
	return nil
}

func fetch(ctx context.Context, url, file string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	req.Close = true // it ends idle connections, too, and not always in time
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s %w", url, resp.Status, err)
	}
	return os.WriteFile(file, text, 0o644)
}
