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

// Name is the directive's name in a Corefile.
const Name = "blocklist"

// Block is one server block of a Corefile.
type Block struct {
	// Addresses are the addresses at the head of the block, with environment variables
	// filled in.
	Addresses []string
	// File and Line are the place of the directive. They are empty when Config is nil.
	File string
	Line int
	// Config is the blocklist directive, nil in a block without the directive.
	Config *Config
	// GeoIP reports whether the plugins geoip and metadata are in the block, so that the
	// geoip plugin's database gives clients a country.
	GeoIP bool
	// View reports whether the plugin view is in the block, so that an expression decides
	// which queries the block gets.
	View bool
	// Rewrite reports whether the plugin rewrite is in the block. The plugin stands above
	// the blocklist, so a name that the plugin rewrites is not judged.
	Rewrite bool
}

// String returns the addresses as the head of the block has them.
func (b *Block) String() string { return strings.Join(b.Addresses, " ") }

// Corefile reads the server blocks of a Corefile as CoreDNS does: imports, snippets and
// environment variables are filled in. Corefile does not know the other plugins of the
// server, so their lines are not checked.
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

// Choose returns the block whose settings count. address is an address of the block, such
// as ".:53". An empty address stands for the only block with the directive, or for any
// block with the directive when all of these blocks have equal settings.
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
		if !reflect.DeepEqual(b.Config, with[0].Config) || b.GeoIP != with[0].GeoIP {
			return nil, fmt.Errorf("the %s directives of the server blocks differ; choose one of %s", Name, list)
		}
	}
	return with[0], nil
}

// ports are the default ports of the transports.
var ports = map[string]string{"dns": "53", "tls": "853", "quic": "853", "grpc": "443", "https": "443", "https3": "443"}

// address is one address at the head of a server block.
type address struct{ transport, zone, port string }

// normal returns the parts of an address, with CoreDNS's defaults for absent parts. The
// zone is in lower case, without a trailing dot.
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

// Serving returns the server block that gets the queries for a name that come in on the
// transport and port of b, nil when there is none: CoreDNS asks the block with the longest
// zone around the name. Serving returns b when b gets the queries on one of its addresses.
// Serving does not look at the plugins bind and view, and at addresses that are networks.
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

// within reports whether a name is in a zone that normal has returned.
func within(name dname.Name, zone string) bool {
	return zone == "" || strings.HasSuffix("."+name.FQDN(), "."+zone+".")
}
