package ordersrpz

import (
	"sync"

	"github.com/coredns/caddy"
)

// An instance contains the zones of one CoreDNS instance (one loaded Corefile). The file
// lifecycle.go of blocklist describes the sequence of the calls by CoreDNS.
type instance struct {
	parent *instance // the instance that this instance replaces
	zones  []*zone
	// notifiers are the functions that send NOTIFY.
	notifiers map[*zone]func() error
}

var instances = struct {
	sync.Mutex
	all       map[*instance]bool
	replacing *instance
}{all: map[*instance]bool{}}

type instanceKey struct{}

// instanceOf returns the instance of a controller.
func instanceOf(c *caddy.Controller) *instance {
	if i, ok := c.Get(instanceKey{}).(*instance); ok {
		return i
	}
	i := &instance{notifiers: map[*zone]func() error{}}
	c.Set(instanceKey{}, i)
	return i
}

func (i *instance) add(z *zone) {
	instances.Lock()
	defer instances.Unlock()
	if !instances.all[i] {
		instances.all[i] = true
		i.parent = instances.replacing
	}
	i.zones = append(i.zones, z)
}

// start sets the function that sends a NOTIFY for a zone, and sends the first NOTIFY.
func (i *instance) start(z *zone, send func() error) {
	instances.Lock()
	i.notifiers[z] = send
	instances.Unlock()
	z.setNotifier(send)
}

// restarting is the OnRestart function of the old instance.
func (i *instance) restarting() error {
	instances.Lock()
	defer instances.Unlock()
	instances.replacing = i
	return nil
}

// restartFailed is the OnRestartFailed function of the old instance. The old instance keeps
// running. It releases the zones of the failed new instance, and sends NOTIFY again.
func (i *instance) restartFailed() error {
	instances.Lock()
	var orphans []*instance
	for x := range instances.all {
		if x.parent == i {
			orphans = append(orphans, x)
		}
	}
	instances.replacing = nil
	notifiers := i.notifiers
	instances.Unlock()
	for _, x := range orphans {
		x.release()
	}
	for z, send := range notifiers {
		z.setNotifier(send)
	}
	return nil
}

// shutdown is the OnShutdown function of an instance.
func (i *instance) shutdown() error {
	instances.Lock()
	if instances.replacing == i {
		instances.replacing = nil
	}
	instances.Unlock()
	i.release()
	return nil
}

// release releases the zones of the instance.
func (i *instance) release() {
	instances.Lock()
	zones := i.zones
	i.zones = nil
	delete(instances.all, i)
	instances.Unlock()
	for _, z := range zones {
		z.release()
	}
}
