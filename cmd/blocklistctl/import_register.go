package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/dns-orders/blocklist/plugin/importer"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/printable"
	"github.com/dns-orders/blocklist/plugin/register"
)

// registerCmd is the command "blocklistctl import register".
type registerCmd struct {
	Preset string `arg:"" help:"The preset: a name, or the path of a file. preset list shows all presets."`
	File   string `arg:"" help:"The register; - is standard input."`

	Presets string            `type:"existingdir" placeholder:"DIR" help:"A directory with presets. They replace built-in presets of the same name."`
	Served  string            `placeholder:"TIME" help:"When the operator received the new orders, or the word now. Earlier orders keep their times."`
	Set     map[string]string `mapsep:"none" placeholder:"COLUMN=VALUE" help:"A value for all rows, for a preset that asks for the value."`

	mergeFlags `embed:""`
}

type mergeFlags struct {
	Out         string `short:"o" required:"" placeholder:"ORDERS" help:"The order file to write: .yaml, .yml, .json or .jsonl. An existing file is the previous output, and the import continues the file."`
	AsOf        string `placeholder:"TIME" help:"The time of the file's content, if the file does not have the time."`
	SHA256      string `name:"sha256" placeholder:"HEX|FILE" help:"The SHA-256 digest of the file, or a file with the digest."`
	Fix         string `placeholder:"FILE" help:"The operator's corrections of errors in the file."`
	SkipRefused int    `placeholder:"N" help:"Leave out the refused rows. N is their exact number."`
	Vanished    string `enum:",lift,keep,refuse" default:"" placeholder:"HOW" help:"The treatment of rows that are no longer in the file: lift, keep or refuse. The default is in the preset."`
	DropOK      int    `name:"drop-ok" default:"-1" placeholder:"N" help:"Accept that the import ends the blocks of exactly N targets."`
	RowsOK      int    `name:"rows-ok" default:"-1" placeholder:"N" help:"Accept a first import with exactly N rows."`
	AllowSuffix bool   `help:"Accept public suffixes, for example com and co.uk. All names below them are blocked."`
	Quiet       bool   `short:"q" help:"Do not list warnings about names and rows that are no orders."`
}

// Help returns the description and the example for --help.
func (*registerCmd) Help() string {
	return `A preset describes the register of an authority: its format, its columns, and the orders that its rows make. The import makes one order of each decision. If ORDERS exists, the import merges the register with the file: new rows are added, a removal date is an end, and the preset says what happens with rows that are no longer in the register. If nothing changed, the file is not written.

A row that cannot be read stops the import, unless --fix corrects the row or --skip-refused gives the exact number of the refused rows.

Example:

  blocklistctl import register cz-mfcr list.csv --as-of 2026-05-01 --out orders/cz-mfcr.yaml`
}

const maxRegister = 1 << 30

// Run imports the register.
func (c *registerCmd) Run(e *env) error {
	if err := c.checkOut(); err != nil {
		return err
	}
	p, err := register.Load(c.Preset, c.Presets)
	if err != nil {
		return err
	}
	for _, column := range sortedKeys(p.Given) {
		if c.Set[column] == "" {
			return misuse("the preset %s needs --set %s=VALUE: %s", p.Name, column, p.Given[column])
		}
	}
	for _, column := range sortedKeys(c.Set) {
		if _, ok := p.Given[column]; !ok {
			return misuse("--set: the preset %s does not ask for %q", p.Name, column)
		}
	}
	return c.merge(e, p, c.File, c.Served, c.Set)
}

// checkOut checks the path of the output.
func (c *mergeFlags) checkOut() error {
	if !slices.Contains(order.Extensions, order.Ext(c.Out)) {
		return misuse("--out must end in .yaml, .yml, .json or .jsonl, got %q", c.Out)
	}
	return checkFolder(c.Out)
}

func (c *mergeFlags) merge(e *env, p *register.Preset, file, served string, given map[string]string) error {
	opt, err := c.options(e, p, served)
	if err != nil {
		return err
	}
	opt.Given = given
	limitMemory()
	opt.Progress = func(step string) { e.progress.say("%s: %s", file, step) }
	data, err := readRegister(e, file)
	if err != nil {
		return fmt.Errorf("%s: %w", printable.Line(file), err)
	}
	var bad error // the previous output cannot be read
	opt.ReadPrevious = func() (previous []byte, err error) {
		previous, bad = c.previous()
		return previous, bad
	}
	res, err := register.Import(p, data, opt)
	e.progress.clear()
	if bad != nil {
		return fmt.Errorf("%s: %w", printable.Line(c.Out), bad)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", printable.Line(file), err)
	}
	if res.Content != nil {
		mode := fs.FileMode(0o644)
		if res.Sealed {
			mode = modeSealed
		}
		if err := writeText(c.Out, res.Content.Reader(), mode); err != nil {
			return err
		}
	}
	c.say(e, p, file, res)
	if e.json {
		if err := e.writeJSON(c.report(p, res)); err != nil {
			return err
		}
	}
	if len(res.Problems) > 0 {
		return errProblems
	}
	return nil
}

