package main

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"os"
	"strings"
	"testing"
	"time"

	clog "github.com/coredns/coredns/plugin/pkg/log"
)

// A log call must return only after its line is written. Otherwise, os.Exit could lose the line.
func TestOutput(t *testing.T) {
	var out, want bytes.Buffer
	logger := log.New(newOutput(&out, time.Minute), "", 0)
	for i := range 200 {
		line := strings.Repeat(fmt.Sprint(i, " "), i)
		logger.Print(line)
		want.WriteString(line + "\n")
		if out.String() != want.String() {
			t.Fatalf("after line %d: %q", i, out.String())
		}
	}
}

func TestOutputBlocks(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	o := newOutput(w, time.Millisecond)
	logger := log.New(o, "", 0)
	var want bytes.Buffer
	line := strings.Repeat("x", 1000)
	for i := range 2000 { // 2 MB, and no pipe has room for 2 MB
		logger.Print(i, line)
		fmt.Fprintln(&want, fmt.Sprint(i, line))
	}
	o.flush()
	got := make([]byte, want.Len())
	if _, err := io.ReadFull(r, got); err != nil || string(got) != want.String() {
		t.Errorf("%v: read %d bytes, want the %d bytes that were logged", err, len(got), want.Len())
	}
}

func TestReportDropped(t *testing.T) {
	var out bytes.Buffer
	reportDropped(&out, 3)
	const text = "3 log lines dropped here, because standard output did not take the lines in time"
	if got, want := out.String(), "[WARNING] "+text+"\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if err := clog.Configure("json", io.Discard); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := clog.Configure("text", os.Stderr); err != nil {
			t.Error(err)
		}
	})
	out.Reset()
	reportDropped(&out, 3)
	if got, want := out.String(), `"level":"WARN","msg":"`+text+`"}`+"\n"; !strings.HasSuffix(got, want) {
		t.Errorf("got %q, want a line that ends with %q", got, want)
	}
}

func BenchmarkOutput(b *testing.B) {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer null.Close()
	for name, w := range map[string]io.Writer{"direct": null, "output": newOutput(null, time.Minute)} {
		b.Run(name, func(b *testing.B) {
			logger := log.New(w, "", 0)
			for b.Loop() {
				logger.Print("[INFO] 127.0.0.1:5353 - 1 \"A IN www.example. udp 41 false 1232\" NOERROR")
			}
		})
	}
}
