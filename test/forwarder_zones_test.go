//go:build e2e

package test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dns-orders/blocklist/test/port"
	"github.com/dns-orders/blocklist/test/program"
	"github.com/miekg/dns"
)

type zone struct {
	name    string
	sign    []string // options of dnssec-signzone; nil for an unsigned zone
	records string   // the word PASSING is replaced by the address of names that pass
}

var (
	nsec   = []string{}
	optOut = []string{"-3", "-", "-H", "0", "-A"} // NSEC3 with opt-out, as in most top-level domains
)

// Child zones come first, because the parent needs their DS records.
var world = []zone{
	// plain.example is unsigned, so a validator cannot detect a forged answer.
	{"plain.example.", nil, `
@            A     PASSING
sibling      A     PASSING
subtree      A     PASSING
www.subtree  A     PASSING
notsubtree   A     PASSING
exact        A     PASSING
exact        HTTPS 1 . ipv4hint=PASSING
www.exact    A     PASSING
a.b.exact    A     PASSING
wide         A     PASSING
www.wide     A     PASSING
ok.wide      A     PASSING
www.ok.wide  A     PASSING
ok.deep.wide A     PASSING
below        A     PASSING
www.below    A     PASSING
redirect     A     PASSING
redirect     HTTPS 1 . ipv4hint=PASSING
four         A     PASSING
four         AAAA  2001:db8::80
nodata       A     PASSING
nodata       TXT   "reaches nobody"
refused      A     PASSING
cname        CNAME sibling
*.pool       CNAME sibling
alias        CNAME www.subtree
renamed      DNAME subtree
service      HTTPS 1 www.subtree
other        CNAME sibling
lifted       A     PASSING
www.lifted   A     PASSING
ending1      A     PASSING
ending2      A     PASSING
ending3      A     PASSING
later1       A     PASSING
later2       A     PASSING
later3       A     PASSING
`},
	// An NSEC record proves that cut.signed.example is unsigned.
	{"cut.signed.example.", nil, "@ A PASSING\nwww A PASSING\n"},
	{"signed.example.", nsec, `
@            A     PASSING
sibling      A     PASSING
zz           A     PASSING
exact        A     PASSING
www.exact    A     PASSING
subtree      A     PASSING
www.subtree  A     PASSING
redirect     A     PASSING
cname        CNAME sibling.plain.example.
alias        CNAME www.subtree.plain.example.
other        CNAME sibling.plain.example.
lifted       A     PASSING
later1       A     PASSING
later2       A     PASSING
later3       A     PASSING
`},
	{"child.zone.example.", nsec, "@ A PASSING\nwww A PASSING\n"},
	{"open.zone.example.", nil, "@ A PASSING\nwww A PASSING\n"},
	{"zone.example.", nsec, `
@            A     PASSING
www          A     PASSING
ok           A     PASSING
www.ok       A     PASSING
a.b.deep     A     PASSING
`},
	{"apex.example.", nsec, "@ A PASSING\nwww A PASSING\na.b A PASSING\n"},
	{"lifted.example.", nsec, "@ A PASSING\nwww A PASSING\n"},
	{"gone.example.", nsec, "@ A PASSING\nwww A PASSING\n"},
	// Like most zones on the Internet, this zone is unsigned and is below a zone with opt-out.
	{"unsigned.example.", nil, "@ A PASSING\nwww A PASSING\n"},

	{"example.", optOut, "ns A PASSING\n"},
	{".", nsec, ""},
}

type trust struct {
	file string // a zone file with the DNSKEY record
	key  *dns.DNSKEY
	ds   *dns.DS
}

// startWorld signs and serves the zones in world.
func startWorld(t *testing.T) (addr string, anchor trust) {
	t.Helper()
	dir := t.TempDir()
	tool := func(name string, args ...string) string {
		t.Helper()
		cmd := exec.Command(name, args...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", strings.Join(cmd.Args, " "), err, out)
		}
		return string(out)
	}
	var conf strings.Builder
	addr = port.Address(t)
	fmt.Fprintf(&conf, bindOptions, dir, portOf(addr), "dnssec-validation no;")
	for _, z := range world {
		file := "zone" + z.name + "db"
		write(t, filepath.Join(dir, file), z.text())
		if z.sign != nil {
			// One key for all records (-z) keeps the answers small.
			tool("dnssec-keygen", "-q", "-a", "ECDSAP256SHA256", "-f", "KSK", z.name)
			args := append([]string{"-q", "-S", "-z", "-g", "-o", z.name, "-f", file + ".signed"}, z.sign...)
			tool("dnssec-signzone", append(args, file)...)
			file += ".signed"
		}
		fmt.Fprintf(&conf, "zone %q { type primary; file %q; };\n", z.name, file)
	}
	write(t, filepath.Join(dir, "named.conf"), conf.String())

	anchor.file = filepath.Join(dir, "anchor")
	raw, err := os.ReadFile(glob1(t, filepath.Join(dir, "K.+*.key")))
	if err != nil {
		t.Fatal(err)
	}
	write(t, anchor.file, string(raw))
	for p := dns.NewZoneParser(strings.NewReader(string(raw)), ".", ""); ; {
		rr, ok := p.Next()
		if !ok {
			break
		}
		anchor.key = rr.(*dns.DNSKEY)
	}
	anchor.ds = anchor.key.ToDS(dns.SHA256)

	program.Start(t, dir, "named", "-g", "-n", "1", "-c", "named.conf")
	awaitAnswer(t, addr, "sibling.plain.example.")
	return addr, anchor
}

func (z zone) text() string {
	s := "$ORIGIN " + z.name + "\n$TTL 3600\n@ SOA ns.example. hostmaster.example. 1 3600 600 86400 3600\n@ NS ns.example.\n"
	for _, child := range world {
		if child.name != z.name && parent(child.name) == z.name {
			s += child.name + " NS ns.example.\n"
		}
	}
	return s + strings.ReplaceAll(z.records, "PASSING", passing)
}

// parent returns the name of the parent zone.
func parent(name string) string {
	best := "."
	for _, z := range world {
		if z.name != name && dns.IsSubDomain(z.name, name) && len(z.name) > len(best) {
			best = z.name
		}
	}
	return best
}

func glob1(t *testing.T, pattern string) string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) != 1 {
		t.Fatalf("%s: %d files, want one (%v)", pattern, len(files), err)
	}
	return files[0]
}
