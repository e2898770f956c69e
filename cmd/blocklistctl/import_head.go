package main

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"

	"github.com/dns-orders/blocklist/plugin/importer"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/printable"
)

// These flags are for the fields of an order. The struct tag "key" contains the name of the field.
type headFlags struct {
	ID               string   `key:"id" name:"id" placeholder:"ID" help:"The order's id."`
	Authority        string   `key:"authority.name" placeholder:"NAME" help:"The authority's name."`
	AuthorityCountry string   `key:"authority.country" placeholder:"CC" help:"The country of the authority."`
	AuthorityKind    string   `key:"authority.kind" placeholder:"KIND" help:"The kind of the authority: court, regulator, law or operator."`
	Action           string   `key:"action" enum:"block,lift" default:"block" help:"block (default) or lift."`
	Lifts            []string `key:"lifts" placeholder:"ID" help:"For a lift: the orders that it ends. The default is the earlier orders of the authority."`
	Scope            string   `key:"scope" placeholder:"global" help:"The order is for every client. A block order requires --scope, --scope-country or --scope-client."`
	ScopeCountry     []string `key:"scope.countries" placeholder:"CC" help:"The order is for clients in this country."`
	ScopeClient      []string `key:"scope.clients" placeholder:"CIDR" help:"The order is for clients in this network."`
	Reference        []string `key:"references" sep:"none" placeholder:"TEXT" help:"The number of a case, decision or ticket."`
	Issued           string   `key:"issued" placeholder:"TIME" help:"When the authority decided."`
	Served           string   `key:"served" placeholder:"TIME" help:"When the operator received the order."`
	Acknowledged     string   `key:"acknowledged" placeholder:"TIME" help:"When the operator confirmed the receipt to the authority."`
	Reported         string   `key:"reported" placeholder:"TIME" help:"When the operator reported to the authority that the order is in force."`
	Deadline         string   `key:"deadline" placeholder:"TIME" help:"When the order must be in force, or a duration after --served."`
	From             string   `key:"from" placeholder:"TIME" help:"Start of the order. Without --from, it is in force at once."`
	Until            string   `key:"until" placeholder:"TIME" help:"End of the order."`
	Review           string   `key:"review" placeholder:"TIME" help:"When a person must look at the order again."`
	Timezone         string   `key:"timezone" placeholder:"ZONE" help:"The time zone of dates, and of times without an offset (default UTC)."`
	Status           string   `key:"status" placeholder:"STATUS" help:"active (default), shadow, draft or suspended."`
	Response         string   `key:"response" placeholder:"KIND" help:"${responses} to redirect to, separated by commas."`
	TTL              string   `key:"ttl" name:"ttl" placeholder:"DURATION" help:"The TTL of the answers."`
	Disclosure       string   `key:"disclosure" placeholder:"WORD" help:"full (default), schedule, code or none."`
	Basis            string   `key:"basis" placeholder:"TEXT" help:"The legal basis."`
	Category         string   `key:"category" placeholder:"TEXT" help:"For example copyright or gambling."`
	Subject          string   `key:"subject" placeholder:"TEXT" help:"The person or thing that the decision is about."`
	Note             string   `key:"note" placeholder:"TEXT" help:"A note."`
	Claimant         string   `key:"claimant" placeholder:"TEXT" help:"The person or company that asked for the order."`
	Redress          string   `key:"redress" placeholder:"TEXT" help:"How to object to the order, and to which body."`
	URL              string   `key:"url" name:"url" placeholder:"URL" help:"A public page about the order."`
	ReportTo         string   `key:"report_to" placeholder:"TEXT" help:"The address for the report that the order is in force."`
}

// The keys are names of fields, for example scope.countries. The values are flags, for example
// --scope-country.
var flagNames = func() map[string]string {
	names, t := map[string]string{}, reflect.TypeFor[headFlags]()
	for i := range t.NumField() {
		f := t.Field(i)
		name := f.Tag.Get("name")
		if name == "" {
			name = strings.ToLower(wordStart.ReplaceAllString(f.Name, "$1-$2"))
		}
		names[f.Tag.Get("key")] = "--" + name
	}
	return names
}()

var wordStart = regexp.MustCompile(`([a-z])([A-Z])`)

func (f *headFlags) head() *importer.Head {
	h := &importer.Head{Timezone: f.Timezone, Fields: map[string]any{}}
	v := reflect.ValueOf(f).Elem()
	for i := range v.NumField() {
		if x := v.Field(i); !x.IsZero() {
			h.Fields[v.Type().Field(i).Tag.Get("key")] = x.Interface()
		}
	}
	delete(h.Fields, "timezone") // the time zone is a key of the file, not of the order
	if _, word := order.ParseResponseKind(f.Response); !word && f.Response != "" {
		delete(h.Fields, "response")
		h.Fields["response.redirect"] = strings.Split(f.Response, ",")
	}
	return h
}

func flagOf(field string) string {
	key := strings.TrimRight(field, "[]0123456789")
	if key == "scope" {
		return "--scope, --scope-country or --scope-client"
	}
	outer, _, _ := strings.Cut(key, ".")
	for _, k := range []string{key, key + ".name", outer} {
		if name, ok := flagNames[k]; ok {
			return name
		}
	}
	return field
}

var minutes = regexp.MustCompile(`(?i)^\s*(\d+)\s*(?:min|mins|minutes?)\.?\s*$`)

func (f *headFlags) missing() []string {
	return []string{without(f.ID == "", "--id ID"), without(f.Authority == "", "--authority NAME")}
}

func (f *headFlags) check() error {
	places := len(f.ScopeCountry) + len(f.ScopeClient)
	switch {
	case f.Scope != "" && f.Scope != "global":
		if code := order.CountryNamed(f.Scope); code != "" {
			return misuse("--scope must be global; for clients in %s give --scope-country %s, got %q", printable.Line(f.Scope), code, f.Scope)
		}
		return misuse("--scope must be global; for clients in Italy give --scope-country IT, got %q", f.Scope)
	case f.Scope == "global" && places > 0:
		return misuse("--scope global is for every client and cannot be used with --scope-country or --scope-client")
	}
	if m := minutes.FindStringSubmatch(f.Deadline); m != nil {
		return misuse("--deadline: write --deadline %sm, got %q", m[1], f.Deadline)
	}
	return nil
}

func (f *headFlags) badField(p order.Problem) string {
	if p.Field == "scope" && f.Scope == "" {
		return fmt.Sprintf("--scope-country or --scope: is required; give --scope-country %s for clients in that country, or --scope global for every client", f.ownCountry())
	}
	text := flagOf(p.Field) + ": " + p.Msg
	if p.HasGot {
		text += fmt.Sprintf(", got %q", p.Got)
	}
	return text
}

func (f *headFlags) ownCountry() string {
	if f.AuthorityCountry == "" {
		return "IT"
	}
	return strings.ToUpper(printable.Line(f.AuthorityCountry))
}

func checkFolder(path string) error {
	if path == "" {
		return nil
	}
	dir := filepath.Dir(path)
	if _, err := os.Stat(dir); os.IsNotExist(err) {
		return fmt.Errorf("%s: there is no such directory", printable.Line(dir))
	}
	return nil
}
