package order

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func format(t testing.TB, path, text string, opt Options) string {
	t.Helper()
	var b bytes.Buffer
	problems, err := Format(&b, path, strings.NewReader(text), opt)
	if err != nil || len(problems.Errors()) > 0 {
		t.Fatalf("%s: %v, %v", path, problems, err)
	}
	return b.String()
}

func TestFormatGood(t *testing.T) {
	for _, path := range glob(t, "good") {
		data, err := os.ReadFile(filepath.Join("testdata", path))
		if err != nil {
			t.Fatal(err)
		}
		checkFormat(t, path, string(data), Options{OpenSide: openSide("good")})
	}
}

func checkFormat(t testing.TB, path, text string, opt Options) string {
	t.Helper()
	once := format(t, path, text, opt)
	if twice := format(t, path, once, opt); twice != once {
		t.Errorf("%s: formatted twice:\n%s\nonce:\n%s", path, twice, once)
	}
	a, _ := Parse(path, strings.NewReader(text), opt)
	b, problems := Parse(path, strings.NewReader(once), opt)
	if len(problems.Errors()) > 0 {
		t.Errorf("%s: formatted: %v\n%s", path, problems, once)
	}
	sameOrders(t, path+", formatted", b.Orders, a.Orders)
	if a.Serial != b.Serial || a.ShrinkOK != b.ShrinkOK || a.Timezone != b.Timezone || !reflect.DeepEqual(a.Source, b.Source) || a.Expires != b.Expires || a.Count != b.Count {
		t.Errorf("%s: %+v, formatted %+v", path, a, b)
	}
	return once
}

func TestFormat(t *testing.T) {
	for _, tt := range []struct{ path, in, want string }{
		{"a.yaml", "orders: []\nversion: 1\n", "version: 1\ncount: 0\norders: []\n...\n"},
		{"a.yaml", "orders: []\r\ncount: 0\r\nversion: 1\r\n...\r\n", "version: 1\ncount: 0\norders: []\n...\n"},
		{"a.yaml", "---\nversion: 1\ncount:\norders: []\n", "version: 1\ncount: 0\norders: []\n...\n"},
		{"a.yml", "{version: 1, orders: []}", "{version: 1, count: 0, orders: []}\n...\n"},
		{"a.json", "{\"orders\":[],\"version\":1}", "{\n  \"version\": 1,\n  \"count\": 0,\n  \"orders\": []\n}\n"},
		{"a.jsonl", "\n{\"count\": 0, \"version\": 1}\n\n", "{\"version\":1,\"count\":0}\n"},
		{
			"a.yaml", `# about the file

# about the version
version: 1 # one
orders:
    # about the order
    -   targets: [ONE.example, "*.two.example", 'three.example']
        scope:  global # everyone
        # about the note
        note: 'it''s'
        id:   a
        issued: 2026-05-01 18:30
        authority:
          kind: court
          # about the name
          name: X
        subject: "\u00fc"
# the end
`, `# about the file

# about the version
version: 1 # one
count: 1
orders:
  # about the order
  - id: a
    authority:
      # about the name
      name: X
      kind: court
    subject: "ü"
    # about the note
    note: 'it''s'
    issued: 2026-05-01 18:30
    scope: global # everyone
    targets: [ONE.example, "*.two.example", 'three.example']

# the end
...
`,
		},
	} {
		if got := checkFormat(t, tt.path, tt.in, Options{}); got != tt.want {
			t.Errorf("%s: got\n%s\nwant\n%s", tt.path, got, tt.want)
		}
	}
	in := `{"version":1, "count":1, "authorities":{"z":{"scope":"global","authority":{"kind":"court","name":"X"}},"a":{"authority":{"name":"Y"}}}}
 { "targets":[{"match":"exact","name":"\u0061.Example"}], "id":"a","authority":"z","force":{"A.example":"y"},"note":"\u00e9 < \u2028\u0001\/\t\n"}`
	want := `{"version":1,"count":1,"authorities":{"z":{"authority":{"name":"X","kind":"court"},"scope":"global"},"a":{"authority":{"name":"Y"}}}}
{"id":"a","authority":"z","note":"é < ` + "\u2028" + `\u0001/\t\n","targets":[{"name":"a.Example","match":"exact"}],"force":{"A.example":"y"}}
`
	if got := checkFormat(t, "a.jsonl", in, Options{}); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestFormatRefuses(t *testing.T) {
	for _, path := range glob(t, "bad") {
		if strings.Contains(path, "warning") {
			continue
		}
		data, err := os.ReadFile(filepath.Join("testdata", path))
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		problems, err := Format(&b, path, bytes.NewReader(data), Options{OpenSide: openSide("bad")})
		if err != nil || len(problems.Errors()) == 0 || b.Len() > 0 {
			t.Errorf("%s: %d octets written, %v, %v", path, b.Len(), problems, err)
		}
	}
	// The YAML library drops the comment in this file.
	var b bytes.Buffer
	problems, err := Format(&b, "a.yaml", strings.NewReader("version: 1\ndefaults: # lost\n  {scope: global}\norders: []\n"), Options{})
	if want := `a.yaml: cannot be formatted without losing the comment "# lost"; put it on a line of its own above what it is about`; err != nil || problems.Error() != want || b.Len() > 0 {
		t.Errorf("got %v, %v\nwant %s", problems, err, want)
	}
	if _, err := Format(failing{}, "a.json", strings.NewReader(`{"version":1,"orders":[]}`), Options{}); !errors.Is(err, errDisk) {
		t.Errorf("full disk: %v", err)
	}
	if _, err := Format(failing{}, "a.jsonl", strings.NewReader(`{"version":1,"count":0}`), Options{}); !errors.Is(err, errDisk) {
		t.Errorf("full disk: %v", err)
	}
}

type failing struct{}

var errDisk = errors.New("no space left on device")

func (failing) Write([]byte) (int, error) { return 0, errDisk }
