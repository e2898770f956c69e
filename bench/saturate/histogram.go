package main

import (
	"math"
	"math/bits"
	"time"
)

// A histogram counts latencies in buckets. A bucket is at most 1.6 % wide.
type histogram struct {
	counts [64 * steps]int64
	n      int64
	max    time.Duration
}

const steps = 64

func bucket(d time.Duration) int {
	n := uint64(max(d, 0))
	if n < steps {
		return int(n)
	}
	up := bits.Len64(n) - bits.Len64(steps)
	return up*steps + int(n>>up)
}

// top returns the largest latency of a bucket.
func top(i int) time.Duration {
	if i < 2*steps {
		return time.Duration(i)
	}
	up := i/steps - 1
	return time.Duration((int64(i%steps+steps)+1)<<up - 1)
}

func (h *histogram) add(d time.Duration) {
	h.counts[bucket(d)]++
	h.n++
	h.max = max(h.max, d)
}

func (h *histogram) merge(o *histogram) {
	for i, n := range o.counts {
		h.counts[i] += n
	}
	h.n += o.n
	h.max = max(h.max, o.max)
}

func (h *histogram) quantile(q float64) time.Duration {
	rank, sum := int64(math.Ceil(q*float64(h.n))), int64(0)
	for i, n := range h.counts {
		if sum += n; n > 0 && sum >= rank {
			return min(top(i), h.max)
		}
	}
	return h.max
}
