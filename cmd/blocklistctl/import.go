package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dns-orders/blocklist/plugin/importer"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/printable"
	"github.com/dns-orders/blocklist/plugin/sheet"
)

type importCmd struct {
	Domains  domainsCmd  `cmd:"" help:"Convert a list with one name on each line to an order file."`
	Register registerCmd `cmd:"" help:"Convert the register of an authority to an order file, and continue the file with later editions."`
	Rpz      rpzCmd      `cmd:"" help:"Convert a response policy zone to an order file, and continue the file with later versions."`
	Hosts    hostsCmd    `cmd:"" help:"Convert a hosts file to an order file, and continue the file with later versions."`
	Adblock  adblockCmd  `cmd:"" help:"Convert adblock rules for whole hosts to an order file, and continue the file with later versions."`
	Csv      csvCmd      `cmd:"" help:"Convert a table to an order file, and continue the file with later versions."`
}

// domainsCmd is the command "blocklistctl import domains".
type domainsCmd struct {
	File string `arg:"" help:"The list; - is standard input."`
	Out  string `short:"o" placeholder:"FILE" help:"The order file to write: .yaml, .yml, .json or .jsonl. Without --out, the order is printed as YAML."`
	List string `placeholder:"FILE" help:"Write the plain names to this side list (targets_from). It must be in the directory of --out or below it."`

	SkipRefused bool `help:"Write the order without the refused lines, and report these lines."`
	Expect      *int `placeholder:"N" help:"The number of names in the decision. If the list has another number, nothing is written. The order gets the number as stated_count."`
	Overwrite   bool `help:"Replace an existing file that differs."`
	Quiet       bool `short:"q" help:"Do not report lines that were only cleaned or passed over."`

	choose bool // a person chooses the column of a table in text form

	headFlags  `embed:"" group:"The order:"`
	readsFlags `embed:"" group:"Lines with several meanings (a flag is required only if the list has a line of its kind; skip leaves these lines out):"`
}

// readsFlags decide the meaning of ambiguous lines.
type readsFlags struct {
	Column       string `placeholder:"COLUMN" help:"For a list in CSV or XLSX: the column with the names, as a letter or as its heading; in a workbook with several sheets, SHEET!COLUMN."`
	Charset      string `placeholder:"SET" help:"The character set: utf-8 (default), cp1250 or cp1251."`
	Mask         string `placeholder:"HOW" help:"*.example.com: subtree (with example.com) or below (without example.com)."`
	Paths        string `placeholder:"HOW" help:"example.com/page: url (recorded, not enforced), host (only this host) or name (the host and all names below)."`
	Ports        string `placeholder:"HOW" help:"example.com:8080: name (the name, for every port)."`
	Addresses    string `placeholder:"HOW" help:"192.0.2.1 or 192.0.2.0/24: network, none or dns, as enforced_by."`
	AddressURLs  string `name:"address-urls" placeholder:"HOW" help:"https://192.0.2.1/page: url (recorded, not enforced), or the address is the target: network, none or dns."`
	TextAfter    string `placeholder:"HOW" help:"example.com (a mirror): drop (without the text) or note (the text is the note of the target)."`
	AddressAfter string `placeholder:"HOW" help:"example.com (192.0.2.1): drop, note, or the address is a target too: network, none or dns."`
	Several      string `placeholder:"HOW" help:"example.com example.net: split."`
	Hyphen       string `placeholder:"HOW" help:"A line that ends in a hyphen or a dot, and the next line: join, drop (join without the hyphen), separate or refuse (default)."`
	AllowSuffix  bool   `help:"Accept public suffixes, for example com and co.uk. All names below them are blocked."`
	Plain        bool   `help:"Read each line as a name, even if the file seems to have another format."`
}

// Help returns the description and the example for --help.
func (*domainsCmd) Help() string {
	return `The list has one name on each line, blank lines, and comments that begin with #. A file in another format, such as a zone, a table with a status or a hosts file, is refused as a whole, because some of its names must not be blocked.

Lines with only one meaning are cleaned, and the changes are reported: numbers and bullets, page numbers, [.] and hxxp, schemes, slashes, dots and commas, upper case, letters outside ASCII. A line with several meanings is refused, and the message names the flag that decides. If a line is refused, nothing is written, unless --skip-refused is given.

Example:

  blocklistctl import domains list.txt --id ncu/276-2081 --authority NCU --authority-country UA --authority-kind regulator --reference 276/2081 --issued 2024-04-05 --scope global --out orders/ncu-276-2081.yaml`
}

