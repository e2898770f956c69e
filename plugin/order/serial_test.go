package order

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSetSerial(t *testing.T) {
	for _, tc := range []struct{ path, text, want string }{
		{"a.yaml", "version: 1\nserial: 5 # five\norders: []\n", "version: 1\nserial: 70 # five\norders: []\n"},
		{"a.yaml", "\ufeffversion: 1\r\nserial: 5\r\norders: []\r\n", "\ufeffversion: 1\r\nserial: 70\r\norders: []\r\n"},
		{"a.yaml", "# serial: 5\nversion: 1\norders: []\n", "# serial: 5\nserial: 70\nversion: 1\norders: []\n"},
		{"a.yml", "\ufeffversion: 1\norders: []\n", "\ufeffserial: 70\nversion: 1\norders: []\n"},
		{"a.yaml", "---\n  orders: []\n  version: 1\n...\n", "---\n  orders: []\n  serial: 70\n  version: 1\n...\n"},
		{"a.yaml", "{version: 1, timezone: \"UTC\", serial: 5, orders: []}\n", "{version: 1, timezone: \"UTC\", serial: 70, orders: []}\n"},
		{"a.yaml", "{orders: [], version: 1}\n", "{orders: [], \"serial\": 70, version: 1}\n"},
		{"a.yaml", "defaults: {note: \"ä€😀 serial: 5\"}\n\"serial\": 5\nversion: 1\norders: []\n", "defaults: {note: \"ä€😀 serial: 5\"}\n\"serial\": 70\nversion: 1\norders: []\n"},
		{"a.json", "{\"defaults\":{\"note\":\"ä€😀\"},\"serial\":5,\"version\":1,\"orders\":[]}", "{\"defaults\":{\"note\":\"ä€😀\"},\"serial\":70,\"version\":1,\"orders\":[]}"},
		{"a.json", "{\n  \"version\": 1,\n  \"orders\": []\n}\n", "{\n  \"serial\": 70, \"version\": 1,\n  \"orders\": []\n}\n"},
		{"a.jsonl", "\n{\"version\":1,\"count\":1,\"serial\":5}\n{\"id\":\"a\",\"note\":\"serial\"}\n", "\n{\"version\":1,\"count\":1,\"serial\":70}\n{\"id\":\"a\",\"note\":\"serial\"}\n"},
		{"a.jsonl", "\ufeff{\"version\":1,\"count\":0}", "\ufeff{\"serial\": 70, \"version\":1,\"count\":0}"},
	} {
		got, err := SetSerial(tc.path, []byte(tc.text), 70)
		if err != nil || string(got) != tc.want {
			t.Errorf("%s: got %q, %v\nwant %q", tc.path, got, err, tc.want)
		}
	}
	for _, tc := range []struct{ path, text string }{
		{"a.yaml", ""}, {"a.yaml", "[1]"}, {"a.yaml", "orders: []"}, {"a.json", "{\"version\":1"}, {"a.jsonl", ""},
	} {
		if got, err := SetSerial(tc.path, []byte(tc.text), 70); err == nil {
			t.Errorf("%q: got %q", tc.text, got)
		}
	}
}

func TestSetSerialGolden(t *testing.T) {
	paths, err := filepath.Glob("testdata/*/*")
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	for _, path := range paths {
		if Ext(path) == "" {
			continue
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		opt := Options{OpenSide: func(name string) (io.ReadCloser, error) { return os.Open(filepath.Join(filepath.Dir(path), name)) }}
		before, problems := Parse(path, strings.NewReader(string(data)), opt)
		if len(problems.Errors()) > 0 {
			continue
		}
		tried++
		out, err := SetSerial(path, data, 987654321)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		after, problems := Parse(path, strings.NewReader(string(out)), opt)
		if len(problems.Errors()) > 0 || after.Serial != 987654321 || after.Count != before.Count || after.Targets != before.Targets {
			t.Errorf("%s: %+v, %v", path, after, problems)
		}
	}
	if tried < 3 {
		t.Errorf("tried %d files only", tried)
	}
}
