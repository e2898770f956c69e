package main

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/export"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/dns-orders/blocklist/plugin/source"
)

// exportCmd is the command "blocklistctl export".
type exportCmd struct {
	Form        string   `arg:"" enum:"rpz,unbound,dnsmasq,hosts,adblock,domains" help:"The form: rpz (a response policy zone), unbound (local-zones), dnsmasq, hosts, adblock or domains."`
	Orders      []string `arg:"" optional:"" help:"Order files, directories and globs, as in the Corefile."`
	serverFlags `embed:""`
	Country     string        `required:"" placeholder:"CC" help:"The country of the clients."`
	At          string        `placeholder:"TIME" help:"Export the names in force at this time instead of now."`
	Approximate string        `enum:",wider,narrower,leave-out" default:"" placeholder:"HOW" help:"What to do with answers that the form cannot say: wider blocks more names than the orders, narrower blocks fewer names, and leave-out leaves out the names. Without --approximate, such an answer is an error."`
	Refused     string        `enum:",nxdomain,nodata" default:"" placeholder:"KIND" help:"The response that replaces refused: nxdomain or nodata."`
	TTL         time.Duration `name:"ttl" default:"30s" help:"The TTL of orders without a ttl."`
	Zone        string        `default:"rpz.blocklist" placeholder:"NAME" help:"The name of the zone, for the form rpz. Names that are too long for the zone are left out. The file does not have the name of the zone."`
	Sealed      bool          `help:"Include sealed orders."`
	Out         string        `short:"o" placeholder:"FILE" help:"The file to write. Without --out, the text is printed."`
	Watch       string        `placeholder:"FILE" help:"Write FILE now, and again after each change of the orders and when an order starts or ends. The command runs until it gets a signal."`

	serial uint32 // the serial of the last zone that was written
}

// Help returns the description and the example for --help.
func (*exportCmd) Help() string {
	return `Writes the names that are in force for clients of one country as configuration of another resolver. The first lines of the text are comments with the time, a digest, numbers, and the time of the next change.

Orders in shadow, drafts, suspended orders, held targets, addresses, URLs, orders for certain client networks and sealed orders are left out and counted. Each answer that the form cannot say is reported. Without --approximate, such an answer is an error, and nothing is written.

Example:

  blocklistctl export rpz /etc/coredns/orders/ --country IT --out /var/lib/unbound/rpz.zone
  blocklistctl export unbound --corefile /etc/coredns/Corefile --country IT --watch /etc/unbound/orders.conf`
}

type exported struct {
	*export.Export
	at order.Time
}

// Run exports the names in force.
func (c *exportCmd) Run(e *env) error {
	e.sealed = c.Sealed
	maker, err := c.maker()
	if err != nil {
		return err
	}
	if c.Watch != "" && (c.At != "" || c.Out != "" || e.json) {
		return misuse("--watch cannot be used with --at, --out or --json")
	}
	s, err := c.server(c.Orders)
	if err != nil {
		return err
	}
	now, err := e.moment(c.At, s)
	if err != nil {
		return err
	}
	inputs, _ := source.Expand(s.Store.Patterns)
	inputs = append(append(inputs, s.Store.Protect...), s.corefile)
	if err := cmp.Or(c.spare(inputs), c.sparePatterns(s.Store.Patterns)); err != nil {
		return err
	}
	if c.Watch != "" {
		return c.watch(e, s, maker)
	}
	l, err := e.mustLoad(s.Store.Patterns, s, nil)
	if err != nil {
		return err
	}
	for _, f := range l.files {
		for _, o := range f.Orders {
			if o.Side != nil {
				inputs = append(inputs, filepath.Join(filepath.Dir(f.Path), o.Side.File))
			}
		}
	}
	if err := c.spare(inputs); err != nil {
		return err
	}
	x := exported{maker.Make(l.set, now), now}
	e.progress.clear()
	if e.json {
		if err := e.writeJSON(c.json(x, e.now())); err != nil {
			return err
		}
	}
	c.report(e, x)
	if x.Body == nil {
		return errProblems
	}
	text := append(c.header(x, e.now()), x.Body...)
	switch {
	case c.Out != "":
		return writeFile(c.Out, text, c.mode())
	case !e.json:
		_, err = e.stdout.Write(text)
	}
	return err
}

