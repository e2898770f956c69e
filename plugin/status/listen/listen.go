// Package listen opens the ports of the status pages. A reload of the Corefile keeps a port open.
package listen

import (
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/prometheus/exporter-toolkit/web"
	"golang.org/x/net/netutil"
)

// Limit the connections, because DNS needs the other file descriptors.
const maxConnections = 128

var ports = struct {
	sync.Mutex
	open map[string]*port
}{open: map[string]*port{}}

type port struct {
	address  string
	listener net.Listener
	ended    chan struct{} // closed when the loop of accept has ended
	// handler and server belong to the newest Use.
	handler atomic.Pointer[http.Handler]
	server  atomic.Pointer[server]

	// The fields below are guarded by ports.
	users   []*Use             // in the sequence of the calls of Serve; uses without a call come first
	servers map[string]*server // by the path of the web configuration
}

// A Use lets one configuration answer the requests of a port.
type Use struct {
	port      *port
	webConfig string
	handler   http.Handler
}

// Listen opens a port, or shares a port that is already open. The new configuration answers
// requests after the caller has called Serve. The caller must call Close.
func Listen(address, webConfig string, log func(error)) (*Use, error) {
	if webConfig != "" {
		if err := web.Validate(webConfig); err != nil {
			return nil, fmt.Errorf("the web configuration %s: %w", webConfig, err)
		}
	}
	ports.Lock()
	defer ports.Unlock()
	p := ports.open[address]
	if p == nil {
		l, err := net.Listen("tcp", address)
		if err != nil {
			return nil, err
		}
		p = &port{address: address, listener: netutil.LimitListener(l, maxConnections), ended: make(chan struct{}), servers: map[string]*server{}}
		ports.open[address] = p
		defer func() { go p.accept() }()
	}
	u := &Use{port: p, webConfig: webConfig, handler: starting}
	if p.servers[webConfig] == nil {
		p.servers[webConfig] = p.serve(webConfig, log)
	}
	if len(p.users) == 0 {
		p.show(u)
	}
	p.users = slices.Insert(p.users, 0, u)
	return u, nil
}

// starting answers before the first configuration has started.
var starting http.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Retry-After", "1")
	http.Error(w, "the server is starting", http.StatusServiceUnavailable)
})

// Addr returns the address on which the port listens.
func (u *Use) Addr() net.Addr { return u.port.listener.Addr() }

// Serve makes h the handler of the port.
func (u *Use) Serve(h http.Handler) {
	ports.Lock()
	defer ports.Unlock()
	u.handler = h
	i := slices.Index(u.port.users, u)
	u.port.users = append(slices.Delete(u.port.users, i, i+1), u)
	u.port.show(u)
}

func (p *port) show(u *Use) {
	p.handler.Store(&u.handler)
	p.server.Store(p.servers[u.webConfig])
}

// Close removes the handler from the port. The handler before it then answers again, for example
// after a failed reload. The last Close closes the port.
func (u *Use) Close() {
	p := u.port
	ports.Lock()
	p.users = slices.DeleteFunc(p.users, func(x *Use) bool { return x == u })
	last := len(p.users) == 0
	if last {
		delete(ports.open, p.address)
	} else {
		p.show(p.users[len(p.users)-1])
	}
	var unused []*server
	for path, s := range p.servers {
		if !slices.ContainsFunc(p.users, func(x *Use) bool { return x.webConfig == path }) {
			delete(p.servers, path)
			unused = append(unused, s)
		}
	}
	ports.Unlock()
	if last {
		p.listener.Close()
		<-p.ended
	}
	for _, s := range unused {
		s.stop()
	}
}
