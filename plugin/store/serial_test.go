package store

import "testing"

func TestSerialOfVanishedFile(t *testing.T) {
	for _, tc := range []struct {
		name, back, blocked, log string
		reload                   bool
	}{
		{"a lower serial", orders("serial: 3\n", "a: a.example"), "b.example", "serial: is 3, but the last version in force at this path had 9; write a serial above 9", false},
		{"the same serial, other bytes", orders("serial: 9\n", "a: a.example"), "b.example", "serial: the file has changed, but its serial is still 9; write a serial above 9", false},
		{"no serial", orders("", "a: a.example"), "b.example", "serial: is missing, but the last version in force at this path had 9; write a serial above 9", false},
		{"a lower serial after a reload", orders("serial: 3\n", "a: a.example"), "b.example", "but the last version in force at this path had 9", true},
		{"the same file", orders("serial: 9\n"), "b.example", "", false},
		{"a higher serial", orders("serial: 10\n", "a: a.example"), "a.example b.example", "order a: new", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t)
			w.write("a.yaml", orders("serial: 8\n", "a: a.example"))
			w.write("b.yaml", orders("", "b: b.example"))
			w.mustStart()
			w.write("a.yaml", orders("serial: 9\n"))
			w.step()
			w.remove("a.yaml")
			w.step()
			w.wantBlocked("b.example", "a.example", "b.example")
			if !w.s.Status().LastOK {
				t.Error("an alarm for a file that ordered nothing")
			}
			if tc.reload {
				w.reload(func(o *Options) { o.Rules.NoCountry = true })
			}
			w.write("a.yaml", tc.back)
			w.step()
			w.wantBlocked(tc.blocked, "a.example", "b.example")
			w.wantLog(tc.log)
		})
	}
}

func TestSerialOfRenamedFile(t *testing.T) {
	w := newWorld(t)
	text := orders("serial: 5\n", "a: a.example")
	w.write("a.yaml", text)
	w.mustStart()
	w.remove("a.yaml")
	w.write("b.yaml", text)
	w.step()
	w.write("a.yaml", orders("serial: 4\n", "c: c.example"))
	w.step()
	w.wantBlocked("a.example", "a.example", "c.example")
	// The file may be renamed back.
	w.remove("b.yaml")
	w.write("a.yaml", text)
	w.step()
	w.wantBlocked("a.example", "a.example", "c.example")
	if !w.s.Status().LastOK {
		t.Errorf("the alarm stays:\n%s", w.log.take())
	}
}