// The export must not overwrite an input.
func (c *exportCmd) spare(inputs []string) error {
	out := cmp.Or(c.Out, c.Watch)
	if out == "" {
		return nil
	}
	is, _ := os.Stat(out) // nil if there is no file
	place, err := filepath.Abs(out)
	if err != nil {
		return err
	}
	for _, path := range inputs {
		in, err := os.Stat(path)
		missing, _ := filepath.Abs(path) // a file that the orders name may not exist yet
		if err == nil && is != nil && os.SameFile(in, is) || path != "" && missing == place {
			return misuse("%q is a file of the orders or of the Corefile, and would be replaced; give another file", out)
		}
	}
	return nil
}

// The export must not become an order file.
func (c *exportCmd) sparePatterns(patterns []string) error {
	out := cmp.Or(c.Out, c.Watch)
	if out == "" {
		return nil
	}
	place, err := filepath.Abs(out)
	if err != nil {
		return err
	}
	for _, p := range patterns {
		abs, err := absolutePattern(p)
		if err != nil {
			return err
		}
		if source.Names(abs, place) {
			return misuse("%q would be one of the order files %s; give another file", out, p)
		}
	}
	return nil
}

func absolutePattern(p string) (string, error) {
	abs, err := filepath.Abs(p)
	if err == nil && strings.HasSuffix(p, "/") && abs != "/" {
		abs += "/" // the path is a directory
	}
	return abs, err
}

func (c *exportCmd) mode() fs.FileMode {
	if c.Sealed {
		return modeSealed
	}
	return 0o644
}

// maker checks the flags and returns the Maker.
func (c *exportCmd) maker() (*export.Maker, error) {
	opt := export.Options{Form: c.Form, Approximate: export.Approximation(c.Approximate), TTL: c.TTL, Sealed: c.Sealed}
	cc, err := clientCountry(c.Country)
	if err != nil {
		return nil, err
	}
	opt.Country, c.Country = cc, string(cc)
	if c.Refused != "" {
		opt.Refused, _ = order.ParseResponseKind(c.Refused)
	}
	if c.TTL < 0 || c.TTL > order.MaxTTL || c.TTL%time.Second != 0 {
		return nil, misuse("--ttl must be whole seconds from 0s to %s, got %q", order.MaxTTL, c.TTL)
	}
	zone, err := dname.Parse(c.Zone)
	if err != nil {
		return nil, misuse("--zone %v, got %q", err, c.Zone)
	}
	opt.Origin = len(zone.Wire())
	m, err := export.NewMaker(opt)
	if err != nil {
		return nil, misuse("--approximate: %v", err)
	}
	return m, nil
}

func (c *exportCmd) header(x exported, now time.Time) []byte {
	var b strings.Builder
	say := func(format string, args ...any) {
		fmt.Fprintf(&b, export.Comment(c.Form)+" "+format+"\n", args...)
	}
	say("The names in force for clients in %s at %s, written by blocklistctl export %s.", strings.ToUpper(c.Country), x.at, c.Form)
	say("SHA-256 of the lines below the comments%s: %s", map[bool]string{true: " and the SOA and NS records"}[c.Form == "rpz"], x.Digest)
	say("%s in force, %s, %s", count(x.Counts.InForce, "order"), count(x.Names, "name"), count(x.Lines, "line"))
	for _, l := range x.Counts.LeftOut() {
		say("left out: %s", countLeft(l))
	}
	for _, g := range groupProblems(x.Problems) {
		say("%s: %s", g.count(), g.why)
	}
	if x.Until == ruleset.Forever {
		say("No start or end of an order will change the names.")
	} else {
		say("The next start or end of an order changes the names at %s. This file does not change by itself.", x.Until)
	}
	if c.Form == "rpz" {
		c.serial = max(c.serial+1, uint32(now.Unix()))
		ttl := uint32(c.TTL / time.Second)
		fmt.Fprintf(&b, "@\t%d\tIN\tSOA\tlocalhost. hostmaster.localhost. %d 3600 600 2592000 %[1]d\n", ttl, c.serial)
		fmt.Fprintf(&b, "@\t%d\tIN\tNS\tlocalhost.\n", ttl)
	}
	return []byte(b.String())
}

func countLeft(l export.Left) string {
	if l.N > 1 {
		for _, noun := range []string{"order", "target", "address", "URL"} {
			plural := noun + "s"
			if noun == "address" {
				plural = "addresses"
			}
			l.What = strings.Replace(l.What, noun, plural, 1)
		}
	}
	return fmt.Sprintf("%d %s", l.N, l.What)
}
