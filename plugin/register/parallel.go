package register

import (
	"cmp"
	"errors"
)

// rowBatch is the number of rows that a reader passes on at once.
const rowBatch = 256

var errStopped = errors.New("a row has an error")

// parallel runs a reader in a second goroutine. The caller's goroutine uses the rows. The reader must
// not use values that the other goroutine changes. An error of a row comes before an error of the
// reader.
func parallel[T any](read func(pass func(T) error) error, use func(T) error) error {
	batches, stop := make(chan []T, 4), make(chan struct{})
	var readErr error
	go func() {
		defer close(batches)
		batch := make([]T, 0, rowBatch)
		readErr = read(func(row T) error {
			if batch = append(batch, row); len(batch) < rowBatch {
				return nil
			}
			select {
			case batches <- batch:
				batch = make([]T, 0, rowBatch)
				return nil
			case <-stop:
				return errStopped
			}
		})
		batches <- batch
	}()
	var rowErr error
	for batch := range batches {
		for _, row := range batch {
			if rowErr != nil {
				break
			}
			if rowErr = use(row); rowErr != nil {
				close(stop)
			}
		}
	}
	return cmp.Or(rowErr, readErr)
}
