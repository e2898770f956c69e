package register

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strings"

	"github.com/dns-orders/blocklist/plugin/importer"
	"github.com/dns-orders/blocklist/plugin/order"
)

func (r *run) readLines(text string) error {
	r.list()
	var fixed strings.Builder
	at := r.skipped
	for line := range strings.Lines(text) {
		at++
		if use, ok := r.correct(at, "name", strings.TrimSpace(line)); ok {
			fixed.WriteString(use + "\n")
			continue
		}
		fixed.WriteString(line)
	}
	res, err := importer.Domains(strings.NewReader(fixed.String()), r.clean)
	var format *importer.FormatError
	switch {
	case errors.As(err, &format):
		return fmt.Errorf("is probably %s, not a list of names, because of line %d: %q", format.Format, format.Line+r.skipped, clip(format.Text))
	case errors.Is(err, importer.ErrEmpty) && res.Refused == 0:
		return errors.New("has no name")
	case err != nil && !errors.Is(err, importer.ErrEmpty):
		return err
	}
	r.rows += res.Lines - res.Blank - res.Comments - res.Passed
	r.out.Repeated += res.Duplicates
	for _, n := range res.Notes {
		r.note(n.Line+r.skipped, "name", n.Raw, &n)
	}
	for _, t := range res.Targets {
		if err := r.decisions(t.Line+r.skipped, taken, []order.Target{t}, order.NoTime); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) eachLine(text, comments string, f func(at int, line string) error) error {
	at := r.skipped
	for line := range strings.Lines(text) {
		at++
		if line = strings.TrimSpace(line); line == "" || strings.ContainsRune(comments, rune(line[0])) {
			continue
		}
		if err := f(at, line); err != nil {
			return err
		}
	}
	return nil
}

// Hosts files contain these names of the local machine.
var ownNames = map[string]bool{"localhost": true, "localhost.localdomain": true, "local": true, "broadcasthost": true, "0.0.0.0": true,
	"ip6-localhost": true, "ip6-loopback": true, "ip6-localnet": true, "ip6-mcastprefix": true, "ip6-allnodes": true, "ip6-allrouters": true, "ip6-allhosts": true}

func (r *run) readHosts(text string) error {
	r.list()
	return r.eachLine(text, "#", func(at int, line string) error {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) == 0 {
			return nil
		}
		a, err := netip.ParseAddr(words[0])
		if err != nil || len(words) == 1 {
			return fmt.Errorf("line %d is no line of a hosts file: %q", at, clip(line))
		}
		address := ""
		if a = a.WithZone("").Unmap(); !a.IsUnspecified() && !a.IsLoopback() {
			address = a.String()
		}
		for _, name := range words[1:] {
			if ownNames[strings.ToLower(name)] {
				continue
			}
			if err := r.row(at, []string{name, address}); err != nil {
				return err
			}
		}
		return nil
	})
}

var wholeHost = map[string]bool{"": true, "all": true, "document": true, "important": true, "popup": true, "doc": true}

// Browser add-ons write a whole site in this form: *://*.example.com/*.
var wholeSite = regexp.MustCompile(`^\*://\*\.([^/|*~#$^]+)/\*$`)

// Rules for whole hosts are ||example.com^, *://*.example.com/* and the exception @@||example.com^.
// All other rules have the action "other".
func (r *run) readAdblock(text string) error {
	r.list()
	return r.eachLine(text, "!", func(at int, line string) error {
		if at == r.skipped+1 && strings.HasPrefix(strings.ToLower(line), "[adblock") {
			return nil
		}
		if m := wholeSite.FindStringSubmatch(line); m != nil {
			return r.row(at, []string{m[1], "block"})
		}
		action, rule := "block", line
		if cut, ok := strings.CutPrefix(rule, "@@"); ok {
			action, rule = "except", cut
		}
		rule, options, _ := strings.Cut(rule, "$")
		host, ok := strings.CutPrefix(rule, "||")
		whole := ok
		for _, o := range strings.Split(options, ",") {
			whole = whole && wholeHost[strings.ToLower(o)]
		}
		host, ok = strings.CutSuffix(host, "^")
		if !whole || !ok || strings.ContainsAny(host, "/^|*~#") {
			return r.row(at, []string{line, "other"})
		}
		return r.row(at, []string{host, action})
	})
}
