package register

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
)

const longRun = 8

// The first encoding contains a placeholder instead of these names.
type nameRun struct {
	mark  string
	names []order.Target
}

// This encoder is faster than order.Encode. It encodes a placeholder for each long run of plain
// names, and then inserts the names.
func short(ext string, h order.Header, orders []*order.Order) ([]byte, bool, error) {
	var runs []nameRun
	out := make([]*order.Order, len(orders))
	for i, o := range orders {
		out[i] = cutRuns(o, &runs)
	}
	if len(runs) == 0 {
		return nil, false, nil
	}
	text, err := whole(ext, h, out)
	if err != nil {
		return nil, false, err
	}
	size := len(text)
	for _, run := range runs {
		for i := range run.names {
			size += len(run.names[i].Name.Wire()) + len("          - \n")
		}
	}
	full := make([]byte, 0, size)
	for _, run := range runs {
		at := bytes.Index(text, []byte(run.mark))
		if at < 0 || bytes.Count(text, []byte(run.mark)) != 1 {
			return nil, false, nil
		}
		between := []byte(`","`)
		if ext != ".jsonl" {
			between = text[bytes.LastIndexByte(text[:at], '\n'):at]
		}
		full = append(full, text[:at]...)
		for i := range run.names {
			if i > 0 {
				full = append(full, between...)
			}
			full = appendName(full, run.names[i].Name)
		}
		text = text[at+len(run.mark):]
	}
	return append(full, text...), true, nil
}

func cutRuns(o *order.Order, runs *[]nameRun) *order.Order {
	var targets []order.Target
	left, long := 0, false
	for i := 0; i < len(o.Targets); {
		end := i
		for end < len(o.Targets) && isPlain(&o.Targets[end]) {
			end++
		}
		if end-i < longRun {
			end = max(end, i+1)
			if long {
				targets = append(targets, o.Targets[i:end]...)
			}
			i = end
			continue
		}
		if !long {
			targets, long = append(targets, o.Targets[:i]...), true
		}
		mark := fmt.Sprintf("run-%d.4d1f6c0b9ae27583.invalid", len(*runs))
		name, err := dname.Parse(mark)
		if err != nil {
			return o
		}
		*runs = append(*runs, nameRun{mark, o.Targets[i:end]})
		targets = append(targets, order.Target{Name: name, Match: order.Subtree})
		left += end - i - 1
		i = end
	}
	if !long {
		return o
	}
	short := *o
	short.Targets, short.Plain = targets, o.Plain+left
	return &short
}

func appendName(dst []byte, n dname.Name) []byte {
	dst = dname.AppendPresentation(dst, n.Wire())
	return dst[:len(dst)-1]
}

func isPlain(t *order.Target) bool {
	if t.Kind != order.TargetName || t.Match != order.Subtree || t.Attr != nil {
		return false
	}
	wire := t.Name.Wire()
	labels, top := 0, ""
	for i := 0; i < len(wire) && wire[i] != 0; {
		end := i + 1 + int(wire[i])
		top = wire[i+1 : end]
		for _, c := range []byte(top) {
			if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_') {
				return false
			}
		}
		labels, i = labels+1, end
	}
	// YAML reads 1.e5 as a number. The last label must have only letters or begin with "xn--".
	return labels > 1 && wire[1] != '-' && len(top) > 1 && (strings.Trim(top, "abcdefghijklmnopqrstuvwxyz") == "" || strings.HasPrefix(top, "xn--"))
}
