package order

import (
	"slices"

	"go.yaml.in/yaml/v3"
)

type entry[T any] struct {
	key    string
	decode func(p *parser, n *yaml.Node, f string, v *T)
}

type table[T any] []entry[T]

func (t table[T]) keys(yield func(string) bool) {
	for i := range t {
		if !yield(t[i].key) {
			return
		}
	}
}

func (t table[T]) has(key string) bool {
	return slices.ContainsFunc(t, func(e entry[T]) bool { return e.key == key })
}

func object[T any](p *parser, n *yaml.Node, f string, t table[T], v *T) {
	before := len(p.pairs)
next:
	for _, kv := range p.mapping(n, f) {
		for i := range t {
			if t[i].key == kv.key.Value {
				t[i].decode(p, kv.value, join(f, kv.key.Value), v)
				continue next
			}
		}
		p.unknownKey(n, kv.key, join(f, kv.key.Value), t.keys)
	}
	if hasNulls(n) {
		p.nullKeys(n, f, t.keys, t.has)
	}
	p.pairs = p.pairs[:before]
}

type shape struct {
	keys []string
	sub  map[string]*shape // the shapes of the values of some keys
	each *shape            // the shape of every value if the author chooses the keys
}

func shapeOf[T any](t table[T], sub map[string]*shape) *shape {
	s := &shape{sub: sub}
	for i := range t {
		s.keys = append(s.keys, t[i].key)
	}
	return s
}

var (
	windowsShape = map[string]*shape{"windows": shapeOf(windowTable, nil)}
	orderShape   = func() *shape {
		s := &shape{sub: map[string]*shape{
			"authority":           shapeOf(authorityTable, nil),
			"windows":             windowsShape["windows"],
			"scope":               shapeOf(scopeTable, nil),
			"exempt":              shapeOf(exemptTable, nil),
			"targets":             shapeOf(targetTable, windowsShape),
			"targets_from":        shapeOf(sideTable, nil),
			"force":               {},
			"response":            shapeOf(responseTable, nil),
			"filtering_databases": shapeOf(databaseTable, nil),
			"document":            shapeOf(documentTable, nil),
		}}
		for i := range fields {
			s.keys = append(s.keys, fields[i].key)
		}
		return s
	}()
	fileShape = shapeOf(headerTable, map[string]*shape{
		"source":      shapeOf(sourceTable, nil),
		"defaults":    orderShape,
		"authorities": {each: orderShape},
		"orders":      orderShape,
	})
)

// Log only these keys. Any other key may be a secret name.
var schemaWords = func() map[string]bool {
	words := map[string]bool{}
	var walk func(s *shape)
	walk = func(s *shape) {
		if s == nil {
			return
		}
		for _, k := range s.keys {
			words[k] = true
			walk(s.sub[k])
		}
		walk(s.each)
	}
	walk(fileShape)
	return words
}()
