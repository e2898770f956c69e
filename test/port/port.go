// Package port finds free ports for the servers of tests and benchmarks.
package port

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
)

// The ports are below the kernel's range for client sockets (32768 and up on Linux). A client
// socket could take a port in the range.
const (
	lowest  = 10000
	highest = 32000
)

var given sync.Map

// Free returns a port that is free for UDP and TCP on all addresses. A process gets each port only
// once.
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
