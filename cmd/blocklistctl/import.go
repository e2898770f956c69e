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
)

// importCmd groups the import formats.
type importCmd struct {
	Domains domainsCmd `cmd:"" help:"Import a plain list of names, one a line."`
}

// domainsCmd is blocklistctl import domains.
type domainsCmd struct {
	File string `arg:"" help:"The list; - is standard input."`
	Out  string `short:"o" placeholder:"FILE" help:"The order file to write, .yaml, .yml, .json or .jsonl. Without it YAML goes to standard output."`
	List string `placeholder:"FILE" help:"Write plain names to this side list (targets_from), in --out's directory or below it."`

	SkipRefused bool `help:"Write the order without the lines that are refused. They are still listed."`
	Expect      *int `placeholder:"N" help:"The number of names that the decision states. With another number nothing is written."`
	Overwrite   bool `help:"Replace an order file that is there and differs."`
	Quiet       bool `short:"q" help:"Do not say what was only cleaned or passed over."`

	headFlags  `embed:"" group:"The order:"`
	readsFlags `embed:"" group:"What the list leaves open (needed only if such a line is there; skip leaves it out):"`
}

// headFlags are the order's own fields.
type headFlags struct {
	ID               string   `name:"id" required:"" placeholder:"ID" help:"The order's id."`
	Authority        string   `required:"" placeholder:"NAME" help:"The authority's name."`
	AuthorityCountry string   `placeholder:"CC" help:"Its country."`
	AuthorityKind    string   `placeholder:"KIND" help:"court, regulator, law or operator."`
	Action           string   `enum:"block,lift" default:"block" help:"block (default) or lift."`
	Lifts            []string `placeholder:"ID" help:"On a lift, the orders that it reaches; without it, the authority's earlier ones."`
	Scope            string   `placeholder:"global" help:"The order is for everyone. A block needs this or one of the next two."`
	ScopeCountry     []string `placeholder:"CC" help:"The order is for clients in this country."`
	ScopeClient      []string `placeholder:"CIDR" help:"The order is for clients in this network."`
	Reference        []string `sep:"none" placeholder:"TEXT" help:"A case, decision or ticket number."`
	Issued           string   `placeholder:"TIME" help:"When it was decided."`
	Served           string   `placeholder:"TIME" help:"When this operator received it."`
	Acknowledged     string   `placeholder:"TIME" help:"When the receipt was confirmed to the authority."`
	Reported         string   `placeholder:"TIME" help:"When it was reported to the authority that the order is in force."`
	Deadline         string   `placeholder:"TIME" help:"When it must be in force, or a duration after --served."`
	From             string   `placeholder:"TIME" help:"In force from; at once without it."`
	Until            string   `placeholder:"TIME" help:"In force until."`
	Review           string   `placeholder:"TIME" help:"When somebody must look again."`
	Timezone         string   `placeholder:"ZONE" help:"Of dates and times without an offset; UTC without it."`
	Status           string   `placeholder:"STATUS" help:"active, shadow, draft or suspended."`
	Response         string   `placeholder:"KIND" help:"${responses} to redirect to, separated by commas."`
	TTL              string   `name:"ttl" placeholder:"DURATION" help:"Of the answers."`
	Disclosure       string   `placeholder:"WORD" help:"full, schedule, code or none."`
	Basis            string   `placeholder:"TEXT" help:"The legal basis."`
	Category         string   `placeholder:"TEXT" help:"copyright, gambling, ..."`
	Subject          string   `placeholder:"TEXT" help:"Whom or what the decision is about."`
	Note             string   `placeholder:"TEXT" help:"Anything else."`
	Claimant         string   `placeholder:"TEXT" help:"Who asked for the order."`
	Redress          string   `placeholder:"TEXT" help:"How to object to the order, and to whom."`
	URL              string   `name:"url" placeholder:"URL" help:"Public page about the order."`
	ReportTo         string   `placeholder:"TEXT" help:"Who is owed the notice of effect."`
}

