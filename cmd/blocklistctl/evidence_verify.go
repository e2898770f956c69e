package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/dns-orders/blocklist/plugin/evidence"
	"github.com/dns-orders/blocklist/plugin/journal"
	"github.com/dns-orders/blocklist/plugin/printable"
	"golang.org/x/mod/sumdb/note"
)

// evidenceVerifyCmd is blocklistctl evidence verify.
type evidenceVerifyCmd struct {
	Dir        string `arg:"" help:"The directory of the journal, or of \"evidence collect\"."`
	keyFlag    `embed:""`
	Checkpoint []string `placeholder:"FILE" help:"An older checkpoint that another person has kept. The flag can be repeated."`
	Witness    []string `placeholder:"KEY" help:"The public key of a witness: list its cosignatures. The flag can be repeated."`
	Inventory  string   `placeholder:"FILE" help:"The inventory of \"evidence collect\", with the keys of the journals."`
}

// Help returns the description and the example for --help.
func (*evidenceVerifyCmd) Help() string {
	return `Each record that was changed, removed, added or moved is named. An older checkpoint that another person has kept shows that nothing before it was changed. Each time stamp must be for its checkpoint; "openssl ts -verify" checks the signature of a time stamp. The server may run. The exit code is 1 if the journal has a fault.

Example:

  blocklistctl evidence verify /var/lib/blocklist/journal --key journal.vkey --checkpoint checkpoint-of-may
  blocklistctl evidence verify /srv/journals --inventory inventory.yaml`
}

type verified struct {
	*journal.Report
	evidence.Outsiders
}

func (c *evidenceVerifyCmd) Run(e *env) error {
	key, err := c.verifier()
	if err != nil {
		return err
	}
	witnesses, err := witnessKeys("--witness", c.Witness)
	if err != nil {
		return err
	}
	nodes, err := evidence.ReadCollection(c.Dir)
	switch {
	case err == nil && c.Key != "":
		return misuse("--key cannot be used with a directory of \"evidence collect\": use --inventory")
	case err == nil:
		return c.collection(e, nodes, witnesses)
	case !errors.Is(err, os.ErrNotExist):
		return err
	case c.Inventory != "":
		return misuse("--inventory needs a directory of \"evidence collect\"")
	}
	v, err := verifyOne(c.Dir, key, c.Checkpoint, witnesses)
	if err != nil {
		return err
	}
	if e.json {
		e.writeJSON(v)
	} else {
		v.print(e)
	}
	if len(v.Faults) > 0 {
		return errProblems
	}
	return nil
}

func witnessKeys(flag string, list []string) (out []*evidence.WitnessKey, err error) {
	for _, s := range list {
		if text, err := os.ReadFile(s); err == nil {
			s = string(bytes.TrimSpace(text))
		}
		k, err := evidence.ParseWitnessKey(s)
		if err != nil {
			return nil, misuse("%s %v", flag, err)
		}
		out = append(out, k)
	}
	return out, nil
}

// verifyOne checks one journal with its stamps and cosignatures.
func verifyOne(dir string, key note.Verifier, checkpoints []string, witnesses []*evidence.WitnessKey) (*verified, error) {
	r, err := journal.Verify(dir, journal.VerifyOptions{Key: key, Checkpoints: checkpoints})
	if err != nil {
		return nil, err
	}
	if key == nil {
		if key, err = journal.ReadVerifier(filepath.Join(dir, "journal.vkey")); err != nil {
			return nil, err
		}
	}
	out, faults := evidence.CheckOutsiders(dir, key, witnesses, checkpoints)
	r.Faults = append(r.Faults, faults...)
	notes, err := evidence.ClockNotes(dir, out)
	if err != nil {
		return nil, err
	}
	r.Notes = append(r.Notes, notes...)
	return &verified{r, out}, nil
}

// print writes the result for people.
func (v *verified) print(e *env) {
	line := func(format string, args ...any) {
		fmt.Fprintln(e.stdout, printable.Line(fmt.Sprintf(format, args...)))
	}
	for _, s := range v.Notes {
		line("note: %s", s)
	}
	for _, s := range v.Stamps {
		line("stamp: %s says %s for %d records%s; its signature is not checked here", s.File, s.Time.Format(time.RFC3339), s.Size, by(s.Authority))
	}
	for _, s := range v.Cosigned {
		line("cosigned: %d records by %s at %s", s.Size, s.Witness, s.Time.Format(time.RFC3339))
	}
	for _, s := range v.Faults {
		line("FAULT: %s", s)
	}
	line("%s: %d signed records, %d not signed yet, %d pruned; %d good checkpoints; %d good versions of files; %d faults",
		v.Origin, v.Size, v.Unsigned, v.Pruned, v.Checkpoints, v.Versions, len(v.Faults))
}

func by(name string) string {
	if name == "" {
		return ""
	}
	return " by " + name
}

func (c *evidenceVerifyCmd) collection(e *env, all *evidence.Collection, witnesses []*evidence.WitnessKey) error {
	nodes, err := c.nodes(all)
	if err != nil {
		return err
	}
	checkpoints := map[string][]string{} // the name of a journal -> files
	for _, path := range c.Checkpoint {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, _, _ := bytes.Cut(text, []byte("\n"))
		checkpoints[string(name)] = append(checkpoints[string(name)], path)
	}
	out := struct {
		Nodes []*verified `json:"nodes"`
	}{[]*verified{}}
	bad := false
	for i, n := range nodes {
		e.progress.say("checking %d of %d: %s", i+1, len(nodes), n.Name)
		v, err := c.node(n, checkpoints[n.Name], witnesses)
		if err != nil {
			v = &verified{Report: &journal.Report{Origin: n.Name, Key: n.Key, Faults: []string{err.Error()}, Notes: []string{}}, Outsiders: evidence.Outsiders{Stamps: []evidence.Stamp{}, Cosigned: []evidence.Cosignature{}}}
		}
		delete(checkpoints, n.Name)
		if c.Inventory == "" {
			v.Notes = append(v.Notes, "the public key comes from collected.json: give the inventory with --inventory")
		}
		bad = bad || len(v.Faults) > 0
		out.Nodes = append(out.Nodes, v)
	}
	e.progress.clear()
	for _, paths := range checkpoints {
		return misuse("--checkpoint %s is of no journal in %s", paths[0], c.Dir)
	}
	if e.json {
		e.writeJSON(out)
	} else {
		for _, v := range out.Nodes {
			v.print(e)
		}
	}
	if bad {
		return errProblems
	}
	return nil
}

func (c *evidenceVerifyCmd) nodes(all *evidence.Collection) (out []evidence.CollectedNode, err error) {
	if c.Inventory == "" {
		return all.Nodes, nil
	}
	list, err := readInventory(c.Inventory)
	if err != nil {
		return nil, err
	}
	for _, n := range list {
		out = append(out, evidence.CollectedNode{Name: n.Name, Key: n.Key, Dir: n.Subdir()})
	}
	return out, nil
}

func (c *evidenceVerifyCmd) node(n evidence.CollectedNode, checkpoints []string, witnesses []*evidence.WitnessKey) (*verified, error) {
	key, err := note.NewVerifier(n.Key)
	if err != nil {
		return nil, fmt.Errorf("%q is not the key of a journal", n.Key)
	}
	return verifyOne(filepath.Join(c.Dir, n.Dir), key, checkpoints, witnesses)
}
