// Package directive parses the blocklist directive of a Corefile. The plugin and blocklistctl share
// this parser. The package does not import CoreDNS.
package directive

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/coredns/caddy/caddyfile"
	"github.com/dns-orders/blocklist/plugin/answer"
	"github.com/dns-orders/blocklist/plugin/journal"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/source"
	"github.com/dns-orders/blocklist/plugin/store"
	"github.com/gaissmai/bart"
)

// A Config contains the settings of one blocklist directive. All copies of a Config share Places
// and ECSFrom.
type Config struct {
	Store  store.Options
	Answer answer.Config
	Places *Places
	// AnswersOff turns off the check of answers. The plugin then checks only the query name.
	AnswersOff bool
	ECSFrom    *bart.Lite // peers whose EDNS client subnet (ECS) is trusted
	Root       string     // relative paths are relative to this directory
	Status     Status
	Resinfo    *Resinfo // nil without the property resinfo
}

// A Status contains the settings of the property status.
type Status struct {
	Address   string
	WebConfig string
}

const (
	defaultTTL       = 30 * time.Second
	defaultMaxShrink = 50 // the unit is percent
)

// Parse parses a directive into a Config. The directive has this form:
//
//	blocklist ORDERS... {
//	    PROPERTY VALUE...
//	}
//
// The dispenser must be at the name of the directive. Relative paths start at the given root.
func Parse(c *caddyfile.Dispenser, root string, cfg *Config) error {
	cfg.Defaults()
	cfg.Root = root

	orders := c.RemainingArgs()
	if len(orders) == 0 {
		return c.Err("blocklist needs at least one order file, directory or glob, such as: blocklist orders.yaml")
	}
	for _, p := range orders {
		abs, err := OrdersPath(p, root)
		if err != nil {
			return c.Errf("%v", err)
		}
		cfg.Store.Patterns = append(cfg.Store.Patterns, abs)
	}
	seen := map[string]bool{}
	for c.NextBlock() {
		property := c.Val()
		read, ok := properties[property]
		if !ok {
			return c.Errf("unknown property '%s'%s", property, didYouMean(property))
		}
		if seen[property] && property != "country" {
			return c.Errf("property '%s' is given twice", property)
		}
		seen[property] = true
		args := c.RemainingArgs()
		if len(args) == 0 && property != "shadow" {
			return c.Errf("%s needs a value", property)
		}
		if err := read(c, cfg, args); err != nil {
			return err
		}
	}
	if err := checkVerify(c, cfg); err != nil {
		return err
	}
	return finishResinfo(c, cfg)
}

// URLProblem returns an error message for a path that is a URL. The message explains how to fetch
// the file. For any other path, the result is empty.
func URLProblem(path string) string {
	scheme, _, ok := strings.Cut(path, "://")
	if !ok || strings.ContainsAny(scheme, "/\\") {
		return ""
	}
	return fmt.Sprintf("ORDERS are files, and the server fetches no URL; fetch the list with a timer or a cron job, for example: "+
		"curl --fail --silent --show-error --output names.txt.new '%s' && mv names.txt.new names.txt, and write names.txt in place of the URL", path)
}

// Defaults sets each property to its default value.
func (cfg *Config) Defaults() {
	cfg.Places = cmp.Or(cfg.Places, new(Places))
	cfg.ECSFrom = cmp.Or(cfg.ECSFrom, new(bart.Lite))
	cfg.Store.MaxShrink = defaultMaxShrink
	cfg.Store.Poll = source.DefaultPoll
	cfg.Store.Rules.Response.Kind = order.NXDOMAIN
	cfg.Answer.TTL = defaultTTL
	cfg.Answer.Language = "en"
}

// OrdersPath returns the absolute path of order files. A slash at the end means a directory, so the
// slash stays. A URL is an error.
func OrdersPath(path, root string) (string, error) {
	if why := URLProblem(path); why != "" {
		return "", errors.New(why)
	}
	abs, err := Absolute(path, root)
	if strings.HasSuffix(path, "/") && abs != "/" {
		abs += "/"
	}
	return abs, err
}

