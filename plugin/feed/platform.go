// Package feed pulls the tickets of a platform and writes one order per ticket into an order file.
// The feed also acknowledges the items in force.
//
// A [Platform] describes a platform as data. A [Feed] works in rounds:
//
// - pull and check the tickets (pull.go, tickets.go)
// - merge the tickets with the order file (merge.go)
// - ask the nodes about the names, and acknowledge the blocked items (acknowledge.go)
//
// The order file is the main state of the feed. A small state file has the refused items and the
// latest acknowledgements (state.go).
package feed

import (
	"embed"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dns-orders/blocklist/plugin/catalog"
	"github.com/dns-orders/blocklist/plugin/importer"
	"github.com/dns-orders/blocklist/plugin/order"
)

// A Platform describes the interface of a platform. docs/blocklistctl-feed.md describes the keys.
type Platform struct {
	Name     string `yaml:"platform"`
	Title    string `yaml:"title"`
	Seen     string `yaml:"seen"`
	Base     string `yaml:"base"`
	Timezone string `yaml:"timezone"`

	Login struct {
		Path     string `yaml:"path"`
		User     string `yaml:"user"`
		Password string `yaml:"password"`
		Access   string `yaml:"access"`
		Refresh  string `yaml:"refresh"`
	} `yaml:"login"`
	Refresh struct {
		Path   string `yaml:"path"`
		Token  string `yaml:"token"`
		Access string `yaml:"access"`
	} `yaml:"refresh"`
	Answer struct {
		Status  string `yaml:"status"`
		Success string `yaml:"success"`
		Code    string `yaml:"code"`
		Message string `yaml:"message"`
	} `yaml:"answer"`
	Tickets struct {
		Path     string            `yaml:"path"`
		List     string            `yaml:"list"`
		ID       string            `yaml:"id"`
		Created  string            `yaml:"created"`
		Status   string            `yaml:"status"`
		Statuses map[string]string `yaml:"statuses"`
		Names    string            `yaml:"names"`
		IPv4     string            `yaml:"ipv4"`
		IPv6     string            `yaml:"ipv6"`
	} `yaml:"tickets"`
	Lists     map[Kind]List `yaml:"lists"`
	Processed struct {
		Path  string `yaml:"path"`
		Value string `yaml:"value"`
		Time  string `yaml:"time"`
	} `yaml:"processed"`
	Unprocessed struct {
		Path      string `yaml:"path"`
		Value     string `yaml:"value"`
		Reason    string `yaml:"reason"`
		Note      string `yaml:"note"`
		Protected string `yaml:"protected"`
		Invalid   string `yaml:"invalid"`
	} `yaml:"unprocessed"`
	Window    string            `yaml:"window"`
	Final     map[string]string `yaml:"final"`
	Match     string            `yaml:"match"`
	Addresses string            `yaml:"addresses"`
	ID        string            `yaml:"id"`
	Order     map[string]any    `yaml:"order"`
	Guards    struct {
		// MaxDrop (percent) and SmallDrop limit the items that one round may end. The larger limit
		// counts.
		MaxDrop   string `yaml:"max_drop"`
		SmallDrop int    `yaml:"small_drop"`
		Settled   string `yaml:"settled"`
	} `yaml:"guards"`

	loc             *time.Location
	window, settled time.Duration
	maxDrop         float64
	template        *order.Order
}

// A Kind is the kind of an item.
type Kind string

// These are the kinds of items.
const (
	Names Kind = "names"
	IPv4  Kind = "ipv4"
	IPv6  Kind = "ipv6"
)

var kinds = []Kind{Names, IPv4, IPv6}

// A List is a list of all items of one kind, with its checksum.
type List struct {
	Path     string `yaml:"path"`
	Checksum string `yaml:"checksum"`
	// Digest is "sha256", or empty for an unknown form of checksum.
	Digest string `yaml:"digest"`
}

// sha256Digest is the only value of List.Digest.
const sha256Digest = "sha256"

