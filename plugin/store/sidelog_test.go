package store

import (
	"fmt"
	"strings"
	"testing"
)

func TestSideListReason(t *testing.T) {
	long := strings.Repeat("x.", 110)
	var many strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&many, "%sn%d.secret\n", long, i)
	}
	for _, tc := range []struct{ list, want string }{
		{many.String(), "names.txt:935: the names up to here have more than 100000 labels beyond the fourth of each name; one more is allowed for each name; blocklistctl check shows the line"},
		{"a.secret\nsub.free.secret\nfree.secret\n", "names.txt:2: is at or below an exception of the order, first of 2 such lines; blocklistctl check shows them"},
		{"a.secret\n*.b.secret\n", `names.txt:2: a name of a side list includes all names below it; write a target with "*." into the order file; blocklistctl check shows the line`},
		{"a.secret\nb\x80.secret\n", "names.txt:2: is not valid UTF-8; blocklistctl check shows the line"},
		{strings.Repeat("secret.", 1000), "names.txt:1: line is too long for a name; blocklistctl check shows the line"},
		{"a.secret\nsecret..\n\nsecret:1\n*.secret", "names.txt:2: is no name, first of 2 such lines; blocklistctl check shows them"},
	} {
		w := newWorld(t)
		w.write("b.yaml", orders("", "b: b.example"))
		w.write("a.yaml", "version: 1\norders:\n- {id: a, authority: {name: A}, scope: global, except: [free.secret], targets_from: {file: names.txt}}\n")
		w.write("names.txt", tc.list)
		w.mustStart()
		log := w.log.take()
		logged(t, log, 1, "error: "+w.dir+"/"+tc.want)
		logged(t, log, 0, "secret")
	}
}
