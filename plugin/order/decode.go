package order

import (
	"encoding/hex"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

type decoder struct {
	file           string
	data           []byte // the text of the document, or of one line of JSON Lines
	lineNo, lineAt int
	json           bool // the format is JSON, in which a number is not a string
	loc            *time.Location
	order          string // the id of the current order
	owner          place  // where the order refers to the current side list
	problems       Problems
	failed         bool // problems has an error
	cut            bool // there were more than maxProblems problems
	pairs          []pair
	times          map[writtenTime]parsedTime // the times that were parsed before
}

const maxMsg = 1000

func (d *decoder) add(p Problem) {
	if !p.Warning {
		d.failed = true
	}
	if len(d.problems) >= maxProblems {
		d.cut = d.cut || !p.Warning
		return
	}
	p.Field, p.Got = Clip(p.Field), Clip(p.Got)
	if len(p.Msg) > maxMsg {
		p.Msg = Clip(p.Msg)
	}
	p.File, p.Order, p.owner = d.file, d.order, d.owner
	if p.outside = d.order == "" && d.owner.file == ""; p.outside && p.HasGot && p.public == "" {
		p.public, _, _ = strings.Cut(p.Msg, "; ") // the text after "; " is advice, which may repeat a secret value
	}
	d.problems = append(d.problems, p)
}

// The problem does not contain the value of the node.
func (d *decoder) fault(n *yaml.Node, field, format string, args ...any) {
	d.add(Problem{Line: n.Line, Column: n.Column, Field: field, Msg: fmt.Sprintf(format, args...)})
}

// The problem contains the value of the node.
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

const errAlias = `YAML reads a value that begins with "*" as an alias, and an order file has no aliases; put the value in quotes`

// An alias, an anchor or a tag is a problem. If the result is false, do not use the node.
func (d *decoder) plain(n *yaml.Node, field string) bool {
	switch {
	case n.Kind == yaml.AliasNode:
		d.fault(n, field, errAlias)
	case n.Anchor != "":
		d.fault(n, field, `YAML reads a value that begins with "&" as an anchor, and an order file has no anchors; put the value in quotes`)
	case n.Style&yaml.TaggedStyle != 0:
		d.fault(n, field, `YAML reads a value that begins with "!" as a tag, and an order file has no tags; put the value in quotes`)
	default:
		return true
	}
	return false
}

func isPlain(n *yaml.Node) bool {
	return n.Kind != yaml.AliasNode && n.Anchor == "" && n.Style&yaml.TaggedStyle == 0
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// A pair is one entry of a mapping.
type pair struct{ key, value *yaml.Node }

func (d *decoder) mapping(n *yaml.Node, field string) []pair {
	if !d.plain(n, field) {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		d.bad(n, field, `must be a mapping; write its keys on lines of their own below, such as "key: value"`)
		return nil
	}
	start := len(d.pairs)
	var first keys
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if !d.plain(k, field) {
			continue
		}
		if k.Kind != yaml.ScalarNode || k.Value == "" {
			d.bad(k, field, "a key must be text")
			continue
		}
		if k.Tag == "!!merge" {
			d.fault(k, field, `YAML reads the key "<<" as a merge, and an order file has no merges; write out each key`)
			continue
		}
		if before := first.add(k, n, i); before != nil {
			d.fault(k, join(field, k.Value), "the key is on line %d too; remove one of the two", before.Line)
			continue
		}
		if !isPlain(v) {
			d.plain(v, join(field, k.Value))
			continue
		}
		if isNull(v) {
			continue
		}
		d.pairs = append(d.pairs, pair{k, v})
	}
	return d.pairs[start:len(d.pairs):len(d.pairs)]
}

// A Go map is slow for few keys.
type keys map[string]*yaml.Node

func (m *keys) add(k, n *yaml.Node, i int) *yaml.Node {
	const few = 64
	if *m == nil && i < 2*few {
		for j := 0; j < i; j += 2 {
			if n.Content[j].Value == k.Value && n.Content[j].Kind == yaml.ScalarNode {
				return n.Content[j]
			}
		}
		return nil
	}
	if *m == nil {
		*m = keys{}
		for j := 0; j < i; j += 2 {
			if _, twice := (*m)[n.Content[j].Value]; !twice && n.Content[j].Kind == yaml.ScalarNode {
				(*m)[n.Content[j].Value] = n.Content[j]
			}
		}
	}
	if before, twice := (*m)[k.Value]; twice {
		return before
	}
	(*m)[k.Value] = k
	return nil
}

func (d *decoder) list(n *yaml.Node, field string) iter.Seq2[int, *yaml.Node] {
	return func(yield func(int, *yaml.Node) bool) {
		if n.Kind != yaml.SequenceNode {
			d.bad(n, field, "%s", notAList(n, field))
			return
		}
		i := 0
		for _, item := range n.Content {
			switch {
			case !isPlain(item):
				d.plain(item, index(field, i))
			case d.itemInside(item, index(field, i)):
			case isNull(item):
				d.fault(item, index(field, i), "the item is empty; write a value or remove the item")
			case !yield(i, item):
				return
			}
			if i++; item.Kind == runNode {
				i += item.Line - 1
			}
		}
	}
}

// The values true, false and "<<" are refused, because they are probably mistakes.
func (d *decoder) text(n *yaml.Node, field string) string {
	s, why := d.plainText(n)
	if why != "" {
		d.bad(n, field, "%s", why)
	}
	return s
}

func (d *decoder) plainText(n *yaml.Node) (s, why string) {
	switch {
	case n.Kind != yaml.ScalarNode:
		return "", "must be text, not a list or a mapping"
	case n.Tag == "!!bool", n.Tag == "!!merge", d.json && n.Tag != "!!str":
		return "", "must be text; put the value in quotes"
	case strings.TrimSpace(n.Value) == "":
		return "", "is empty; write a value or leave it out"
	}
	return n.Value, ""
}

func (d *decoder) texts(n *yaml.Node, field string) (out []string) {
	for i, item := range d.list(n, field) {
		s, why := d.plainText(item)
		if why != "" {
			d.bad(item, index(field, i), "%s", why)
			continue
		}
		if out == nil {
			out = make([]string, 0, len(n.Content)-i)
		}
		out = append(out, s)
	}
	return out
}

func (d *decoder) boolean(n *yaml.Node, field string) bool {
	if n.Kind != yaml.ScalarNode || n.Tag != "!!bool" {
		more := ""
		if v := oldBool[strings.ToLower(n.Value)]; v != "" {
			more = "; write " + v
		}
		d.bad(n, field, "must be true or false%s", more)
		return false
	}
	return n.Value == "true" || n.Value == "True" || n.Value == "TRUE"
}

// YAML parsers disagree about notations such as "010".
func (d *decoder) natural(n *yaml.Node, field string) (v int64, ok bool) {
	v, err := strconv.ParseInt(n.Value, 10, 64)
	if n.Kind != yaml.ScalarNode || n.Tag != "!!int" || err != nil || strconv.FormatInt(v, 10) != n.Value || v < 0 {
		d.bad(n, field, "must be a whole number%s", numberAdvice(lastKey(field), n.Value))
		return 0, false
	}
	return v, true
}

func choice[T ~uint8](d *decoder, n *yaml.Node, field string, all words[T], other ...string) T {
	return oneOf(d, n, field, all, slices.DeleteFunc(slices.Clone(all), func(word string) bool { return word == "" }), other...)
}

func oneOf[T ~uint8](d *decoder, n *yaml.Node, field string, all words[T], allowed []string, other ...string) T {
	if v, ok := all.parse(n.Value); ok && n.Kind == yaml.ScalarNode && slices.Contains(allowed, n.Value) {
		return v
	}
	d.bad(n, field, "must be one of %s%s", strings.Join(slices.Concat(allowed, other), ", "), wordAdvice(n.Value, allowed))
	return 0
}

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
	if err == nil && (rest[0] < '0' || rest[0] > '9' || days+v < days) {
		err = strconv.ErrRange // the number has a sign or is too large
	}
	return days + v, err
}

// MaxTTL is the maximum TTL of blocking answers. After the end of a block, caches keep an answer
// for at most MaxTTL.
const MaxTTL = time.Hour

func (d *decoder) ttl(n *yaml.Node, field string) time.Duration {
	s := d.text(n, field)
	if s == "" {
		return -1
	}
	v, err := parseDuration(s)
	if err != nil || v > MaxTTL || v%time.Second != 0 {
		d.bad(n, field, "must be whole seconds from 0s to %s, such as 30s or 5m%s", "1h", durationAdvice("ttl", s))
		return -1
	}
	return v
}

func (d *decoder) sha256(n *yaml.Node, field string) string {
	s := strings.ToLower(d.text(n, field))
	if s == "" {
		return ""
	}
	if b, err := hex.DecodeString(s); err != nil || len(b) != 32 {
		d.bad(n, field, "must be a SHA-256 digest, which has 64 hexadecimal digits")
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

func index(field string, i int) string { return field + "[" + strconv.Itoa(i) + "]" }
