package order

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"sync/atomic"

	"go.yaml.in/yaml/v3"
)

type fileLine struct {
	size  int   // the number of bytes, with the line end
	err   error // an error of reading, or a syntaxError of the line
	blank bool
	text  *input
	node  *yaml.Node
	fault error
}

// fileLine returns a line that is not parsed yet.
func (r *lineReader) fileLine(br *bufio.Reader, line int) fileLine {
	t, size, err := r.next(br, line)
	return fileLine{size: size, err: err, blank: len(bytes.TrimSpace(t.text)) == 0, text: t}
}

const (
	aheadBatches = 3
	aheadLines   = 128
	aheadNodes   = 1536
	aheadBytes   = 64 << 10
)

type lookAhead struct {
	free, full chan *lineBatch
	resume     chan struct{} // a long line was decoded
	quit       atomic.Bool
	quitting   chan struct{}
	batch      *lineBatch // the batch that Parse decodes
	at         int        // the index of the next line in batch
}

type lineBatch struct {
	json  jsonReader
	lines []fileLine
	long  bool
}

// The caller must close the result.
func newLookAhead(br *bufio.Reader, line int) *lookAhead {
	a := &lookAhead{
		free:     make(chan *lineBatch, aheadBatches),
		full:     make(chan *lineBatch, aheadBatches),
		resume:   make(chan struct{}, 1),
		quitting: make(chan struct{}),
	}
	for range aheadBatches {
		a.free <- &lineBatch{json: jsonReader{block: 2 * aheadNodes}}
	}
	go a.run(br, line)
	return a
}

// After the call, the goroutine no longer uses the reader.
func (a *lookAhead) close() {
	a.quit.Store(true)
	close(a.quitting)
	for range a.full {
	}
}

func (a *lookAhead) next() fileLine {
	if a.batch == nil || a.at == len(a.batch.lines) {
		if a.batch != nil {
			if a.batch.long {
				a.resume <- struct{}{}
			}
			a.free <- a.batch
		}
		a.batch, a.at = <-a.full, 0
	}
	a.at++
	return a.batch.lines[a.at-1]
}

func (a *lookAhead) run(br *bufio.Reader, line int) {
	defer close(a.full)
	var in lineReader
	in.json.stop = func() error {
		if a.quit.Load() {
			return errStopped
		}
		return nil
	}
	for {
		var b *lineBatch
		select {
		case b = <-a.free:
		case <-a.quitting:
			return
		}
		n, ended := b.fill(&in, br, line)
		line += n
		a.full <- b
		if ended {
			return
		}
		if b.long {
			select {
			case <-a.resume:
			case <-a.quitting:
				return
			}
		}
	}
}

func (b *lineBatch) fill(in *lineReader, br *bufio.Reader, line int) (n int, ended bool) {
	b.json.reuse()
	b.lines, b.long = b.lines[:0], false
	for nodes, size := 0, 0; len(b.lines) < aheadLines && nodes < aheadNodes && size < aheadBytes && !b.long && !ended; {
		l := in.fileLine(br, line+len(b.lines))
		if s := (*syntaxError)(nil); l.err != nil && !errors.As(l.err, &s) {
			ended = true
		}
		switch {
		case l.err != nil && !errors.Is(l.err, io.EOF) || l.blank:
			l.text = nil
		case len(l.text.text) > aheadBytes || len(l.text.runs) > 0:
			b.long = true
		default:
			l.node, l.fault = b.json.next(l.text.text, l.text.firstLine)
			nodes += b.json.made
			l.text = nil
		}
		size += l.size
		b.lines = append(b.lines, l)
	}
	return len(b.lines), ended
}
