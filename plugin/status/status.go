// Package status reports over HTTP which orders a server enforces, and why a name is blocked. The
// package shows no client address and no queried name. A sealed (secret) order appears only as a
// digest of its id.
//
// docs/status.md describes the paths and documents. The schema is docs/status.schema.json.
package status

import (
	"errors"
	"net/http"
	"net/netip"
	"runtime/debug"
	"time"

	"github.com/dns-orders/blocklist/plugin/coop"
	"github.com/dns-orders/blocklist/plugin/directive"
	"github.com/dns-orders/blocklist/plugin/hits"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/store"
)

// Product and API identify the JSON documents. A reader must ignore unknown fields. API increases
// when the meaning of a field changes.
const (
	Product = "blocklist"
	API     = 1
)

// A Node contains the server blocks of the running Corefile.
type Node struct {
	Version string // the version of the program
	Blocks  []Block
	// Bug logs the stack of a request that panicked.
	Bug func(stack []byte)
}

// A Block is a server block of the Corefile.
type Block struct {
	// Name identifies the server block, for example "dns://.:53".
	Name string
	// Zones are the zones of the server block, in canonical form.
	Zones []string
	// Store is nil if the server block has no blocklist directive. The fields below then have
	// no meaning.
	Store *store.Store
	Hits  *hits.Counter
	// Directive has the settings of the server block.
	Directive *directive.Block
	Country   func(netip.Addr) order.Country
}

// mode returns enforce, shadow or none.
func (b *Block) mode() string {
	switch {
	case b.Store == nil:
		return "none"
	case b.Store.Shadow():
		return "shadow"
	}
	return "enforce"
}

// Limit the concurrent requests, because DNS queries need CPU time.
const busy = 2

// Handler returns the HTTP handler for a node.
func Handler(n *Node) http.Handler {
	h := &handler{n}
	mux := http.NewServeMux()
	short := make(chan struct{}, busy)
	mux.Handle("/{$}", h.guard(short, h.page))
	mux.Handle("/status", h.guard(short, h.status))
	mux.Handle("/explain", h.guard(short, h.explain))
	// A slow reader of /orders must not block the other paths.
	mux.Handle("/orders", h.guard(make(chan struct{}, busy), h.orders))
	return mux
}

type handler struct{ *Node }

// After a panic, log only the stack. The text of the panic could contain a requested name.
func (h *handler) guard(turns chan struct{}, f func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Cache-Control", "no-store")
		header.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("X-Content-Type-Options", "nosniff")
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			header.Set("Allow", "GET, HEAD")
			h.fail(w, &requestError{http.StatusMethodNotAllowed, "the method must be GET or HEAD"})
			return
		}
		select {
		case turns <- struct{}{}:
		case <-r.Context().Done():
			return
		}
		defer func() { <-turns }()
		defer coop.Start()() // yield to queries
		defer func() {
			if v := recover(); v != nil {
				h.Bug(debug.Stack())
				h.fail(w, errors.New("the request failed because of an error in the program; the log has the stack"))
			}
		}()
		if err := f(w, r); err != nil {
			h.fail(w, err)
		}
	})
}

// A requestError is an error of the caller.
type requestError struct {
	code int
	text string
}

// Error implements error.
func (e *requestError) Error() string { return e.text }

func badRequest(text string) error { return &requestError{http.StatusBadRequest, text} }

// fail writes an error as a JSON document.
func (h *handler) fail(w http.ResponseWriter, err error) {
	code := http.StatusInternalServerError
	if e, ok := err.(*requestError); ok {
		code = e.code
	}
	writeJSON(w, code, Failure{Product, API, err.Error()})
}

func (n *Node) moment() time.Time {
	for _, b := range n.Blocks {
		if b.Store != nil {
			return b.Store.Now()
		}
	}
	return time.Now()
}
