package main

import (
	"net"

	"github.com/miekg/dns"
)

// upstream is a server of this process that gives every name the same kind of
// answer. It works while the caches are being filled, and rests while anything is
// measured.
type upstream struct {
	addr   string
	server *dns.Server
}

// startUpstreams starts one for each answer that comes from upstream.
func startUpstreams() (map[string]*upstream, error) {
	all := map[string]*upstream{}
	for _, a := range answers {
		if a.upstream == nil {
			continue
		}
		conn, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		u := &upstream{conn.LocalAddr().String(), &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
			m := new(dns.Msg).SetReply(q)
			m.RecursionAvailable = true
			a.upstream(m)
			w.WriteMsg(m)
		})}}
		go u.server.ActivateAndServe()
		all[a.name] = u
	}
	return all, nil
}

func (u *upstream) close() { u.server.Shutdown() }
