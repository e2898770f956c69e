package main

import (
	_ "embed"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// completionCmd is the command "blocklistctl completion".
type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"The shell: bash, zsh or fish."`
}

// Help returns the description and the example for --help.
func (*completionCmd) Help() string {
	return `Prints a script with which the shell completes commands, flags and file names of blocklistctl. The script asks blocklistctl for the words, so the script stays right when a new version has other commands. The output is the same with --json.

Example:

  blocklistctl completion bash > /etc/bash_completion.d/blocklistctl
  blocklistctl completion zsh > /usr/share/zsh/site-functions/_blocklistctl
  blocklistctl completion fish > ~/.config/fish/completions/blocklistctl.fish`
}

//go:embed completion.bash
var bashCompletion string

//go:embed completion.zsh
var zshCompletion string

//go:embed completion.fish
var fishCompletion string

// Run prints the script.
func (c *completionCmd) Run(e *env) error {
	script := map[string]string{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}[c.Shell]
	_, err := io.WriteString(e.stdout, script)
	return err
}

// completeWord is the hidden command of the completion scripts.
const completeWord = "__complete"

// The completion scripts add file names if the output contains this word.
const filesWord = ":files"

func complete(w io.Writer, words []string) {
	root := newParser(new(commands), io.Discard, io.Discard).Model.Node
	for _, c := range candidates(root, words) {
		fmt.Fprintln(w, c)
	}
}

// candidates returns the lines of complete.
func candidates(root *kong.Node, words []string) []string {
	if len(words) == 0 {
		words = []string{""}
	}
	last := words[len(words)-1]
	node, arguments := root, 0
	var value *kong.Flag // the flag whose value is the next word
	flagsEnd := false    // the words had "--"
	for i, word := range words[:len(words)-1] {
		switch {
		case word == "=" && i > 0 && strings.HasPrefix(words[i-1], "--"):
			value = namedFlag(node, words[i-1]) // bash makes three words of --flag=value
		case value != nil:
			value = nil
		case word == "--":
			flagsEnd = true
		case !flagsEnd && strings.HasPrefix(word, "-") && word != "-":
			if f := namedFlag(node, word); f != nil && !f.IsBool() && !strings.Contains(word, "=") && (strings.HasPrefix(word, "--") || len(word) == 2) {
				value = f
			}
		case child(node, word) != nil:
			node = child(node, word)
		default:
			arguments++
		}
	}
	if last == "=" && len(words) > 1 && strings.HasPrefix(words[len(words)-2], "--") {
		value, last = namedFlag(node, words[len(words)-2]), ""
	}
	name, given, inline := strings.Cut(last, "=")
	switch {
	case value != nil:
		return values(value.Value, value.PlaceHolder, "", last)
	case inline && strings.HasPrefix(name, "--") && !flagsEnd:
		if f := namedFlag(node, name); f != nil {
			return values(f.Value, f.PlaceHolder, name+"=", given)
		}
		return nil
	case strings.HasPrefix(last, "-") && !flagsEnd:
		return flags(node, last)
	case len(node.Children) > 0:
		return children(node, last)
	case len(node.Positional) == 0:
		return nil
	}
	arg := node.Positional[min(arguments, len(node.Positional)-1)]
	return values(arg, arg.Name, "", last)
}

// child returns the subcommand with a name, or nil.
func child(node *kong.Node, name string) *kong.Node {
	if i := slices.IndexFunc(node.Children, func(n *kong.Node) bool { return n.Name == name }); i >= 0 {
		return node.Children[i]
	}
	return nil
}

func namedFlag(node *kong.Node, word string) *kong.Flag {
	word, _, _ = strings.Cut(word, "=")
	for ; node != nil; node = node.Parent {
		for _, f := range node.Flags {
			if word == "--"+f.Name || f.Short != 0 && strings.HasPrefix(word, "-"+string(f.Short)) {
				return f
			}
		}
	}
	return nil
}

func flags(node *kong.Node, prefix string) (out []string) {
	for ; node != nil; node = node.Parent {
		for _, f := range node.Flags {
			names := []string{"--" + f.Name}
			if f.Tag.Negatable != "" {
				names = append(names, "--no-"+f.Name)
			}
			for _, name := range names {
				if !f.Hidden && strings.HasPrefix(name, prefix) {
					out = append(out, name+"\t"+f.Help)
				}
			}
		}
	}
	slices.Sort(out)
	return out
}

// children returns the subcommands that begin with a prefix.
func children(node *kong.Node, prefix string) (out []string) {
	for _, n := range node.Children {
		if !n.Hidden && strings.HasPrefix(n.Name, prefix) {
			out = append(out, n.Name+"\t"+n.Help)
		}
	}
	return out
}

func values(v *kong.Value, placeholder, before, prefix string) (out []string) {
	words := strings.Split(v.Tag.Get("words"), ",")
	if v.Enum != "" {
		words = v.EnumSlice()
	}
	for _, w := range words {
		if w != "" && strings.HasPrefix(w, prefix) {
			out = append(out, before+w)
		}
	}
	if isFile(v, placeholder) {
		out = append(out, filesWord)
	}
	return out
}

func isFile(v *kong.Value, placeholder string) bool {
	switch placeholder {
	case "FILE", "PATH", "DIR", "OLD", "orders", "file", "files", "old", "new", "list", "url", "id|reference|name":
		return true
	}
	return v.Enum == "" && v.Flag == nil && slices.Contains([]string{"existingfile", "existingdir", "path"}, v.Tag.Type)
}
