package journal

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// A segment is one file of records.
type segment struct {
	first int64  // the index of the first record, from the name of the file
	name  string // relative to the directory of the journal
}

func segments(dir string) (out []segment, err error) {
	all, err := os.ReadDir(filepath.Join(dir, recordDir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, e := range all {
		digits, ok := strings.CutSuffix(e.Name(), ".jsonl")
		first, bad := strconv.ParseInt(digits, 10, 64)
		if ok && bad == nil && segmentName(first) == e.Name() {
			out = append(out, segment{first, recordDir + "/" + e.Name()})
		}
	}
	slices.SortFunc(out, func(x, y segment) int { return int(min(1, max(-1, x.first-y.first))) })
	return out, err
}

type line struct {
	text   []byte // without the line end; nil if the line is too long
	offset int64  // the position of the line in the file
	whole  bool   // the line has a line end
}

func readLines(path string, f func(line) bool) (size int64, err error) {
	in, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer in.Close()
	r := bufio.NewReaderSize(in, MaxRecord+2)
	for {
		text, err := r.ReadSlice('\n')
		n := int64(len(text))
		long := errors.Is(err, bufio.ErrBufferFull)
		for errors.Is(err, bufio.ErrBufferFull) {
			text, err = r.ReadSlice('\n')
			n += int64(len(text))
		}
		if err != nil && err != io.EOF {
			return size, err
		}
		if n == 0 {
			return size, nil
		}
		x := line{offset: size, whole: err == nil}
		if !long {
			x.text = bytes.TrimSuffix(text, []byte("\n"))
		}
		if !f(x) {
			return size, nil
		}
		size += n
	}
}
