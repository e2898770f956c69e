package edit

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/dns-orders/blocklist/plugin/order"
)

// AddOrder adds an order after the last order. It also updates the key "count". Dates get the time
// zone of the file.
func (t *Text) AddOrder(o *order.Order) error {
	if t.lined() {
		return t.addLine(o)
	}
	item, node, err := encode(o, zoneOf(t.root))
	if err != nil {
		return err
	}
	want := clone(t.root)
	list := lookup(t.root, "orders")
	lookup(want, "orders").Content = append(lookup(want, "orders").Content, node)
	switch {
	case len(list.Content) == 0 && !t.flow(t.root):
		bracket, _, ok := t.flowEnd(t.offset(list))
		if !ok {
			return t.change(list.Line, want)
		}
		start := t.offset(list)
		end := t.lineStart(list.Line + 1)
		rest := strings.TrimLeft(strings.TrimRight(string(t.data[bracket+1:max(end, bracket+1)]), "\r\n"), " ")
		if rest != "" {
			rest = " " + rest
		}
		for start > 0 && t.data[start-1] == ' ' {
			start--
		}
		err = t.change(list.Line, want, splice{start, max(end, bracket+1), rest + "\n" + indented(item, 2)})
	case t.flow(list):
		err = t.addFlow(list, want, []*yaml.Node{node})
	default:
		dash := list.Column - 1
		text := indented(item, dash)
		if t.spaced(list) {
			text = "\n" + text
		}
		err = t.change(list.Line, want, t.insertLines(t.insertion(list, t.ordersEnd(), dash), text)...)
	}
	if err != nil || lookup(t.root, "count") == nil {
		return err
	}
	return t.setTop("count", len(lookup(t.root, "orders").Content))
}

func (t *Text) spaced(list *yaml.Node) bool {
	n := len(list.Content)
	if n < 2 {
		return false
	}
	line := list.Content[n-1].Line - 1
	for line > list.Content[n-2].Line && strings.HasPrefix(strings.TrimSpace(t.line(line)), "#") {
		line--
	}
	return strings.TrimSpace(t.line(line)) == ""
}

// AddTargets adds targets to an order. It also sets the field target_count.
func (t *Text) AddTargets(was *order.Order, targets []order.Target) error {
	if t.lined() {
		return t.editOrder(was.ID, func(line *Text) error { return line.AddTargets(was, targets) })
	}
	i, err := t.order(was.ID)
	if err != nil {
		return err
	}
	o := order.New()
	o.ID, o.Targets, o.DeadlineAfter = was.ID, targets, was.DeadlineAfter
	_, node, err := encode(o, zoneOf(t.root))
	if err != nil {
		return err
	}
	added := lookup(node, "targets").Content
	at := lookup(t.root, "orders").Content[i]
	list := lookup(at, "targets")
	if list == nil {
		err = t.set(i, "targets", &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Style: yaml.FlowStyle, Content: added})
	} else {
		want := clone(t.root)
		all := lookup(lookup(want, "orders").Content[i], "targets")
		all.Content = append(all.Content, added...)
		if t.flow(list) {
			err = t.addFlow(list, want, added)
		} else {
			var b strings.Builder
			for _, n := range added {
				b.WriteString("- " + t.render(n) + "\n")
			}
			dash := list.Column - 1
			lines := t.insertion(list, after(at, "targets", t.orderEnd(i)), dash)
			err = t.change(list.Line, want, t.insertLines(lines, indented(b.String(), dash))...)
		}
	}
	is := *was
	is.Plain += len(targets)
	if err != nil || lookup(at, "target_count") == nil && is.WrittenTargetCount() == 0 {
		return err
	}
	return t.set(i, "target_count", integer(is.NumTargets()))
}

// SetStated sets the field stated_count of an order.
func (t *Text) SetStated(id string, stated int) error {
	if t.lined() {
		return t.editOrder(id, func(line *Text) error { return line.SetStated(id, stated) })
	}
	i, err := t.order(id)
	if err != nil {
		return err
	}
	return t.set(i, "stated_count", integer(stated))
}