func (f *readsFlags) options() importer.Options {
	o := importer.Options{Charset: f.Charset, AllowSuffix: f.AllowSuffix, Plain: f.Plain, Decide: map[importer.Form]string{}}
	for form, word := range map[importer.Form]string{
		importer.Mask: f.Mask, importer.Paths: f.Paths, importer.Ports: f.Ports, importer.Addresses: f.Addresses,
		importer.AddressURLs: f.AddressURLs, importer.TextAfter: f.TextAfter, importer.AddressAfter: f.AddressAfter, importer.Several: f.Several,
		importer.Hyphen: f.Hyphen,
	} {
		if word != "" {
			o.Decide[form] = word
		}
	}
	return o
}

// Run imports the list.
func (c *domainsCmd) Run(e *env) error {
	name, side, err := c.paths()
	if err != nil {
		return err
	}
	opt := c.options()
	if err := missing(c.missing()...); err != nil {
		return err
	}
	if err := opt.Check(); err != nil {
		return misuse("--%v", err)
	}
	if err := c.check(); err != nil {
		return err
	}
	for _, path := range []string{c.Out, c.List} {
		if err := checkFolder(path); err != nil {
			return err
		}
	}
	in, closeIn, err := c.open(e)
	if err != nil {
		return err
	}
	defer closeIn()
	limitMemory()
	e.progress.say("reading %s", c.File)
	res, err := importer.Domains(in, opt)
	empty := errors.Is(err, importer.ErrEmpty)
	if err != nil && !empty {
		return fmt.Errorf("%s: %w%s", printable.Line(c.File), err, columnHint(c.File, err))
	}
	e.progress.clear()
	groups := importer.Groups(res.Notes)
	out := newReport(c.ID, res)
	c.say(e, res, groups)
	c.expected(e, out)
	switch {
	case res.Refused > 0 && !c.SkipRefused:
		c.problem(out, "%s", refusal(res.Refused, c.Expect != nil))
	case empty:
		c.problem(out, "%v", err)
	case len(out.Problems) > 0:
	default:
		if err := c.write(e, res.Targets, name, side, out); err != nil {
			return err
		}
	}
	for _, w := range out.Warnings {
		fmt.Fprintf(e.stderr, "the order: warning: %s\n", printable.Line(w))
	}
	for _, p := range out.Problems {
		fmt.Fprintln(e.stderr, p)
	}
	unread := someOf(", ", number{"%d blank", out.Blank}, number{"%d with comments", out.Comments}, number{"%d passed over", out.Passed})
	if unread != "" {
		unread = " (" + unread[len(", "):] + ")"
	}
	fmt.Fprintf(e.stderr, "%s: %s%s: %s%s\n", printable.Line(c.File), count(out.Lines, "line"), unread, count(out.Targets, "target"),
		someOf(", ", number{"%d repeated", out.Duplicates}, number{"%d refused", out.Refused}, number{"%d left out", out.Skipped}))
	if e.json {
		if err := e.writeJSON(out); err != nil {
			return err
		}
	}
	if len(out.Problems) > 0 {
		return errProblems
	}
	return nil
}

func (c *domainsCmd) paths() (name, side string, err error) {
	if name = c.Out; name == "" {
		if c.List != "" {
			return "", "", misuse("--list requires --out, because an order file has the path of its side list relative to itself")
		}
		return "import.yaml", "", nil
	}
	if !slices.Contains(order.Extensions, order.Ext(name)) {
		return "", "", misuse("--out must end in .yaml, .yml, .json or .jsonl, got %q", name)
	}
	if c.List == "" {
		return name, "", nil
	}
	if side, err = filepath.Rel(filepath.Dir(name), c.List); err != nil || !filepath.IsLocal(side) {
		return "", "", misuse("--list must be in the directory of --out or below it, got %q", c.List)
	}
	return name, filepath.ToSlash(side), nil
}

