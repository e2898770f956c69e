// Package rig holds the parts that all measurements from outside share: it builds and
// starts servers, pins processes to CPUs, sends load with dnsperf, counts the CPU time of
// a query, measures the time until a change has an effect, and describes the machine.
package rig

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/miekg/dns"
)

// The generator's CPU and the server's.
const (
	GeneratorCPU = 0
	ServerCPU    = 1
)

// dnsperf's, as in the peers' figures.
const (
	sockets     = 8
	outstanding = 100
)

// Tools says which of what the rig needs is missing.
func Tools() (err error) {
	if runtime.NumCPU() < 2 {
		err = errors.New("needs two CPUs")
	}
	for _, tool := range []string{"dnsperf", "taskset"} {
		_, e := exec.LookPath(tool)
		err = errors.Join(err, e)
	}
	return err
}

// Pinned is a command line for one CPU. Go then uses one thread at a time, unless
// GOMAXPROCS says otherwise.
func Pinned(cpu int, argv []string) []string {
	return append([]string{"taskset", "--cpu-list", strconv.Itoa(cpu)}, argv...)
}

// PinSelf puts this process, and what it starts without Pinned, on the generator's
// CPU: nothing of the measurement is to compete with the server.
func PinSelf(ctx context.Context) error {
	cpu, pid := strconv.Itoa(GeneratorCPU), strconv.Itoa(os.Getpid())
	if out, err := exec.CommandContext(ctx, "taskset", "--all-tasks", "--cpu-list", "--pid", cpu, pid).CombinedOutput(); err != nil {
		return fmt.Errorf("taskset: %w\n%s", err, out)
	}
	return nil
}

// Exchange asks a server for an A record, some times if need be: on a busy machine
// a datagram may be lost.
func Exchange(addr, name string) (m *dns.Msg, err error) {
	for range 5 {
		m, _, err = new(dns.Client).Exchange(new(dns.Msg).SetQuestion(dns.Fqdn(name), dns.TypeA), addr)
		if err == nil && !m.Response {
			err = errors.New("the question came back to its own socket")
		}
		if err == nil {
			break
		}
	}
	return m, err
}

// Burst is the same queries to one server, once.
type Burst struct {
	Queries int     // answered
	CPU     float64 // us of the server, for each
	Rate    float64 // answers a second
	Codes   string  // as dnsperf counts response codes
}

// Ask sends the queries of a file of dnsperf's.
func Ask(ctx context.Context, s *Server, port, file string, sent int) (b Burst, err error) {
	argv := Pinned(GeneratorCPU, []string{"dnsperf", "-s", "127.0.0.1", "-p", port, "-d", file,
		"-n", "1", "-c", strconv.Itoa(sockets), "-q", strconv.Itoa(outstanding)})
	before, err := s.CPU()
	if err != nil {
		return b, err
	}
	out, err := exec.CommandContext(ctx, argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		return b, fmt.Errorf("dnsperf: %w\n%s", err, out)
	}
	after, err := s.CPU()
	if err != nil {
		return b, err
	}
	field := func(name string) string {
		_, rest, _ := strings.Cut(string(out), name)
		line, _, _ := strings.Cut(rest, "\n")
		return strings.TrimSpace(line)
	}
	completed, _, _ := strings.Cut(field("Queries completed:"), " ")
	b.Queries, _ = strconv.Atoi(completed)
	b.Rate, _ = strconv.ParseFloat(field("Queries per second:"), 64)
	b.Codes = field("Response codes:")
	// Those that a socket's buffer had no room for cost the server nothing.
	if b.Queries < sent*99/100 {
		return b, fmt.Errorf("want %d answers:\n%s", sent, out)
	}
	b.CPU = float64((after - before).Nanoseconds()) / 1e3 / float64(b.Queries)
	return b, nil
}

// Quartiles returns the first, the median and the third, 0 of nothing.
func Quartiles(x []float64) (q [3]float64) {
	if len(x) == 0 {
		return q
	}
	x = slices.Sorted(slices.Values(x))
	for i := range q {
		// The mean of the two nearest, so that the median of an even number is in
		// the middle.
		at := float64(len(x)-1) * float64(i+1) / 4
		lo := int(at)
		hi := min(lo+1, len(x)-1)
		q[i] = x[lo] + (x[hi]-x[lo])*(at-float64(lo))
	}
	return q
}