// Absolute returns an absolute, clean path. Two server blocks may write the same path in two ways.
// They must still share the orders.
func Absolute(path, root string) (string, error) {
	if !filepath.IsAbs(path) {
		path = filepath.Join(root, path)
	}
	return filepath.Abs(path)
}

var properties = map[string]func(c *caddyfile.Dispenser, cfg *Config, args []string) error{
	"response":     readResponse,
	"ttl":          readTTL,
	"organization": readOrganization,
	"contact":      readContact,
	"language":     readLanguage,
	"sde_option":   readSDEOption,
	"answers":      readAnswers,
	"country":      readCountry,
	"home":         readHome,
	"ecs_from":     readECSFrom,
	"shadow":       readShadow,
	"protect":      readProtect,
	"max_shrink":   readMaxShrink,
	"poll":         readPoll,
	"state":        readState,
	"journal":      readJournal,
	"verify":       readVerify,
	"require":      readRequire,
	"status":       readStatus,
	"resinfo":      readResinfo,
}

func didYouMean(property string) string {
	if property == "nat64" {
		return "; write the prefixes after 'answers addresses'"
	}
	if near := order.Nearest(property, maps.Keys(properties)); near != "" {
		return fmt.Sprintf("; did you mean '%s'?", near)
	}
	return ""
}

func one(c *caddyfile.Dispenser, property string, args []string) (string, error) {
	if len(args) != 1 {
		return "", c.Errf("%s takes one value, got '%s'; put a value with blanks in double quotes", property, strings.Join(args, " "))
	}
	return args[0], nil
}

func readResponse(c *caddyfile.Dispenser, cfg *Config, args []string) error {
	r := &cfg.Store.Rules.Response
	kind, ok := order.ParseResponseKind(args[0])
	if !ok {
		return c.Errf("response must be %s, got '%s'", order.ResponseForms(order.Redirect.String()), args[0])
	}
	r.Kind = kind
	if kind != order.Redirect {
		if len(args) > 1 {
			return c.Errf("response %s takes no other value, got '%s'", args[0], args[1])
		}
		return nil
	}
	if len(args) == 1 {
		return c.Err("response redirect needs at least one address, such as: response redirect 192.0.2.1")
	}
	for _, s := range args[1:] {
		a, ok := order.ParseRedirect(s)
		if !ok {
			return c.Errf("response redirect needs IPv4 or IPv6 addresses, got '%s'", s)
		}
		r.Addresses = append(r.Addresses, a)
	}
	return nil
}

func readTTL(c *caddyfile.Dispenser, cfg *Config, args []string) error {
	return readDuration(c, args, "ttl", &cfg.Answer.TTL, 0, order.MaxTTL, time.Second)
}

func readPoll(c *caddyfile.Dispenser, cfg *Config, args []string) error {
	return readDuration(c, args, "poll", &cfg.Store.Poll, 10*time.Millisecond, time.Hour, time.Millisecond)
}

func readDuration(c *caddyfile.Dispenser, args []string, what string, d *time.Duration, least, most, unit time.Duration) error {
	s, err := one(c, what, args)
	if err != nil {
		return err
	}
	v, err := time.ParseDuration(s)
	if n, bad := strconv.ParseUint(s, 10, 16); bad == nil && n > 0 {
		return c.Errf("%s needs a unit; write %ds for seconds, got '%s'", what, n, s)
	}
	if err != nil || v < least || v > most {
		return c.Errf("%s must be a duration from %s to %s, such as 30s, got '%s'", what, least, most, s)
	}
	if v%unit != 0 {
		return c.Errf("%s must be a multiple of %s, got '%s'", what, unit, s)
	}
	*d = v
	return nil
}

func readOrganization(c *caddyfile.Dispenser, cfg *Config, args []string) (err error) {
	cfg.Answer.Organization, err = one(c, "organization", args)
	return err
}