// The caller must call the returned function.
func (c *domainsCmd) open(e *env) (io.Reader, func() error, error) {
	if c.File == "-" {
		return e.stdin, func() error { return nil }, nil
	}
	if c.Column != "" && !sheet.Is(c.File) {
		return nil, nil, misuse("--column needs a table, whose name ends in .csv, .tsv or .xlsx, got %q", c.File)
	}
	f, err := openFile(c.File, importer.MaxSize)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", printable.Line(c.File), err)
	}
	if info, err := f.Stat(); err == nil && info.Size() > importer.MaxSize {
		f.Close()
		return nil, nil, fmt.Errorf("%s: %w", printable.Line(c.File), importer.ErrSize)
	}
	if !sheet.Is(c.File) || c.Column == "" && !c.choose && sheet.IsText(c.File) {
		return f, f.Close, nil
	}
	data, err := io.ReadAll(io.LimitReader(f, importer.MaxSize))
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, nil, err
	}
	text, rows, err := sheet.Text(c.File, data, c.Column)
	var column *sheet.ColumnError
	if errors.As(err, &column) {
		return nil, nil, &columnError{c.File, column}
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", printable.Line(c.File), err)
	}
	var format *importer.FormatError
	if _, err := importer.Domains(strings.NewReader(rows), importer.Options{Charset: c.Charset}); errors.As(err, &format) {
		e.say("%s: warning: the other columns are not read, for example in row %d: %q; all rows of the column are used, even if a row says that its name is no longer blocked", c.File, format.Line, format.Text)
	}
	return strings.NewReader(text), func() error { return nil }, nil
}

// Without --overwrite, the function replaces no other content.
func (c *domainsCmd) write(e *env, targets []order.Target, name, side string, out *importJSON) error {
	h := c.head()
	if out.Stated > 0 {
		h.Fields["stated_count"] = out.Stated
	}
	f, err := h.Write(name, targets, side)
	var bad order.Problems
	if errors.As(err, &bad) {
		lines := make([]string, len(bad))
		for i, p := range bad {
			lines[i] = c.badField(p)
		}
		return misuse("%s", strings.Join(lines, "\n"))
	}
	if err != nil {
		return err
	}
	out.Warnings = c.odd(e, targets)
	if c.Out == "" {
		if e.json {
			out.Content, out.Written = string(f.Order), true
			return nil
		}
		_, err := e.stdout.Write(f.Order)
		out.Written = err == nil
		return err
	}
	out.Out = c.Out
	// Write the side list first. Otherwise, the order file could refer to a missing side list.
	type file struct {
		path string
		data []byte
	}
	files := []file{{c.Out, f.Order}}
	if f.Side != nil {
		out.List = c.List
		files = []file{{c.List, f.Side}, {c.Out, f.Order}}
	}
	changed := files[:0]
	for _, x := range files {
		switch there, equal, err := compare(x.path, x.data); {
		case err != nil:
			return fmt.Errorf("%s: %w", printable.Line(x.path), err)
		case equal: // the file keeps its time, so that no server loads it again
		case there && !c.Overwrite:
			out.Problems = append(out.Problems, printable.Line(x.path)+": exists and differs; nothing is written (--overwrite replaces the file)")
		default:
			changed = append(changed, x)
		}
	}
	if len(out.Problems) > 0 {
		return nil
	}
	for _, x := range changed {
		if err := writeFile(x.path, x.data, c.mode()); err != nil {
			return err
		}
	}
	out.Written = true
	return nil
}

func compare(path string, data []byte) (there, equal bool, err error) {
	f, err := openFile(path, math.MaxInt64)
	if errors.Is(err, os.ErrNotExist) {
		return false, false, nil
	}
	if err != nil {
		return true, false, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.Size() != int64(len(data)) {
		return true, false, err
	}
	old, err := io.ReadAll(f)
	return true, bytes.Equal(old, data), err
}

func columnHint(path string, err error) string {
	var format *importer.FormatError
	if errors.As(err, &format) && sheet.IsText(path) {
		return "; --column reads one column of a table"
	}
	return ""
}

type columnError struct {
	file string
	*sheet.ColumnError
}

// Error returns the flag, the file and the columns.
func (e *columnError) Error() string {
	return fmt.Sprintf("--column: %s: %v", e.file, e.ColumnError)
}
