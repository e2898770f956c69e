package catalog

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

type animal struct {
	Name  string `yaml:"animal"`
	Legs  int    `yaml:"legs"`
	Cries []cry  `yaml:"cries"`
	Place struct {
		Country string            `yaml:"country"`
		Rivers  map[string]string `yaml:"rivers"`
	} `yaml:"place"`
}

type cry struct {
	Text string `yaml:"text"`
}

var animals = &Catalog{Kind: "animal", Folder: "all", Files: fstest.MapFS{
	"all/cat.yaml": {Data: []byte("animal: cat\nlegs: 4\n")}, "all/dog.yaml": {Data: []byte("animal: dog\n")}}}

// TestFind checks the places of descriptions.
func TestFind(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"dog.yaml": "animal: dog\nlegs: 3\n", "hen.yaml": "animal: hen\n", "note.txt": "", "large.yaml": strings.Repeat("#", maxSize+1)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct{ name, dir, want, place string }{
		{"cat", "", "legs: 4", "built in"},
		{"cat", dir, "legs: 4", "built in"},
		{"dog", "", "animal: dog\n", "built in"},
		{"dog", dir, "legs: 3", filepath.Join(dir, "dog.yaml")},
		{filepath.Join(dir, "hen.yaml"), "", "animal: hen", filepath.Join(dir, "hen.yaml")},
	} {
		data, place, err := animals.Find(tc.name, tc.dir)
		if err != nil || !strings.Contains(string(data), tc.want) || place != tc.place {
			t.Errorf("%s in %q: %q at %s, error %v", tc.name, tc.dir, data, place, err)
		}
	}
	for name, want := range map[string]string{
		"cow": `there is no animal "cow"; blocklistctl animal list shows all animals`, "cow.yaml": "no such file", "large": "is not a file of at most 1 MiB", dir + "/": "is not a file",
	} {
		if _, _, err := animals.Find(name, dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if names, err := animals.Names(dir); err != nil || strings.Join(names, " ") != "cat dog hen large" {
		t.Errorf("%q, %v", names, err)
	}
	if _, err := animals.Names(filepath.Join(dir, "nothing")); err == nil {
		t.Error("a directory that does not exist")
	}
}

// TestDecode checks the errors of descriptions, and their lines.
func TestDecode(t *testing.T) {
	for text, want := range map[string]string{
		"animal: cat\n":                      "",
		"":                                   "is empty",
		"# nothing\n":                        "is empty",
		"animal: dog\n":                      `line 1: animal: must be the name of the file, "cat", got "dog"`,
		"legs: 4\n":                          `animal: must be the name of the file, "cat", got ""`,
		"animal: cat\nleg: 4\n":              `line 2: unknown key "leg"; did you mean "legs"?`,
		"animal: cat\nplace:\n  rivier: x\n": `line 3: unknown key "rivier"; did you mean "rivers"?`,
		"animal: cat\ncries:\n- text: a\n- x: b\n": `line 4: unknown key "x"; the keys are text`,
		"animal: cat\nlegs: four\n":                `line 2: must be a number, got "four"`,
		"animal: cat\nlegs: [4]\n":                 `line 2: must be a number, got a list`,
		"animal: [cat]\n":                          `line 1: must be a text, got a list`,
		"animal: cat\ncries: a\n":                  `line 2: must be a list, such as [a, b], got "a"`,
		"animal: cat\nplace: a\n":                  `line 2: must be a mapping, such as {key: value}, got "a"`,
		"animal: cat\nplace: {rivers: [a]}\n":      `line 2: must be a mapping, such as {key: value}, got a list`,
		"animal: cat\nanimal: cat\n":               `line 2: mapping key "animal" already defined at line 1`,
		"animal: cat\n---\nanimal: dog\n":          "line 2: has a second document",
		"animal: cat\n\tlegs: 4\n":                 "line 2: is not a animal: found a tab character that violates indentation",
	} {
		d, err := animals.Decode("cat", []byte(text), &animal{})
		if err == nil {
			err = d.Err()
		}
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q:\ngot  %s\nwant %s", text, got, want)
		}
	}
}

func TestBad(t *testing.T) {
	text := "animal: cat\nlegs: 4\ncries:\n- text: a\n- text: b\nplace:\n  country: IT\n"
	d, err := animals.Decode("cat", []byte(text), &animal{})
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"place.country", "cries[1].text", "place.rivers.x", "cries[7]", "nothing"} {
		d.Bad(key, "is odd, got %d", 1)
	}
	want := "nothing: is odd, got 1\nline 3: cries[7]: is odd, got 1\nline 5: cries[1].text: is odd, got 1\nline 6: place.rivers.x: is odd, got 1\nline 7: place.country: is odd, got 1"
	if got := d.Err().Error(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
