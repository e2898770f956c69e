// Package rig contains helpers for measurements of a whole server.
package rig

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/miekg/dns"
)

// These are the CPUs of the load generator and of the server.
const (
	GeneratorCPU = 0
	ServerCPU    = 1
)

const (
	sockets     = 8
	outstanding = 100
)

// Main runs the measurement of a program. An interrupt cancels the context. An error ends the
// program.
func Main(name string, measure func(context.Context) error) {
	log.SetFlags(0)
	log.SetPrefix(name + ": ")
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := measure(ctx)
	stop()
	if err != nil {
		log.Fatal(err)
	}
}

// Tools returns an error if a tool is missing or the machine has too few CPUs.
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

// Pinned returns a command line that runs argv on one CPU.
func Pinned(cpu int, argv []string) []string {
	return append([]string{"taskset", "--cpu-list", strconv.Itoa(cpu)}, argv...)
}

// PinSelf pins this process to the CPU of the load generator. Later child processes inherit the
// CPU.
func PinSelf(ctx context.Context) error {
	cpu, pid := strconv.Itoa(GeneratorCPU), strconv.Itoa(os.Getpid())
	if out, err := exec.CommandContext(ctx, "taskset", "--all-tasks", "--cpu-list", "--pid", cpu, pid).CombinedOutput(); err != nil {
		return fmt.Errorf("taskset: %w\n%s", err, out)
	}
	return nil
}

// Exchange sends an A query to a server, up to five times.
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

// A Burst is the result of one run of dnsperf against one server.
type Burst struct {
	Queries int     // the number of answered queries
	CPU     float64 // the CPU time of the server for each query, in us
	Rate    float64 // answers per second
	Codes   string  // the numbers of response codes, as dnsperf prints them
}

// Ask runs dnsperf with a file of queries and returns the measurements. The last argument is the
// number of queries in the file.
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
	// dnsperf may lose a few queries in a full socket buffer.
	if b.Queries < sent*99/100 {
		return b, fmt.Errorf("want %d answers:\n%s", sent, out)
	}
	b.CPU = float64((after - before).Nanoseconds()) / 1e3 / float64(b.Queries)
	return b, nil
}

// Quartiles returns the first quartile, the median and the third quartile of x. If x is empty, all
// results are 0.
func Quartiles(x []float64) (q [3]float64) {
	if len(x) == 0 {
		return q
	}
	x = slices.Sorted(slices.Values(x))
	for i := range q {
		at := float64(len(x)-1) * float64(i+1) / 4
		lo := int(at)
		hi := min(lo+1, len(x)-1)
		q[i] = x[lo] + (x[hi]-x[lo])*(at-float64(lo))
	}
	return q
}
