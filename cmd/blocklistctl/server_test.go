package main

import (
	"os"
	"strings"
	"testing"
)

func TestCorefileVariable(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, id := range map[string]string{"a": "from-flag", "b": "from-variable", "c": "from-line"} {
		os.WriteFile(name+".yaml", []byte(strings.Replace(smallOrders, "id: a", "id: "+id, 1)), 0o600)
		os.WriteFile(name, []byte(".:53 {\nblocklist "+name+".yaml {\nhome FR\n}\n}\n"), 0o600)
	}
	list := func(args ...string) (ids string) {
		_, out, errs := ctl(append([]string{"list"}, args...)...)
		for _, id := range []string{"from-flag", "from-variable", "from-line"} {
			if strings.Contains(out, id) {
				ids += id
			}
		}
		return ids + errs
	}
	for _, tc := range []struct{ variable, args, want string }{
		{"b", "", "from-variable"},
		{"b", "c.yaml", "from-line"},
		{"b", "--corefile a", "from-flag"},
		{"b", "c.yaml --corefile a", "from-line"},
		{"", "--corefile a", "from-flag"},
		{"", "", "blocklistctl: no ORDERS: give order files, or --corefile FILE, or set $BLOCKLIST_COREFILE\n"},
		{"none", "", "blocklistctl: $BLOCKLIST_COREFILE: none cannot be read: no such file or directory\n"},
		{"none", "c.yaml", "from-line"},
	} {
		t.Setenv(corefileVariable, tc.variable)
		if got := list(strings.Fields(tc.args)...); got != tc.want {
			t.Errorf("variable %q, arguments %q: got %q, want %q", tc.variable, tc.args, got, tc.want)
		}
	}
	t.Setenv(corefileVariable, "b")
	if _, out, _ := ctl("explain", "a.example", "c.yaml"); !strings.Contains(out, "without --corefile") {
		t.Errorf("got %s", out)
	}
}
