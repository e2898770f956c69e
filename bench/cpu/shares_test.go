package main

import "testing"

func TestTraces(t *testing.T) {
	const text = `File: coredns
Type: cpu
Duration: 9s, Total samples = 8490ms (94.28%)
-----------+-------------------------------------------------------
    3310ms   internal/runtime/syscall/linux.Syscall6
             syscall.sendmsg
             github.com/miekg/dns.(*response).WriteMsg
             github.com/dns-orders/blocklist.(*watcher).WriteMsg
-----------+-------------------------------------------------------
      20ms   runtime.pcvalue
             runtime.newstack
             syscall.sendmsg
             github.com/dns-orders/blocklist.covers
-----------+-------------------------------------------------------
      10ms   runtime.mallocgc
             github.com/miekg/dns.(*Msg).Len
             github.com/dns-orders/blocklist/plugin/answer.Build
             github.com/dns-orders/blocklist.(*block).reply
             github.com/dns-orders/blocklist.(*block).judgeAsked
             github.com/coredns/coredns/core/dnsserver.(*Server).ServeDNS
-----------+-------------------------------------------------------
      30ms   github.com/dns-orders/blocklist/plugin/dname.(*Wire).Set (inline)
             github.com/dns-orders/blocklist.covers
             slices.ContainsFunc[go.shape.[]*x,go.shape.*uint8] (inline)
             github.com/dns-orders/blocklist.(*watcher).look
             github.com/coredns/coredns/plugin/whoami.Whoami.ServeDNS
-----------+-------------------------------------------------------
      40ms   runtime.newobject
             github.com/coredns/coredns/plugin/whoami.Whoami.ServeDNS
             github.com/dns-orders/blocklist.(*Blocklist).ServeDNS
-----------+-------------------------------------------------------
      50ms   runtime.mallocgc
             github.com/dns-orders/blocklist.(*Blocklist).ask
             github.com/dns-orders/blocklist.(*Blocklist).ServeDNS
-----------+-------------------------------------------------------
      60ms   runtime.findRunnable
             runtime.mcall
`
	want := map[string]float64{"kernel: send": 3310, "runtime: stacks outgrown": 20, "blocklist: reply": 10, "blocklist: where the answer leads": 30,
		"CoreDNS: other plugins": 40, "blocklist: the rest": 50, others: 60}
	for ms, stack := range traces(text) {
		w := whose(stack)
		if want[w] != ms {
			t.Errorf("%v ms for %q, want %v", ms, w, want[w])
		}
		delete(want, w)
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
}
