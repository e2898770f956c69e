package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dns-orders/blocklist/bench/rig"
)

type samples struct {
	base, list               [works][]float64 // the CPU time of a query in us, without and with the list, for each round
	start, effect, p99       []float64        // times in ms
	bytes, peak, lost, wrong []float64
	late, latest             []float64 // p99 and maximum of the prober's delay, in ms
	buffer                   []float64 // the buffer size of the prober's sockets, in bytes
}

func (l *lab) measure(ctx context.Context, p *peer) (*samples, error) {
	var x samples
	base, took, err := l.start(ctx, p, false, shape{})
	if err != nil {
		return nil, fmt.Errorf("without a list: %w", err)
	}
	defer base.End()
	m, err := rig.Exchange(base.addr, l.work[p.exact][passing][0].name)
	if err != nil {
		return nil, base.explain(err)
	}
	pass := shapeOf(m)
	if err := l.check(base, false, pass); err != nil {
		return nil, fmt.Errorf("without a list: %w", err)
	}
	if p.list == nil {
		x.start = append(x.start, ms(took))
	}
	listed, err := l.starts(ctx, p, base, pass, &x)
	if err != nil {
		return nil, err
	}
	defer listed.End()
	if err := l.check(listed, p.list != nil, pass); err != nil {
		return nil, err
	}
	if err := l.rounds(ctx, base, listed, &x); err != nil {
		return nil, err
	}
	if p.list == nil {
		return &x, nil
	}
	version := 0
	for range l.loads {
		version++
		took, peak, err := l.idle(ctx, listed, version, pass)
		if err != nil {
			return nil, fmt.Errorf("a change: %w", err)
		}
		x.effect, x.peak = append(x.effect, ms(took)), append(x.peak, peak)
	}
	for range l.loads {
		version++
		met, err := l.loaded(ctx, listed, version, pass)
		if err != nil {
			return nil, fmt.Errorf("a change under load: %w", err)
		}
		x.p99, x.lost, x.wrong = append(x.p99, met.WorstP99), append(x.lost, float64(met.Lost)), append(x.wrong, float64(met.Wrong))
		x.late, x.latest, x.buffer = append(x.late, met.late.P99), append(x.latest, met.late.Max), append(x.buffer, float64(met.buffer))
	}
	return &x, l.whole(ctx, listed, pass)
}

func (l *lab) starts(ctx context.Context, p *peer, base *site, pass shape, x *samples) (*site, error) {
	if p.list == nil {
		s, _, err := l.start(ctx, p, false, pass)
		return s, err
	}
	for i := 1; ; i++ {
		s, took, err := l.start(ctx, p, true, pass)
		if err != nil {
			return nil, err
		}
		if err := errors.Join(l.whole(ctx, s, pass), wait(ctx, settle)); err != nil {
			s.End()
			return nil, err
		}
		x.start = append(x.start, ms(took))
		x.bytes = append(x.bytes, float64(s.RSS("VmRSS")-base.RSS("VmRSS"))/float64(l.names))
		if i == l.loads {
			return s, nil
		}
		s.End()
	}
}

// BIND already answers queries while it loads a policy zone. The function waits until all names are
// blocked.
func (l *lab) whole(ctx context.Context, s *site, pass shape) error {
	for deadline := time.Now().Add(patience); ; {
		err := l.check(s, true, pass)
		if err == nil || time.Now().After(deadline) {
			return err
		}
		if err := wait(ctx, settle/10); err != nil {
			return err
		}
	}
}

func (l *lab) rounds(ctx context.Context, base, list *site, x *samples) error {
	pair := []struct {
		s  *site
		us *[works][]float64
	}{{base, &x.base}, {list, &x.list}}
	for round := range l.plan.rounds + 1 {
		for i := range pair {
			p := pair[(i+round)%2]
			us, err := l.cpu(ctx, p.s, round)
			if err != nil {
				return err
			}
			for sort := range us {
				if round > 0 {
					p.us[sort] = append(p.us[sort], us[sort])
				}
			}
		}
	}
	return nil
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }
