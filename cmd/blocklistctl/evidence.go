package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/dns-orders/blocklist/plugin/durable"
	"github.com/dns-orders/blocklist/plugin/evidence"
	"github.com/dns-orders/blocklist/plugin/journal"
	"github.com/dns-orders/blocklist/plugin/printable"
	"golang.org/x/mod/sumdb/note"
)

// evidenceCmd has the commands about evidence.
type evidenceCmd struct {
	Verify  evidenceVerifyCmd  `cmd:"" help:"Check a whole journal."`
	Prove   evidenceProveCmd   `cmd:"" help:"Write the records of one order with proofs, for a third party."`
	Check   evidenceCheckCmd   `cmd:"" help:"Check a bundle of \"evidence prove\"."`
	Stamp   evidenceStampCmd   `cmd:"" help:"Get a time stamp of a time stamping authority for a checkpoint."`
	Witness evidenceWitnessCmd `cmd:"" help:"Get the cosignature of a witness for a checkpoint."`
	Collect evidenceCollectCmd `cmd:"" help:"Copy the journals of many servers."`
	Export  evidenceExportCmd  `cmd:"" help:"Copy a journal into the format of other programs."`
	Prune   evidencePruneCmd   `cmd:"" help:"Delete the text of old records."`
}

// keyFlag chooses the public key of a journal.
type keyFlag struct {
	Key string `placeholder:"KEY" help:"The public key of the journal, as text or as a file. Without --key, the key comes from the journal itself."`
}

// verifier returns the key, or nil without the flag.
func (f *keyFlag) verifier() (note.Verifier, error) {
	if f.Key == "" {
		return nil, nil
	}
	v, err := note.NewVerifier(f.Key)
	if err == nil { // a bundle may have a file with this path
		return v, nil
	}
	if _, err := os.Stat(f.Key); err == nil {
		return journal.ReadVerifier(f.Key)
	}
	return nil, misuse("--key is neither a file nor the key of a journal, got %q", f.Key)
}

// evidenceProveCmd is blocklistctl evidence prove.
type evidenceProveCmd struct {
	Dir   string `arg:"" help:"The directory of the journal."`
	Order string `required:"" placeholder:"ID" help:"The id of the order."`
	Out   string `required:"" placeholder:"BUNDLE" help:"The directory to make."`
}

// Help returns the description and the example for --help.
func (*evidenceProveCmd) Help() string {
	return `The bundle has the records of the order, a proof for each record, the checkpoint, a README, and a script that checks the bundle with standard programs. The bundle has no record of another order. The server may run.

Example:

  blocklistctl evidence prove /var/lib/blocklist/journal --order court/914 --out bundle
  bash bundle/verify.sh`
}

// Run writes the bundle.
func (c *evidenceProveCmd) Run(e *env) error {
	s, err := evidence.Prove(c.Dir, c.Order, c.Out)
	if err != nil {
		return err
	}
	return e.summary(s, c.Out)
}

// summary prints what a bundle proves.
func (e *env) summary(s *evidence.Summary, bundle string) error {
	if e.json {
		e.writeJSON(s)
		return nil
	}
	text := fmt.Sprintf("%s: %d records of order %s in the journal %s, which has %d signed records", bundle, s.Records, s.Order, s.Origin, s.Size)
	if s.Unsigned > 0 {
		text += fmt.Sprintf("; %d newer records of the order are not signed yet, and are not in the bundle", s.Unsigned)
	}
	if s.First != 1 {
		text += fmt.Sprintf("; the records before number %d of the order are not in the bundle", s.First)
	}
	if s.Daily == "" {
		text += "; there is no daily record after the first record"
	} else {
		text += fmt.Sprintf("; the daily record of %s commits to the last record of the order, %d records came later", s.Daily, s.Later)
	}
	text += "; " + s.Rest()
	fmt.Fprintln(e.stdout, printable.Line(text))
	return nil
}

