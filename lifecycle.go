package blocklist

import (
	"fmt"
	"reflect"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/dns-orders/blocklist/plugin/hits"
	"github.com/dns-orders/blocklist/plugin/instances"
	"github.com/dns-orders/blocklist/plugin/printable"
	"github.com/dns-orders/blocklist/plugin/status/listen"
	"github.com/dns-orders/blocklist/plugin/store"
)

// An instance contains the stores of one CoreDNS instance (one loaded Corefile). The package instances
// describes the calls of CoreDNS on a reload.
type instance struct {
	stores []*store.Store
	// statuses has the status properties that setup has read, by address. ports has the
	// addresses on which the instance listens.
	statuses map[string]statusClaim
	ports    map[string]*listen.Use
	// counted has the names of the server blocks whose hits are counted.
	counted []string
	// directives is the number of blocklist directives whose OnStartup has not run.
	directives int
	// claims and starts have the settings of the server blocks with a state directory or a
	// journal, by directory. claims is for setup, and starts for startup.
	claims, starts map[string]claim
	// blocks has the server blocks, for the self-tests. tests has the self-tests, and stopTests
	// stops them. stopTests is nil before the instance listens.
	blocks    [][]*dnsserver.Config
	tests     []*selfTest
	stopTests func()
	// shadow reports which server blocks are in shadow. The keys are label values of the counters.
	shadow map[labels]bool
}

// loaded has the instances that have stores. When the last instance releases its stores, ended is
// closed.
var loaded struct {
	instances.List[*instance]
	ended chan struct{}
}

// instanceOf returns the instance of a controller. All server blocks of a Corefile have one
// instance.
func instanceOf(c *caddy.Controller) *instance {
	return loaded.Of(c, func() *instance { return &instance{} })
}

// A claim is the use of a directory by a server block.
type claim struct {
	opt      store.Options
	at       string // the file and line of the directive
	property string // "state" or "journal"
}

// claimState records that a server block uses a state directory and a journal. Another
// server block with the directory must have the same settings.
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

// acquire returns the store for a server block of this instance.
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
		// The new Corefile may lack the file by mistake. The loss of a file is therefore
		// logged.
		for _, line := range store.Stopped(stores, successors) {
			log.Warning(line)
		}
	}
	return nil
}

// shadowBlocks reports which server blocks of the process are in shadow. During a reload,
// it is enough if the block is in shadow in one of the two instances.
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

// release releases the stores of the instance and returns them.
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
