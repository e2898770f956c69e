package audit

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// A Before is the result of an earlier audit.
type Before struct{ rows map[string]*Row }

func (b *Before) find(target string) (*Row, bool) {
	if b == nil {
		return nil, false
	}
	r, ok := b.rows[target]
	return r, ok
}

// ParseBefore parses the CSV or JSON output of an earlier audit.
func ParseBefore(data []byte) (*Before, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff")) // spreadsheets add a byte order mark
	var rows []Row
	var err error
	if trimmed := bytes.TrimLeft(data, " \t\r\n"); len(trimmed) > 0 && trimmed[0] == '{' {
		rows, err = parseJSON(trimmed)
	} else {
		rows, err = parseCSV(data)
	}
	if err != nil {
		return nil, err
	}
	b := &Before{map[string]*Row{}}
	for i := range rows {
		r := &rows[i]
		if !slices.Contains(Classes(), r.Class) {
			return nil, fmt.Errorf("the class of the target %q must be a class of an audit, got %q", r.Target, r.Class)
		}
		b.rows[r.Target] = r
	}
	return b, nil
}

func parseJSON(data []byte) ([]Row, error) {
	var r struct {
		Targets *[]Row `json:"targets"`
	}
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, err
	}
	if r.Targets == nil {
		return nil, fmt.Errorf("is no JSON output of an audit, because the field targets is missing")
	}
	return *r.Targets, nil
}

func parseCSV(data []byte) (rows []Row, err error) {
	c := csv.NewReader(bytes.NewReader(data))
	// In many countries, spreadsheets write semicolons between the cells.
	if first, _, _ := bytes.Cut(data, []byte("\n")); !bytes.Contains(first, []byte(",")) {
		c.Comma = ';'
	}
	head, err := c.Read()
	if err == io.EOF {
		return nil, fmt.Errorf("is empty")
	}
	if err != nil {
		return nil, err
	}
	column := map[string]int{}
	for i, name := range head {
		column[name] = i
	}
	for _, name := range columns {
		if _, ok := column[name]; !ok {
			return nil, fmt.Errorf("is no CSV output of an audit, because the column %s is missing", name)
		}
	}
	for {
		record, err := c.Read()
		if err == io.EOF {
			return rows, nil
		}
		if err != nil {
			return nil, err
		}
		cell := func(name string) string { return uncell(record[column[name]]) }
		rows = append(rows, Row{Class: Class(cell("class")), Target: cell("target"), Facts: Facts{
			NameServers: strings.Fields(cell("name_servers")), SOA: cell("soa"), Alias: cell("alias"), Addresses: strings.Fields(cell("addresses"))}})
	}
}

func uncell(s string) string {
	if len(s) > 1 && s[0] == '\'' && strings.ContainsRune("=+-@", rune(s[1])) {
		return s[1:]
	}
	return s
}
