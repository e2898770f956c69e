package blocklist

import (
	"runtime"
	"runtime/metrics"
	"testing"

	"github.com/dns-orders/blocklist/plugin/store"
)

// firstStack returns the size of the stack that the runtime gives a new goroutine, in bytes.
func firstStack() uint64 {
	runtime.GC()
	runtime.GC() // the first collection may have begun earlier
	sample := []metrics.Sample{{Name: "/gc/stack/starting-size:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// TestFirstStack checks that new goroutines get a larger stack while an instance has a store,
// and the usual stack after the last instance has released its stores.
func TestFirstStack(t *testing.T) {
	saved := acquire
	defer func() { acquire = saved }()
	acquire = func(store.Options) (*store.Store, error) { return nil, nil }
	usual := firstStack()

	a, b := &instance{}, &instance{}
	for _, i := range []*instance{a, b, a} {
		if _, err := i.acquire(store.Options{}); err != nil {
			t.Fatal(err)
		}
	}
	if got := firstStack(); got <= usual {
		t.Errorf("a new goroutine gets %d bytes, without a store %d bytes", got, usual)
	}
	// release must not pass the stores of this test, which are nil, to the package store.
	a.stores, b.stores = nil, nil
	a.release()
	if got := firstStack(); got <= usual {
		t.Errorf("one of two instances has a store: a new goroutine gets %d bytes, without a store %d bytes", got, usual)
	}
	b.release()
	b.release() // an instance may be released twice
	for range 1000 {
		if firstStack() == usual {
			return
		}
		runtime.Gosched() // useStack has not ended yet
	}
	t.Errorf("all instances have released their stores: a new goroutine gets %d bytes, at first %d bytes", firstStack(), usual)
}