// readsFlags decide what a plain list leaves open.
type readsFlags struct {
	Charset      string `placeholder:"SET" help:"utf-8 (default), cp1250 or cp1251."`
	Mask         string `placeholder:"HOW" help:"*.example.com: subtree (example.com too) or below (without it)."`
	Paths        string `placeholder:"HOW" help:"example.com/page: url (recorded, not enforced), host (that host alone) or name (it and all below)."`
	Ports        string `placeholder:"HOW" help:"example.com:8080: name (whatever the port)."`
	Addresses    string `placeholder:"HOW" help:"192.0.2.1, 192.0.2.0/24: recorded as enforced by network, none or dns."`
	TextAfter    string `placeholder:"HOW" help:"example.com (a mirror): drop the text, or keep it as the target's note."`
	AddressAfter string `placeholder:"HOW" help:"example.com (192.0.2.1): drop, note, or recorded too, as enforced by network, none or dns."`
	Several      string `placeholder:"HOW" help:"Two names in one line: split."`
	Hyphen       string `placeholder:"HOW" help:"A line that breaks off with a hyphen or a dot, and the line that follows: join, separate or refuse (default)."`
	AllowSuffix  bool   `help:"Take public suffixes, such as com and co.uk: everybody's names below them are blocked."`
	Plain        bool   `help:"Read each line as a name, whatever format the file seems to have."`
}

// Help is the longer help.
func (*domainsCmd) Help() string {
	return `One name a line; blank lines and # comments are passed over. A file in another format (a zone, a table with a status or a day of removal, adblock rules, a hosts file, ...) is refused whole, because such a file also has names that must not be blocked. What has one meaning only is cleaned and counted on standard error: numbers, bullets, page lines, [.] and hxxp, blanks, schemes, slashes, trailing dots, commas and semicolons, upper case, letters outside ASCII. What can be read in two ways is refused, and the message names the option that decides. With any refused line nothing is written, unless --skip-refused is given. The same list and options give the same bytes; a file that is there and differs is not replaced without --overwrite.

Example:

  blocklistctl import domains list.txt --id ncu/276-2081 --authority NCU --authority-country UA --authority-kind regulator --reference 276/2081 --issued 2024-04-05 --scope global --out orders/ncu-276-2081.yaml`
}

func (f *readsFlags) options() importer.Options {
	o := importer.Options{Charset: f.Charset, AllowSuffix: f.AllowSuffix, Plain: f.Plain, Decide: map[importer.Form]string{}}
	for form, word := range map[importer.Form]string{
		importer.Mask: f.Mask, importer.Paths: f.Paths, importer.Ports: f.Ports, importer.Addresses: f.Addresses,
		importer.TextAfter: f.TextAfter, importer.AddressAfter: f.AddressAfter, importer.Several: f.Several,
		importer.Hyphen: f.Hyphen,
	} {
		if word != "" {
			o.Decide[form] = word
		}
	}
	return o
}

func (f *headFlags) head() *importer.Head {
	h := &importer.Head{
		Timezone: f.Timezone, ID: f.ID, Action: f.Action, Lifts: f.Lifts,
		Authority: f.Authority, Country: f.AuthorityCountry, Kind: f.AuthorityKind,
		References: f.Reference, Basis: f.Basis, Category: f.Category, Subject: f.Subject, Note: f.Note,
		Claimant: f.Claimant, Redress: f.Redress, Acknowledged: f.Acknowledged, Reported: f.Reported,
		Issued: f.Issued, Served: f.Served, Deadline: f.Deadline, From: f.From, Until: f.Until, Review: f.Review,
		Status: f.Status, Global: f.Scope == "global", ScopeCountries: f.ScopeCountry, ScopeClients: f.ScopeClient,
		Response: f.Response, TTL: f.TTL, Disclosure: f.Disclosure, URL: f.URL, ReportTo: f.ReportTo,
	}
	if _, word := order.ParseResponseKind(f.Response); !word && f.Response != "" {
		h.Response, h.Redirect = "", strings.Split(f.Response, ",")
	}
	return h
}

