package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/dns-orders/blocklist/bench/corpus"
	"github.com/dns-orders/blocklist/bench/probe"
	"github.com/dns-orders/blocklist/bench/rig"
	"github.com/dns-orders/blocklist/bench/server"
	"github.com/miekg/dns"
)

const (
	// patience bounds every wait for an answer to change.
	patience = 30 * time.Second
	// settle is the time between the start and the look at the memory it left, and
	// before each piece.
	settle = 2 * time.Second
	// asked is the number of different questions; one in twenty is blocked.
	asked = 100_000
	// look is the time between two questions whether a change is in effect.
	look = 2 * time.Millisecond
)

// lab is a directory with a server, its Corefile and its order files.
type lab struct {
	plan    *plan
	dir     string
	log     *os.File
	addr    string
	pprof   string
	server  *server.Server
	queries []probe.Query
	added   map[string]bool // whether a changing file has its additional name
}

// The additional names.
var toggled = map[string]string{"big": "big-change.example", "small": "small-change.example"}

const header = "version: 1\ndefaults: {authority: {name: A Regulator, country: IT, kind: regulator}, scope: global}\n"

// newLab prepares a directory and starts the server.
func newLab(ctx context.Context, p *plan) (r *lab, err error) {
	r = &lab{plan: p, log: os.Stderr, added: map[string]bool{}}
	if r.dir, err = os.MkdirTemp("", "reload"); err != nil {
		return nil, err
	}
	if !p.log {
		if r.log, err = os.Create(r.path("log")); err != nil {
			return nil, errors.Join(err, os.RemoveAll(r.dir))
		}
	}
	defer func() {
		if err != nil {
			r.close(err)
		}
	}()
	if p.bin == "" {
		if p.bin, err = server.Build(ctx, r.dir); err != nil {
			return r, err
		}
	}
	list := corpus.New(p.Names)
	misses, hits := list.Misses(asked), list.Hits()
	for i := range misses {
		if i%20 == 19 {
			r.queries = append(r.queries, probe.Query{Name: hits[i%len(hits)], Want: probe.Blocked})
		} else {
			r.queries = append(r.queries, probe.Query{Name: misses[i], Want: probe.Pass})
		}
	}
	// Both versions of what changes are written before; a change is a link and a
	// rename, so that writing does not compete with the questions.
	big := strings.Join(list.Names, "\n") + "\n"
	small := header + "orders:\n- id: small\n  targets:\n  - small.example\n"
	files := map[string]string{
		"big.yaml":     header + "orders: [{id: big, issued: 2026-01-15, targets_from: {file: names.txt}}]\n",
		"names.txt":    big,
		"names.txt.0":  big,
		"names.txt.1":  big + toggled["big"] + "\n",
		"small.yaml":   small,
		"small.yaml.0": small,
		"small.yaml.1": small + "  - " + toggled["small"] + "\n",
	}
	for name, text := range files {
		err = errors.Join(err, os.WriteFile(r.path(name), []byte(text), 0o600))
	}
	return r, errors.Join(err, r.start(ctx))
}

func (r *lab) start(ctx context.Context) error {
	addr, port, err := server.FreePort()
	if err != nil {
		return err
	}
	pprof, _, err := server.FreePort()
	if err != nil {
		return err
	}
	r.addr, r.pprof = addr, pprof
	debug := ""
	if r.plan.debug != "" {
		debug = " pprof " + pprof + "\n"
	}
	corefile := fmt.Sprintf(".:%s {\n bind 127.0.0.1\n root %s\n%s blocklist big.yaml small.yaml\n whoami\n}\n", port, r.dir, debug)
	if err := errors.Join(os.WriteFile(r.path("Corefile"), []byte(corefile), 0o600), server.Age(r.dir)); err != nil {
		return err
	}
	argv := rig.Pinned(rig.ServerCPU, []string{r.plan.bin, "-conf", r.path("Corefile")})
	if r.server, err = server.Start(ctx, r.log, nil, argv...); err != nil {
		return err
	}
	if _, err := r.until(ctx, "small.example", true, func() (time.Time, error) { return r.server.Since(), nil }); err != nil {
		return err
	}
	time.Sleep(settle)
	return ctx.Err()
}

