package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/dns-orders/blocklist/bench/corpus"
	"github.com/dns-orders/blocklist/bench/probe"
	"github.com/dns-orders/blocklist/bench/rig"
	"github.com/miekg/dns"
)

const (
	patience = 5 * time.Minute
	settle   = 2 * time.Second
	around   = time.Second
	rate     = 5000
)

type plan struct {
	names  int
	burst  int // the number of queries in one dnsperf run
	rounds int // how many bursts (dnsperf runs) of each kind each server gets
	loads  int // how often a server is started, reloaded while idle, and reloaded under load
}

func (p plan) questions() int { return p.burst * (p.rounds + 1) }

type lab struct {
	plan
	dir, coredns string
	list         *corpus.List
	work         map[bool][works][]question // the queries, by the field exact of the peer
	started      int
}

func newLab(ctx context.Context, dir string, p plan) (*lab, error) {
	l := &lab{plan: p, dir: dir, list: corpus.New(p.names), work: map[bool][works][]question{}}
	var err error
	if l.coredns, err = rig.Build(ctx, dir); err != nil {
		return nil, err
	}
	for _, exact := range []bool{false, true} {
		l.work[exact] = work(l.list, p.questions(), exact)
		for sort, questions := range l.work[exact] {
			for round := range p.rounds + 1 {
				err = errors.Join(err, writeBurst(burst(dir, round, sort, exact), questions[round*p.burst:][:p.burst]))
			}
		}
	}
	return l, errors.Join(err, rig.PinSelf(ctx))
}

func (l *lab) start(ctx context.Context, p *peer, list bool, pass shape) (s *site, took time.Duration, err error) {
	l.started++
	s = &site{dir: filepath.Join(l.dir, strconv.Itoa(l.started)), coredns: l.coredns, peer: p}
	if err := os.Mkdir(s.dir, 0o700); err != nil {
		return nil, 0, err
	}
	var control error
	s.addr, s.port, err = rig.FreePort()
	_, s.control, control = rig.FreePort()
	if err := errors.Join(err, control); err != nil {
		return nil, 0, err
	}
	if list {
		if err := errors.Join(s.stage(l.list.Names, 0), s.swap()); err != nil {
			return nil, 0, err
		}
	}
	argv, err := p.configure(s, list)
	if err := errors.Join(err, rig.Age(s.dir)); err != nil {
		return nil, 0, err
	}
	log, err := os.Create(s.path("log"))
	if err != nil {
		return nil, 0, err
	}
	defer log.Close()
	if s.Server, err = rig.Start(ctx, log, nil, rig.Pinned(rig.ServerCPU, argv)...); err != nil {
		return nil, 0, err
	}
	q := rig.Question{Addr: s.addr, Name: rig.Same(l.list.Names[0]), Every: time.Millisecond, Done: func(m *dns.Msg) bool {
		return !list && (m.Rcode == dns.RcodeNameError || m.Rcode == dns.RcodeSuccess) || list && pass.blocked(m)
	}}
	took, err = q.Until(ctx, patience, func() (time.Time, error) { return s.Since(), nil })
	if err != nil {
		s.End()
		return nil, 0, s.explain(err)
	}
	return s, took, nil
}

func (s *site) explain(err error) error {
	text, _ := os.ReadFile(s.path("log"))
	return fmt.Errorf("%w\n%s", err, text[max(0, len(text)-4000):])
}

type shape struct {
	rcode      int
	aa         bool
	an, ns, ar int
}

func shapeOf(m *dns.Msg) shape {
	return shape{m.Rcode, m.Authoritative, len(m.Answer), len(m.Ns), len(m.Extra)}
}

func (pass shape) blocked(m *dns.Msg) bool {
	return shapeOf(m) != pass && (m.Rcode == dns.RcodeNameError || m.Rcode == dns.RcodeSuccess && len(m.Answer) > 0)
}

func (pass shape) blockedWire(answer []byte) bool {
	m := new(dns.Msg)
	return m.Unpack(answer) == nil && pass.blocked(m)
}

