package ordersrpz

import (
	"github.com/coredns/caddy"
	"github.com/dns-orders/blocklist/plugin/instances"
)

type instance struct {
	zones []*zone
	// notifiers are the functions that send NOTIFY.
	notifiers map[*zone]func(origin string) error
}

// loaded has the instances that have zones.
var loaded instances.List[*instance]

// instanceOf returns the instance of a controller.
func instanceOf(c *caddy.Controller) *instance {
	return loaded.Of(c, func() *instance { return &instance{notifiers: map[*zone]func(string) error{}} })
}

func (i *instance) add(z *zone) {
	loaded.Lock()
	defer loaded.Unlock()
	loaded.Add(i)
	i.zones = append(i.zones, z)
}

func (i *instance) start(z *zone, send func(origin string) error) {
	loaded.Lock()
	i.notifiers[z] = send
	loaded.Unlock()
	z.setNotifier(send)
}

// restarting is the OnRestart function of the old instance.
func (i *instance) restarting() error {
	loaded.Restart(i)
	return nil
}

// The old instance keeps running. restartFailed releases the zones of the failed new instance, and
// sends NOTIFY again.
func (i *instance) restartFailed() error {
	for _, x := range loaded.Fail(i) {
		x.release()
	}
	loaded.Lock()
	notifiers := i.notifiers
	loaded.Unlock()
	for z, send := range notifiers {
		z.setNotifier(send)
	}
	return nil
}

// shutdown is the OnShutdown function of an instance.
func (i *instance) shutdown() error {
	loaded.End(i)
	i.release()
	return nil
}

// release releases the zones of the instance.
func (i *instance) release() {
	loaded.Lock()
	zones := i.zones
	i.zones = nil
	loaded.Remove(i)
	loaded.Unlock()
	for _, z := range zones {
		z.release()
	}
}
