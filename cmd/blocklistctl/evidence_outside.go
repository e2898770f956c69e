package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/dns-orders/blocklist/plugin/durable"
	"github.com/dns-orders/blocklist/plugin/evidence"
	"github.com/dns-orders/blocklist/plugin/journal"
	"github.com/dns-orders/blocklist/plugin/printable"
	"golang.org/x/mod/sumdb/note"
)

// If root runs the tool, the owner of the journal also owns new files.
var journalFiles = durable.FS{Inherit: true}

// pointFlags choose a checkpoint of a journal.
type pointFlags struct {
	keyFlag    `embed:""`
	Checkpoint string        `placeholder:"FILE" help:"The checkpoint to use. Without the flag, it is the newest checkpoint of the directory checkpoints."`
	Timeout    time.Duration `default:"30s" placeholder:"DURATION" help:"The time limit for a request (default 30s)."`
}

func (f *pointFlags) choose(dir string) (key note.Verifier, c journal.Checkpoint, err error) {
	if f.Timeout <= 0 {
		return nil, c, misuse("--timeout must be more than 0s, got %q", f.Timeout)
	}
	if key, err = f.verifier(); err != nil {
		return nil, c, err
	}
	if key == nil {
		if key, err = journal.ReadVerifier(filepath.Join(dir, "journal.vkey")); err != nil {
			return nil, c, err
		}
	}
	if f.Checkpoint != "" {
		c, err = journal.ReadCheckpoint(f.Checkpoint, key)
	} else {
		c, err = evidence.Newest(dir, key)
	}
	return key, c, err
}

// client returns the client for requests to an outsider.
func (f *pointFlags) client() *http.Client { return &http.Client{Timeout: f.Timeout} }

// evidenceStampCmd is blocklistctl evidence stamp.
type evidenceStampCmd struct {
	Dir        string `arg:"" help:"The directory of the journal."`
	TSA        string `required:"" name:"tsa" placeholder:"URL" help:"The time stamping authority (RFC 3161)."`
	CA         string `name:"ca" placeholder:"FILE" help:"Check the signature with the certificate authorities in FILE (PEM). This needs the program openssl."`
	pointFlags `embed:""`
}

// Help returns the description and the example for --help.
func (*evidenceStampCmd) Help() string {
	return `The authority gets only the SHA-256 of the newest hourly checkpoint. The answer is checked and stored as checkpoints/SIZE.tsr. A checkpoint that has a stamp gets no second stamp. The server may run. Proxies come from the environment (HTTPS_PROXY).

Example:

  blocklistctl evidence stamp /var/lib/blocklist/journal --tsa https://tsa.example.org/tsr --ca tsa-ca.pem`
}

// Run gets a time stamp.
func (c *evidenceStampCmd) Run(e *env) error {
	key, point, err := c.choose(c.Dir)
	if err != nil {
		return err
	}
	opt := evidence.StampOptions{URL: c.TSA, Client: c.client(), Now: e.now, FS: journalFiles}
	if c.CA != "" {
		if _, err := os.Stat(c.CA); err != nil {
			return misuse("--ca: %v", err)
		}
		if _, err := exec.LookPath("openssl"); err != nil {
			return errors.New("--ca needs the program openssl, which is not installed")
		}
		opt.Verify = c.verifySignature
	}
	s, added, err := evidence.AddStamp(context.Background(), c.Dir, key, point, opt)
	if err != nil {
		return err
	}
	if e.json {
		return e.writeJSON(struct {
			*evidence.Stamp
			Added   bool `json:"added"`
			Checked bool `json:"signature_checked"`
		}{s, added, added && c.CA != ""})
	}
	had := ""
	if !added {
		had = "already there: "
	}
	fmt.Fprintln(e.stdout, printable.Line(fmt.Sprintf("%s%s: the checkpoint of %d records existed at %s%s", had, s.File, s.Size, s.Time.Format(time.RFC3339), by(s.Authority))))
	if !added || c.CA == "" {
		path := journal.KeptCheckpoint(c.Dir, s.Size)
		e.say("the signature of the stamp was not checked; check it with\n  openssl ts -verify -in %s -data %s -CAfile CA.pem", journal.StampPath(c.Dir, s.Size), path)
	}
	return nil
}

