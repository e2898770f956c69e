package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/dns-orders/blocklist/plugin/directive"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/printable"
	"github.com/dns-orders/blocklist/plugin/signature"
	"github.com/dns-orders/blocklist/plugin/source"
)

// verifyCmd contains the arguments of the command blocklistctl verify.
type verifyCmd struct {
	Orders   []string `arg:"" optional:"" name:"orders" help:"Order files, directories and globs, as in the Corefile."`
	Key      []string `placeholder:"KEY|FILE" sep:"none" help:"A public key, or a file with a public key. May be given several times."`
	Need     int      `placeholder:"N" help:"The number of different keys that must have signed each file. The default is 1."`
	Corefile string   `placeholder:"FILE" help:"The server's Corefile. ORDERS, unless they are given, and the keys, unless --key is given, come from its blocklist directive."`
	Block    string   `placeholder:"ADDRESS" help:"The server block of the Corefile, such as .:53. Needed when the blocks have different directives."`
}

// Help returns the long help of blocklistctl verify.
func (*verifyCmd) Help() string {
	return `verify checks the signatures of order files by the rules of the server. It looks at FILE.minisig, FILE.2.minisig and so on, as many as there are keys. The trusted comment of a signature must have the name of the file. verify does not check the content of the files.

Example:

  blocklistctl verify orders.yaml --key desk.key.pub
  blocklistctl verify orders/ --need 2 --key desk.pub --key second.pub
  blocklistctl verify --corefile /etc/coredns/Corefile`
}

type verifiedJSON struct {
	File     string       `json:"file"`
	Good     bool         `json:"good"`
	Signers  []signerJSON `json:"signers"`
	Problems []string     `json:"problems"`
}

type signerJSON struct {
	Key       string `json:"key"`
	Signature string `json:"signature"`
	Signed    string `json:"signed,omitempty"`
}

func (c *verifyCmd) Run(e *env) error {
	s, err := (&serverFlags{Corefile: c.Corefile, Block: c.Block}).server(c.Orders)
	if err != nil {
		return err
	}
	policy, err := c.policy(s)
	if err != nil {
		return err
	}
	paths, errs := source.Expand(s.Store.Patterns)
	out := []verifiedJSON{}
	good := len(errs) == 0 && len(paths) > 0
	for _, err := range errs {
		e.say("%v", err)
	}
	for i, path := range paths {
		e.progress.say("reading %d of %d: %s", i+1, len(paths), path)
		v := verifyFile(policy, path)
		good = good && v.Good
		out = append(out, v)
	}
	if e.json {
		if err := e.writeJSON(struct {
			Files []verifiedJSON `json:"files"`
		}{out}); err != nil {
			return err
		}
	} else {
		e.progress.clear()
		for _, v := range out {
			io.WriteString(e.stdout, v.text())
		}
	}
	if !good {
		return errProblems
	}
	return nil
}

func (c *verifyCmd) policy(s *server) (p signature.Policy, err error) {
	switch {
	case len(c.Key) == 0 && c.Need != 0:
		return p, misuse("--need needs --key")
	case len(c.Key) == 0 && s.corefile == "":
		return p, misuse("expected --key KEY, or --corefile FILE with the property verify")
	case len(c.Key) == 0 && !s.Store.Verify.Demanded():
		return p, misuse("%s: the blocklist directive has no property verify; give the keys with --key", s.corefile)
	case len(c.Key) == 0:
		return s.Store.Verify, nil
	}
	var keys []signature.Key
	for _, s := range c.Key {
		k, err := directive.PublicKey(s, "")
		if err != nil {
			return p, misuse("--key: %v", err)
		}
		keys = append(keys, k)
	}
	p, err = signature.NewPolicy(cmp.Or(c.Need, 1), keys)
	if err != nil {
		return p, misuse("--key and --need: %v", err)
	}
	return p, nil
}

func verifyFile(p signature.Policy, path string) verifiedJSON {
	v := verifiedJSON{File: path, Signers: []signerJSON{}, Problems: []string{}}
	f, err := openFile(path, order.MaxBytes(path, false))
	if err != nil {
		v.Problems = append(v.Problems, "cannot be read: "+err.Error())
		return v
	}
	defer f.Close()
	check := p.Check(path, readSignature)
	if _, err := io.Copy(check, f); err != nil {
		v.Problems = append(v.Problems, "cannot be read: "+err.Error())
		return v
	}
	r := check.Result()
	v.Good = r.OK()
	for _, s := range r.Signers {
		j := signerJSON{Key: s.Key.String(), Signature: s.Path}
		if !s.Signed.IsZero() {
			j.Signed = s.Signed.Format(time.RFC3339)
		}
		v.Signers = append(v.Signers, j)
	}
	v.Problems = append(v.Problems, r.Problems...)
	return v
}

func (v verifiedJSON) text() string {
	var b strings.Builder
	file := printable.Line(v.File)
	for _, s := range v.Signers {
		when := "at an unknown time"
		if s.Signed != "" {
			when = "at " + s.Signed
		}
		fmt.Fprintf(&b, "%s: signed with the key %s %s\n", file, s.Key, when)
	}
	for _, p := range v.Problems {
		fmt.Fprintf(&b, "%s: %s\n", file, printable.Line(p))
	}
	verdict := "good"
	if !v.Good {
		verdict = "REFUSED"
	}
	fmt.Fprintf(&b, "%s: %s\n", file, verdict)
	return b.String()
}
