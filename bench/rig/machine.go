package rig

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// CPU returns the model of the processor and the number of CPUs.
func CPU() string { return fmt.Sprintf("%s, %d CPUs", Model(), runtime.NumCPU()) }

// Kernel returns the name and version of the running kernel.
func Kernel(ctx context.Context) string { return Output(ctx, "uname", "-sr") }

// Commit returns the current commit. If Go files have changed, Commit adds ", with changes".
func Commit(ctx context.Context) string {
	commit := Output(ctx, "git", "rev-parse", "--short", "HEAD")
	if Output(ctx, "git", "status", "--porcelain", "--", "*.go", "go.mod") != "" {
		commit += ", with changes"
	}
	return commit
}

// Load returns the load average of the machine.
func Load() string {
	text, _ := os.ReadFile("/proc/loadavg")
	return strings.Join(strings.Fields(string(text))[:3], " ")
}

// Output returns the output of a command, or "" if the command fails.
func Output(ctx context.Context, argv ...string) string {
	out, _ := exec.CommandContext(ctx, argv[0], argv[1:]...).Output()
	return strings.TrimSpace(string(out))
}
