package sheet

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
)

func TestCSV(t *testing.T) {
	for _, tc := range []struct{ data, column, want, err string }{
		{"a.example\nb.example\n", "", "a.example\nb.example\n", ""},
		{"No,Site,Since\n1,a.example,2024\n\n2,b.example,2025\n", "Site", "\na.example\n\nb.example\n", ""},
		{"No,Site,Since\n1,a.example,2024\n", "site", "\na.example\n", ""},
		{"No,Site,Since\n1,a.example,2024\n", "B", "\na.example\n", ""},
		{"1,a.example,2024\n2,b.example,2024\n", "B", "a.example\nb.example\n", ""},
		{"No,Site,Since\n1,a.example,2024\n", "2", "\na.example\n", ""},
		{"\uFEFFNo;Site\r\n1;\"a.example\r\nb.example\"\r\n2;c.example\r\n", "Site", "\na.example b.example\n\nc.example\n", ""},
		{"1\ta.example\tx, y\n2\tb.example\tz\n", "b", "a.example\nb.example\n", ""},
		{"No,Site,Owner\n1,a.example,A\n2,b.example,B\n", "B", "\na.example\nb.example\n", ""}, // a cell with the text B is no heading
		{"No,2,Owner\n1,a.example,A\n", "2", "\na.example\n", ""},
		{"No,Site\n1,a.example\n", "", "", `is a table with several columns; the columns are: A ("No" ... "1"), B ("Site" ... "a.example")`},
		{"No,Site\n1,a.example\n", "C", "", `has no column "C"; the columns are: A ("No" ... "1"), B ("Site" ... "a.example")`},
		{"No,Site\n1,\"a.example\n", "B", "", "line 2, column 14: is not CSV: extraneous or missing \" in quoted-field"},
		{"\n\n", "", "", "is a table without text"},
	} {
		got, _, err := Text("list.CSV", []byte(tc.data), tc.column)
		if text := message(err); got != tc.want || text != tc.err {
			t.Errorf("%q, column %q: %q, error %q", tc.data, tc.column, got, text)
		}
	}
	if _, _, err := Text("list.txt", nil, ""); err == nil {
		t.Error("a text file is a table")
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func workbook(t *testing.T) []byte {
	t.Helper()
	f := excelize.NewFile()
	f.NewSheet("Sites")
	f.NewSheet("Empty")
	for cell, v := range map[string]any{"A1": "List of the decision", "B3": "DOMAIN NAME", "A4": 1, "B4": "a.example", "A6": 3, "B6": "c.example\nd.example"} {
		if err := f.SetCellValue("Sites", cell, v); err != nil {
			t.Fatal(err)
		}
	}
	// A text with two fonts is one text.
	if err := f.SetCellRichText("Sites", "B5", []excelize.RichTextRun{{Text: "guarda-"}, {Text: "film.example", Font: &excelize.Font{Bold: true}}}); err != nil {
		t.Fatal(err)
	}
	f.SetCellValue("Sheet1", "A1", "Cover")
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func withSites(t *testing.T, change func([]byte) []byte) []byte {
	t.Helper()
	data := workbook(t)
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, part := range z.File {
		r, err := part.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if path.Base(part.Name) == "sheet2.xml" {
			text = change(text)
		}
		out, err := w.Create(part.Name)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(text)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestXLSX(t *testing.T) {
	data := workbook(t)
	const want = "\n\n\na.example\nguarda-film.example\nc.example d.example\n"
	if got, _, err := Text("list.xlsx", data, "Sites!domain name"); got != want || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if _, rows, _ := Text("list.xlsx", data, "Sites!B"); !strings.HasPrefix(rows, "List of the decision\n\n\tDOMAIN NAME\n1\ta.example\n") {
		t.Errorf("the rows are %q", rows)
	}
	const all = `is a table with several columns; the columns are: Sheet1!A ("Cover" ... "Cover"), Sites!A ("List of the decision" ... "3"), Sites!B ("DOMAIN NAME" ... "c.example
d.example")`
	if _, _, err := Text("list.xlsx", data, ""); message(err) != strings.ReplaceAll(all, "\n", `\n`) {
		t.Errorf("%v", err)
	}
	if _, _, err := Text("list.xlsx", data[:len(data)/2], "Sites!B"); err == nil {
		t.Error("half a file is accepted")
	}
	cut := withSites(t, func(text []byte) []byte { return text[:bytes.Index(text, []byte(`<c r="B6"`))] })
	if got, _, err := Text("list.xlsx", cut, "Sites!B"); err == nil || !strings.Contains(err.Error(), "sheet2.xml: XML syntax error") {
		t.Errorf("%q, %v", got, err)
	}
}

// An unreadable cell must be an error, because a name may be missing.
func TestCells(t *testing.T) {
	for cell, want := range map[string]string{
		`<c r="B6" t="e"><v>#REF!</v></c>`:        "cell B6 has the error #REF! of a formula",
		`<c r="B6"><f>1+1</f></c>`:                "cell B6 has a formula without a result",
		`<c r="B6" t="s"><v>99</v></c>`:           `cell B6 refers to the shared text "99"`,
		`<c r="B6" t="s"><v>-1</v></c>`:           `cell B6 refers to the shared text "-1"`,
		`<c r="B6" t="str"><f>A1</f><v>x</v></c>`: "",
	} {
		data := withSites(t, func(text []byte) []byte {
			from := bytes.Index(text, []byte(`<c r="B6"`))
			to := from + bytes.Index(text[from:], []byte("</c>")) + len("</c>")
			return slices.Concat(text[:from], []byte(cell), text[to:])
		})
		_, _, err := Text("list.xlsx", data, "Sites!B")
		if got := message(err); (want == "") != (err == nil) || !strings.Contains(got, want) {
			t.Errorf("%s: error %q, want %q", cell, got, want)
		}
	}
}

// Only the last cell of the sheet has text. A loop over all rows and columns takes half a minute.
func TestLargeSheet(t *testing.T) {
	data := withSites(t, func(text []byte) []byte {
		return bytes.Replace(text, []byte("</sheetData>"), []byte(`<row r="1048576"><c r="XFD1048576" t="str"><v>last.example</v></c></row></sheetData>`), 1)
	})
	begin := time.Now()
	got, _, err := Text("list.xlsx", data, "Sites!XFD")
	if want := strings.Repeat("\n", 1048575) + "last.example\n"; got != want || err != nil {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	_, _, err = Text("list.xlsx", data, "")
	if !strings.Contains(message(err), `Sites!XFD ("last.example" ... "last.example")`) {
		t.Errorf("%v", err)
	}
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("took %s", took)
	}
}

func TestSheetLimits(t *testing.T) {
	var wide strings.Builder
	for i := range 300 {
		fmt.Fprintf(&wide, `<row r="%d"><c r="XFD%[1]d"><v>1</v></c></row>`, 10+i)
	}
	for rows, want := range map[string]string{
		wide.String(): "the sheets have more than 4194304 cells up to cell XFD265; delete the columns and rows without names",
		`<row r="8"><c r="A8"><v>1</v></c></row><row r="7"><c r="A7"><v>1</v></c></row>`: "row 7 comes after row 8",
		`<row r="8"/><row r="8"/>`:                                      "row 8 comes after row 8",
		`<row r="8"><c r="B8"><v>1</v></c><c r="A8"><v>1</v></c></row>`: "cell A8 comes after a cell to its right",
		`<row r="8"><c r="A9"><v>1</v></c></row>`:                       `cell "A9" is no cell of row 8`,
		`<row r="1048577"/>`:                                            `row "1048577" is no row of a sheet`,
		`<row r="x"/>`:                                                  `row "x" is no row of a sheet`,
		`<row r="8"><c r="XFD8" s="1"/></row>`:                          "",
		`<row><c><v>1</v></c><c t="str"><v>2</v></c></row>`:             "",
	} {
		data := withSites(t, func(text []byte) []byte {
			return bytes.Replace(text, []byte("</sheetData>"), []byte(rows+"</sheetData>"), 1)
		})
		_, _, err := Text("list.xlsx", data, "Sites!B")
		if got := message(err); (want == "") != (err == nil) || !strings.Contains(got, want) {
			t.Errorf("%.80s: error %q, want %q", rows, got, want)
		}
	}
}

func TestTexts(t *testing.T) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	data := workbook(t) // each call may have another length
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range z.File {
		out, err := w.Create(part.Name)
		if err != nil {
			t.Fatal(err)
		}
		if part.Name == "xl/sharedStrings.xml" {
			out.Write([]byte("<sst>" + strings.Repeat("<si/>", maxTexts+1) + "</sst>"))
			continue
		}
		r, err := part.Open()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(out, r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Text("list.xlsx", b.Bytes(), "Sites!B"); !strings.Contains(message(err), "xl/sharedStrings.xml: has more than 2097152 texts") {
		t.Errorf("%v", err)
	}
}

// FuzzText checks that no file makes the reading panic.
func FuzzText(f *testing.F) {
	f.Add("a.csv", []byte("a;b\n1;2\n"), "b")
	f.Fuzz(func(t *testing.T, path string, data []byte, column string) {
		text, _, err := Text(path, data, column)
		if err != nil && text != "" {
			t.Errorf("%q and an error: %v", text, err)
		}
	})
}
