package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"github.com/dns-orders/blocklist/plugin/edit"
	"github.com/dns-orders/blocklist/plugin/importer"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/printable"
	"github.com/dns-orders/blocklist/plugin/signature"
)

type editFlags struct {
	Orders      []string `placeholder:"PATH" sep:"none" help:"An order file, directory or glob with all orders of the server. May be given several times. The default with --corefile is the ORDERS of the Corefile."`
	serverFlags `embed:""`
	writeFlags  `embed:"" group:"The writing:"`
}

type editing struct {
	e      *env
	s      *server
	flags  *editFlags
	now    order.Time
	before *orders // the orders before the change
	path   string
	old    []byte
	file   *order.File // the parsed file before the change
	text   *edit.Text
	list   *importJSON // the report on a list of names, or nil
	mode   fs.FileMode // the mode of a new file
	isNew  bool        // the file does not exist yet
	verb   string      // the kind of the change, for the message of a commit
	id     string      // the id of the changed order
	warned bool        // the person knows the warnings of exposed
	asks   *asker      // asks the person at the terminal; nil without a terminal or with --yes
}

// begin loads the orders before the change.
func (c *editFlags) begin(e *env) (*editing, error) { return c.beginWith(e, "", nil) }

func (c *editFlags) beginWith(e *env, path string, text []byte) (*editing, error) {
	e.sealed = true // the authors of the files use these commands
	now := e.present()
	var a *asker
	if !c.Yes {
		a = e.asker()
	}
	if a != nil {
		now = cmp.Or(a.now, now)
		a.now = now
	}
	s, err := c.server(c.Orders)
	if err != nil {
		return nil, err
	}
	x := &editing{e: e, s: s, flags: c, now: now, mode: 0o644, asks: a}
	if path != "" {
		if err := x.create(path, text); err != nil {
			return nil, err
		}
	}
	if x.before, err = e.mustLoad(s.Store.Patterns, s, nil); err != nil {
		return nil, err
	}
	return x, nil
}

func (x *editing) find(id string) (*order.Order, error) {
	all := x.before.byID()
	if o := all[id]; o != nil {
		return o, nil
	}
	hint := "blocklistctl list shows the ids"
	if near := order.Nearest(id, maps.Keys(all)); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	return nil, misuse("no order has the id %q; %s", id, hint)
}

func (x *editing) open(id string) error { return x.openFile(x.before.position(id).path) }

func (x *editing) openFile(path string) (err error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	for i := range x.before.versions {
		v := &x.before.versions[i]
		// The Corefile gives absolute paths.
		if is, err := filepath.Abs(v.Path); err == nil && is == abs {
			x.path, x.file = v.Path, v.File
		}
	}
	if x.file == nil {
		return misuse("%s is not one of the files of ORDERS", printable.Line(path))
	}
	if x.isNew {
		x.text, err = edit.Parse(x.path, x.e.edited[x.path])
		return err
	}
	f, err := openFile(x.path, order.MaxBytes(x.path, false))
	if err != nil {
		return fmt.Errorf("%s: %w", x.path, err)
	}
	x.old, err = io.ReadAll(f)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	x.text, err = edit.Parse(x.path, x.old)
	return err
}

func (x *editing) freeID(base, word string) string {
	all := x.before.byID()
	id := base + "/" + word
	for n := 2; all[id] != nil; n++ {
		id = fmt.Sprintf("%s/%s-%d", base, word, n)
	}
	return id
}

func (x *editing) newOrder(fields map[string]any) (*order.Order, error) {
	h := &importer.Head{Timezone: x.file.Timezone, Fields: map[string]any{}}
	for key, value := range fields {
		if s, ok := value.([]string); value != "" && (!ok || len(s) > 0) {
			h.Fields[key] = value
		}
	}
	return head(h, flagProblem)
}

func head(h *importer.Head, text func(order.Problem) string) (*order.Order, error) {
	o, err := h.Order()
	var bad order.Problems
	if errors.As(err, &bad) {
		lines := make([]string, len(bad))
		for i, p := range bad {
			lines[i] = text(p)
		}
		return nil, misuse("%s", strings.Join(lines, "\n"))
	}
	if err == nil && h.Fields["targets"] == nil {
		o.Targets = nil
	}
	return o, err
}

