package register

import (
	"cmp"
	"errors"
)

// A rowFunc gets one row of the file. The caller may use the memory of the cells again.
type rowFunc func(at int, cells []string) error

// rowBatch is the number of rows that a reader passes on at once.
const rowBatch = 256

// A rows value contains several rows. Each row has the same number of cells.
type rows struct {
	at    []int
	cells []string
}

var errStopped = errors.New("a row has an error")

// The reader goroutine must not use values that the function "row" changes.
func parallel(read func(row rowFunc) error, row rowFunc) error {
	batches, stop := make(chan rows, 4), make(chan struct{})
	var readErr error
	go func() {
		defer close(batches)
		var b rows
		readErr = read(func(at int, cells []string) error {
			b.at, b.cells = append(b.at, at), append(b.cells, cells...)
			if len(b.at) < rowBatch {
				return nil
			}
			select {
			case batches <- b:
				b = rows{make([]int, 0, rowBatch), make([]string, 0, len(b.cells))}
				return nil
			case <-stop:
				return errStopped
			}
		})
		batches <- b
	}()
	var rowErr error
	for b := range batches {
		for i, at := range b.at {
			if rowErr != nil {
				break
			}
			width := len(b.cells) / len(b.at)
			if rowErr = row(at, b.cells[i*width:(i+1)*width]); rowErr != nil {
				close(stop)
			}
		}
	}
	return cmp.Or(rowErr, readErr)
}
