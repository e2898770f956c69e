package main

import (
	_ "embed"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/printable"
)

// zoneTab lists the time zones of each country. It is the file zone.tab of the time zone database
// of IANA.
//
//go:embed zone.tab
var zoneTab string

// A countryZone is a time zone of a country.
type countryZone struct {
	country order.Country
	name    string // for example Europe/Berlin
	note    string // the part of the country, for example "most of Germany"; or ""
}

var countryZones = sync.OnceValue(func() (out []countryZone) {
	for line := range strings.Lines(zoneTab) {
		f := strings.Split(strings.TrimSpace(line), "\t")
		if strings.HasPrefix(line, "#") || len(f) < 3 {
			continue
		}
		z := countryZone{country: order.Country(f[0]), name: f[2]}
		if len(f) > 3 {
			z.note = f[3]
		}
		if isZone(z.name) {
			out = append(out, z)
		}
	}
	return out
})

// zonesOf returns the time zones of a country.
func zonesOf(c order.Country) (out []countryZone) {
	for _, z := range countryZones() {
		if z.country == c {
			out = append(out, z)
		}
	}
	return out
}

func isZone(s string) bool {
	zone, err := time.LoadLocation(s)
	return err == nil && s != "" && zone != time.Local
}

func city(s string) string {
	s = s[strings.LastIndexByte(s, '/')+1:]
	return strings.ToLower(plainLetters(strings.NewReplacer("_", " ", "-", " ").Replace(s)))
}

// The function accepts the name of a time zone, a city, or a country with one zone. If there is no
// zone, the second result is the reason.
func zoneNamed(s string) (zone, wrong string) {
	if isZone(s) {
		return s, ""
	}
	cities := []string{}
	for _, z := range countryZones() {
		if strings.EqualFold(z.name, s) || city(z.name) == city(s) {
			return z.name, ""
		}
		cities = append(cities, city(z.name))
	}
	if zones := zonesOf(countryNamed(s)); len(zones) == 1 {
		return zones[0].name, ""
	} else if len(zones) > 1 {
		return "", fmt.Sprintf("the country has %s, such as %s, got %q", count(len(zones), "time zone"), zones[0].name, s)
	}
	if near := order.Nearest(city(s), slices.Values(cities)); near != "" {
		return "", fmt.Sprintf("it must be a time zone or its city, such as %s, got %q", countryZones()[slices.Index(cities, near)].name, s)
	}
	return "", fmt.Sprintf("it must be a time zone such as Europe/Rome, or the city of a time zone, got %q", s)
}

func (c *addCmd) askZone(a *asker, path string) {
	if c.Timezone != "" {
		return
	}
	a.say("%s does not exist yet, and will be made.", printable.Line(path))
	q := question{text: "In which time zone are the dates and times that you will write? (for example Europe/Rome, or Rome)", flag: "--timezone",
		help: "A time without a zone on the paper is a time of the place of the authority."}
	var zones []countryZone
	if q.offer = neighbourZone(path); q.offer == "" {
		if c.AuthorityCountry == "" {
			a.askCountry(&c.AuthorityCountry, "In which country is the court or the authority that decided?", "")
		}
		country, _ := order.ParseCountry(c.AuthorityCountry)
		zones = zonesOf(country)
		local := localZone()
		switch {
		case len(zones) == 1:
			q.offer = zones[0].name
		case len(zones) == 0 && local != "" || slices.ContainsFunc(zones, func(z countryZone) bool { return z.name == local }):
			q.offer = local
		case len(zones) > 1:
			q.offer = zones[0].name
		}
	}
	if len(zones) == 1 || len(zones) > maxChoices {
		zones = nil
	}
	for i, z := range zones {
		q.text += fmt.Sprintf("\n  %d  %s", i+1, z.name)
		if z.note != "" {
			q.text += ": " + z.note
		}
	}
	q.take = func(answer string) string {
		for i, z := range zones {
			if answer == fmt.Sprint(i+1) {
				answer = z.name
			}
		}
		zone, wrong := zoneNamed(answer)
		if wrong == "" {
			c.Timezone = zone
			a.readAs(answer, zone)
		}
		return wrong
	}
	a.ask(q)
}

var timezoneKey = regexp.MustCompile(`(?m)(?:^timezone:[ \t]*["']?|^[ \t]*\{?.*"timezone"\s*:\s*")([A-Za-z][A-Za-z0-9+_/-]*)`)

func neighbourZone(path string) (zone string) {
	entries, _ := os.ReadDir(filepath.Dir(path))
	for _, entry := range entries {
		if !entry.Type().IsRegular() || !slices.Contains(order.Extensions, order.Ext(entry.Name())) || strings.HasPrefix(entry.Name(), ".") {
			continue
		}
		f, err := os.Open(filepath.Join(filepath.Dir(path), entry.Name()))
		if err != nil {
			continue
		}
		head, _ := io.ReadAll(io.LimitReader(f, 64<<10))
		f.Close()
		m := timezoneKey.FindSubmatch(head)
		switch {
		case m == nil || !isZone(string(m[1])):
		case zone == "" || zone == string(m[1]):
			zone = string(m[1])
		default:
			return ""
		}
	}
	return zone
}

// The result is the name of this computer's time zone, or "". UTC also gives "", because servers in
// every country use UTC.
func localZone() string {
	name := os.Getenv("TZ")
	if name == "" {
		link, _ := filepath.EvalSymlinks("/etc/localtime")
		_, name, _ = strings.Cut(link, "zoneinfo/")
	}
	if !isZone(name) || !strings.Contains(name, "/") || strings.HasPrefix(name, "Etc/") {
		return ""
	}
	return name
}
