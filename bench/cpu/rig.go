package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/dns-orders/blocklist/bench/rig"
	"github.com/miekg/dns"
)

type lab struct {
	dir, coredns    string
	plan            *plan
	listed, passing string // a name in the list and a name that passes
	upstreams       map[string]*upstream
	started         int
}

// An instance is a running server.
type instance struct {
	*rig.Server
	kind       kind
	addr, port string
	// The port must differ from the DNS port. CoreDNS would allow the DNS port, and pprof would get
	// half of the TCP connections.
	pprof string
	log   string
}

const patience = time.Minute

func (r *lab) close() {
	for _, u := range r.upstreams {
		u.close()
	}
}

func (r *lab) start(ctx context.Context, k kind, a answer) (_ *instance, err error) {
	r.started++
	dir := filepath.Join(r.dir, strconv.Itoa(r.started))
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	in := &instance{kind: k, log: filepath.Join(dir, "log")}
	if in.addr, in.port, err = rig.FreePort(); err != nil {
		return nil, err
	}
	if in.pprof, _, err = rig.FreePort(); err != nil {
		return nil, err
	}
	argv, err := k.configure(r, in, dir, a)
	if err != nil {
		return nil, err
	}
	log, err := os.Create(in.log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	if in.Server, err = rig.Start(ctx, log, r.plan.env, rig.Pinned(rig.ServerCPU, argv)...); err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		if _, err := rig.Exchange(in.addr, r.passing); err == nil {
			return in, nil
		} else if time.Now().After(deadline) || ctx.Err() != nil {
			in.End()
			text, _ := os.ReadFile(in.log)
			return nil, fmt.Errorf("no answer: %w\n%s", err, text)
		}
	}
}

func (r *lab) check(in *instance, a answer) error {
	m, err := rig.Exchange(in.addr, r.passing)
	if err != nil {
		return err
	}
	if m.Rcode != a.rcode || a.upstream != nil && len(m.Answer) == 0 {
		return fmt.Errorf("a passing name is answered\n%v", m)
	}
	if m, err = rig.Exchange(in.addr, r.listed); err != nil {
		return err
	}
	if blocked := m.Rcode == dns.RcodeNameError && len(m.Ns) == 1; blocked != in.kind.blocks {
		return fmt.Errorf("a listed name is answered\n%v", m)
	}
	return nil
}

type sample struct {
	Answer  string  `json:"answer"`
	Server  string  `json:"server"`
	Start   int     `json:"start"`
	Round   int     `json:"round"`
	Queries int     `json:"queries"`  // the number of answered queries
	CPU     float64 `json:"cpu_us"`   // the CPU time of the server for each query
	Rate    float64 `json:"rate_qps"` // answers per second
}

func (r *lab) ask(ctx context.Context, in *instance, a answer, percent, burst int) (s sample, err error) {
	b, err := rig.Ask(ctx, in.Server, in.port, filepath.Join(r.dir, burstFile(percent, burst)), r.plan.burst)
	if err != nil {
		return s, err
	}
	want := fmt.Sprintf("%s %d (100.00%%)", dns.RcodeToString[a.rcode], b.Queries)
	if mixed := in.kind.blocks && percent > 0; b.Codes != want && !mixed {
		return s, fmt.Errorf("want %s, got %s", want, b.Codes)
	}
	s.Queries, s.CPU, s.Rate = b.Queries, b.CPU, b.Rate
	return s, nil
}
