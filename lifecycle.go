package blocklist

import (
	"sync"

	"github.com/coredns/caddy"
	"github.com/dns-orders/blocklist/plugin/store"
)

// instance holds what one CoreDNS instance, the product of one Corefile, has
// acquired. On a reload CoreDNS starts the new instance while the old one runs:
//
//	OnRestart(old), setup(new), OnStartup(new), listen, OnShutdown(old)
//
// When listening fails, the new instance is dropped without a word to it, and
// the old one gets OnRestartFailed: the survivor stops the orphan.
type instance struct {
	parent *instance // the instance that was being replaced when this one started
	stores []*store.Store
	// directives is the number of directives of the Corefile that have not been started.
	directives int
	// shadow says, by the labels of the counters, which server blocks are in shadow.
	shadow map[labels]bool
}

// instances are the instances that hold stores; replacing is the one whose
// replacement is under way.
var instances = struct {
	sync.Mutex
	all       map[*instance]bool
	replacing *instance
}{all: map[*instance]bool{}}

type instanceKey struct{}

// instanceOf returns the instance that the controller belongs to; all server
// blocks of a Corefile share it.
func instanceOf(c *caddy.Controller) *instance {
	if i, ok := c.Get(instanceKey{}).(*instance); ok {
		return i
	}
	i := &instance{}
	c.Set(instanceKey{}, i)
	return i
}

// acquire gets the store for a server block of this instance.
func (i *instance) acquire(opt store.Options) (*store.Store, error) {
	s, err := acquire(opt)
	if err != nil {
		return nil, err
	}
	instances.Lock()
	defer instances.Unlock()
	if !instances.all[i] {
		instances.all[i] = true
		i.parent = instances.replacing
	}
	i.stores = append(i.stores, s)
	return s, nil
}

// restarting is OnRestart of the old instance, once for each server block.
func (i *instance) restarting() error {
	instances.Lock()
	defer instances.Unlock()
	instances.replacing = i
	return nil
}

// restartFailed is OnRestartFailed of the old instance, which goes on: what the
// new one had acquired goes back.
func (i *instance) restartFailed() error {
	instances.Lock()
	var orphans []*instance
	for x := range instances.all {
		if x.parent == i {
			orphans = append(orphans, x)
		}
	}
	instances.replacing = nil
	instances.Unlock()
	for _, x := range orphans {
		x.release()
	}
	return nil
}

// shutdown is OnShutdown, of an old instance that was replaced or of the last.
func (i *instance) shutdown() error {
	instances.Lock()
	replaced := instances.replacing == i
	if replaced {
		instances.replacing = nil
	}
	instances.Unlock()
	stores := i.release()
	if replaced {
		// The operator's own decision, which a slip in the Corefile looks like.
		if orders, targets := store.Stopped(stores); orders > 0 {
			log.Warningf("the new Corefile does not name all order files of the old one: %d orders with %d targets that were in force are not in force any more", orders, targets)
		}
	}
	return nil
}

// shadowBlocks returns which server blocks of the process are in shadow. While a reload is
// under way, a server block of both instances is in shadow when one of the two is.
func shadowBlocks() map[labels]bool {
	instances.Lock()
	defer instances.Unlock()
	out := map[labels]bool{}
	for i := range instances.all {
		for l, shadow := range i.shadow {
			out[l] = out[l] || shadow
		}
	}
	return out
}

// release gives the instance's stores back, and returns them.
func (i *instance) release() []*store.Store {
	instances.Lock()
	stores := i.stores
	i.stores = nil
	delete(instances.all, i)
	instances.Unlock()
	for _, s := range stores {
		store.Release(s)
	}
	return stores
}