func (l *lab) check(s *site, list bool, pass shape) error {
	var wrong error
	for sort, questions := range l.work[s.peer.exact] {
		for _, q := range questions[:min(60, len(questions))] {
			m, err := rig.Exchange(s.addr, q.name)
			if err != nil {
				return s.explain(err)
			}
			ok := shapeOf(m) == pass
			if list && q.blocked {
				ok = pass.blocked(m)
			}
			if !ok && wrong == nil {
				wrong = fmt.Errorf("sort %d, list %t, to be blocked %t: is answered\n%v", sort, list, q.blocked, m)
			}
		}
	}
	return wrong
}

func (l *lab) cpu(ctx context.Context, s *site, round int) (us [works]float64, err error) {
	for sort := range us {
		b, err := rig.Ask(ctx, s.Server, s.port, burst(l.dir, round, sort, s.peer.exact), l.burst)
		if err != nil {
			return us, s.explain(err)
		}
		us[sort] = b.CPU
	}
	return us, nil
}

func added(version int) string { return fmt.Sprintf("added-%d.example", version) }

func (l *lab) next(s *site, version int) error {
	names := slices.Clone(l.list.Names)
	for v := range version {
		names = append(names, added(v+1))
	}
	// Avoid a garbage collection during the measurement.
	defer runtime.GC()
	return s.stage(names, version)
}

func (l *lab) change(ctx context.Context, s *site, version int, pass shape, every time.Duration) (begin time.Time, took time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	q := rig.Question{Addr: s.addr, Every: every, Done: pass.blocked, Name: func(i int) string {
		if s.peer.exact {
			return added(version)
		}
		return fmt.Sprintf("q%d.%s", i, added(version)) // a new name each time, which is in no cache
	}}
	took, err = q.Until(ctx, patience, func() (time.Time, error) {
		if err := s.swap(); err != nil {
			return begin, err
		}
		begin = time.Now()
		if s.peer.reload == nil {
			return begin, nil
		}
		return begin, s.peer.reload(ctx, s)
	})
	if err != nil {
		return begin, 0, s.explain(err)
	}
	return begin, took, nil
}

func (l *lab) idle(ctx context.Context, s *site, version int, pass shape) (took time.Duration, peak float64, err error) {
	if err := l.next(s, version); err != nil {
		return 0, 0, err
	}
	before := s.RSS("VmRSS")
	if err := s.ResetPeak(); err != nil {
		return 0, 0, err
	}
	if _, took, err = l.change(ctx, s, version, pass, time.Millisecond); err != nil {
		return 0, 0, err
	}
	// The peak may come after the change.
	if err := wait(ctx, settle); err != nil {
		return 0, 0, err
	}
	return took, float64(s.RSS("VmHWM")) / float64(before), nil
}

type met struct {
	probe.Summary
	late   probe.Late
	buffer int
}

func (l *lab) loaded(ctx context.Context, s *site, version int, pass shape) (m met, err error) {
	if err := l.next(s, version); err != nil {
		return m, err
	}
	loading, stop := context.WithCancel(ctx)
	defer stop()
	type outcome struct {
		*probe.Result
		err error
	}
	done := make(chan outcome, 1)
	go func() {
		r, err := probe.Run(loading, probe.Config{Addr: s.addr, Rate: rate, For: patience + 2*around + time.Second, Queries: load(l.work[s.peer.exact][five][:l.burst]),
			IsBlocked: pass.blockedWire})
		done <- outcome{r, err}
	}()
	err = wait(ctx, around)
	var begin time.Time
	if err == nil {
		begin, _, err = l.change(ctx, s, version, pass, 50*time.Millisecond)
	}
	effect := time.Now()
	err = errors.Join(err, wait(ctx, around))
	stop()
	out := <-done
	if err := errors.Join(err, out.err); err != nil {
		return m, err
	}
	end := effect.Add(around)
	return met{out.Between(begin, end), out.LateBetween(begin, end), out.Buffer}, nil
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
