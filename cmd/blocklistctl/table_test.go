package main

import (
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
)

func TestWorkbook(t *testing.T) {
	t.Chdir(t.TempDir())
	f := excelize.NewFile()
	for cell, v := range map[string]any{"A1": "No.", "B1": "Site", "A2": 1, "B2": "Films.example", "A3": 2, "B3": "https://series.example/"} {
		if err := f.SetCellValue("Sheet1", cell, v); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.SaveAs("list.xlsx"); err != nil {
		t.Fatal(err)
	}
	args := []string{"add", "a.yaml", "--id", "a/1", "--authority", "A", "--reference", "R", "--scope", "global", "--review", "2027-01-01", "--list", "list.xlsx", "--expect", "2", "--yes"}
	if code, _, errs := ctl(args...); code != exitMisuse || !strings.Contains(errs, `the columns are: A ("No." ... "2"), B ("Site" ... "https://series.example/")`) {
		t.Errorf("without --column: exit %d\n%s", code, errs)
	}
	if code, out, errs := ctl(append(args, "--column", "site")...); code != exitOK {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
	if text := content(t, "a.yaml"); !strings.Contains(text, "targets:\n      - films.example\n      - series.example\n") {
		t.Error(text)
	}
}
