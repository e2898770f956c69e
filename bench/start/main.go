// Command start measures the time from exec to the first blocked answer of a server. The server
// starts with or without snapshots.
//
//	go run ./bench/start               # a million names in a side list, 10 rounds
//	go run ./bench/start -orders       # a million orders with one name each
//	go run ./bench/start -env GODEBUG=inittrace=1 -log start.log
//
// All traffic stays on loopback.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/dns-orders/blocklist/bench/corpus"
	"github.com/dns-orders/blocklist/bench/rig"
)

// A kind is a way to start a server.
type kind struct {
	name, block string // block is the server block of the Corefile
	state       string // the state directory, or ""
	noSnapshots bool
}

var kinds = []kind{
	{name: "no plugin", block: "template IN A {\n rcode NXDOMAIN\n }"},
	{name: "order files", block: "blocklist orders.jsonl\n whoami"},
	{name: "state, snapshots", block: "blocklist orders.jsonl {\n state state\n }\n whoami", state: "state"},
	{name: "state, no snapshots", block: "blocklist orders.jsonl {\n state other\n }\n whoami", state: "other", noSnapshots: true},
}

type lab struct {
	dir, coredns, question string
	env                    []string
	log                    *os.File
}

func main() {
	n := flag.Int("n", 1_000_000, "names in the list")
	orders := flag.Bool("orders", false, "write an order for each name, and no side list")
	rounds := flag.Int("rounds", 10, "starts of each kind, in turn")
	env := flag.String("env", "", "a variable NAME=VALUE for the environment of the servers")
	out := flag.String("log", os.DevNull, "file for the output of the servers")
	flag.Parse()
	rig.Main("start", func(ctx context.Context) error { return measure(ctx, *n, *rounds, *orders, *env, *out) })
}

func measure(ctx context.Context, n, rounds int, orders bool, env, out string) error {
	if n < 1 || n > 10_000_000 || rounds < 1 || rounds > 1000 {
		return errors.New("-n is at most 10,000,000, and -rounds at most 1000")
	}
	dir, err := os.MkdirTemp("", "start")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	l := &lab{dir: dir}
	if env != "" {
		l.env = []string{env}
	}
	if l.log, err = os.Create(out); err != nil {
		return err
	}
	defer l.log.Close()
	names := corpus.New(n).Names
	l.question = names[n/2]
	if err := write(dir, names, orders); err != nil {
		return err
	}
	if l.coredns, err = rig.Build(ctx, dir); err != nil {
		return err
	}
	wall, cpu := make([][]float64, len(kinds)), make([][]float64, len(kinds))
	for _, k := range kinds {
		if k.state != "" {
			// The first start fills the state directory.
			if _, _, err := l.start(ctx, k, func() error { return stored(ctx, filepath.Join(dir, k.state, "current.json")) }); err != nil {
				return err
			}
		}
	}
	for range rounds {
		for i, k := range kinds {
			took, used, err := l.start(ctx, k, func() error { return nil })
			if err != nil {
				return err
			}
			wall[i], cpu[i] = append(wall[i], ms(took)), append(cpu[i], ms(used))
		}
	}
	fmt.Printf("%s, commit %s, load %s; %d names, %d starts of each kind\n\n", rig.CPU(), rig.Commit(ctx), rig.Load(), n, rounds)
	fmt.Println("| start from | ms to the first blocked answer: least | median | ms of CPU: least | median |\n|---|--:|--:|--:|--:|")
	for i, k := range kinds {
		fmt.Printf("| %s | %.1f | %.1f | %.1f | %.1f |\n", k.name, slices.Min(wall[i]), rig.Quartiles(wall[i])[1], slices.Min(cpu[i]), rig.Quartiles(cpu[i])[1])
	}
	return nil
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }

// write writes the order file and its side list.
func write(dir string, names []string, orders bool) error {
	f, err := os.Create(filepath.Join(dir, "orders.jsonl"))
	if err != nil {
		return err
	}
	side, err := os.Create(filepath.Join(dir, "names.txt"))
	if err != nil {
		return err
	}
	w, s := bufio.NewWriter(f), bufio.NewWriter(side)
	count := 1
	if orders {
		count = len(names)
	}
	fmt.Fprintf(w, "{\"version\":1,\"count\":%d,\"defaults\":{\"authority\":{\"name\":\"A\"},\"scope\":\"global\"}}\n", count)
	if !orders {
		fmt.Fprintln(w, `{"id":"list","targets_from":{"file":"names.txt"}}`)
	}
	for i, name := range names {
		if orders {
			fmt.Fprintf(w, "{\"id\":\"o%d\",\"issued\":\"2026-01-01\",\"targets\":[%q]}\n", i, name)
		}
		fmt.Fprintln(s, name)
	}
	return errors.Join(w.Flush(), s.Flush(), f.Close(), side.Close(), rig.Age(dir))
}

// stored waits until a state directory has a snapshot.
func stored(ctx context.Context, current string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		text, _ := os.ReadFile(current) // the file does not exist at first
		if strings.Contains(string(text), `"snapshot"`) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s has no snapshot: %w", current, ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (l *lab) start(ctx context.Context, k kind, then func() error) (took, used time.Duration, err error) {
	if k.noSnapshots {
		if err := os.RemoveAll(filepath.Join(l.dir, k.state, "part")); err != nil {
			return 0, 0, err
		}
	}
	addr, port, err := rig.FreePort()
	if err != nil {
		return 0, 0, err
	}
	corefile := filepath.Join(l.dir, "Corefile")
	text := fmt.Sprintf(".:%s {\n bind 127.0.0.1\n root %s\n %s\n}\n", port, l.dir, k.block)
	if err := os.WriteFile(corefile, []byte(text), 0o600); err != nil {
		return 0, 0, err
	}
	var server *rig.Server
	q := rig.Question{Addr: addr, Name: rig.Same(l.question), Every: time.Millisecond, Done: func(m *dns.Msg) bool { return m.Rcode == dns.RcodeNameError }}
	took, err = q.Until(ctx, time.Minute, func() (time.Time, error) {
		begin := time.Now()
		server, err = rig.Start(ctx, l.log, l.env, l.coredns, "-conf", corefile)
		return begin, err
	})
	if server == nil {
		return 0, 0, err
	}
	used, e := server.CPU()
	if err == nil {
		err = then()
	}
	server.End()
	return took, used, errors.Join(err, e)
}
