package order

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// SetSerial changes the serial of a valid order file. It inserts a missing serial before the field
// version. All other bytes stay the same.
func SetSerial(path string, data []byte, serial int64) ([]byte, error) {
	start, end := 0, len(data)
	if Ext(path) == ".jsonl" { // the first line that is not empty is the header
		for line := range bytes.Lines(data) {
			end = start + len(line)
			if len(bytes.TrimSpace(bytes.TrimPrefix(line, bom))) > 0 {
				break
			}
			start = end
		}
	}
	if bytes.HasPrefix(data[start:end], bom) {
		start += len(bom)
	}
	text := data[start:end]
	root, err := readTop(path, text)
	if err != nil {
		return nil, err
	}
	digits := strconv.FormatInt(serial, 10)
	changed, err := editSerial(text, root, digits)
	if err != nil {
		return nil, err
	}
	if err := onlySerial(path, root, changed, digits); err != nil {
		return nil, err
	}
	return bytes.Join([][]byte{data[:start], changed, data[end:]}, nil), nil
}

func readTop(path string, text []byte) (root *yaml.Node, err error) {
	if Ext(path) == ".yaml" || Ext(path) == ".yml" {
		doc, err := parseYAML(text, nil, nil)
		if err != nil {
			return nil, err
		}
		root = doc.Content[0]
	} else if root, err = parseJSON(text, 1); err != nil {
		return nil, err
	}
	if root.Kind != yaml.MappingNode || lookup(root, "version") == nil {
		return nil, errors.New("is not an order file")
	}
	return root, nil
}

func editSerial(text []byte, root *yaml.Node, serial string) ([]byte, error) {
	for i := 0; i+1 < len(root.Content); i += 2 {
		switch key, value := root.Content[i], root.Content[i+1]; key.Value {
		case "serial":
			at, ok := offset(text, value)
			if !ok || !bytes.HasPrefix(text[at:], []byte(value.Value)) {
				return nil, fmt.Errorf("line %d: the serial must be a plain number to be replaced", value.Line)
			}
			return bytes.Join([][]byte{text[:at], []byte(serial), text[at+len(value.Value):]}, nil), nil
		case "version":
			if lookup(root, "serial") != nil {
				continue
			}
			at, ok := offset(text, key)
			if !ok {
				return nil, fmt.Errorf("line %d: the version cannot be found", key.Line)
			}
			insert := `"serial": ` + serial + ", "
			if root.Style&yaml.FlowStyle == 0 && !bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
				insert = "serial: " + serial + "\n" + string(bytes.Repeat([]byte(" "), key.Column-1))
			}
			return bytes.Join([][]byte{text[:at], []byte(insert), text[at:]}, nil), nil
		}
	}
	return nil, errors.New("has no version")
}

// The YAML parser counts columns in characters, not in bytes.
func offset(text []byte, n *yaml.Node) (at int, ok bool) {
	for line := 1; line < n.Line; line++ {
		i := bytes.IndexByte(text[at:], '\n')
		if i < 0 {
			return 0, false
		}
		at += i + 1
	}
	for column := 1; column < n.Column; column++ {
		if at >= len(text) {
			return 0, false
		}
		_, size := utf8.DecodeRune(text[at:])
		at += size
	}
	return at, at < len(text)
}

func onlySerial(path string, before *yaml.Node, changed []byte, serial string) error {
	after, err := readTop(path, changed)
	if err != nil {
		return fmt.Errorf("the serial cannot be replaced: %w", err)
	}
	if n := lookup(after, "serial"); n == nil || n.Value != serial {
		return errors.New("the serial cannot be replaced")
	}
	for _, root := range []*yaml.Node{before, after} {
		setNumber(root, "serial", 0, fileShape)
		canonical(root, fileShape)
	}
	if at := difference(before, after); at != nil {
		return fmt.Errorf("the serial cannot be replaced without changing the value on line %d", at.Line)
	}
	return nil
}
