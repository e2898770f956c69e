package source

import "testing"

func TestNames(t *testing.T) {
	for _, tc := range []struct {
		pattern, path string
		want          bool
	}{
		{"/o/a.yaml", "/o/a.yaml", true},
		{"/o/a.yaml", "/o/b.yaml", false},
		{"/o/orders", "/o/orders", true},
		{"/o/a.yaml", "/o/a.yaml/b.yaml", false}, // a name with an order file's ending is a file
		{"/o/", "/o/a.yaml", true},
		{"/o", "/o/a.json", true},
		{"/o", "/o/a.txt", false},
		{"/o", "/o/.a.yaml", false},
		{"/o", "/o/sub/a.yaml", false},
		{"/o/*.yaml", "/o/a.yaml", true},
		{"/o/*.yaml", "/o/a.json", false},
		{"/o/*", "/o/a.json", true},
		{"/o/*", "/o/README.md", false},
		{"/o/*.txt", "/o/a.txt", true},
		{"/o/*", "/o/.a.yaml", false},
		{"/o/.*.yaml", "/o/.a.yaml", true},
		{"/*/a.yaml", "/o/a.yaml", true},
		{"/*/a.yaml", "/.o/a.yaml", false},
		{"/o/a[1].yaml", "/o/a[1].yaml", true}, // a name that exists is that file
		{"/o/a[1].yaml", "/o/a1.yaml", true},
		{"/o/[", "/o/[", false},
		{"", "/o/a.yaml", false},
	} {
		if got := Names(tc.pattern, tc.path); got != tc.want {
			t.Errorf("Names(%q, %q) = %t, want %t", tc.pattern, tc.path, got, tc.want)
		}
	}
}

func TestPlace(t *testing.T) {
	patterns := []string{"/o/b.yaml", "/o/", "/p/*.yaml"}
	for path, want := range map[string]int{"/o/b.yaml": 0, "/o/a.yaml": 1, "/p/a.yaml": 2, "/q/a.yaml": 3} {
		if got := Place(patterns, path); got != want {
			t.Errorf("Place(%q) = %d, want %d", path, got, want)
		}
	}
}
