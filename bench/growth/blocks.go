package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/dns-orders/blocklist/bench/rig"
	"github.com/miekg/dns"
)

const settle = 2 * time.Second

func growBlocks(ctx context.Context, w *world, p plan) ([]series, error) {
	dir, err := os.MkdirTemp("", "growth")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	bin, err := rig.Build(ctx, dir)
	if err != nil {
		return nil, err
	}
	big := sideList(w.names(p.fixed))
	err = errors.Join(os.WriteFile(filepath.Join(dir, big.path), big.text, 0o600), os.WriteFile(filepath.Join(dir, "names.txt"), big.side, 0o600))
	if err != nil {
		return nil, err
	}
	s := series{Name: "blocks", What: fmt.Sprintf("server blocks with the same file of %d names", p.fixed)}
	first, _, _ := strings.Cut(string(big.side[:100]), "\n")
	for _, k := range p.blocks {
		pt, err := startBlocks(ctx, dir, bin, k, first)
		if err != nil {
			return nil, err
		}
		s.Points = append(s.Points, pt)
	}
	return []series{s}, nil
}

func startBlocks(ctx context.Context, dir, bin string, k int, name string) (pt point, err error) {
	var conf strings.Builder
	addr := ""
	for range k {
		a, port, err := rig.FreePort()
		if err != nil {
			return pt, err
		}
		addr = a
		fmt.Fprintf(&conf, ".:%s {\n bind 127.0.0.1\n root %s\n blocklist side.jsonl\n whoami\n}\n", port, dir)
	}
	corefile := filepath.Join(dir, "Corefile")
	if err := errors.Join(os.WriteFile(corefile, []byte(conf.String()), 0o600), rig.Age(dir)); err != nil {
		return pt, err
	}
	out, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return pt, err
	}
	defer out.Close()
	s, err := rig.Start(ctx, out, nil, bin, "-conf", corefile)
	if err != nil {
		return pt, err
	}
	defer s.End()
	blocked := func(m *dns.Msg) bool { return m.Rcode == dns.RcodeNameError }
	q := rig.Question{Addr: addr, Name: rig.Same(name), Every: time.Millisecond, Done: blocked}
	took, err := q.Until(ctx, time.Minute, func() (time.Time, error) { return s.Since(), nil })
	if err != nil {
		text, _ := os.ReadFile(out.Name())
		return pt, fmt.Errorf("%w\n%s", err, text)
	}
	pt.X, pt.LoadMS = k, ms(took)
	cpu, err := s.CPU()
	pt.LoadCPUMS = ms(cpu)
	time.Sleep(settle)
	pt.Bytes = s.RSS("VmRSS")
	return pt, err
}
