package order

import (
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/dns-orders/blocklist/plugin/dname"
	"go.yaml.in/yaml/v3"
	"golang.org/x/text/unicode/norm"
)

// The functions in this file write advice for error messages.

func flow(s string) string {
	s = clip(unquoted(s))
	for i, r := range s {
		word := unicode.IsLetter(r) || unicode.IsDigit(r)
		inside := i > 0 && strings.ContainsRune(" ._/-+()'", r)
		if !word && !inside {
			return quotedFlow(s)
		}
	}
	if s != strings.TrimSpace(s) || s == "" || oldBool[strings.ToLower(s)] != "" {
		return quotedFlow(s)
	}
	return s
}

// Go escapes are valid in YAML. They protect terminals from control characters.
func quotedFlow(s string) string { return strconv.Quote(s) }

func unquoted(s string) string {
	return strings.TrimFunc(strings.TrimSpace(s), func(r rune) bool {
		return strings.ContainsRune("\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u00ab\u00bb", r)
	})
}

func lastKey(field string) string {
	key := field[strings.LastIndexByte(field, '.')+1:]
	key, _, _ = strings.Cut(key, "[")
	return key
}

func notAList(n *yaml.Node, field string) string {
	key := lastKey(field)
	if n.Kind == yaml.MappingNode {
		return `must be a list; write "- " before each item`
	}
	s := unquoted(n.Value)
	switch {
	case n.Kind != yaml.ScalarNode || s == "":
		return "must be a list"
	case s[0] == '-' && len(s) > 1:
		return fmt.Sprintf(`must be a list; write a blank behind each "-", as in - %s`, flow(strings.Fields(strings.TrimLeft(s, "- ") + " -")[0]))
	case key == "references":
		return fmt.Sprintf("must be a list; write %s: [%s]", key, quotedFlow(clip(s)))
	case key == "orders" || key == "windows" || key == "filtering_databases":
		return "must be a list"
	}
	var items []string
	for item := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == ',' || r == ';' }) {
		if c := countryOf(unquoted(item)); key == "countries" && c != "" {
			item = string(c)
		}
		items = append(items, flow(item))
	}
	return fmt.Sprintf("must be a list; write %s: [%s]", key, clip(strings.Join(items, ", ")))
}

func scopeAdvice(n *yaml.Node) string {
	items := strings.FieldsFunc(n.Value, func(r rune) bool { return r == ',' || r == ';' })
	if n.Kind == yaml.SequenceNode {
		items = nil
		for _, item := range n.Content {
			items = append(items, item.Value)
		}
	}
	if len(items) > 1 || n.Kind == yaml.SequenceNode {
		return scopeOf(items)
	}
	s := unquoted(n.Value)
	if c, all := strings.CutSuffix(s, "+"); all && countryOf(c) != "" {
		return fmt.Sprintf("; write scope: {countries: [%s+]}", countryOf(c))
	}
	if c := countryOf(s); c != "" {
		return fmt.Sprintf("; write scope: {countries: [%s]}", c)
	}
	if _, why := ParsePrefix(s); why == "" {
		return fmt.Sprintf("; write scope: {clients: [%s]}", flow(s))
	}
	return didYouMean(s, slices.Values([]string{"global"}))
}

func scopeOf(items []string) string {
	var countries, clients []string
	for _, item := range items {
		item = unquoted(item)
		code, plus := strings.CutSuffix(item, "+")
		if c := countryOf(code); c != "" {
			if item = string(c); plus {
				item += "+"
			}
			countries = append(countries, item)
		} else if _, why := ParsePrefix(item); why == "" {
			clients = append(clients, flow(item))
		} else {
			return ""
		}
	}
	var keys []string
	if len(countries) > 0 {
		keys = append(keys, "countries: ["+clip(strings.Join(countries, ", "))+"]")
	}
	if len(clients) > 0 {
		keys = append(keys, "clients: ["+clip(strings.Join(clients, ", "))+"]")
	}
	if len(keys) == 0 {
		return ""
	}
	return "; write scope: {" + strings.Join(keys, ", ") + "}"
}

func (p *parser) handleAdvice(s string) string {
	handles := func(yield func(string) bool) {
		for h := range p.handles {
			if !yield(h) {
				return
			}
		}
	}
	if near := didYouMean(s, handles); near != "" {
		return near
	}
	return fmt.Sprintf("; write authority: {name: %s, country: CODE, kind: court}", flow(s))
}

func idAdvice(s string) string {
	var b strings.Builder
	gap := false
	for _, r := range norm.NFKD.String(unquoted(s)) {
		switch {
		case unicode.Is(unicode.Mn, r): // the accent of the letter before it
		case r < 0x80 && isID(string(r)):
			if gap && b.Len() > 0 {
				b.WriteByte('-')
			}
			b.WriteRune(r)
			gap = false
		case unicode.IsLetter(r):
			return "" // no advice for a text in another script
		default:
			gap = true
		}
	}
	id := b.String()
	if id == "" || len(id) > 128 {
		return ""
	}
	return "; write id: " + id
}

