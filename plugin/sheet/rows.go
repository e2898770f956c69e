package sheet

import "fmt"

// Rows returns the rows of one sheet of an XLSX file. The rows may have different lengths. An empty
// name selects the first sheet with text.
func Rows(data []byte, name string) ([][]string, error) {
	tables, err := readXLSX(data)
	if err != nil {
		return nil, err
	}
	for _, t := range tables {
		if name == "" || t.name == name {
			return t.rows, nil
		}
	}
	if name == "" {
		return nil, fmt.Errorf("has no sheet with text")
	}
	return nil, fmt.Errorf("has no sheet %q with text", name)
}