// SetText sets a field of an order to value.
func (t *Text) SetText(id, key, value string) error {
	if t.lined() {
		return t.editOrder(id, func(line *Text) error { return line.SetText(id, key, value) })
	}
	i, err := t.order(id)
	if err != nil {
		return err
	}
	return t.set(i, key, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value})
}

// RaiseSerial adds 1 to the serial of the file. A file without a serial does not change.
func (t *Text) RaiseSerial() error {
	if t.lined() {
		return t.editHeader((*Text).RaiseSerial)
	}
	n := lookup(t.root, "serial")
	if n == nil {
		return nil
	}
	serial, err := strconv.Atoi(n.Value)
	if err != nil {
		return fmt.Errorf("%s:%d: serial: must be a plain number to be raised, got %q", t.path, n.Line, n.Value)
	}
	return t.setTop("serial", serial+1)
}

func (t *Text) setTop(key string, value int) error {
	want := clone(t.root)
	*lookup(want, key) = *integer(value)
	n := lookup(t.root, key)
	s, ok := t.replace(n, strconv.Itoa(value))
	if !ok {
		return t.change(n.Line, want)
	}
	return t.change(n.Line, want, s)
}

func (t *Text) set(i int, key string, value *yaml.Node) error {
	want := clone(t.root)
	model := lookup(want, "orders").Content[i]
	o := lookup(t.root, "orders").Content[i]
	if n := lookup(o, key); n != nil {
		*lookup(model, key) = *value
		if s, ok := t.replace(n, t.render(value)); ok {
			return t.change(n.Line, want, s)
		}
		return t.change(n.Line, want)
	}
	model.Content = append(model.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key}, value)
	if t.flow(o) {
		text := key
		if t.json() {
			text = strconv.Quote(key)
		}
		return t.addFlowText(o, want, text+": "+t.render(value))
	}
	previous := o.Content[0].Value
	for _, k := range order.Keys() {
		if k == key {
			break
		}
		if lookup(o, k) != nil {
			previous = k
		}
	}
	indent := o.Column - 1
	lines := t.insertion(lookup(o, previous), after(o, previous, t.orderEnd(i)), indent)
	return t.change(o.Line, want, t.insertLines(lines, indented(key+": "+t.render(value)+"\n", indent))...)
}

func (t *Text) replace(n *yaml.Node, text string) (s splice, ok bool) {
	at := t.offset(n)
	switch {
	case n.Kind != yaml.ScalarNode || at >= len(t.data):
		return s, false
	case n.Style == yaml.DoubleQuotedStyle || n.Style == yaml.SingleQuotedStyle:
		end := t.quoteEnd(at)
		return splice{at, end + 1, text}, end >= 0
	case n.Style == 0 && n.Value != "" && bytes.HasPrefix(t.data[at:], []byte(n.Value)):
		return splice{at, at + len(n.Value), text}, true
	}
	return s, false
}

func (t *Text) addFlow(list, want *yaml.Node, nodes []*yaml.Node) error {
	texts := make([]string, len(nodes))
	for i, n := range nodes {
		texts[i] = t.render(n)
	}
	return t.addFlowText(list, want, texts...)
}

func (t *Text) addFlowText(n, want *yaml.Node, texts ...string) error {
	start := t.offset(n)
	bracket, last, ok := t.flowEnd(start)
	if !ok {
		return t.change(n.Line, want)
	}
	separator := ", "
	if len(n.Content) > 0 && n.Content[0].Line > n.Line {
		separator = ",\n" + strings.Repeat(" ", n.Content[0].Column-1)
		if before, _, found := strings.Cut(t.line(n.Content[0].Line), "\t"); found && strings.TrimSpace(before) == "" {
			line := t.line(n.Content[0].Line)
			separator = ",\n" + line[:len(line)-len(strings.TrimLeft(line, " \t"))]
		}
	}
	text := strings.Join(texts, separator)
	if len(n.Content) == 0 {
		return t.change(n.Line, want, splice{start + 1, bracket, text})
	}
	if t.data[last-1] == ',' { // YAML allows a comma after the last value
		return t.change(n.Line, want, splice{last, last, separator[1:] + text})
	}
	return t.change(n.Line, want, splice{last, last, separator + text})
}
