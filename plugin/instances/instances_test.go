package instances

import (
	"slices"
	"testing"
)

// A storage is the controller of an instance.
type storage map[any]any

func (s storage) Get(key any) any    { return s[key] }
func (s storage) Set(key, value any) { s[key] = value }

func TestReloads(t *testing.T) {
	l := &List[*int]{}
	check := func(when string, want ...*int) {
		t.Helper()
		l.Lock()
		defer l.Unlock()
		got := l.All()
		for _, i := range want {
			if !slices.Contains(got, i) || !l.Has(i) {
				t.Errorf("%s: an instance is missing", when)
			}
		}
		if len(got) != len(want) {
			t.Errorf("%s: %d instances, want %d", when, len(got), len(want))
		}
	}
	start := func() *int {
		c := storage{}
		i := l.Of(c, func() *int { return new(int) })
		if l.Of(c, func() *int { return new(int) }) != i {
			t.Error("two server blocks have different instances")
		}
		if got, ok := l.In(c); !ok || got != i {
			t.Error("the values of the instance do not have it")
		}
		l.Lock()
		defer l.Unlock()
		l.Add(i)
		l.Add(i)
		return i
	}
	remove := func(list ...*int) {
		l.Lock()
		defer l.Unlock()
		for _, i := range list {
			l.Remove(i)
		}
	}
	first := start()
	check("after the start", first)

	l.Restart(first)
	l.Restart(first)
	failed := start()
	check("during a reload", first, failed)
	if got := l.Fail(first); !slices.Equal(got, []*int{failed}) {
		t.Errorf("a failed reload: %v", got)
	}
	remove(failed)
	check("after a failed reload", first)

	l.Restart(first)
	second := start()
	if !l.Replacing(first) || l.Replacing(second) {
		t.Error("the reload replaces another instance")
	}
	replaced, successors := l.End(first)
	if !replaced || !slices.Equal(successors, []*int{second}) {
		t.Errorf("the end of the first instance: %v, %v", replaced, successors)
	}
	remove(first)
	if l.all[second] != nil {
		t.Error("the second instance keeps the first in memory")
	}
	check("after a reload", second)

	replaced, successors = l.End(second)
	if replaced || len(successors) > 0 {
		t.Errorf("the end of the process: %v, %v", replaced, successors)
	}
	remove(second)
	check("at the end")
}
