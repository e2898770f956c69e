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

// An instance contains the stores of one CoreDNS instance (one loaded Corefile). See the package
// instances for the functions that CoreDNS calls on a reload.
type instance struct {
	stores []*store.Store
	// statuses contains the status properties that setup has read, by address. ports contains the
	// addresses on which the instance listens.
	statuses map[string]statusClaim
	ports    map[string]*listen.Use
	// counted lists the names of the server blocks that count hits.
	counted []string
	// directives is the number of blocklist directives whose OnStartup has not run.
	directives int
	// claims and starts contain the settings of server blocks with a state directory or a journal,
	// by directory. The function setup fills claims. The OnStartup function fills starts.
	claims, starts map[string]claim
	// blocks contains the server blocks that the self-tests check. tests contains the self-tests.
	// stopTests stops the self-tests; it is nil before the instance listens.
	blocks    [][]*dnsserver.Config
	tests     []*selfTest
	stopTests func()
	// shadow reports which server blocks are in shadow mode. The keys are label values of the
	// counters.
	shadow map[labels]bool
}

// loaded is the list of the instances that have stores. The channel "ended" is closed when the last
// instance releases its stores.
var loaded struct {
	instances.List[*instance]
	ended chan struct{}
}

func instanceOf(c *caddy.Controller) *instance {
	return loaded.Of(c, func() *instance { return &instance{} })
}

// A claim records that a server block uses a directory as its state directory or journal.
type claim struct {
	opt      store.Options
	at       string // the file and line of the directive
	property string // "state" or "journal"
}

// claimState records that a server block uses a state directory and a journal. It returns an error
// if another server block uses the same directory with other settings.
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

// count returns the counter of the server block with the given name. The counts survive a
// reload.
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

// restarting is the OnRestart function of the old instance. CoreDNS calls it once for each
// server block.
func (i *instance) restarting() error {
	loaded.Restart(i)
	return nil
}

// restartFailed is the OnRestartFailed function of the old instance. The old instance
// keeps running, and releases the stores of the failed new instance.
func (i *instance) restartFailed() error {
	for _, x := range loaded.Fail(i) {
		x.release()
	}
	return nil
}

// AfterFailedReload calls release if a reload does not start the Corefile of the controller. CoreDNS
// calls only functions of the old Corefile then. The old Corefile may lack the directive, and thus
// have no function that releases anything. Call AfterFailedReload in an OnStartup function. The
// function release may run several times.
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

// shutdown is the OnShutdown function of an instance. CoreDNS calls it for a replaced
// instance and for the last instance.
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
		// Warn about order files that are not in the new Corefile, because the operator may have
		// omitted them by mistake.
		for _, line := range store.Stopped(stores, successors) {
			log.Warning(line)
		}
	}
	return nil
}

// shadowBlocks reports for each server block whether it is in shadow mode. During a reload, two
// instances may have the same server block. The result is then true if the block is in shadow mode
// in one of them.
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
