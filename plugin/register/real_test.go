package register

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/charmap"

	"github.com/dns-orders/blocklist/plugin/order"
)

func readData(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", path))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// at returns a time of an order file.
func at(t *testing.T, text string) order.Time {
	t.Helper()
	x, err := order.ParseTime(text, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// load returns a preset of the program.
func load(t *testing.T, name string) *Preset {
	t.Helper()
	p, err := Load(name, "")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// options returns options that confirm nothing.
func options(previous []byte, asOf order.Time) Options {
	return Options{Path: "out.yaml", Previous: previous, AsOf: asOf, Now: 2e9, Served: order.NoTime, DropOK: -1, RowsOK: -1}
}

func imported(t *testing.T, p *Preset, data []byte, opt Options) (*Result, []byte) {
	t.Helper()
	res, err := Import(p, data, opt)
	if err != nil || len(res.Problems) > 0 {
		t.Fatalf("%s: error %v, problems %q", p.Name, err, res.Problems)
	}
	if order.Ext(opt.Path) == ".yaml" {
		checkLines(t, p, data, opt, res, err)
	}
	if res.Content == nil {
		return res, opt.Previous
	}
	return res, res.Content.Bytes()
}

func contents(t *testing.T, file []byte) map[string]string {
	t.Helper()
	f, problems := order.Parse("out.yaml", bytes.NewReader(file), order.Options{})
	if bad := problems.Errors(); len(bad) > 0 {
		t.Fatal(bad)
	}
	out := map[string]string{}
	for _, o := range f.Orders {
		for i := range o.Targets {
			key := o.ID + " " + o.Targets[i].String()
			if _, twice := out[key]; twice {
				t.Errorf("%s is in the file twice", key)
			}
			out[key] = ""
			if a := o.Targets[i].Attr; a != nil {
				out[key] = a.Until.String()
			}
		}
	}
	return out
}

// czech reads the Czech register independently of this package.
func czech(t *testing.T, data []byte) map[string]string {
	t.Helper()
	text, err := charmap.Windows1250.NewDecoder().String(string(data))
	if err != nil {
		t.Fatal(err)
	}
	prague, err := time.LoadLocation("Europe/Prague")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, line := range strings.Split(strings.TrimSpace(text), "\r\n")[1:] {
		cells := strings.Split(line, ";")
		if cells[0] == "" {
			continue // a bank account without a site
		}
		var d, m, y int
		if _, err := fmt.Sscanf(cells[1], "%d.%d.%d", &d, &m, &y); err != nil {
			t.Fatal(line, err)
		}
		key := fmt.Sprintf("mfcr/%04d-%02d-%02d %s", y, m, d, strings.ToLower(strings.Trim(cells[0], " .")))
		out[key] = ""
		if cells[2] != "" {
			if _, err := fmt.Sscanf(cells[2], "%d.%d.%d", &d, &m, &y); err != nil {
				t.Fatal(line, err)
			}
			out[key] = time.Date(y, time.Month(m), d, 0, 0, 0, 0, prague).UTC().Format(time.RFC3339)
		}
	}
	return out
}

func compare(t *testing.T, what string, got, want map[string]string) {
	t.Helper()
	for _, key := range slices.Sorted(maps.Keys(want)) {
		if end, ok := got[key]; !ok || end != want[key] {
			t.Errorf("%s: lost %q with the end %q, got the end %q, %v", what, key, want[key], end, ok)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(got)) {
		if _, ok := want[key]; !ok {
			t.Errorf("%s: invented %q", what, key)
		}
	}
}

func TestCzech(t *testing.T) {
	p := load(t, "cz-mfcr")
	var out []byte
	for i, edition := range []struct{ file, asOf string }{
		{"v38", "2022-01-10"}, {"v39", "2022-02-10"}, {"v53", "2022-12-10"}, {"v54", "2023-01-10"}, {"v55", "2023-02-10"}, {"v60", "2023-06-10"}} {
		data := readData(t, "cz-register/"+edition.file+".csv")
		res, next := imported(t, p, data, options(out, at(t, edition.asOf)))
		compare(t, edition.file, contents(t, next), czech(t, data))
		if res.Content == nil || res.Serial != int64(i+1) {
			t.Errorf("%s: serial %d, written %v", edition.file, res.Serial, res.Content != nil)
		}
		if ends := len(res.Ended); ends != map[string]int{"v54": 3}[edition.file] {
			t.Errorf("%s: %d targets end: %v", edition.file, ends, res.Ended)
		}
		if edition.file == "v55" && res.Left["name: "] != 3 {
			t.Errorf("v55: left out: %v", res.Left)
		}
		lines := strings.Split(strings.TrimSpace(string(data)), "\r\n")
		slices.Reverse(lines[1:])
		for _, again := range [][]byte{data, []byte(strings.Join(lines, "\r\n"))} {
			res, same := imported(t, p, again, options(next, at(t, edition.asOf)+86400))
			if res.Content != nil || !bytes.Equal(same, next) {
				t.Errorf("%s: a second import changes the output", edition.file)
			}
		}
		_, alone := imported(t, p, data, options(nil, at(t, edition.asOf)))
		compare(t, edition.file+" alone", contents(t, alone), czech(t, data))
		out = next
	}
	v60 := readData(t, "cz-register/v60.csv")
	for name, tc := range map[string]struct {
		data []byte
		asOf string
		want string
	}{
		"an older file":   {readData(t, "cz-register/v53.csv"), "2022-12-10", "earlier than the previous output"},
		"a half file":     {v60[:len(v60)/2], "2023-07-01", "no longer has the rows of"},
		"an HTML page":    {[]byte("\n<!DOCTYPE HTML><html>"), "2023-07-01", "is an HTML page"},
		"an empty file":   {nil, "2023-07-01", "is empty"},
		"a blank file":    {[]byte("\r\n\r\n"), "2023-07-01", "is empty"},
		"a UTF-8 file":    {[]byte("Adresa Internetové stránky;x\r\n"), "2023-07-01", "is UTF-8"},
		"another table":   {[]byte("a;b;c\r\n1;2;3\r\n"), "2023-07-01", "has no header"},
		"a list of names": {[]byte("example.com\r\n"), "2023-07-01", "has no header"},
	} {
		res, err := Import(p, tc.data, options(out, at(t, tc.asOf)))
		said := fmt.Sprint(err)
		if err == nil {
			said = strings.Join(res.Problems, "\n")
		}
		if !strings.Contains(said, tc.want) || res != nil && res.Content != nil {
			t.Errorf("%s: got %q, want %q", name, said, tc.want)
		}
	}
}

func TestLists(t *testing.T) {
	for _, tc := range []struct{ preset, file, id, before, after string }{
		{"au-teqsa", "au-teqsa/urls.txt", "teqsa/cheating", "", ""},
		{"adblock", "au-teqsa/urls-ABP.txt", "teqsa/cheating", "||", "^"},
		{"adblock", "au-teqsa/urls-UBL.txt", "teqsa/cheating", "*://*.", "/*"},
		{"ee-emta", "ee-emta/blocklist.txt", "emta/gambling", "", ""},
	} {
		data := readData(t, tc.file)
		opt := options(nil, order.NoTime)
		if tc.preset == "adblock" {
			opt.Given = map[string]string{"id": tc.id, "authority": "TEQSA", "country": "AU"}
		}
		res, out := imported(t, load(t, tc.preset), data, opt)
		want := map[string]string{}
		for _, line := range strings.Fields(string(data)) {
			name := strings.ToLower(strings.TrimSuffix(strings.TrimPrefix(line, tc.before), tc.after))
			if host, _, page := strings.Cut(name, "/"); page {
				name = host + " (exact)" // the preset blocks the host of a page
			}
			want[tc.id+" "+name] = ""
		}
		compare(t, tc.file, contents(t, out), want)
		if res.Targets < 600 {
			t.Errorf("%s: %d targets", tc.file, res.Targets)
		}
	}
}