func readContact(c *caddyfile.Dispenser, cfg *Config, args []string) error {
	for _, u := range args {
		if !order.ContactURI(u) {
			return c.Errf("contact must be URIs that begin with mailto: or tel:, such as mailto:abuse@example.net, got '%s'", u)
		}
	}
	cfg.Answer.Contact = args
	return nil
}

func readLanguage(c *caddyfile.Dispenser, cfg *Config, args []string) error {
	s, err := one(c, "language", args)
	if err != nil {
		return err
	}
	if !order.LanguageTag(s) {
		return c.Errf("language must be a language tag of BCP 47, such as en or uk, got '%s'", s)
	}
	cfg.Answer.Language = s
	return nil
}

// IANA has assigned the EDNS option codes up to this one for other purposes.
const lastAssignedOption = 19

func readSDEOption(c *caddyfile.Dispenser, cfg *Config, args []string) error {
	s, err := one(c, "sde_option", args)
	if err != nil {
		return err
	}
	v, err := strconv.ParseUint(s, 10, 16)
	if err != nil || v <= lastAssignedOption {
		return c.Errf("sde_option must be an EDNS option code from %d to 65535, got '%s'", lastAssignedOption+1, s)
	}
	cfg.Answer.SDEOption = uint16(v)
	return nil
}

func readAnswers(c *caddyfile.Dispenser, cfg *Config, args []string) error {
	if args[0] == "addresses" {
		cfg.Store.Rules.Addresses = true
		return readNAT64(c, cfg, args[1:])
	}
	s, err := one(c, "answers", args)
	if err != nil {
		return err
	}
	switch s {
	case "off":
		cfg.AnswersOff = true
	case "names":
	default:
		return c.Errf("answers must be off, names or addresses, got '%s'", s)
	}
	return nil
}

func readNAT64(c *caddyfile.Dispenser, cfg *Config, prefixes []string) error {
	for _, s := range prefixes {
		x, why := order.ParsePrefix(s)
		switch {
		case why != "":
			return c.Errf("answers addresses: the NAT64 prefix %s, got '%s'", why, s)
		case !x.Addr().Is6() || !slices.Contains([]int{32, 40, 48, 56, 64, 96}, x.Bits()):
			return c.Errf("answers addresses: a NAT64 prefix is an IPv6 network of 32, 40, 48, 56, 64 or 96 bits, got '%s'", s)
		case x.Addr().As16()[8] != 0:
			return c.Errf("answers addresses: the bits 64 to 71 of a NAT64 prefix must be zero (RFC 6052), got '%s'", s)
		case !slices.Contains(cfg.Store.Rules.NAT64, x):
			cfg.Store.Rules.NAT64 = append(cfg.Store.Rules.NAT64, x)
		}
	}
	return nil
}

// These are the minimum prefix lengths in ecs_from. In a wider network, machines of other operators
// could send a false client subnet.
const widestPeers4, widestPeers6 = 8, 16

func readECSFrom(c *caddyfile.Dispenser, cfg *Config, args []string) error {
	for _, s := range args {
		x, why := order.ParsePrefix(s)
		if why != "" {
			return c.Errf("ecs_from: the network %s, got '%s'", why, s)
		}
		widest := widestPeers6
		if x.Addr().Is4() {
			widest = widestPeers4
		}
		if x.Bits() < widest {
			return c.Errf("ecs_from: the network is wider than /%d; name only your own forwarders, because a peer that is trusted chooses the country of its clients, got '%s'", widest, s)
		}
		cfg.ECSFrom.Insert(x)
	}
	return nil
}

func readShadow(c *caddyfile.Dispenser, cfg *Config, args []string) error {
	if len(args) != 0 {
		return c.Errf("shadow takes no value, got '%s'", args[0])
	}
	cfg.Store.Shadow = true
	return nil
}

