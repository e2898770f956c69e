package directive

import (
	"fmt"
	"net"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/coredns/caddy/caddyfile"
	"github.com/dns-orders/blocklist/plugin/dname"
)

// Name is the name of the directive.
const Name = "blocklist"

// A Block is a server block of a Corefile.
type Block struct {
	// Addresses are the addresses of the server block. Environment variables are already replaced.
	Addresses []string
	File      string
	Line      int
	// Config is nil if the server block has no blocklist directive.
	Config *Config
	GeoIP  bool
	View   bool
	// Rewrite reports whether the server block has the plugin rewrite. CoreDNS runs rewrite before
	// blocklist.
	Rewrite bool
}

// String returns the addresses, joined with spaces.
func (b *Block) String() string { return strings.Join(b.Addresses, " ") }

// Corefile parses the server blocks of a Corefile. It expands imports, snippets and environment
// variables. It does not check the lines of other plugins.
func Corefile(path string) ([]*Block, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	parsed, err := caddyfile.Parse(path, f, nil)
	if err != nil {
		return nil, err
	}
	var blocks []*Block
	for _, p := range parsed {
		b, err := readBlock(path, p)
		if err != nil {
			return nil, err
		}
		blocks = append(blocks, b)
	}
	return blocks, nil
}

func readBlock(path string, p caddyfile.ServerBlock) (*Block, error) {
	b := &Block{Addresses: p.Keys}
	_, geoip := p.Tokens["geoip"]
	_, meta := p.Tokens["metadata"]
	_, b.View = p.Tokens["view"]
	_, b.Rewrite = p.Tokens["rewrite"]
	b.GeoIP = geoip && meta
	root := ""
	for c := caddyfile.NewDispenserTokens(path, p.Tokens["root"]); c.Next(); {
		if !c.NextArg() {
			return nil, c.ArgErr()
		}
		root = c.Val()
	}
	for c := caddyfile.NewDispenserTokens(path, p.Tokens[Name]); c.Next(); {
		if b.Config != nil {
			return nil, c.Err(Name + " can only be used once per server block")
		}
		b.File, b.Line, b.Config = c.File(), c.Line(), new(Config)
		if err := Parse(&c, root, b.Config); err != nil {
			return nil, err
		}
	}
	if b.Config != nil {
		b.Config.Store.Rules.NoCountry = b.Config.Places.Empty() && !b.GeoIP
	}
	return b, nil
}

// Choose returns the server block with the given address, for example ".:53". An empty address
// means the first block with a blocklist directive. All blocks with this directive must then have
// the same settings.
func Choose(blocks []*Block, address string) (*Block, error) {
	var with []*Block
	for _, b := range blocks {
		if b.Config != nil {
			with = append(with, b)
		}
		if address == "" || !slices.ContainsFunc(b.Addresses, func(a string) bool { return normal(a) == normal(address) }) {
			continue
		}
		if b.Config == nil {
			return nil, fmt.Errorf("server block %s has no %s directive", b, Name)
		}
		return b, nil
	}
	heads := make([]string, len(with))
	for i, b := range with {
		heads[i] = fmt.Sprintf("%s (%s:%d)", b, b.File, b.Line)
	}
	list := strings.Join(heads, ", ")
	switch {
	case len(with) == 0:
		return nil, fmt.Errorf("no server block has a %s directive", Name)
	case address != "":
		return nil, fmt.Errorf("no server block has this address; the blocks with a %s directive are %s", Name, list)
	}
	for _, b := range with[1:] {
		if !alike(b.Config, with[0].Config) || b.GeoIP != with[0].GeoIP {
			return nil, fmt.Errorf("the %s directives of the server blocks differ; choose one of %s", Name, list)
		}
	}
	return with[0], nil
}

func alike(a, b *Config) bool {
	x, y := *a, *b
	x.Status, y.Status = Status{}, Status{}
	x.Resinfo, y.Resinfo = nil, nil
	return reflect.DeepEqual(x, y)
}

// ports contains the default port of each transport protocol.
var ports = map[string]string{"dns": "53", "tls": "853", "quic": "853", "grpc": "443", "https": "443", "https3": "443"}

type address struct{ transport, zone, port string }

func normal(s string) address {
	a := address{transport: "dns", zone: strings.ToLower(s)}
	if t, rest, ok := strings.Cut(a.zone, "://"); ok {
		a.transport, a.zone = t, rest
	}
	if i := strings.LastIndexByte(a.zone, ':'); i >= 0 {
		if _, err := strconv.Atoi(a.zone[i+1:]); err == nil {
			a.zone, a.port = a.zone[:i], a.zone[i+1:]
		}
	}
	if a.port == "" {
		a.port = ports[a.transport]
	}
	if _, _, err := net.ParseCIDR(a.zone); err != nil {
		a.zone = strings.TrimSuffix(a.zone, ".")
	}
	return a
}

// Serving returns the server block that gets the queries for a name. The result is nil if no server
// block gets the queries. Serving compares only blocks with the transport and port of the given
// block. If several blocks have the same zone, Serving prefers the given block. Serving ignores the
// plugins bind and view.
func Serving(blocks []*Block, b *Block, name dname.Name) (serving *Block) {
	for _, s := range b.Addresses {
		on, best, longest := normal(s), (*Block)(nil), -1
		for _, x := range blocks {
			for _, s := range x.Addresses {
				a := normal(s)
				same := a.transport == on.transport && a.port == on.port
				if same && within(name, a.zone) && (len(a.zone) > longest || len(a.zone) == longest && x == b) {
					best, longest = x, len(a.zone)
				}
			}
		}
		if best == b {
			return b
		}
		if best != nil {
			serving = best
		}
	}
	return serving
}

func within(name dname.Name, zone string) bool {
	return zone == "" || strings.HasSuffix("."+name.FQDN(), "."+zone+".")
}
