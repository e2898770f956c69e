package main

import (
	"bytes"
	"fmt"
	"io"
	"math"

	"github.com/dns-orders/blocklist/plugin/order"
)

func reissue(file, old string, data []byte, least int64) (io.ReadCloser, error) {
	parsed, _ := order.Parse(file, bytes.NewReader(data), order.Options{OpenSide: openSide(file), Emit: func(*order.Order) {}})
	serial := max(least, parsed.Serial)
	if serial == math.MaxInt64 {
		return nil, fmt.Errorf("%s: there is no serial above %d", file, serial)
	}
	out, err := order.SetSerial(file, data, max(serial, 0)+1)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", old, err)
	}
	return io.NopCloser(bytes.NewReader(out)), nil
}
