package register

import (
	"bytes"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"github.com/dns-orders/blocklist/plugin/order"
)

func TestXLSX(t *testing.T) {
	f := excelize.NewFile()
	for i, row := range [][]any{{"List of sites"}, nil, {"A/A", "DOMAIN NAME", "WEBSITE"}, {1, "a.example.com", "A"}, {2, "B.example.com"}, {3, "b c"}} {
		cell, _ := excelize.CoordinatesToCellName(1, i+1)
		if err := f.SetSheetRow("Sheet1", cell, &row); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	p, err := Parse("x", []byte(`preset: x
title: An example
seen: none
format: xlsx
layouts: [{columns: {name: DOMAIN NAME}}]
order: {authority: {name: Example Authority}, scope: global}
id: x
`))
	if err != nil {
		t.Fatal(err)
	}
	opt := options(nil, order.NoTime)
	res, err := Import(p, b.Bytes(), opt)
	if err != nil || len(res.Refused) != 1 || res.Refused[0].At != 6 {
		t.Fatalf("error %v, refused %v", err, res.Refused)
	}
	opt.SkipRefused = 1
	_, out := imported(t, p, b.Bytes(), opt)
	compare(t, "workbook", contents(t, out), map[string]string{"x a.example.com": "", "x b.example.com": ""})
	for name, data := range map[string][]byte{"text": []byte("DOMAIN NAME\n"), "half a file": b.Bytes()[:b.Len()/2]} {
		if res, err := Import(p, data, opt); err == nil || !strings.Contains(err.Error(), "XLSX") {
			t.Errorf("%s: got %v, %v", name, res, err)
		}
	}
}

func TestTables(t *testing.T) {
	p, err := Parse("x", []byte(`preset: x
title: An example
seen: none
format: table
layouts: [{columns: {name: name}}]
order: {authority: {name: Example Authority}, scope: global}
id: x
`))
	if err != nil {
		t.Fatal(err)
	}
	opt := options(nil, order.NoTime)
	if _, err := Import(p, []byte("name,other,name\na.example.com,1,b.example.com\n"), opt); err == nil || !strings.Contains(err.Error(), `the column "name" twice`) {
		t.Errorf("a column twice: error %v", err)
	}
	res, err := Import(p, []byte("name,other,other\na.example.com\x00b.example.com,1,2\nc.example.com,1,2\n"), opt)
	if err != nil || len(res.Refused) != 1 || res.Refused[0].Why != "has a NUL byte" {
		t.Errorf("a NUL byte: %v, refused %+v", err, res)
	}
}
