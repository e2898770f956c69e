//go:build e2e

package faults

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
)

func limits() []fault {
	// A user namespace has its own limits (namespaces(7)). The machine's limits do not change.
	namespace := func(script string) lab {
		return lab{wrap: []string{"sh", "-c", script + ` && exec "$@"`, "sh"}}
	}
	return []fault{
		{name: "no descriptor is left", alarm: "court.yaml", blind: true, noUrgent: true, fresh: true, during: map[string]string{"last.example": nxdomain}, inject: func(l *lab) func() {
			// A query would need a new descriptor.
			l.asker.paused.Store(true)
			l.descriptors("3")
			files, _ := world()
			from := l.logSize()
			l.write(court, courtFile(8, numbered("court", 50)))
			l.write(single, files[single]+"  - {id: single/4, targets: [last.example]}\n")
			l.until(alarmTime, "the log to name court.yaml", func() error {
				if !strings.Contains(l.logFrom(from), "court.yaml") {
					return errors.New("the log does not")
				}
				return nil
			})
			for _, n := range []string{"court0000.example", "refused.example", "reg0001.example", "side0003.example", "linked.example", "single.example"} {
				if got := l.client.ask(n); got != l.model.answer(n) {
					l.t.Errorf("%s: %s, want %s", n, got, l.model.answer(n))
				}
			}
			return func() {
				l.descriptors("1024")
				l.asker.paused.Store(false)
			}
		}},
		{name: "no inotify instance is left", alarm: "court.yaml",
			lab:    namespace("echo 0 > /proc/sys/user/max_inotify_instances"),
			inject: func(l *lab) func() { return l.swap(court, "oops: [\n") }},
		{name: "no inotify watch is left", alarm: "court.yaml",
			lab:    namespace("echo 1 > /proc/sys/user/max_inotify_watches"),
			inject: func(l *lab) func() { return l.swap(court, "oops: [\n") }},
		{name: "a mounted file that was renamed over on the host", alarm: "single.yaml", stays: true,
			lab: namespace("mkdir host && cp single.yaml host && mount --bind host/single.yaml single.yaml"),
			inject: func(l *lab) func() {
				l.write("host/single.yaml", head+"orders: []\n")
				return nil
			}},
	}
}

func (l *lab) descriptors(n string) {
	l.t.Helper()
	cmd := exec.Command("prlimit", "--pid", fmt.Sprint(l.cmd.Process.Pid), "--nofile="+n+":")
	if l.cmd.SysProcAttr.Credential != nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: l.cmd.SysProcAttr.Credential}
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		l.t.Fatalf("prlimit: %v: %s", err, out)
	}
}
