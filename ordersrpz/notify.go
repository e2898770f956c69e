package ordersrpz

import (
	"strings"
	"sync"
	"sync/atomic"
)

const maxRounds = 4

// A round of NOTIFY takes 6 s if a secondary does not answer. The next round must not wait, so each
// round has its own goroutine.
type notice struct {
	mu      sync.Mutex
	due     bool // a round has to begin
	running int  // rounds that have not ended
	rounds  atomic.Int64
	ended   int64 // the newest round that has ended, guarded by zones
}

func (z *zone) notify(p *part) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.due = true
	z.beginRound(p)
}

// The caller must hold p.mu.
func (z *zone) beginRound(p *part) {
	select {
	case <-z.stop:
		return
	default:
	}
	if !p.due || p.running == maxRounds {
		return
	}
	p.due = false
	p.running++
	go func() {
		z.notifyRound(p)
		p.mu.Lock()
		defer p.mu.Unlock()
		p.running--
		z.beginRound(p)
	}()
}

func (z *zone) notifyRound(p *part) {
	send := z.notifier.Load()
	if send == nil {
		return
	}
	round := p.rounds.Add(1)
	err := (*send)(p.origin)
	if err != nil {
		for line := range strings.Lines(err.Error()) {
			log.Warning(strings.TrimSpace(line))
		}
	}
	zones.Lock()
	defer zones.Unlock()
	if z.refs == 0 {
		return // the zone has no series any more
	}
	l, ok := label(p.origin), 1.0
	if err != nil {
		ok = 0
		notifyFailures.WithLabelValues(l).Inc()
	} else {
		notifyGauge.WithLabelValues(l).Set(float64(z.clock.Now().Unix()))
	}
	if round > p.ended { // a round can end after a later round
		p.ended = round
		notifyOK.WithLabelValues(l).Set(ok)
	}
}

func (z *zone) setNotifier(send func(origin string) error) {
	z.notifier.Store(&send)
	if z.version.Load() == nil {
		return
	}
	for _, p := range z.served {
		z.notify(p)
	}
}