// close ends the server; its log is shown when something failed.
func (r *lab) close(err error) {
	if r.server != nil {
		r.server.End()
	}
	if !r.plan.log {
		if text, _ := os.ReadFile(r.path("log")); err != nil {
			os.Stderr.Write(text[max(0, len(text)-4000):])
		}
		r.log.Close()
	}
	os.RemoveAll(r.dir)
}

func (r *lab) path(name string) string { return filepath.Join(r.dir, name) }

// change puts the other version of a file in its place and waits for the effect.
func (r *lab) change(ctx context.Context, kind string) (time.Duration, error) {
	file := map[string]string{"big": "names.txt", "small": "small.yaml"}[kind]
	now := !r.added[kind]
	version := map[bool]string{false: ".0", true: ".1"}[now]
	if err := os.Link(r.path(file+version), r.path(".next")); err != nil {
		return 0, err
	}
	r.added[kind] = now
	return r.until(ctx, toggled[kind], now, func() (time.Time, error) {
		begin := time.Now()
		return begin, os.Rename(r.path(".next"), r.path(file))
	})
}

// until asks until a name is, or is no more, blocked.
func (r *lab) until(ctx context.Context, name string, blocked bool, change func() (time.Time, error)) (time.Duration, error) {
	done := func(m *dns.Msg) bool { return (m.Rcode == dns.RcodeNameError) == blocked }
	return rig.Question{Addr: r.addr, Name: rig.Same(name), Every: look, Done: done}.Until(ctx, patience, change)
}

// piece puts the load on the server while a file changes.
func (r *lab) piece(ctx context.Context, kind string) (x *piece, err error) {
	time.Sleep(settle)
	x = &piece{Kind: kind, Before: r.server.RSS("VmRSS")}
	if err := r.server.ResetPeak(); err != nil {
		return nil, err
	}
	cpu, err := r.server.CPU()
	if err != nil {
		return nil, err
	}
	var side sync.WaitGroup
	defer side.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	changed := make(chan error, 1)
	if kind == "none" {
		changed <- nil
	} else {
		side.Go(func() { changed <- r.changes(ctx, kind, x) })
	}
	if r.plan.debug != "" {
		side.Go(func() { r.observe(ctx, kind) })
	}
	x.Result, err = probe.Run(ctx, probe.Config{Addr: r.addr, Rate: r.plan.Rate, For: r.plan.For.Duration, Queries: r.queries})
	if err := errors.Join(err, <-changed, ctx.Err()); err != nil {
		return nil, err
	}
	after, err := r.server.CPU()
	x.CPU, x.Peak = (after - cpu).Seconds(), r.server.RSS("VmHWM")
	return x, err
}

// changes makes a change each interval, for the time of a piece. One that has not
// come into effect holds the next up.
func (r *lab) changes(ctx context.Context, kind string, x *piece) error {
	begin := time.Now()
	for n := 0; ; n++ {
		// In the middle of an interval, so that the last has its time.
		at := begin.Add(time.Duration(n)*r.plan.Every.Duration + r.plan.Every.Duration/4)
		if time.Now().After(at) {
			at = time.Now()
		}
		if at.Sub(begin)+r.plan.Every.Duration/2 > r.plan.For.Duration {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Until(at)):
		}
		took, err := r.change(ctx, kind)
		if err != nil {
			return err
		}
		x.Effects = append(x.Effects, float64(took.Microseconds())/1e3)
	}
}

// observe writes profiles of the middle of a piece.
func (r *lab) observe(ctx context.Context, kind string) {
	third := r.plan.For.Duration / 3
	for _, what := range []string{"trace", "profile"} {
		time.Sleep(third / 2)
		url := fmt.Sprintf("http://%s/debug/pprof/%s?seconds=%d", r.pprof, what, min(4, int(third.Seconds())))
		if err := rig.Fetch(ctx, url, filepath.Join(r.plan.debug, kind+"."+what)); err != nil {
			fmt.Fprintln(os.Stderr, "reload:", err)
		}
	}
}
