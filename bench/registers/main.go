// Command registers measures the time and the memory that blocklistctl needs to import large
// registers.
//
//	go run ./bench/registers                          # a million rows of each kind
//	go run ./bench/registers -kinds fr-anj,ru-csv -n 100000
//	go run ./bench/registers -bin old,new             # two programs in turn, and their outputs compared
//	go run ./bench/registers -keep DIR                # keeps the registers and the outputs
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/dns-orders/blocklist/bench/corpus"
	"github.com/dns-orders/blocklist/bench/rig"
)

func main() {
	n := flag.Int("n", 1_000_000, "rows of each register")
	only := flag.String("kinds", "", "the kinds, with commas; without the flag, all kinds")
	bins := flag.String("bin", "", "the programs to measure, with commas; without the flag, the program of this module")
	keep := flag.String("keep", "", "a directory for the registers and the outputs")
	ext := flag.String("ext", "yaml", "the extension of the output: yaml, json or jsonl")
	write := flag.Bool("write", false, "only write the registers into the directory of -keep")
	flag.Parse()
	rig.Main("registers", func(ctx context.Context) error {
		if *write {
			return writeAll(*n, *only, *keep)
		}
		return measure(ctx, *n, *only, *bins, *keep, *ext)
	})
}

// writeAll writes both editions of each register.
func writeAll(n int, only, dir string) error {
	chosen, err := choose(only)
	if err != nil {
		return err
	}
	names := corpus.New(n).Names
	for _, k := range chosen {
		for i, path := range k.editions(dir) {
			f, err := os.Create(path)
			if err != nil {
				return err
			}
			if err := errors.Join(k.write(f, names, i == 1), f.Close()); err != nil {
				return err
			}
		}
	}
	return nil
}

// editions returns the paths of both editions.
func (k *kind) editions(dir string) [2]string {
	return [2]string{filepath.Join(dir, "1-"+k.file), filepath.Join(dir, "2-"+k.file)}
}

func measure(ctx context.Context, n int, only, bins, dir, ext string) error {
	if n < 1 || n > 10_000_000 {
		return errors.New("-n is at most 10,000,000")
	}
	chosen, err := choose(only)
	if err != nil {
		return err
	}
	if dir == "" {
		if dir, err = os.MkdirTemp("", "registers"); err != nil {
			return err
		}
		defer os.RemoveAll(dir)
	}
	programs := strings.FieldsFunc(bins, func(c rune) bool { return c == ',' })
	if len(programs) == 0 {
		bin := filepath.Join(dir, "blocklistctl")
		build := exec.CommandContext(ctx, "go", "build", "-o", bin, "github.com/dns-orders/blocklist/cmd/blocklistctl")
		build.Stderr = os.Stderr
		if err := build.Run(); err != nil {
			return fmt.Errorf("go build: %w", err)
		}
		programs = []string{bin}
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	write := exec.CommandContext(ctx, self, "-write", "-n", fmt.Sprint(n), "-kinds", only, "-keep", dir)
	write.Stderr = os.Stderr
	if err := write.Run(); err != nil {
		return fmt.Errorf("cannot write the registers: %w", err)
	}
	fmt.Printf("%s, commit %s; %s, %s; load %s; %d rows, .%s\n\n", time.Now().UTC().Format(time.DateOnly), rig.Commit(ctx), rig.CPU(), rig.Kernel(ctx), rig.Load(), n, ext)
	fmt.Printf("| register | rows | file | first import: s | s of CPU | peak RSS | one changed row: s | s of CPU | peak RSS |\n|---|---|---|---|---|---|---|---|---|\n")
	for _, k := range chosen {
		if err := k.measure(ctx, dir, ext, n, programs); err != nil {
			return fmt.Errorf("%s: %w", k.name, err)
		}
	}
	fmt.Printf("\nload %s\n", rig.Load())
	return nil
}

func choose(only string) (chosen []kind, err error) {
	if only == "" {
		return kinds, nil
	}
	for _, name := range strings.Split(only, ",") {
		i := slices.IndexFunc(kinds, func(k kind) bool { return strings.ReplaceAll(k.name, ", ", "-") == name })
		if i < 0 {
			return nil, fmt.Errorf("no kind %q", name)
		}
		chosen = append(chosen, kinds[i])
	}
	return chosen, nil
}

// A cost is the cost of one import.
type cost struct {
	wall, cpu time.Duration
	peak      int64 // bytes
}

func (c cost) String() string {
	return fmt.Sprintf("%.1f | %.1f | %d MB", c.wall.Seconds(), c.cpu.Seconds(), c.peak/1e6)
}

func (k *kind) measure(ctx context.Context, dir, ext string, rows int, programs []string) error {
	if k.most > 0 {
		rows = min(rows, k.most)
	}
	editions := k.editions(dir)
	info, err := os.Stat(editions[0])
	if err != nil {
		return err
	}
	var outputs [2]string
	for i, program := range programs {
		out := filepath.Join(dir, fmt.Sprintf("%d-%s.%s", i, strings.ReplaceAll(k.name, ", ", "-"), ext))
		if err := os.RemoveAll(out); err != nil {
			return err
		}
		name := k.name
		if len(programs) > 1 {
			name += ", " + filepath.Base(program)
		}
		row := fmt.Sprintf("| %s | %d | %d MB", name, rows, info.Size()/1e6)
		for j, edition := range editions {
			c, err := k.run(ctx, program, edition, out, j)
			if err != nil {
				return err
			}
			row += " | " + c.String()
			text, err := digest(out)
			if err != nil {
				return err
			}
			if i > 0 && text != outputs[j] {
				return fmt.Errorf("%s and %s wrote different outputs of edition %d", programs[0], program, j+1)
			}
			outputs[j] = text
		}
		fmt.Println(row + " |")
	}
	return nil
}

// digest returns the SHA-256 digest of a file.
func digest(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	return string(h.Sum(nil)), err
}

// run imports one edition.
func (k *kind) run(ctx context.Context, program, edition, out string, n int) (c cost, err error) {
	args := append(append([]string{"import"}, k.args...), edition, "--quiet", "--out", out)
	if k.merges {
		args = append(args, "--vanished", "lift")
		if k.charset == nil { // the other registers have their time
			args = append(args, "--as-of", []string{"2026-01-02", "2026-01-03"}[n])
		}
	} else {
		args = append(args, "--overwrite")
	}
	cmd := exec.CommandContext(ctx, program, args...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = io.Discard, &said
	since := time.Now()
	if err := cmd.Run(); err != nil {
		return c, fmt.Errorf("%w\n%s", err, said.Bytes()[:min(said.Len(), 4000)])
	}
	c.wall, c.cpu = time.Since(since), cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime()
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		c.peak = usage.Maxrss << 10
	}
	return c, nil
}