// evidenceCheckCmd is blocklistctl evidence check.
type evidenceCheckCmd struct {
	Bundle  string `arg:"" help:"The directory of the bundle."`
	keyFlag `embed:""`
}

// Help returns the description and the example for --help.
func (*evidenceCheckCmd) Help() string {
	return `The check is the same as that of verify.sh in the bundle.

Example:

  blocklistctl evidence check bundle --key journal.vkey`
}

// Run checks the bundle.
func (c *evidenceCheckCmd) Run(e *env) error {
	key, err := c.verifier()
	if err != nil {
		return err
	}
	s, err := evidence.Check(c.Bundle, key)
	if err != nil {
		return err
	}
	if key == nil {
		e.say("note: the key comes from the bundle itself; give a key from another source with --key")
	}
	return e.summary(s, c.Bundle)
}

// evidenceExportCmd is blocklistctl evidence export.
type evidenceExportCmd struct {
	Dir string `arg:"" help:"The directory of the journal."`
	To  string `required:"" placeholder:"OUT" help:"The directory to make."`
}

// Help returns the description and the example for --help.
func (*evidenceExportCmd) Help() string {
	return `The copy has the format tlog-tiles of C2SP, with entry bundles. Programs for tlog-tiles, such as Tessera's fsck, can check the copy. The copy contains all records, also those of sealed orders.

Example:

  blocklistctl evidence export /var/lib/blocklist/journal --to copy`
}

// Run exports the journal.
func (c *evidenceExportCmd) Run(e *env) error {
	n, err := evidence.Export(c.Dir, c.To)
	if err != nil {
		return err
	}
	if e.json {
		e.writeJSON(struct {
			Records int64 `json:"records"`
		}{n})
		return nil
	}
	fmt.Fprintln(e.stdout, printable.Line(fmt.Sprintf("%s: %d records, also those of sealed orders", c.To, n)))
	return nil
}

// evidencePruneCmd is blocklistctl evidence prune.
type evidencePruneCmd struct {
	Dir    string `arg:"" help:"The directory of the journal."`
	Before string `required:"" placeholder:"TIME" help:"Delete the text of records before this time."`
	By     string `required:"" placeholder:"NAME" help:"Who deletes the text."`
	Reason string `required:"" placeholder:"TEXT" help:"Why the text is deleted."`
}

// Help returns the description and the example for --help.
func (*evidencePruneCmd) Help() string {
	return `The hashes of the records stay in the journal, so bundles that were made before remain valid. A signed record says which text was deleted, by whom and why. Only whole files of records are deleted, so newer records than TIME may stay. The server must not run.

Example:

  blocklistctl evidence prune /var/lib/blocklist/journal --before 2025-01-01 --by "A. Smith" --reason "kept for two years"`
}

// Run deletes the text of old records.
func (c *evidencePruneCmd) Run(e *env) error {
	at, err := parseMoment("--before", c.Before, e.present(), time.UTC)
	if err != nil {
		return err
	}
	if _, err := os.Stat(c.Dir + "/journal.key"); err != nil {
		return err // a new journal must not be made here
	}
	before := int64(0)
	err = journal.Read(c.Dir, func(r journal.Record, _ []byte) bool {
		if !r.Time.Before(at.Time()) {
			return false
		}
		before = r.Index + 1
		return true
	})
	if err != nil {
		return err
	}
	names, err := journal.Prune(c.Dir, before, c.By, c.Reason, journal.Options{
		Now: e.now, Notice: func(text string, _ bool) { e.say("%s", text) },
	})
	var locked *durable.LockedError
	if errors.As(err, &locked) {
		return fmt.Errorf("%w; stop the server first", err)
	}
	if err != nil {
		return err
	}
	if e.json {
		if names == nil {
			names = []string{}
		}
		e.writeJSON(struct {
			Files []string `json:"files"`
		}{names})
		return nil
	}
	fmt.Fprintln(e.stdout, printable.Line(fmt.Sprintf("%d files of records deleted", len(names))))
	return nil
}
