package listen

import (
	"context"
	"errors"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/exporter-toolkit/web"
)

// Writing a million orders takes seconds.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 10 * time.Second
	writeTimeout  = time.Minute
	idleTimeout   = 2 * time.Minute
	maxHeader     = 16 << 10
	// Keep this time short. A silent client must not delay the end of the process.
	stopTimeout = 500 * time.Millisecond
)

type server struct {
	http  http.Server
	addr  net.Addr
	conns chan net.Conn
	once  sync.Once
	done  chan struct{} // closed when the server accepts no more connections
	ended chan struct{} // closed when Serve has returned
}

// serve starts an HTTP server with a web configuration.
func (p *port) serve(webConfig string, report func(error)) *server {
	s := &server{addr: p.listener.Addr(), conns: make(chan net.Conn), done: make(chan struct{}), ended: make(chan struct{})}
	s.http = http.Server{
		Handler:           p.route(webConfig == ""),
		ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		// The lines of this log contain addresses of clients.
		ErrorLog: log.New(io.Discard, "", 0),
	}
	go func() {
		defer close(s.ended)
		err := web.Serve(s, &s.http, &web.FlagConfig{WebConfigFile: &webConfig}, slog.New(slog.DiscardHandler))
		s.Close()
		if err != nil && !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			report(err)
		}
	}()
	return s
}

func (p *port) route(open bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if open && !p.allows(r.Host) {
			http.Error(w, "the header Host must have the address of the server", http.StatusForbidden)
			return
		}
		(*p.handler.Load()).ServeHTTP(w, r)
	})
}

// Check the Host header of a loopback address. Otherwise DNS rebinding would let a foreign web page
// read the status.
func (p *port) allows(host string) bool {
	tcp, ok := p.listener.Addr().(*net.TCPAddr)
	if !ok || !tcp.IP.IsLoopback() {
		return true
	}
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	_, err := netip.ParseAddr(strings.Trim(host, "[]"))
	own, _, _ := net.SplitHostPort(p.address)
	return err == nil || strings.EqualFold(host, "localhost") || strings.EqualFold(host, own)
}

func (p *port) accept() {
	defer close(p.ended)
	for {
		c, err := p.listener.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			// For example, the process has no free file descriptor.
			time.Sleep(100 * time.Millisecond)
			continue
		}
		for s, passed := p.server.Load(), false; !passed; {
			select {
			case s.conns <- c:
				passed = true
			case <-s.done:
				was := s
				if s = p.server.Load(); s == was {
					c.Close() // the HTTP server has failed
					passed = true
				}
			}
		}
	}
}

// Accept implements net.Listener.
func (s *server) Accept() (net.Conn, error) {
	select {
	case c := <-s.conns:
		return c, nil
	case <-s.done:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (s *server) Close() error {
	s.once.Do(func() { close(s.done) })
	return nil
}

// Addr implements net.Listener.
func (s *server) Addr() net.Addr { return s.addr }

func (s *server) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	if s.http.Shutdown(ctx) != nil {
		s.http.Close()
	}
	s.Close()
	<-s.ended
}
