package register

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/dns-orders/blocklist/plugin/order"
)

// batch is the number of targets that are encoded at once. The tree of a YAML document
// needs much more memory than its text.
const batch = 5_000

// encode returns an order file in canonical form, as order.Encode does. It checks the
// orders with the parser of the server.
func encode(path string, h order.Header, orders []*order.Order) ([]byte, error) {
	ext := order.Ext(path)
	if ext == ".json" || len(orders) == 0 {
		var b bytes.Buffer
		if err := order.Encode(&b, ext, h, orders); err != nil {
			return nil, err
		}
		return b.Bytes(), verify(path, b.Bytes())
	}
	var end []byte // the mark at the end of a YAML document
	if ext != ".jsonl" {
		end = []byte("...\n")
	}
	head, err := header(ext, h, len(orders))
	if err != nil {
		return nil, err
	}
	var out, part bytes.Buffer
	out.Write(head)
	for len(orders) > 0 {
		n, targets := 0, 0
		for n < len(orders) && (n == 0 || targets+len(orders[n].Targets) <= batch && n < batch/10) {
			targets += len(orders[n].Targets)
			n++
		}
		part.Reset()
		if err := order.Encode(&part, ext, h, orders[:n]); err != nil {
			return nil, err
		}
		if err := verify(path, part.Bytes()); err != nil {
			return nil, err
		}
		skip, err := header(ext, h, n)
		if err != nil {
			return nil, err
		}
		body, ok := bytes.CutPrefix(part.Bytes(), skip)
		if !ok || !bytes.HasSuffix(body, end) {
			return nil, errors.New("the header of the output has an unknown form")
		}
		out.Write(body[:len(body)-len(end)])
		orders = orders[n:]
	}
	out.Write(end)
	return out.Bytes(), nil
}

// header returns the text of an order file above its first order.
func header(ext string, h order.Header, n int) ([]byte, error) {
	var b bytes.Buffer
	if err := order.Encode(&b, ext, h, nil); err != nil {
		return nil, err
	}
	was, now := "count: 0\n", fmt.Sprintf("count: %d\n", n)
	if ext == ".jsonl" {
		was, now = `"count":0`, fmt.Sprintf(`"count":%d`, n)
	}
	text := bytes.Replace(b.Bytes(), []byte(was), []byte(now), 1)
	if n > 0 {
		text = bytes.Replace(text, []byte("\norders: []\n...\n"), []byte("\norders:\n"), 1)
	}
	return text, nil
}

// verify returns the errors that a server would find in an order file.
func verify(path string, data []byte) error {
	_, problems := order.Parse(path, bytes.NewReader(data), order.Options{Emit: func(*order.Order) {}})
	if bad := problems.Errors(); len(bad) > 0 {
		return errors.Join(errors.New("the output would have errors"), bad)
	}
	return nil
}