// options returns the options of the import.
func (c *mergeFlags) options(e *env, p *register.Preset, served string) (opt register.Options, err error) {
	now := order.FromTime(e.now())
	opt = register.Options{Path: c.Out, Now: now, AsOf: order.NoTime, Served: order.NoTime, SkipRefused: c.SkipRefused,
		DropOK: c.DropOK, RowsOK: c.RowsOK, Vanished: c.Vanished, AllowSuffix: c.AllowSuffix}
	for _, f := range []struct {
		flag, text string
		to         *order.Time
	}{{"--as-of", c.AsOf, &opt.AsOf}, {"--served", served, &opt.Served}} {
		switch f.text {
		case "":
		case "now":
			*f.to = now
		default:
			if *f.to, err = p.Time(f.text); err != nil {
				return opt, misuse("%s: %v, got %q", f.flag, err, f.text)
			}
		}
	}
	if p.SHA256 != "" && c.SHA256 == "" {
		return opt, misuse("the preset %s requires --sha256, because the authority publishes the digest of the register", p.Name)
	}
	if opt.SHA256, err = digestOf(c.SHA256); err != nil {
		return opt, fmt.Errorf("--sha256: %w", err)
	}
	if c.Fix != "" {
		data, err := readSmall(c.Fix)
		if err == nil {
			opt.Fixes, err = register.ParseFixes(data)
		}
		if err != nil {
			return opt, fmt.Errorf("%s: %w", printable.Line(c.Fix), err)
		}
	}
	return opt, nil
}

func (c *mergeFlags) previous() ([]byte, error) {
	f, err := openFile(c.Out, order.MaxBytes(c.Out, false))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAll(f)
}

// readRegister reads the file of a register.
func readRegister(e *env, file string) ([]byte, error) {
	e.progress.say("reading %s", file)
	if file != "-" {
		f, err := openFile(file, maxRegister)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return readAll(f)
	}
	data, err := io.ReadAll(io.LimitReader(e.stdin, maxRegister+1))
	if err == nil && len(data) > maxRegister {
		err = fmt.Errorf("is larger than %d MiB", maxRegister>>20)
	}
	return data, err
}

// readAll reads a file into a buffer of its size. io.ReadAll would need more memory.
func readAll(f fs.File) ([]byte, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	data := make([]byte, info.Size())
	if _, err := io.ReadFull(f, data); err != nil {
		return nil, fmt.Errorf("cannot be read, or another program changes the file: %w", err)
	}
	return data, nil
}

var digest = regexp.MustCompile(`(?i)(?:^|[^0-9a-f])([0-9a-f]{64})(?:[^0-9a-f]|$)`)

func digestOf(arg string) (string, error) {
	if b, err := hex.DecodeString(arg); err == nil && (len(b) == 32 || arg == "") {
		return arg, nil
	}
	data, err := readSmall(arg)
	if err != nil {
		return "", fmt.Errorf("%q is no SHA-256 digest and no readable file: %w", arg, err)
	}
	all := digest.FindAllSubmatch(data, -1)
	if len(all) != 1 {
		return "", fmt.Errorf("%s: has %s, not 1", printable.Line(arg), count(len(all), "SHA-256 digest"))
	}
	return string(all[0][1]), nil
}

