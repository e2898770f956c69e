package store

import (
	"strings"
	"testing"
	"time"
)

func TestJumps(t *testing.T) {
	now := time.Date(2026, 11, 28, 23, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		last, serial int64
		want         string
	}{
		{1, 2, ""},
		{1, 1 + 1<<32, ""},
		{1, 2 + 1<<32, "more than 2^32 above 1"},
		{-1, 1 << 40, ""},
		{-1, 1<<63 - 1, ""},
		{5, 1<<63 - 1, "more than 2^32"},
		// Unix seconds.
		{1795900000, now.Unix(), ""},
		{1795900000, now.Unix() + 86400, ""},
		{1795900000, now.Unix() + 86401, "in the future"},
		{-1, now.Unix() + 86401, "in the future"},
		{1795900000, 2026112801, "in the future"}, // another kind of serial
		// Dates with a number.
		{2026112700, 2026112801, ""},
		{2026112700, 2026112999, ""}, // a time zone ahead of UTC
		{2026112700, 2026113000, "in the future"},
		{2026112700, 2062112801, "in the future"},
		{-1, 2062112801, "in the future"},
		{2026112700, 2026112700, ""},
		// Numbers that only look similar.
		{2026133100, 2026133101, ""},
		{2026023000, 2026023001, ""},
		{7, -1, ""},
	} {
		s := &Store{opt: Options{State: "/state"}, clock: stoppedClock{nil, now}}
		got := s.jumpProblem(&version{serial: tc.last}, tc.serial)
		if (got == "") != (tc.want == "") || !strings.Contains(got, tc.want) {
			t.Errorf("%d after %d: %q, want %q", tc.serial, tc.last, got, tc.want)
		}
		if got != "" && !strings.Contains(got, "blocklistctl state set-serial FILE") {
			t.Errorf("%q does not name the command", got)
		}
		s.opt.State = ""
		if got := s.jumpProblem(&version{serial: tc.last}, tc.serial); got != "" {
			t.Errorf("without a state directory: %q", got)
		}
	}
}
