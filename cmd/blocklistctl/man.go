package main

import (
	"fmt"
	"io"
	"runtime/debug"
	"strings"
	"time"

	"github.com/alecthomas/kong"
)

// manCmd is the hidden command "blocklistctl man".
type manCmd struct{}

// Help returns the description and the example for --help.
func (*manCmd) Help() string {
	return `Prints the manual page blocklistctl(1), for packages. The output is the same with --json.

Example:

  blocklistctl man > blocklistctl.1`
}

// The manual page has the date of the commit, so that builds are reproducible.
func (*manCmd) Run(e *env) error {
	date, version := e.now().UTC().Format(time.DateOnly), ""
	if info, ok := debug.ReadBuildInfo(); ok {
		version = info.Main.Version
		if t, err := time.Parse(time.RFC3339, setting(info, "vcs.time")); err == nil {
			date = t.UTC().Format(time.DateOnly)
		}
	}
	var b strings.Builder
	page := &manual{w: &b}
	page.write(newParser(new(commands), io.Discard, io.Discard).Model, date, version)
	_, err := io.WriteString(e.stdout, b.String())
	return err
}

type manual struct{ w io.Writer }

// macro writes a macro with its arguments.
func (m *manual) macro(name string, args ...string) {
	line := "." + name
	for _, a := range args {
		line += ` "` + strings.ReplaceAll(roff(a), `"`, `\(dq`) + `"`
	}
	fmt.Fprintln(m.w, line)
}

// A dot at the start of a line would start a macro, so the function escapes the dot.
func (m *manual) text(s string) {
	if strings.HasPrefix(s, ".") || strings.HasPrefix(s, "'") {
		fmt.Fprint(m.w, `\&`)
	}
	fmt.Fprintln(m.w, roff(s))
}

func roff(s string) string {
	return strings.NewReplacer(`\`, `\e`, "-", `\-`, "`", "\\`", "^", `\(ha`, "~", `\(ti`).Replace(s)
}

// write writes the page.
func (m *manual) write(app *kong.Application, date, version string) {
	// mandoc cannot read an escaped date.
	fmt.Fprintf(m.w, ".TH BLOCKLISTCTL 1 %q %q %q\n", date, roff("blocklistctl "+version), "DNS blocking orders")
	m.macro("SH", "NAME")
	m.text("blocklistctl - write, check and watch DNS blocking orders")
	m.macro("SH", "SYNOPSIS")
	m.text("blocklistctl COMMAND [FLAGS] [ARGUMENTS]")
	m.macro("SH", "DESCRIPTION")
	m.text("blocklistctl is the operator's tool for DNS blocking orders. It reads and writes the order files of the CoreDNS plugin blocklist, with the same code as the server.")
	m.macro("SH", "FLAGS")
	m.text("All commands have these flags.")
	m.flags(app.Node)
	m.macro("SH", "COMMANDS")
	group := ""
	for _, leaf := range app.Leaves(true) {
		if g := leaf.ClosestGroup(); g != nil && g.Title != group {
			group = g.Title
			m.macro("SS", strings.TrimSuffix(group, ":"))
		}
		m.macro("TP")
		m.macro("B", leaf.Path())
		m.text(leaf.Help)
	}
	for _, leaf := range app.Leaves(true) {
		m.command(leaf)
	}
	m.macro("SH", "ENVIRONMENT")
	m.macro("TP")
	m.macro("B", corefileVariable)
	m.text("The path of the Corefile, for commands without ORDERS and without --corefile.")
	m.macro("SH", "EXIT STATUS")
	for _, x := range [][2]string{{"0", "The command found no problem."}, {"1", "The command found problems, or could not write the output."}, {"2", "The command has wrong arguments."}} {
		m.macro("TP")
		m.macro("B", x[0])
		m.text(x[1])
	}
	m.macro("SH", "SEE ALSO")
	m.text("coredns(1), the pages in the folder docs of the project")
}

// command writes the section of a command.
func (m *manual) command(leaf *kong.Node) {
	m.macro("SH", strings.ToUpper(leaf.FullPath()))
	m.text(leaf.FullPath() + arguments(leaf) + " [FLAGS]")
	m.detail(leaf.Detail)
	for _, p := range leaf.Positional {
		m.macro("TP")
		m.macro("I", strings.ToUpper(p.Name))
		m.text(p.Help)
	}
	for node := leaf; node.Parent != nil; node = node.Parent {
		m.flags(node)
	}
}

func arguments(leaf *kong.Node) (s string) {
	for _, p := range leaf.Positional {
		arg := strings.ToUpper(p.Name)
		if p.IsCumulative() {
			arg += "..."
		}
		if !p.Required {
			arg = "[" + arg + "]"
		}
		s += " " + arg
	}
	return s
}

func (m *manual) flags(node *kong.Node) {
	for _, f := range node.Flags {
		if f.Hidden || node.Parent != nil && f.Name == "help" {
			continue
		}
		name := f.String()
		if f.Tag.Negatable != "" {
			name += ", --no-" + f.Name
		}
		m.macro("TP")
		m.macro("B", name)
		help := f.Help
		if f.Enum != "" && !strings.Contains(help, f.EnumSlice()[0]) {
			help += " One of " + strings.Join(f.EnumSlice(), ", ") + "."
		}
		m.text(help)
	}
}

func (m *manual) detail(text string) {
	example := false
	for line := range strings.SplitSeq(text, "\n") {
		indented := strings.HasPrefix(line, "  ")
		switch {
		case line == "" && example:
			continue
		case indented && !example:
			m.macro("PP")
			m.macro("EX")
		case !indented && example:
			m.macro("EE")
		}
		if example = indented; line == "" {
			continue
		}
		if !indented {
			m.macro("PP")
		}
		m.text(strings.TrimPrefix(line, "  "))
	}
	if example {
		m.macro("EE")
	}
}
