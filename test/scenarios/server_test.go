package scenarios

import (
	"bytes"
	"regexp"
	"time"

	"github.com/coredns/caddy"
	"github.com/dns-orders/blocklist/plugin/store"
	"github.com/dns-orders/blocklist/test/coredns"
)

func (s *scenario) at(args []string) string {
	now := s.clock.Now()
	to, err := time.Parse(time.RFC3339, args[0])
	if err != nil {
		if to, err = time.Parse(time.TimeOnly, args[0]); err != nil {
			s.t.Fatal(err)
		}
		y, m, d := now.Date()
		to = to.AddDate(y, int(m)-1, d-1)
	}
	if s.inst != nil && to.Before(now) {
		s.t.Fatalf("it is %s already", now)
	}
	s.clock.Set(to)
	s.calm()
	return ""
}

// pass moves the clock forward by a duration.
func (s *scenario) pass(args []string) string {
	d, err := time.ParseDuration(args[0])
	if err != nil {
		s.t.Fatal(err)
	}
	s.clock.Set(s.clock.Now().Add(d))
	s.calm()
	return ""
}

func (s *scenario) start(args []string) string {
	inst, err := caddy.Start(s.corefile(args))
	if err != nil {
		return s.text(err.Error())
	}
	s.inst = inst
	coredns.AwaitServing(s.t, s.inst)
	s.calm()
	return ""
}

func (s *scenario) reload(args []string) string {
	inst, err := s.inst.Restart(s.corefile(args))
	s.inst = inst
	coredns.AwaitServing(s.t, s.inst)
	s.calm()
	if err != nil {
		return s.text(err.Error())
	}
	return ""
}

func (s *scenario) stop([]string) string {
	if s.inst == nil {
		return ""
	}
	coredns.Stop(s.t, s.inst)
	s.inst = nil
	if n := len(store.All()); n != 0 {
		s.t.Errorf("%d stores are left", n)
	}
	return ""
}

// blockLine matches the line that opens a server block.
var blockLine = regexp.MustCompile(`(?m)^(\S.*:)1053( .*)?\{$`)

func (s *scenario) corefile(args []string) caddy.Input {
	name := append(args, "Corefile")[0]
	text := []byte(defaultCorefile)
	if name != "Corefile" || s.Has(name) {
		text = s.File(name)
	}
	text = blockLine.ReplaceAll(text, []byte("${1}0 {\n bind 127.0.0.1\n querycounter"))
	text = bytes.ReplaceAll(text, []byte("192.0.2.53"), []byte(s.upstream.Addr))
	return coredns.Input(string(text))
}

func (s *scenario) eventually(what string, ok func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); time.Sleep(50 * time.Microsecond) {
		if time.Now().After(deadline) {
			s.t.Fatal(what)
		}
	}
}
