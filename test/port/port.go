// Package port finds ports for servers of tests and benchmarks.
package port

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
)

// Ports below those that the kernel gives to clients (32768 and up on Linux): one
// from there may be taken by any of the many sockets of a DNS test before the server
// listens.
const (
	lowest  = 10000
	highest = 32000
)

var given sync.Map

// Free returns a port that nobody uses for UDP or TCP on any address, and that no
// earlier call in this process has returned.
func Free() (string, error) {
	for range 1000 {
		p := strconv.Itoa(lowest + rand.IntN(highest-lowest))
		if _, twice := given.LoadOrStore(p, true); twice {
			continue
		}
		l, err := net.Listen("tcp", ":"+p)
		if err != nil {
			continue
		}
		c, err := net.ListenPacket("udp", ":"+p)
		l.Close()
		if err == nil {
			c.Close()
			return p, nil
		}
	}
	return "", errors.New("no port is free for both UDP and TCP")
}