const (
	take = "take" // the items of the ticket are to be blocked
	wait = "wait" // the ticket is not complete, and its orders stay as they are
)

//go:embed platforms/*.yaml
var embedded embed.FS

// Platforms has the descriptions of the program.
var Platforms = &catalog.Catalog{Kind: "platform", Files: embedded, Folder: "platforms"}

// Schema is the JSON Schema of descriptions.
//
//go:embed schema.json
var Schema []byte

// Load finds and parses the description of a platform. The directory may be "".
func Load(name, dir string) (*Platform, error) {
	data, place, err := Platforms.Find(name, dir)
	if err != nil {
		return nil, err
	}
	base := catalog.NameOf(name)
	p, err := Parse(base, data)
	if err != nil {
		return nil, fmt.Errorf("platform %s (%s): %w", base, place, err)
	}
	return p, nil
}

// Parse parses the description of the platform with the given name. The error is a
// [catalog.Problems].
func Parse(name string, data []byte) (*Platform, error) {
	p := &Platform{}
	d, err := Platforms.Decode(name, data, p)
	if err != nil {
		return nil, err
	}
	if !idForm.MatchString(p.Name) {
		d.Bad("platform", "must have lower-case letters, digits and hyphens, got %q", p.Name)
	}
	p.check(d.Bad)
	return p, d.Err()
}