// readSmall reads a file of at most 1 MiB.
func readSmall(path string) ([]byte, error) {
	f, err := openFile(path, 1<<20)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

// say prints the report on an import.
func (c *mergeFlags) say(e *env, p *register.Preset, file string, res *register.Result) {
	line := func(format string, args ...any) {
		fmt.Fprintln(e.stderr, printable.Line(file+": "+fmt.Sprintf(format, args...)))
	}
	if !c.Quiet {
		for _, why := range sortedKeys(res.Left) {
			line("left out %s: %s", count(res.Left[why], "row"), why)
		}
		for i, w := range res.Warnings {
			if i == maxListed {
				line("and %s more (--json lists all of them)", count(len(res.Warnings)-i, "warning"))
				break
			}
			line("%s %d: %q: warning: %s", p.Unit(), w.At, w.Value, w.Why)
		}
	}
	for _, f := range res.Fixed {
		line("%s %d: corrected %s from %q to %q: %s", p.Unit(), f.At, f.Column, f.Is, f.Use, f.Why)
	}
	for _, f := range res.Unused {
		line("no row has %q in the column %s, so its correction was not used", f.Is, f.Column)
	}
	ends, again, stays := "the block ends", "the block is in force again", "the row vanished, and the block stays"
	if len(res.Problems) > 0 {
		ends, again, stays = "the block would end", "the block would be in force again", "the row vanished, and the block would stay"
	}
	for _, list := range []struct {
		what    string
		changes []register.Change
	}{{ends, res.Ended}, {again, res.Back}, {stays, res.Kept}, {"the row vanished", res.Vanished}} {
		for i, x := range list.changes {
			if i == maxListed {
				line("%s: and %s more (--json lists all of them)", list.what, count(len(list.changes)-i, "target"))
				break
			}
			why := ""
			switch x.Why {
			case "moved":
				why = " (the row is in another order now)"
			case "vanished":
				why = " (the row vanished)"
			}
			line("%s: %q in order %q%s", list.what, x.Target, x.Order, why)
		}
	}
	for i, x := range res.Refused {
		if i == maxListed {
			line("and %s more (--json lists all of them)", count(len(res.Refused)-i, "refused row"))
			break
		}
		needs := ""
		if x.Needs != "" {
			needs = fmt.Sprintf("; decide: {%s: WORD} in a preset decides, where WORD is %s", x.Needs, strings.Join(importer.Choices(importer.Form(x.Needs)), ", "))
			if x.Needs == "allow-suffix" {
				needs = "; --allow-suffix accepts public suffixes"
			}
		}
		column := ""
		if x.Column != "" {
			column = x.Column + ": "
		}
		line("%s %d: refused: %s%q: %s%s", p.Unit(), x.At, column, x.Value, x.Why, needs)
	}
	for _, problem := range res.Problems {
		line("%s", problem)
	}
	has := "the output has"
	if len(res.Problems) > 0 {
		has = "the output would have"
	}
	line("%s; %s %s with %s, %d in force%s", count(res.Rows, "row"), has, count(res.Orders, "order"), count(res.Targets, "target"), res.InForce,
		someOf("; ", number{"new orders: %d", res.NewOrders}, number{"new targets: %d", res.Added}, number{"ended: %d", len(res.Ended)},
			number{"in force again: %d", len(res.Back)}, number{"repeated: %d", res.Repeated}, number{"refused: %d", len(res.Refused)}))
	switch {
	case res.Content != nil:
		fmt.Fprintf(e.stderr, "%s: written with serial %d\n", printable.Line(c.Out), res.Serial)
	case len(res.Problems) == 0:
		fmt.Fprintf(e.stderr, "%s: not written, because no order changed\n", printable.Line(c.Out))
	}
}

type registerJSON struct {
	Preset    string             `json:"preset"`
	AsOf      string             `json:"as_of,omitempty"`
	Rows      int                `json:"rows"`
	Orders    int                `json:"orders"`
	Targets   int                `json:"targets"`
	InForce   int                `json:"in_force"`
	NewOrders int                `json:"new_orders"`
	Added     int                `json:"added"`
	Repeated  int                `json:"repeated"`
	Left      []leftRowsJSON     `json:"left"`
	Fixed     []fixedJSON        `json:"fixed"`
	Ended     []register.Change  `json:"ended"`
	Back      []register.Change  `json:"back"`
	Kept      []register.Change  `json:"kept"`
	Vanished  []register.Change  `json:"vanished"`
	Refused   []register.Refused `json:"refused"`
	Warnings  []register.Refused `json:"warnings"`
	Problems  []string           `json:"problems"`
	Out       string             `json:"out"`
	Serial    int64              `json:"serial,omitempty"`
	Written   bool               `json:"written"`
}

type leftRowsJSON struct {
	Why  string `json:"why"`
	Rows int    `json:"rows"`
}

// fixedJSON is a correction that was used.
type fixedJSON struct {
	At     int    `json:"at"`
	Column string `json:"column"`
	Is     string `json:"is"`
	Use    string `json:"use"`
	Why    string `json:"why"`
}

func (c *mergeFlags) report(p *register.Preset, res *register.Result) registerJSON {
	fixed := []fixedJSON{}
	for _, f := range res.Fixed {
		fixed = append(fixed, fixedJSON{f.At, f.Column, f.Is, f.Use, f.Why})
	}
	left := []leftRowsJSON{}
	for _, why := range sortedKeys(res.Left) {
		left = append(left, leftRowsJSON{why, res.Left[why]})
	}
	return registerJSON{p.Name, res.AsOf.String(), res.Rows, res.Orders, res.Targets, res.InForce, res.NewOrders, res.Added, res.Repeated,
		left, fixed, list(res.Ended), list(res.Back), list(res.Kept), list(res.Vanished), list(res.Refused), list(res.Warnings),
		list(res.Problems), c.Out, res.Serial, res.Content != nil}
}

// The function replaces nil with an empty list, because JSON writes nil as null.
func list[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
