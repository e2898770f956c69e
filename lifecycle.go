package blocklist

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/dns-orders/blocklist/plugin/hits"
	"github.com/dns-orders/blocklist/plugin/instances"
	"github.com/dns-orders/blocklist/plugin/printable"
	"github.com/dns-orders/blocklist/plugin/status/listen"
	"github.com/dns-orders/blocklist/plugin/store"
)

type instance struct {
	stores         []*store.Store
	statuses       map[string]statusClaim
	ports          map[string]*listen.Use
	counted        []string
	directives     int
	claims, starts map[string]claim
	blocks         [][]*dnsserver.Config
	tests          []*selfTest
	stopTests      func()
	shadow         map[labels]bool
}

var loaded struct {
	instances.List[*instance]
	ended chan struct{}
}

func instanceOf(c *caddy.Controller) *instance {
	return loaded.Of(c, func() *instance { return &instance{} })
}

type claim struct {
	opt      store.Options
	at       string // the file and line of the directive
	property string // "state" or "journal"
}

func claimState(claims *map[string]claim, opt store.Options, at string) error {
	if *claims == nil {
		*claims = map[string]claim{}
	}
	for _, d := range []struct{ property, path string }{{"state", opt.State}, {"journal", opt.Journal}} {
		if d.path == "" {
			continue
		}
		other, ok := (*claims)[d.path]
		if ok && other.property != d.property {
			return fmt.Errorf("%s: %s %s: the directory is also the %s of the directive at %s; give each its own directory", at, d.property, printable.Line(d.path), other.property, other.at)
		}
		if ok && !reflect.DeepEqual(other.opt, opt) {
			return fmt.Errorf("%s: %s %s: the server block with the directive at %s uses the same directory with other settings; give each its own directory, or give both equal settings",
				at, d.property, printable.Line(d.path), other.at)
		}
		(*claims)[d.path] = claim{opt, at, d.property}
	}
	return nil
}

func (i *instance) acquire(opt store.Options) (*store.Store, error) {
	s, err := store.Acquire(opt, log, nil)
	if err != nil {
		return nil, err
	}
	i.add(s)
	return s, nil
}

func (i *instance) count(block string) *hits.Counter {
	loaded.Lock()
	defer loaded.Unlock()
	i.counted = append(i.counted, block)
	return hits.Acquire(block)
}

func (i *instance) add(s *store.Store) {
	loaded.Lock()
	defer loaded.Unlock()
	if len(loaded.All()) == 0 {
		loaded.ended = make(chan struct{})
		go useStack(loaded.ended)
	}
	loaded.Add(i)
	i.stores = append(i.stores, s)
}

func (i *instance) restarting() error {
	loaded.Restart(i)
	return nil
}

func (i *instance) restartFailed() error {
	for _, x := range loaded.Fail(i) {
		x.release()
	}
	return nil
}

// AfterFailedReload registers a function for the case that a reload fails. Call AfterFailedReload
// in an OnStartup function. The registered function may run several times.
//
// After a failed reload, CoreDNS calls only functions of the old instances. So the function is
// added to the old instances.
func AfterFailedReload(c *caddy.Controller, release func()) {
	mark := new(byte)
	c.Set(mark, true)
	var own *caddy.Instance
	all := slices.Clone(caddy.Instances())
	for _, i := range all {
		i.StorageMu.RLock()
		if i.Storage[mark] != nil {
			own = i
		}
		i.StorageMu.RUnlock()
	}
	for _, i := range all {
		if i == own {
			continue
		}
		i.OnRestartFailed = append(i.OnRestartFailed, func() error {
			if !slices.Contains(caddy.Instances(), own) { // another instance can fail to reload
				release()
			}
			return nil
		})
	}
}

func (i *instance) shutdown() error {
	replaced, next := loaded.End(i)
	var successors []*store.Store
	loaded.Lock()
	for _, x := range next {
		successors = append(successors, x.stores...)
	}
	loaded.Unlock()
	stores := i.release()
	if replaced {
		for _, line := range store.Stopped(stores, successors) {
			log.Warning(line)
		}
	}
	return nil
}

func shadowBlocks() map[labels]bool {
	loaded.Lock()
	defer loaded.Unlock()
	out := map[labels]bool{}
	for _, i := range loaded.All() {
		for l, shadow := range i.shadow {
			out[l] = out[l] || shadow
		}
	}
	return out
}

func (i *instance) release() []*store.Store {
	loaded.Lock()
	stores, counted, ports, stopTests := i.stores, i.counted, i.ports, i.stopTests
	i.stores, i.counted, i.ports, i.stopTests = nil, nil, nil, nil
	if loaded.Has(i) && len(loaded.All()) == 1 {
		close(loaded.ended)
	}
	loaded.Remove(i)
	loaded.Unlock()
	if stopTests != nil {
		stopTests()
	}
	for _, u := range ports {
		u.Close()
	}
	for _, block := range counted {
		hits.Release(block)
	}
	for _, s := range stores {
		store.Release(s)
	}
	return stores
}