func (c *evidenceStampCmd) verifySignature(answer, data []byte) error {
	dir, err := os.MkdirTemp("", "blocklistctl-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	in, of := filepath.Join(dir, "answer"), filepath.Join(dir, "data")
	if err := errors.Join(os.WriteFile(in, answer, 0o600), os.WriteFile(of, data, 0o600)); err != nil {
		return err
	}
	out, err := exec.Command("openssl", "ts", "-verify", "-in", in, "-data", of, "-CAfile", c.CA).CombinedOutput()
	if err != nil {
		lines := strings.Split(string(bytes.TrimSpace(out)), "\n")
		return fmt.Errorf("openssl does not accept the time stamp: %s", printable.Line(lines[len(lines)-1]))
	}
	return nil
}

// evidenceWitnessCmd is blocklistctl evidence witness.
type evidenceWitnessCmd struct {
	Dir        string   `arg:"" help:"The directory of the journal."`
	Witness    string   `required:"" placeholder:"URL" help:"The submission prefix of the witness."`
	WitnessKey []string `required:"" placeholder:"KEY" help:"The public key of the witness, as text or as a file. Repeat the flag while the witness changes its key."`
	pointFlags `embed:""`
}

// Help returns the description and the example for --help.
func (*evidenceWitnessCmd) Help() string {
	return `The witness gets the newest hourly checkpoint, and a proof that the journal only grew since the last checkpoint that the witness has signed. The cosignature is checked and stored with the checkpoint as checkpoints/SIZE.KEY.cosig. The witness sees no record. The server may run.

Example:

  blocklistctl evidence witness /var/lib/blocklist/journal --witness https://witness.example.org --witness-key witness.example.org/w1+5f0c1f3b+BAr3...`
}

// Run gets a cosignature.
func (c *evidenceWitnessCmd) Run(e *env) error {
	keys, err := witnessKeys("--witness-key", c.WitnessKey)
	if err != nil {
		return err
	}
	key, point, err := c.choose(c.Dir)
	if err != nil {
		return err
	}
	list, added, err := evidence.AddWitness(context.Background(), c.Dir, key, point, evidence.WitnessOptions{
		URL: c.Witness, Keys: keys, Client: c.client(), Now: e.now, FS: journalFiles,
	})
	if err != nil {
		return err
	}
	if e.json {
		return e.writeJSON(struct {
			Cosigned []evidence.Cosignature `json:"cosigned"`
			Added    bool                   `json:"added"`
		}{list, added})
	}
	for _, s := range list {
		had := ""
		if !added {
			had = "already there: "
		}
		fmt.Fprintln(e.stdout, printable.Line(fmt.Sprintf("%s%s: %s has cosigned %d records at %s", had, s.File, s.Witness, s.Size, s.Time.Format(time.RFC3339))))
	}
	return nil
}

// evidenceCollectCmd is blocklistctl evidence collect.
type evidenceCollectCmd struct {
	Inventory string `required:"" placeholder:"FILE" help:"The list of the servers, with the names, keys and directories of their journals."`
	Out       string `required:"" placeholder:"OUT" help:"The directory with the copies."`
}

// Help returns the description and the example for --help.
func (*evidenceCollectCmd) Help() string {
	return `Each journal is checked with the key of the inventory. The copy of a journal only grows: a journal that was cut or rewritten is refused, and its earlier copy stays. The servers may run. OUT/collected.json has the result for each server. The exit code is 1 if a server has an error.

Example:

  blocklistctl evidence collect --inventory inventory.yaml --out /srv/journals`
}

// readInventory reads an inventory.
func readInventory(path string) ([]*evidence.Node, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, misuse("--inventory: %v", err)
	}
	return evidence.ParseInventory(path, text)
}

// Run copies the journals.
func (c *evidenceCollectCmd) Run(e *env) error {
	nodes, err := readInventory(c.Inventory)
	if err != nil {
		return err
	}
	r, err := evidence.Collect(nodes, c.Out, e.now(), durable.FS{}, func(i int, n *evidence.Node) {
		e.progress.say("copying %d of %d: %s", i+1, len(nodes), n.Name)
	})
	e.progress.clear()
	if err != nil {
		return err
	}
	if e.json {
		e.writeJSON(r)
	} else {
		for _, n := range r.Nodes {
			text := fmt.Sprintf("%s: %d records in %s", n.Name, n.Size, filepath.Join(c.Out, n.Dir))
			if n.CheckpointTime != nil {
				text += ", the newest of " + n.CheckpointTime.Format(time.RFC3339)
				if n.Ahead != "" {
					text += ", which is " + n.Ahead + " later than the clock of this machine"
				}
			}
			if n.Error != "" {
				text += "\n  ERROR: " + n.Error
			}
			for line := range strings.SplitSeq(text, "\n") {
				fmt.Fprintln(e.stdout, printable.Line(line))
			}
		}
	}
	if r.Failed() {
		return errProblems
	}
	return nil
}
