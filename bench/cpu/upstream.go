package main

import (
	"net"

	"github.com/miekg/dns"
)

// An upstream is a DNS server in this process. The measured servers fill their caches from
// upstreams.
type upstream struct {
	addr   string
	server *dns.Server
}

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