func targetAdvice(written string, err error) string {
	s := unquoted(written)
	if _, why := ParsePrefix(strings.Trim(s, "[]")); why == "" {
		return fmt.Sprintf("is an IP address or network, not a name; write {address: %s}", flow(strings.Trim(s, "[]")))
	}
	if _, _, e := ParseTarget(s); e == nil {
		return "has quotation marks of a word processor; write " + flow(s)
	}
	scheme := strings.Contains(s, "://")
	u := s
	if !scheme {
		u = "http://" + strings.TrimLeft(s, "/")
	}
	_, rest, _ := strings.Cut(u, "://")
	end := strings.IndexAny(rest+"/", `/?#\`)
	host := hostOf(rest[:end])
	name, match, e := ParseTarget(host)
	instead, whole := "", "name"
	if _, why := ParsePrefix(host); why == "" {
		instead, whole = fmt.Sprintf("{address: %s}", flow(host)), "address"
	} else if e != nil {
		return err.Error()
	} else {
		instead = flow((&Target{Name: name, Match: match}).Pattern())
	}
	page := strings.Trim(rest[end:], `/\`) != ""
	switch {
	case page && scheme:
		return fmt.Sprintf("has a path; write %s for the whole %s, or {url: %s} for the page, which DNS cannot block", instead, whole, quotedFlow(clip(s)))
	case page:
		return fmt.Sprintf("has a path; write %s for the whole %s, or {url: %s} for the page, which DNS cannot block", instead, whole, quotedFlow(clip("https://"+strings.TrimLeft(s, "/"))))
	case scheme:
		return "has a scheme; write " + instead
	case strings.Contains(rest[:end], "@"): // no advice for a URL with a user name
	case host != rest[:end] && whole == "address":
		return "has a port; write " + instead
	case host != rest[:end]:
		return "has a port, and DNS blocks a name for all ports; write " + instead
	case end < len(rest):
		return "has a slash behind it; write " + instead
	}
	return err.Error()
}

func wordAdvice(s string, words []string) string {
	if w := synonyms[strings.ToLower(unquoted(s))]; slices.Contains(words, w) {
		return fmt.Sprintf("; did you mean %q?", w)
	}
	return didYouMean(unquoted(s), slices.Values(words))
}

func contactAdvice(s string) string {
	number := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || strings.ContainsRune("()/", r) {
			return -1
		}
		return r
	}, s)
	before, after, _ := strings.Cut(s, "@")
	_, err := dname.Parse(after)
	switch {
	case before != "" && err == nil && ContactURI("mailto:"+s):
		return fmt.Sprintf("; write %q", "mailto:"+s)
	case strings.HasPrefix(number, "+") && strings.Trim(number, "+0123456789-.") == "":
		return fmt.Sprintf("; write %q", "tel:"+number)
	}
	return ""
}

func (d *decoder) unknownKey(mapping, n *yaml.Node, field string, own iter.Seq[string]) {
	if key, value, ok := strings.Cut(n.Value, ":"); ok && keyHomes[key] != "" {
		const what = "unknown key; write a blank behind the colon"
		d.add(Problem{Line: n.Line, Column: n.Column, Field: field, Msg: fmt.Sprintf("%s: %s: %s", what, key, flow(value)), public: what})
		return
	}
	more := didYouMean(unquoted(n.Value), own)
	if stem := strings.TrimRight(n.Value, "sy"); len(stem) >= 5 && more == "" {
		for key := range own {
			if strings.HasPrefix(key, stem) {
				more = fmt.Sprintf("; did you mean %q?", key)
			}
		}
	}
	if parent := emptyAbove(mapping, n); parent != "" {
		more = "; indent it below " + parent
	}
	if more == "" {
		more = keyHomes[n.Value]
	}
	d.fault(n, field, "unknown key%s", more)
}

func misspelled(root *yaml.Node, want string) bool {
	for i := 0; i+1 < len(root.Content); i += 2 {
		key := unquoted(root.Content[i].Value)
		if !slices.Contains(fileShape.keys, key) && Nearest(key, slices.Values(fileShape.keys)) == want {
			return true
		}
	}
	return false
}

func emptyAbove(mapping, n *yaml.Node) (parent string) {
	for i := 0; i+1 < len(mapping.Content) && mapping.Content[i] != n; i += 2 {
		if key := mapping.Content[i].Value; isNull(mapping.Content[i+1]) && slices.Contains(subKeys[key], n.Value) {
			parent = key
		}
	}
	return parent
}

var keyHomes = map[string]string{}

var subKeys = map[string][]string{}

func init() {
	for _, f := range fields {
		if s := orderShape.sub[f.key]; s != nil {
			subKeys[f.key] = s.keys
			for _, key := range s.keys {
				if keyHomes[key] == "" {
					keyHomes[key] = "; it is a key of " + f.key
				} else {
					keyHomes[key] += " and of " + f.key
				}
			}
		}
	}
	for _, key := range fileShape.keys {
		keyHomes[key] = "; it is a key of the file, which is not indented"
	}
	for _, key := range orderShape.keys {
		keyHomes[key] = "; it is a key of an order, so check how far the line is indented"
	}
}

// YAML reads {scope:global} as the key "scope:global" without a value.
func (d *decoder) nullKeys(n *yaml.Node, field string, own iter.Seq[string], known func(string) bool) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if k := n.Content[i]; isNull(n.Content[i+1]) && k.Kind == yaml.ScalarNode && isPlain(k) && k.Value != "" && k.Tag != "!!merge" && !known(k.Value) {
			d.unknownKey(n, k, join(field, k.Value), own)
		}
	}
}

func hasNulls(n *yaml.Node) bool {
	if n.Kind != yaml.MappingNode || !isPlain(n) {
		return false
	}
	for i := 1; i < len(n.Content); i += 2 {
		if isNull(n.Content[i]) {
			return true
		}
	}
	return false
}
