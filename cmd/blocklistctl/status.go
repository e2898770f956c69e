package main

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/dns-orders/blocklist/plugin/printable"
	"github.com/dns-orders/blocklist/plugin/status"
)

// statusCmd is the command "blocklistctl status".
type statusCmd struct {
	Servers     []string `arg:"" name:"url" help:"URLs of servers with the property status, and, to compare the servers with them, order files, directories and globs."`
	Corefile    string   `placeholder:"FILE" help:"Compare the servers with the order files, protect lists and settings of this Corefile."`
	Block       string   `placeholder:"ADDRESS" help:"The server block of the Corefile, for example .:53. Required if the server blocks have different directives."`
	accessFlags `embed:""`
	Wait        bool          `help:"Wait until each server has the set of the order files here."`
	Timeout     time.Duration `default:"5m" help:"The longest time to wait."`
}

// Help returns the description and the example for --help.
func (*statusCmd) Help() string {
	return `Prints which set of orders each server has since when, which server blocks are in shadow, and which files have problems. The exit code is 0 if each server answers, has no problem, and has the set of the order files here. Without order files, all servers must have equal sets.

Example:

  blocklistctl status http://127.0.0.1:9253
  blocklistctl status https://dns1.example.net:9253 https://dns2.example.net:9253 --corefile /etc/coredns/Corefile --wait --timeout 1m`
}

type nodeJSON struct {
	URL string `json:"url"`
	// If the server gave no status, this is the reason.
	Error string `json:"error,omitempty"`
	Same  bool   `json:"same"`
	// The value is true if the newest version of a file is not in force.
	Problems bool `json:"problems"`
	// The field Shadow contains the server blocks in shadow mode. The field Without contains the
	// server blocks without the plugin blocklist.
	Shadow  []string         `json:"shadow"`
	Without []string         `json:"without"`
	Status  *status.Document `json:"status,omitempty"`
}

var waitInterval = time.Second

// Run prints the status of each server.
func (c *statusCmd) Run(e *env) error {
	var urls, files []string
	for _, arg := range c.Servers {
		if isPath(arg) {
			files = append(files, arg)
		} else {
			urls = append(urls, arg)
		}
	}
	if len(urls) == 0 {
		return misuse("no URL: give the URL of a server with the property status, for example http://127.0.0.1:9253")
	}
	servers, err := c.remotes(e, urls...)
	if err != nil {
		return err
	}
	here, err := c.here(e, files)
	if err != nil {
		return err
	}
	if c.Wait && here == nil {
		return misuse("--wait needs the order files here: give order files or --corefile FILE")
	}
	nodes := ask(servers, here)
	if c.Wait {
		for begin := e.now(); !done(nodes); nodes = ask(servers, here) {
			missing := 0
			for _, n := range nodes {
				if !n.Same {
					missing++
				}
			}
			e.progress.say("waiting for %d of %d servers", missing, len(nodes))
			if e.now().Sub(begin) >= c.Timeout {
				e.say("not every server has the set of the order files here after %s", c.Timeout)
				break
			}
			time.Sleep(waitInterval)
		}
	}
	e.progress.clear()
	if e.json {
		err = e.writeJSON(struct {
			Here    *localSet  `json:"here,omitempty"`
			Servers []nodeJSON `json:"servers"`
		}{here, nodes})
	} else {
		err = printNodes(e, nodes, here)
	}
	if err == nil && slices.ContainsFunc(nodes, func(n nodeJSON) bool { return !n.Same || n.Problems }) {
		return errProblems
	}
	return err
}

func done(nodes []nodeJSON) bool {
	return !slices.ContainsFunc(nodes, func(n nodeJSON) bool { return !n.Same })
}

// ask requests the status of all servers at once.
func ask(servers []*remote, here *localSet) []nodeJSON {
	nodes := make([]nodeJSON, len(servers))
	var wg sync.WaitGroup
	for i, s := range servers {
		wg.Go(func() { nodes[i] = s.node() })
	}
	wg.Wait()
	for i := range nodes {
		n := &nodes[i]
		n.Same = n.Status != nil && (here != nil && here.isIn(n.Status) || here == nil && slices.Equal(digests(n.Status), digests(nodes[0].Status)))
	}
	if here == nil && !done(nodes) {
		for i := range nodes {
			nodes[i].Same = false // no server is more right than another server
		}
	}
	return nodes
}

