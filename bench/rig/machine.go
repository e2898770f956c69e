package rig

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// CPU is the processor and how many there are.
func CPU() string { return fmt.Sprintf("%s, %d CPUs", Model(), runtime.NumCPU()) }

// Kernel is the running one.
func Kernel(ctx context.Context) string { return Output(ctx, "uname", "-sr") }

// Commit is the one that is checked out, and whether the code is still that.
func Commit(ctx context.Context) string {
	commit := Output(ctx, "git", "rev-parse", "--short", "HEAD")
	if Output(ctx, "git", "status", "--porcelain", "--", "*.go", "go.mod") != "" {
		commit += ", with changes"
	}
	return commit
}

// Load is the machine's load average: others' work shows in the figures.
func Load() string {
	text, _ := os.ReadFile("/proc/loadavg")
	return strings.Join(strings.Fields(string(text))[:3], " ")
}

// Output is what a command prints, empty when it fails.
func Output(ctx context.Context, argv ...string) string {
	out, _ := exec.CommandContext(ctx, argv[0], argv[1:]...).Output()
	return strings.TrimSpace(string(out))
}