// flagOf names the option behind a field of the order.
var flagOf = map[string]string{
	"id": "--id", "action": "--action", "lifts": "--lifts", "authority": "--authority", "authority.name": "--authority",
	"authority.country": "--authority-country", "authority.kind": "--authority-kind", "references": "--reference",
	"scope": "--scope, --scope-country or --scope-client", "scope.countries": "--scope-country", "scope.clients": "--scope-client",
	"issued": "--issued", "served": "--served", "acknowledged": "--acknowledged", "reported": "--reported", "deadline": "--deadline", "from": "--from", "until": "--until", "review": "--review",
	"timezone": "--timezone", "status": "--status", "response": "--response", "response.redirect": "--response", "ttl": "--ttl",
	"disclosure": "--disclosure", "url": "--url", "claimant": "--claimant", "redress": "--redress",
}

// Run imports.
func (c *domainsCmd) Run(e *env) error {
	name, side, err := c.paths()
	if err != nil {
		return err
	}
	opt := c.options()
	if err := opt.Check(); err != nil {
		return misuse("%v", err)
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
	e.progress.say("reading %s", c.File)
	res, err := importer.Domains(in, opt)
	empty := errors.Is(err, importer.ErrEmpty)
	if err != nil && !empty {
		return fmt.Errorf("%s: %w", printable.Line(c.File), err)
	}
	e.progress.clear()
	groups := importer.Groups(res.Notes)
	out := importJSON{ID: c.ID, Lines: res.Lines, Blank: res.Blank, Comments: res.Comments, Passed: res.Passed,
		Taken: len(res.Targets) + res.Duplicates, Targets: len(res.Targets), Duplicates: res.Duplicates, Refused: res.Refused,
		Skipped: res.Skipped, Reasons: reasonsJSON(groups), Notes: notesJSON(res.Notes), Warnings: []string{}, Problems: []string{}}
	c.say(e, res, groups)
	c.expected(e, &out)
	switch {
	case res.Refused > 0 && !c.SkipRefused:
		c.problem(&out, "%s refused; nothing is written (--skip-refused leaves them out)", count(res.Refused, "line"))
	case empty:
		c.problem(&out, "%v", err)
	case len(out.Problems) > 0:
	default:
		if err := c.write(e, res.Targets, name, side, &out); err != nil {
			return err
		}
	}
	for _, w := range out.Warnings {
		fmt.Fprintf(e.stderr, "the order: warning: %s\n", printable.Line(w))
	}
	for _, p := range out.Problems {
		fmt.Fprintln(e.stderr, p)
	}
	fmt.Fprintf(e.stderr, "%s: %s (%d blank, %d comments, %d passed over): %s, %d repeated, %d refused, %d left out\n", printable.Line(c.File),
		count(out.Lines, "line"), out.Blank, out.Comments, out.Passed, count(out.Targets, "target"), out.Duplicates, out.Refused, out.Skipped)
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

// paths checks --out and --list and returns the order file's path and that of
// the side list as the order file names it.
func (c *domainsCmd) paths() (name, side string, err error) {
	if name = c.Out; name == "" {
		if c.List != "" {
			return "", "", misuse("--list needs --out: the order file names the list relative to itself")
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

func (c *domainsCmd) open(e *env) (io.Reader, func() error, error) {
	if c.File == "-" {
		return e.stdin, func() error { return nil }, nil
	}
	f, err := openFile(c.File, importer.MaxSize)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", printable.Line(c.File), err)
	}
	if info, err := f.Stat(); err == nil && info.Size() > importer.MaxSize { // unread
		f.Close()
		return nil, nil, fmt.Errorf("%s: %w", printable.Line(c.File), importer.ErrSize)
	}
	return f, f.Close, nil
}

// write puts the order file together and writes it, or says why not.
func (c *domainsCmd) write(e *env, targets []order.Target, name, side string, out *importJSON) error {
	f, err := c.head().Write(name, targets, side)
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
	// The list first: an order file must never name one that is not there.
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
		case equal: // its time stays, so that no watcher wakes
		case there && !c.Overwrite:
			out.Problems = append(out.Problems, printable.Line(x.path)+": is there and differs; nothing is written (--overwrite replaces it)")
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

// compare reports whether a file is there, and whether the file has these octets. A file
// of another size is not read.
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