func digests(d *status.Document) (out []string) {
	if d == nil {
		return nil
	}
	for _, s := range d.Sets {
		out = append(out, s.Digest)
	}
	slices.Sort(out)
	return out
}

// node requests the status of a server.
func (r *remote) node() nodeJSON {
	n := nodeJSON{URL: r.String(), Shadow: []string{}, Without: []string{}}
	var d status.Document
	if err := r.document("status", nil, &d); err != nil {
		n.Error = strings.TrimPrefix(err.Error(), r.String()+": ")
		return n
	}
	n.Status = &d
	n.Problems = len(d.Alarms) > 0
	for _, s := range d.Sets {
		n.Problems = n.Problems || !s.LastLoadOK
	}
	for _, b := range d.Blocks {
		switch b.Mode {
		case "shadow":
			n.Shadow = append(n.Shadow, b.Name)
		case "none":
			n.Without = append(n.Without, b.Name)
		}
	}
	return n
}

func printNodes(e *env, nodes []nodeJSON, here *localSet) error {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SERVER\tSET\tSINCE\tENFORCED IN\tVERDICT")
	var below [][]string
	for _, n := range nodes {
		rows, lines := n.rows(here != nil, len(nodes), newest(nodes))
		for i, row := range rows {
			fmt.Fprintln(w, strings.Join(row, "\t"))
			if i < len(rows)-1 {
				below = append(below, nil)
			}
		}
		below = append(below, lines)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for i, line := range strings.Split(strings.TrimSuffix(text.String(), "\n"), "\n") {
		fmt.Fprintln(e.stdout, strings.TrimRight(line, " "))
		if i > 0 {
			for _, l := range below[i-1] {
				fmt.Fprintf(e.stdout, "    %s\n", printable.Line(l))
			}
		}
	}
	return nil
}

func newest(nodes []nodeJSON) (digest string) {
	since := ""
	for _, n := range nodes {
		if n.Status == nil {
			continue
		}
		for _, s := range n.Status.Sets {
			if s.Since > since {
				digest, since = s.Digest, s.Since
			}
		}
	}
	return digest
}

func (n *nodeJSON) rows(compared bool, servers int, newest string) (rows [][]string, lines []string) {
	url := printable.Line(n.URL)
	if n.Status == nil {
		return [][]string{{url, "-", "-", "-", "no status"}}, []string{n.Error}
	}
	for _, s := range n.Status.Sets {
		blocks := 0
		for _, b := range n.Status.Blocks {
			if b.Mode == "enforce" && b.Digest == s.Digest {
				blocks++
			}
		}
		verdict := "the newest set"
		switch {
		case compared && n.Same:
			verdict = "as here"
		case compared:
			verdict = "another set than here"
		case servers == 1:
			verdict = "not compared"
		case n.Same:
			verdict = "as the other servers"
		case s.Digest != newest:
			verdict = "not the newest set"
		}
		if !s.LastLoadOK {
			verdict += ", with problems"
		}
		rows = append(rows, []string{url, printable.Line(s.Digest[:min(12, len(s.Digest))]), printable.Line(s.Since), count(blocks, "block"), verdict})
		for _, f := range s.Files {
			for line := range strings.Lines(f.Problem) {
				lines = append(lines, strings.TrimSuffix(line, "\n"))
			}
		}
	}
	if len(rows) == 0 {
		rows = [][]string{{url, "-", "-", count(0, "block"), "no server block has the directive"}}
	}
	lines = append(lines, n.Status.Alarms...)
	if len(n.Shadow) > 0 {
		lines = append(lines, "in shadow, no order is enforced: "+strings.Join(n.Shadow, "; "))
	}
	if len(n.Without) > 0 {
		lines = append(lines, "without the directive, no order is enforced: "+strings.Join(n.Without, "; "))
	}
	return rows, lines
}
