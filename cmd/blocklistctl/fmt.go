package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/printable"
)

// fmtCmd is the command "blocklistctl fmt".
type fmtCmd struct {
	Files []string `arg:"" help:"Order files."`
	Write bool     `short:"w" xor:"what" help:"Replace each file that is not in canonical form, and print its path."`
	Check bool     `short:"c" xor:"what" help:"Print only the paths of files that are not in canonical form. Exit with 1 if there are any."`
}

// Help returns the description and the example for --help.
func (*fmtCmd) Help() string {
	return `Prints each file in canonical form: the keys are in the documented sequence, and the key count is set. Values and comments do not change. A file with errors is not changed. A file with a signature must be signed again after a change.

Example:

  blocklistctl fmt -w orders.yaml`
}

type formattedJSON struct {
	File    string `json:"file"`
	Changed bool   `json:"changed"`
	Written bool   `json:"written"`
	Content string `json:"content,omitempty"`
}

// Run formats the files.
func (c *fmtCmd) Run(e *env) error {
	files := []formattedJSON{}
	problems := order.Problems{}
	for _, path := range c.Files {
		data, out, bad, err := format(path)
		if err != nil {
			return err
		}
		if len(bad) > 0 {
			problems = append(problems, bad...)
			continue
		}
		f := formattedJSON{File: path, Changed: !bytes.Equal(data, out)}
		switch {
		case c.Write && f.Changed:
			if err := writeFile(path, out, 0o644); err != nil {
				return err
			}
			f.Written = true
			fallthrough
		case c.Check && f.Changed:
			if !e.json {
				fmt.Fprintln(e.stdout, printable.Line(path))
			}
		case c.Write, c.Check:
		case e.json:
			f.Content = string(out)
		default:
			if _, err := e.stdout.Write(out); err != nil {
				return err
			}
		}
		files = append(files, f)
	}
	for _, p := range problems {
		fmt.Fprintln(e.stderr, problemText(p))
	}
	if e.json {
		if err := e.writeJSON(struct {
			Files    []formattedJSON `json:"files"`
			Problems []problemJSON   `json:"problems"`
		}{files, problemsJSON(problems)}); err != nil {
			return err
		}
	}
	if len(problems) > 0 {
		return errProblems
	}
	for _, f := range files {
		if c.Check && f.Changed {
			return errProblems
		}
	}
	return nil
}

// maxFormat limits a file in bytes, because fmt stores the file twice in memory.
const maxFormat = 256 << 20

func format(path string) (data, out []byte, problems order.Problems, err error) {
	f, err := openFile(path, min(maxFormat, order.MaxBytes(path, false)))
	if err != nil {
		return nil, nil, nil, misuse("%s: %v", path, err)
	}
	data, err = io.ReadAll(f)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, nil, nil, err
	}
	var b bytes.Buffer
	problems, err = order.Format(&b, path, bytes.NewReader(data), order.Options{OpenSide: openSide(path)})
	return data, b.Bytes(), problems.Errors(), err
}
