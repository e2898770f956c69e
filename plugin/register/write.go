package register

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/dns-orders/blocklist/plugin/order"
)

// Large batches need much memory, because a YAML tree is larger than its text.
const batch = 5_000

// The header is separate, so a new header needs no second encoding of the orders.
type output struct {
	path       string
	n, targets int            // the number of orders and of targets
	orders     []*order.Order // the orders if there are no parts
	parts      [][]byte       // the text of the orders, or nil if the format has no parts
	end        []byte         // the mark at the end of a YAML document
}

func encode(path string, h order.Header, orders []*order.Order, step func(format string, args ...any)) (*output, error) {
	out := &output{path: path, n: len(orders), orders: orders}
	for _, o := range orders {
		out.targets += len(o.Targets)
	}
	ext := order.Ext(path)
	if ext == ".json" || len(orders) == 0 {
		return out, nil
	}
	if ext != ".jsonl" {
		out.end = []byte("...\n")
	}
	var batches [][]*order.Order
	for len(orders) > 0 {
		n, targets := 0, 0
		for n < len(orders) && (n == 0 || targets+len(orders[n].Targets) <= batch && n < batch/10) {
			targets += len(orders[n].Targets)
			n++
		}
		batches, orders = append(batches, orders[:n]), orders[n:]
	}
	out.parts = make([][]byte, len(batches))
	errs := make([]error, len(batches))
	next := make(chan int)
	var wait sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(batches)) {
		wait.Go(func() {
			for i := range next {
				out.parts[i], errs[i] = part(path, h, batches[i], out.end)
			}
		})
	}
	for i := range batches {
		step("encoding part %d of %d", i+1, len(batches))
		next <- i
	}
	close(next)
	wait.Wait()
	return out, errors.Join(errs...)
}

func part(path string, h order.Header, orders []*order.Order, end []byte) ([]byte, error) {
	ext := order.Ext(path)
	text, err := whole(ext, h, orders)
	if err != nil {
		return nil, err
	}
	skip, err := header(ext, h, len(orders))
	if err != nil {
		return nil, err
	}
	body, ok := bytes.CutPrefix(text, skip)
	if !ok || !bytes.HasSuffix(body, end) {
		return nil, errors.New("the header of the output has an unknown form")
	}
	return body[:len(body)-len(end)], nil
}

// whole returns an order file.
func whole(ext string, h order.Header, orders []*order.Order) ([]byte, error) {
	var b bytes.Buffer
	err := order.Encode(&b, ext, h, orders)
	return b.Bytes(), err
}

func (o *output) pieces(h order.Header) (Text, error) {
	if o.parts == nil {
		text, err := whole(order.Ext(o.path), h, o.orders)
		return Text{text}, err
	}
	head, err := header(order.Ext(o.path), h, o.n)
	return slices.Concat(Text{head}, o.parts, Text{o.end}), err
}

// text returns the order file with the header h. It checks the file with the parser of the server,
// because some limits apply to the whole file.
func (o *output) text(h order.Header) (Text, error) {
	all, err := o.pieces(h)
	if err != nil {
		return nil, err
	}
	return all, verify(o.path, all, o.targets)
}

func (o *output) is(file []byte, h order.Header) (bool, error) {
	all, err := o.pieces(h)
	for _, p := range all {
		rest, ok := bytes.CutPrefix(file, p)
		if !ok {
			return false, err
		}
		file = rest
	}
	return len(file) == 0, err
}

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

func values(o *order.Order) int {
	n := 8 // the keys and the values of id, authority, scope and targets
	for i := range o.Targets {
		if t := &o.Targets[i]; t.Kind != order.TargetName || t.Match == order.Exact || t.Attr != nil {
			n += 2 // a key and a value
		}
	}
	return n
}

// The check is incomplete. A server may still refuse the file.
func (r *run) tooLarge() string {
	if r.large != nil {
		return fmt.Sprintf("the order %q would have too many targets that are not plain names, and a server would refuse the order file; divide the file, and give each part an order file", r.large.ID)
	}
	ext := order.Ext(r.opt.Path)
	if ext == ".jsonl" || r.values <= order.MaxValues {
		return ""
	}
	return fmt.Sprintf("%s are too many for one file in %s, and a server would refuse the file; give --out a name that ends in .jsonl", count(r.out.Orders, "order"), strings.ToUpper(ext[1:]))
}

// verify parses an order file in the same way as a server, and returns the errors. The file must
// have the given number of targets.
func verify(path string, text Text, want int) error {
	got := 0
	_, problems := order.Parse(path, text.Reader(), order.Options{Emit: func(o *order.Order) { got += len(o.Targets) }})
	if bad := problems.Errors(); len(bad) > 0 {
		return errors.Join(errors.New("the output would have errors"), bad)
	}
	if got != want {
		return fmt.Errorf("the output would have %s, not %d", count(got, "target"), want)
	}
	return nil
}