func flagProblem(p order.Problem) string {
	field, isTarget := strings.CutPrefix(p.Field, "targets")
	if _, inner, found := strings.Cut(field, "."); found && isTarget {
		field = inner // a field of a target, for example served
	} else if isTarget {
		field = "the name"
	}
	flag := flagOf(field)
	text := flag + ": " + p.Msg
	if p.HasGot {
		text += fmt.Sprintf(", got %q", p.Got)
	}
	return text
}

// Without --yes, the person must agree before the tool writes the file.
func (x *editing) finish(at order.Time) error {
	if x.flags.Commit {
		if err := x.committable(); err != nil {
			return err
		}
	}
	if err := x.text.RaiseSerial(); err != nil {
		return err
	}
	data, err := x.signable(x.text.Bytes())
	if err != nil {
		return err
	}
	x.e.edited = map[string][]byte{x.path: data}
	after, err := x.e.mustLoad(x.s.Store.Patterns, x.s, nil)
	if errors.Is(err, errProblems) {
		x.e.say("the change would make a file that a server refuses; nothing was written")
	}
	if err != nil {
		return err
	}
	out := x.effect(after, max(at, x.now))
	out.File, out.Import, out.isNew, out.label = x.path, x.list, x.isNew, x.id
	if disclosures(after.all())[x.id].Sealed() {
		out.label = sealedLabel(x.id)
		if x.before.byID()[x.id] == nil && !x.warned {
			for _, text := range x.exposed() {
				x.e.say("warning: %s", text)
			}
		}
	}
	for _, h := range edit.Diff(x.old, data, 3) {
		out.Diff = append(out.Diff, h.Title())
		for _, l := range h.Lines {
			out.Diff = append(out.Diff, string(l.Sign)+l.Text)
		}
	}
	if out.Sign, err = x.stale(nil); err != nil {
		return err
	}
	refused := len(out.Refused) > 0
	if x.flags.Yes && !refused {
		if err := x.put(data, out, after); err != nil {
			return err
		}
	}
	if x.e.json {
		err = x.e.writeJSON(out)
	} else {
		if x.asks != nil {
			x.asks.say("")
		}
		out.print(x.e, x.asks != nil)
		out.printWritten(x.e)
	}
	switch {
	case err != nil:
		return err
	case refused:
		x.e.say("a running server refuses the change; nothing was written")
		return errProblems
	case x.flags.Yes || x.flags.DryRun:
		return x.commit(out)
	case x.asks == nil:
		return x.e.unconfirmed()
	}
	agreed := x.asks.yes(question{text: "Is this right? Shall the change be written? (yes or no)", flag: "--yes",
		help: "The lines with + are new in the file. Below these lines you see the names that are blocked or freed, and for which clients."})
	if x.asks.err != nil {
		return x.asks.err
	}
	if !agreed {
		x.asks.say("Nothing was written.")
		return errProblems
	}
	if err := x.put(data, out, after); err != nil {
		return err
	}
	out.printWritten(x.e)
	return x.commit(out)
}

func (x *editing) put(data []byte, out *editJSON, after *orders) (err error) {
	if x.asks != nil {
		x.asks.release()
	}
	serial := int64(-1)
	for _, v := range after.versions {
		if v.Path == x.path {
			serial = v.File.Serial
		}
	}
	if out.written, err = x.write(data, serial); err != nil {
		return err
	}
	out.Written = true
	if x.list != nil {
		x.list.Written = true
	}
	out.Sign, err = x.stale(out.written)
	return err
}

// errMisuse sets the exit code for wrong arguments. The command has already printed the message.
var errMisuse = errors.New("wrong arguments")

func (e *env) unconfirmed() error {
	e.say("nothing was written: --yes writes the change, and --dry-run only shows the change")
	return errMisuse
}

func signatures(path string) (out []string, err error) {
	out = []string{}
	for slot := 1; slot <= signature.MaxKeys; slot++ {
		switch _, err := os.Stat(signature.Path(path, slot)); {
		case err == nil:
			out = append(out, signature.Path(path, slot))
		case !errors.Is(err, os.ErrNotExist):
			return nil, err
		}
	}
	return out, nil
}
