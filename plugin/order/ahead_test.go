package order

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
)

func checkAhead(t *testing.T, text string) {
	t.Helper()
	broken := errors.New("broken disk")
	for _, size := range []int{1, 40, 256 << 10} {
		for name, reader := range map[string]func() io.Reader{
			"whole":  func() io.Reader { return strings.NewReader(text) },
			"slow":   func() io.Reader { return slow{strings.NewReader(text)} },
			"broken": func() io.Reader { return io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken)) },
		} {
			withRuns(3, size, func() {
				opt := Options{OpenSide: side("side.example\n")}
				want, problems := Parse("a.jsonl", reader(), opt)
				opt.Ahead = true
				got, found := Parse("a.jsonl", reader(), opt)
				if !reflect.DeepEqual(found, problems) {
					t.Fatalf("chunk %d, %s: problems\n%v\nwithout look-ahead\n%v", size, name, found, problems)
				}
				if !reflect.DeepEqual(got, want) {
					t.Fatalf("chunk %d, %s: %+v\nwithout look-ahead %+v", size, name, got, want)
				}
			})
		}
	}
}

func mixedLines(n int, only string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `{"version":1,"count":%d,"authorities":{"r":{"authority":{"name":"Register"},"scope":"global"}}}`+"\n", n)
	names := make([]string, 6000)
	for i := range names {
		names[i] = fmt.Sprintf(`"n%d.example"`, i)
	}
	for i := range n {
		line := fmt.Sprintf(`{"id":"r/%d","authority":"r","issued":"2026-05-01","targets":["name-%d.example"]}`, i, i)
		switch kind := i % 101; {
		case only == "good":
		case only == "bad" || kind == 7:
			line = fmt.Sprintf(`{"id":"r/%d","authority":"x","issued":"2026-13-01","targets":["a b"]}`, i)
		case kind == 13:
			line = `{"id":"cut`
		case kind == 17:
			line = "\xff\n\n \t\r\n" + line
		case kind == 23 && i < 400:
			line = fmt.Sprintf(`{"id":"long/%d","authority":"r","issued":"2026-05-01","targets":[%s]}`, i, strings.Join(names, ","))
		case kind == 29 && i < 400:
			line = fmt.Sprintf(`{"id":"note/%d","authority":"r","note":"%s","targets":["b.example"]}`, i, strings.Repeat("x", 70_000))
		case kind == 31:
			line = `{"id":"r/1","authority":"r","targets":["twice.example"]}`
		case kind == 37:
			line = `{"id":"s","authority":"r","targets":[` + strings.Repeat("1,", 2000) + `1]}`
		case kind == 41:
			line = "[1]"
		}
		b.WriteString(line + "\n")
	}
	return b.String()
}

func TestAhead(t *testing.T) {
	head := mixedLines(0, "")
	for name, text := range map[string]string{
		"empty": "", "header": head, "no line end": head + `{"id":"a"}`, "carriage return": strings.ReplaceAll(mixedLines(3, "good"), "\n", "\r\n"),
		"good": mixedLines(1000, "good"), "mixed": mixedLines(1000, ""), "too many problems": mixedLines(4000, "bad"), "bad header": "{\n{}\n",
		"byte order mark": "\ufeff" + mixedLines(2, "good"), "blank": head + "\n\n\n", "only blank": "\n \n",
	} {
		t.Run(name, func(t *testing.T) { checkAhead(t, text) })
	}
}

func FuzzAhead(f *testing.F) {
	seeds(f, ".jsonl")
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) < 1<<14 {
			checkAhead(t, string(data))
		}
	})
}

// A closedReader reports a read after Parse has returned.
type closedReader struct {
	io.Reader
	closed atomic.Bool
	late   atomic.Bool
}

func (c *closedReader) Read(p []byte) (int, error) {
	if c.closed.Load() {
		c.late.Store(true)
	}
	return c.Reader.Read(p[:min(len(p), 100)])
}

func TestAheadStops(t *testing.T) {
	data := []byte(mixedLines(5000, "good"))
	for most := range 4 {
		in, calls := &closedReader{Reader: bytes.NewReader(data)}, 0
		_, problems := Parse("a.jsonl", in, Options{Ahead: true, Stop: func() bool { calls++; return calls > most }})
		in.closed.Store(true)
		if len(problems) != 1 || !strings.Contains(problems[0].Msg, errStopped.Error()) {
			t.Errorf("stop after %d calls: %v", most, problems)
		}
		if in.late.Load() {
			t.Error("the reader was read after Parse had returned")
		}
	}
}
