package chain

import (
	"net"
	"slices"
	"strings"
	"sync"

	"github.com/miekg/dns"
)

const internet = `
example.             300 SOA   ns.example. host.example. 1 3600 600 86400 60
ok.example.          300 A     192.0.2.80
ok.example.          300 HTTPS 1 . alpn=h2 ipv4hint=192.0.2.80
alias.example.       300 CNAME ok.example.
old.example.         300 CNAME older.example.
older.example.       300 A     192.0.2.81
many.example.        300 MX    10 ok.example.
big.example.         300 TXT   ` + filler + ` ` + filler + ` ` + filler + `
blocked.example.     300 A     192.0.2.66
blocked.example.     300 DS    12345 13 2 0000000000000000000000000000000000000000000000000000000000000000
www.blocked.example. 300 A     192.0.2.66
nodata.example.      300 A     192.0.2.66
page.example.        300 A     192.0.2.66
page.example.        300 AAAA  2001:db8::66
refused.example.     300 A     192.0.2.66
only.example.        300 A     192.0.2.66
only.example.        300 AAAA  2001:db8::66
exact.example.       300 A     192.0.2.66
below.exact.example. 300 A     192.0.2.82
to-blocked.example.  300 CNAME www.blocked.example.
to-page.example.     300 CNAME page.example.
to-only.example.     300 CNAME only.example.
to-exact.example.    300 CNAME exact.example.
https.example.       300 HTTPS 1 www.blocked.example. alpn=h2
starting.example.    300 A     192.0.2.83
shadow.example.      300 A     192.0.2.84
to-shadow.example.   300 CNAME shadow.example.
to-starting.example. 300 CNAME starting.example.
spared.blocked.example. 300 CNAME www.blocked.example.
`

const filler = `"` +
	`xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx` +
	`xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx` + `"`

type upstream struct {
	addr    string
	records []dns.RR

	mu    sync.Mutex
	asked []string
}

func startUpstream() *upstream {
	u := &upstream{}
	z := dns.NewZoneParser(strings.NewReader(internet), ".", "internet")
	for rr, ok := z.Next(); ok; rr, ok = z.Next() {
		u.records = append(u.records, rr)
	}
	if err := z.Err(); err != nil {
		panic(err)
	}
	var l net.Listener
	var p net.PacketConn
	// A port that is free for TCP may be in use for UDP.
	for range 100 {
		var err error
		if l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			panic(err)
		}
		if p, err = net.ListenPacket("udp", l.Addr().String()); err == nil {
			break
		}
		l.Close()
	}
	if p == nil {
		panic("no port is free for both UDP and TCP")
	}
	u.addr = l.Addr().String()
	go (&dns.Server{Listener: l, Handler: u}).ActivateAndServe()
	go (&dns.Server{PacketConn: p, Handler: u}).ActivateAndServe()
	return u
}

// ServeDNS implements dns.Handler.
func (u *upstream) ServeDNS(w dns.ResponseWriter, r *dns.Msg) {
	q := r.Question[0]
	u.mu.Lock()
	u.asked = append(u.asked, strings.ToLower(q.Name)+" "+dns.TypeToString[q.Qtype])
	u.mu.Unlock()

	m := new(dns.Msg).SetReply(r)
	m.RecursionAvailable = true
	m.Compress = true
	owner := q.Name
	for exists := false; ; exists = false {
		alias := ""
		for _, rr := range u.records {
			h := rr.Header()
			if !strings.EqualFold(h.Name, owner) {
				continue
			}
			exists = true
			switch rr := dns.Copy(rr).(type) {
			case *dns.CNAME:
				m.Answer = append(m.Answer, rr)
				alias = rr.Target
			default:
				if h.Rrtype == q.Qtype {
					m.Answer = append(m.Answer, rr)
				}
			}
		}
		if alias != "" {
			owner = alias
			continue
		}
		if !exists {
			m.Rcode = dns.RcodeNameError
		}
		break
	}
	if n := len(m.Answer); n == 0 || m.Answer[n-1].Header().Rrtype != q.Qtype {
		m.Ns = []dns.RR{dns.Copy(u.records[0])}
	}
	if o := r.IsEdns0(); o != nil {
		m.SetEdns0(1232, o.Do())
	}
	size := dns.MinMsgSize
	if o := r.IsEdns0(); o != nil {
		size = int(o.UDPSize())
	}
	if _, ok := w.RemoteAddr().(*net.UDPAddr); ok {
		m.Truncate(size)
	}
	w.WriteMsg(m)
}

func (u *upstream) take() string {
	u.mu.Lock()
	defer u.mu.Unlock()
	asked := slices.Compact(u.asked)
	u.asked = nil
	return strings.Join(asked, ", ")
}