// The ids of orders begin with the name of the platform.
var idForm = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,40}$`)

// check checks the description and sets its compiled fields.
func (p *Platform) check(bad func(key, format string, args ...any)) {
	for _, f := range []struct{ key, is string }{
		{"title", p.Title}, {"seen", p.Seen}, {"login.path", p.Login.Path}, {"login.user", p.Login.User}, {"login.password", p.Login.Password},
		{"login.access", p.Login.Access}, {"tickets.path", p.Tickets.Path}, {"tickets.id", p.Tickets.ID}, {"tickets.created", p.Tickets.Created},
		{"answer.status", p.Answer.Status}, {"answer.success", p.Answer.Success}, {"processed.path", p.Processed.Path}, {"processed.value", p.Processed.Value},
		{"unprocessed.path", p.Unprocessed.Path}, {"unprocessed.value", p.Unprocessed.Value},
	} {
		if f.is == "" {
			bad(f.key, "is required")
		}
	}
	if p.Tickets.Names+p.Tickets.IPv4+p.Tickets.IPv6 == "" {
		bad("tickets", "has no field with items: names, ipv4 or ipv6")
	}
	if _, err := checkBase(p.Base); err != nil {
		bad("base", "%v", err)
	}
	if (p.Refresh.Path == "") != (p.Refresh.Token == "") || (p.Refresh.Path == "") != (p.Refresh.Access == "") || (p.Refresh.Path == "") != (p.Login.Refresh == "") {
		bad("refresh", "needs path, token and access, and login.refresh")
	}
	if !idForm.MatchString(p.ID) {
		bad("id", "must have lower-case letters, digits and hyphens, got %q", p.ID)
	}
	if p.Tickets.Status == "" && len(p.Tickets.Statuses) > 0 {
		bad("tickets.statuses", "needs tickets.status")
	}
	if len(p.Final) > 0 && p.Answer.Code == "" {
		bad("final", "needs answer.code")
	}
	if p.Unprocessed.Reason == "" && p.Unprocessed.Protected+p.Unprocessed.Invalid != "" {
		bad("unprocessed", "protected and invalid need reason")
	}
	for _, s := range slices.Sorted(maps.Keys(p.Tickets.Statuses)) {
		if w := p.Tickets.Statuses[s]; w != take && w != wait {
			bad("tickets.statuses."+s, "must be take or wait, got %q", w)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(p.Lists)) {
		if !slices.Contains(kinds, k) {
			bad("lists."+string(k), "must be one of names, ipv4 and ipv6, got %q", k)
		}
		if p.Lists[k].Path == "" {
			bad("lists."+string(k), "path is required")
		}
		if d := p.Lists[k].Digest; d != "" && d != sha256Digest || d != "" && p.Lists[k].Checksum == "" {
			bad("lists."+string(k)+".digest", "must be sha256, and needs checksum, got %q", d)
		}
	}
	if p.Match != "exact" && p.Match != "subtree" {
		bad("match", "must be exact or subtree, got %q", p.Match)
	}
	if _, ok := order.ParseEnforcedBy(p.Addresses); !ok {
		bad("addresses", "must be network, dns or none, got %q", p.Addresses)
	}
	p.window = duration(bad, "window", p.Window, 0)
	p.settled = duration(bad, "guards.settled", p.Guards.Settled, 10*time.Minute)
	percent, ok := strings.CutSuffix(p.Guards.MaxDrop, "%")
	var err error
	if p.maxDrop, err = strconv.ParseFloat(percent, 64); err != nil || !ok || !(p.maxDrop >= 0 && p.maxDrop <= 100) {
		bad("guards.max_drop", "must be a percentage such as 10%%, got %q", p.Guards.MaxDrop)
	}
	if p.Guards.SmallDrop < 0 {
		bad("guards.small_drop", "must not be negative, got %d", p.Guards.SmallDrop)
	}
	if p.Timezone == "" {
		p.Timezone = "UTC"
	}
	if p.loc, err = time.LoadLocation(p.Timezone); err != nil {
		bad("timezone", "must be an IANA time zone such as Europe/Rome, got %q", p.Timezone)
		return
	}
	p.checkOrder(bad)
}

func duration(bad func(key, format string, args ...any), key, text string, otherwise time.Duration) time.Duration {
	if text == "" {
		return otherwise
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		bad(key, "must be a time such as 48h or 10m, got %q", text)
	}
	return d
}

func (p *Platform) checkOrder(bad func(key, format string, args ...any)) {
	for _, key := range []string{"id", "targets", "targets_from", "issued", "served", "action", "windows", "references", "reported", "acknowledged", "lifts", "until"} {
		if p.Order[key] != nil {
			bad("order."+key, "is made by the feed and is no key of a description")
		}
	}
	fields := maps.Clone(p.Order)
	if fields == nil {
		fields = map[string]any{}
	}
	fields["id"] = "example"
	if fields["deadline"] != nil {
		fields["served"] = "2000-01-01T00:00:00Z"
	}
	h := importer.Head{Timezone: p.Timezone, Fields: fields}
	o, err := h.Order()
	if err != nil {
		bad("order", "%v", err)
		return
	}
	if o.Scope == nil || o.Scope.Global || len(o.Scope.Countries) == 0 {
		bad("order.scope", "needs countries, because an authority has power only in its country")
	}
	if o.Deadline != order.NoTime && o.DeadlineAfter == 0 {
		bad("order.deadline", "must be a duration after the time of service, such as 30m")
	}
	o.Targets, o.Line, o.Column = nil, 0, 0
	o.Served, o.Deadline = order.NoTime, order.NoTime
	p.template = o
}

func (p *Platform) reason(protected bool) (reason, key string, ok bool) {
	reason, key = p.Unprocessed.Invalid, "unprocessed.invalid"
	if protected {
		reason, key = p.Unprocessed.Protected, "unprocessed.protected"
	}
	return reason, key, reason != "" || p.Unprocessed.Reason == ""
}

// Sealed reports whether the orders of the platform are secret.
func (p *Platform) Sealed() bool { return p.template.Disclosure.Sealed() }

// Without TLS, allow only a loopback address, because the password is not encrypted.
func checkBase(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return nil, errors.New("is not a URL")
	case u.User != nil:
		return nil, errors.New("must not have a password; use a file with credentials")
	case u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, fmt.Errorf("must be like https://platform.example/api, got %q", s)
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return nil, fmt.Errorf("the password would cross the network in clear text; use https, got %q", s)
	}
	return u, nil
}
