package register

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"go.yaml.in/yaml/v3"
)

// A Fix is the operator's correction of a wrong cell in the register.
type Fix struct {
	Column string
	Is     string // the text of the cell
	Use    string // the text to read instead; an empty text in a column of names leaves the row out
	Why    string
}

// ParseFixes parses a YAML file of corrections.
func ParseFixes(data []byte) ([]Fix, error) {
	var file struct {
		Fix []struct {
			Column, Is, Why string
			Use             *string
		} `yaml:"fix"`
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	if err := dec.Decode(&file); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("is not a file of corrections: %w", err)
	}
	var fixes []Fix
	var errs []error
	seen := map[[2]string]bool{}
	for i, f := range file.Fix {
		key := [2]string{f.Column, tidy(f.Is)}
		switch {
		case f.Column == "" || f.Is == "" || f.Use == nil || f.Why == "":
			errs = append(errs, fmt.Errorf("fix[%d]: needs column, is, use and why", i))
		case seen[key]:
			errs = append(errs, fmt.Errorf("fix[%d]: corrects %q a second time", i, f.Is))
		default:
			fixes = append(fixes, Fix{f.Column, f.Is, *f.Use, f.Why})
		}
		seen[key] = true
	}
	return fixes, errors.Join(errs...)
}

// A Used is a correction of a row.
type Used struct {
	Fix
	At int // the number of the row
}

func (r *run) correct(at int, column, cell string) (string, bool) {
	if len(r.fixes) == 0 {
		return cell, false
	}
	f, ok := r.fixes[[2]string{column, tidy(cell)}]
	if !ok {
		return cell, false
	}
	r.out.Fixed = append(r.out.Fixed, Used{f, at})
	return f.Use, true
}