func readCountry(c *caddyfile.Dispenser, cfg *Config, args []string) error {
	cc, err := countryCode(c, "country", args[0])
	if err != nil {
		return err
	}
	if len(args) == 1 {
		return c.Errf("country %s needs at least one network, such as: country %s 192.0.2.0/24", cc, cc)
	}
	for _, s := range args[1:] {
		x, why := order.ParsePrefix(s)
		if why != "" {
			return c.Errf("country %s: the network %s, got '%s'", cc, why, s)
		}
		if was, ok := cfg.Places.Nets.Get(x); ok && was != cc {
			return c.Errf("country %s: the network %s is also a network of country %s; remove one of the two", cc, x, was)
		}
		cfg.Places.Nets.Insert(x, cc)
	}
	cfg.Places.Any = true
	return nil
}

func readHome(c *caddyfile.Dispenser, cfg *Config, args []string) (err error) {
	s, err := one(c, "home", args)
	if err != nil {
		return err
	}
	cfg.Places.Home, err = countryCode(c, "home", s)
	return err
}

func countryCode(c *caddyfile.Dispenser, property, s string) (order.Country, error) {
	cc, ok := order.ParseCountry(s)
	switch {
	case cc == order.EU:
		return "", c.Errf("%s must be one country, such as IT, and EU is a group of countries, got '%s'", property, s)
	case !ok:
		return "", c.Errf("%s must be a country code of two letters, such as IT, got '%s'", property, s)
	}
	return cc, nil
}

func readProtect(c *caddyfile.Dispenser, cfg *Config, args []string) error {
	for _, s := range args {
		abs, err := Absolute(s, cfg.Root)
		if err != nil {
			return c.Errf("protect: %v", err)
		}
		cfg.Store.Protect = append(cfg.Store.Protect, abs)
	}
	return nil
}

func readState(c *caddyfile.Dispenser, cfg *Config, args []string) error {
	s, err := one(c, "state", args)
	if err != nil {
		return err
	}
	abs, err := Absolute(s, cfg.Root)
	switch {
	case err != nil:
		return c.Errf("state: %v", err)
	case s == "" || abs == "/":
		return c.Errf("state must be a directory of its own, such as /var/lib/blocklist, got '%s'", s)
	}
	cfg.Store.State = abs
	return nil
}

func readJournal(c *caddyfile.Dispenser, cfg *Config, args []string) error {
	if len(args) > 2 {
		return c.Errf("journal takes a directory and a name, got '%s'", strings.Join(args, " "))
	}
	abs, err := Absolute(args[0], cfg.Root)
	switch {
	case err != nil:
		return c.Errf("journal: %v", err)
	case args[0] == "" || abs == "/":
		return c.Errf("journal must be a directory of its own, such as /var/lib/blocklist/journal, got '%s'", args[0])
	}
	cfg.Store.Journal = abs
	if len(args) == 1 {
		host, err := os.Hostname()
		if cfg.Store.Origin = host + "/journal"; err != nil || journal.CheckOrigin(cfg.Store.Origin) != nil {
			return c.Errf("journal: the name of this host cannot be the name of a journal; write a name after the directory, such as: journal %s dns.example.net/journal/node1", args[0])
		}
		return nil
	}
	if err := journal.CheckOrigin(args[1]); err != nil {
		return c.Errf("journal: %v", err)
	}
	cfg.Store.Origin = args[1]
	return nil
}

func readMaxShrink(c *caddyfile.Dispenser, cfg *Config, args []string) error {
	s, err := one(c, "max_shrink", args)
	if err != nil {
		return err
	}
	v, err := strconv.Atoi(strings.TrimSuffix(s, "%"))
	switch {
	case err != nil || v < 0 || v > 100:
		return c.Errf("max_shrink must be a percentage from 0%% to 100%%, got '%s'", s)
	case !strings.HasSuffix(s, "%"):
		return c.Errf("max_shrink is a percentage; write %d%%, got '%s'", v, s)
	}
	cfg.Store.MaxShrink = v
	return nil
}
