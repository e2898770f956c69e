package order

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// decoder turns nodes into values and collects problems. Each method returns a
// usable zero value after reporting, so that one pass finds every problem.
type decoder struct {
	file     string
	json     bool // JSON: a number is not a string
	loc      *time.Location
	order    string // id of the order being read
	problems Problems
}

// maxProblems bounds the list: a file of a million bad lines is one mistake.
const maxProblems = 10000

func (d *decoder) add(p Problem) {
	switch {
	case len(d.problems) > maxProblems:
		return
	case len(d.problems) == maxProblems:
		p = Problem{Msg: fmt.Sprintf("more than %d problems; the rest is not listed", maxProblems)}
	}
	p.File, p.Order = d.file, d.order
	d.problems = append(d.problems, p)
}

// fault reports what is wrong at n without repeating a value.
func (d *decoder) fault(n *yaml.Node, field, format string, args ...any) {
	d.add(Problem{Line: n.Line, Column: n.Column, Field: field, Msg: fmt.Sprintf(format, args...)})
}

// bad reports what is wrong with the value of n.
func (d *decoder) bad(n *yaml.Node, field, format string, args ...any) {
	got := n.Value
	switch n.Kind {
	case yaml.MappingNode:
		got = "{...}"
	case yaml.SequenceNode:
		got = "[...]"
	}
	d.add(Problem{Line: n.Line, Column: n.Column, Field: field, Msg: fmt.Sprintf(format, args...), Got: got, HasGot: true})
}

// plain refuses what YAML offers beyond JSON's model; the node's content must
// not be looked at when it returns false.
func (d *decoder) plain(n *yaml.Node, field string) bool {
	switch {
	case n.Kind == yaml.AliasNode:
		d.fault(n, field, "aliases are not allowed in an order file")
	case n.Anchor != "":
		d.fault(n, field, "anchors are not allowed in an order file")
	case n.Style&yaml.TaggedStyle != 0:
		d.fault(n, field, "tags are not allowed in an order file")
	default:
		return true
	}
	return false
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// pair is one entry of a mapping.
type pair struct{ key, value *yaml.Node }

// mapping returns the entries of a mapping whose value is not null, having
// refused duplicate keys.
func (d *decoder) mapping(n *yaml.Node, field string) []pair {
	if !d.plain(n, field) {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		d.bad(n, field, "must be a mapping")
		return nil
	}
	pairs := make([]pair, 0, len(n.Content)/2)
	first := make(map[string]int, len(n.Content)/2) // key -> line
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if !d.plain(k, field) {
			continue
		}
		if k.Kind != yaml.ScalarNode {
			d.bad(k, field, "a key must be a word")
			continue
		}
		if k.Tag == "!!merge" {
			d.fault(k, field, "merge keys are not allowed in an order file")
			continue
		}
		line, dup := first[k.Value]
		if dup {
			d.fault(k, join(field, k.Value), "duplicate key, first used on line %d", line)
			continue
		}
		first[k.Value] = k.Line
		if !d.plain(v, join(field, k.Value)) || isNull(v) {
			continue
		}
		pairs = append(pairs, pair{k, v})
	}
	return pairs
}

// object decodes a mapping by a table of its keys; unknown keys are problems.
func (d *decoder) object(n *yaml.Node, field string, keys map[string]func(n *yaml.Node, field string)) {
	for _, p := range d.mapping(n, field) {
		if f, ok := keys[p.key.Value]; ok {
			f(p.value, join(field, p.key.Value))
		} else {
			d.fault(p.key, join(field, p.key.Value), "unknown key")
		}
	}
}

// list returns the items of a sequence.
func (d *decoder) list(n *yaml.Node, field string) []*yaml.Node {
	if n.Kind != yaml.SequenceNode {
		d.bad(n, field, "must be a list")
		return nil
	}
	items := make([]*yaml.Node, 0, len(n.Content))
	for i, item := range n.Content {
		if !d.plain(item, index(field, i)) {
			continue
		}
		if isNull(item) {
			d.fault(item, index(field, i), "is empty")
			continue
		}
		items = append(items, item)
	}
	return items
}

// text returns a scalar as it was written. YAML's plain numbers and dates are
// text too: "references: [2719]" loses nothing. Only true and false are
// refused, since who writes them means something else.
func (d *decoder) text(n *yaml.Node, field string) string {
	switch {
	case n.Kind != yaml.ScalarNode,
		n.Tag == "!!bool",
		d.json && n.Tag != "!!str":
		d.bad(n, field, "must be a string")
		return ""
	case strings.TrimSpace(n.Value) == "":
		d.bad(n, field, "is empty")
		return ""
	}
	return n.Value
}

func (d *decoder) texts(n *yaml.Node, field string) []string {
	var out []string
	for i, item := range d.list(n, field) {
		out = append(out, d.text(item, index(field, i)))
	}
	return out
}

func (d *decoder) boolean(n *yaml.Node, field string) bool {
	if n.Kind != yaml.ScalarNode || n.Tag != "!!bool" {
		d.bad(n, field, "must be true or false")
		return false
	}
	return n.Value == "true" || n.Value == "True" || n.Value == "TRUE"
}

// natural decodes a non-negative decimal integer.
func (d *decoder) natural(n *yaml.Node, field string) int64 {
	v, err := strconv.ParseInt(n.Value, 10, 64)
	if n.Kind != yaml.ScalarNode || n.Tag != "!!int" || err != nil || v < 0 || strings.HasPrefix(n.Value, "+") {
		d.bad(n, field, "must be a whole number from 0")
		return 0
	}
	return v
}

// choice decodes one of a few words.
func choice[T any](d *decoder, n *yaml.Node, field string, words []string, values ...T) T {
	for i, w := range words {
		if n.Kind == yaml.ScalarNode && n.Value == w {
			return values[i]
		}
	}
	d.bad(n, field, "must be one of %s", strings.Join(words, ", "))
	var zero T
	return zero
}

// duration decodes Go's durations, with "d" for 24 hours as the largest unit.
func parseDuration(s string) (time.Duration, error) {
	rest := s
	var days time.Duration
	if before, after, ok := strings.Cut(s, "d"); ok {
		n, err := strconv.ParseUint(before, 10, 16)
		if err != nil {
			return 0, err
		}
		days, rest = time.Duration(n)*24*time.Hour, after
		if rest == "" {
			return days, nil
		}
	}
	v, err := time.ParseDuration(rest)
	if err == nil && v < 0 {
		err = strconv.ErrRange
	}
	return days + v, err
}

// MaxTTL bounds the TTL of blocking answers: a block that is lifted must not
// live on in caches.
const MaxTTL = time.Hour

func (d *decoder) ttl(n *yaml.Node, field string) time.Duration {
	v, err := parseDuration(d.text(n, field))
	if err != nil || v > MaxTTL || v%time.Second != 0 {
		d.bad(n, field, "must be whole seconds from 0s to %s, such as 30s or 5m", "1h")
		return -1
	}
	return v
}

func (d *decoder) sha256(n *yaml.Node, field string) string {
	s := strings.ToLower(d.text(n, field))
	if b, err := hex.DecodeString(s); err != nil || len(b) != 32 {
		d.bad(n, field, "must be a SHA-256 digest, 64 hexadecimal digits")
		return ""
	}
	return s
}

func join(field, key string) string {
	if field == "" {
		return key
	}
	return field + "." + key
}

func index(field string, i int) string { return fmt.Sprintf("%s[%d]", field, i) }
