// Package instances records the loaded Corefiles of a process. CoreDNS makes these calls on a
// reload, while the old instance runs:
//
//	OnRestart(old), setup(new), OnStartup(new), listen, OnShutdown(old)
//
// If CoreDNS cannot listen, it calls no more functions of the new instance. OnRestartFailed of the
// old instance must then release the new instance.
package instances

import "sync"

// A List contains the instances (loaded Corefiles) that use a resource. The zero List is empty. The
// lock of the List also protects the fields of the instances.
type List[I comparable] struct {
	sync.Mutex
	// The keys are the instances. Each value is the instance that the key replaces, or zero.
	all       map[I]I
	replacing I // the instance that a reload replaces now
}

// Storage is implemented by caddy.Controller. All controllers of an instance share the stored
// values.
type Storage interface {
	Get(key any) any
	Set(key, value any)
}

// Of returns the instance of a controller. For the first controller of an instance, it creates the
// instance.
func (l *List[I]) Of(c Storage, create func() I) I {
	if i, ok := c.Get(l).(I); ok {
		return i
	}
	i := create()
	c.Set(l, i)
	return i
}

// In finds the instance in the stored values of a caddy.Instance. The caller must lock the values.
func (l *List[I]) In(values map[any]any) (i I, ok bool) {
	i, ok = values[l].(I)
	return i, ok
}

// Add adds an instance. The caller must hold the lock.
func (l *List[I]) Add(i I) {
	if l.Has(i) {
		return
	}
	if l.all == nil {
		l.all = map[I]I{}
	}
	l.all[i] = l.replacing
}

// Remove removes an instance. The caller must hold the lock.
func (l *List[I]) Remove(i I) { delete(l.all, i) }

// Has reports whether the List has the instance. The caller must hold the lock.
func (l *List[I]) Has(i I) bool {
	_, ok := l.all[i]
	return ok
}

// All returns the instances. The caller must hold the lock.
func (l *List[I]) All() []I {
	out := make([]I, 0, len(l.all))
	for i := range l.all {
		out = append(out, i)
	}
	return out
}

// Replacing reports whether a reload is replacing the instance. The caller must hold the lock.
func (l *List[I]) Replacing(i I) bool { return l.replacing == i }

// Restart records that a reload begins. Call Restart from OnRestart of the old instance. CoreDNS
// calls OnRestart once for each server block.
func (l *List[I]) Restart(i I) {
	l.Lock()
	defer l.Unlock()
	l.replacing = i
}

// Fail records that the reload has failed, and returns the new instances. Call Fail from
// OnRestartFailed of the old instance. The caller must release the new instances.
func (l *List[I]) Fail(i I) []I {
	l.Lock()
	defer l.Unlock()
	var none I
	l.replacing = none
	return l.after(i)
}

// End records that an instance stops, and returns the instances that replace it. Call End from
// OnShutdown of the instance. The bool says whether a reload stops the instance.
func (l *List[I]) End(i I) (replaced bool, successors []I) {
	l.Lock()
	defer l.Unlock()
	var none I
	if replaced = l.replacing == i; replaced {
		l.replacing = none
	}
	successors = l.after(i)
	for _, x := range successors {
		l.all[x] = none // otherwise each instance keeps all instances before it in memory
	}
	return replaced, successors
}

// after returns the instances that replace i.
func (l *List[I]) after(i I) (out []I) {
	for x, old := range l.all {
		if old == i {
			out = append(out, x)
		}
	}
	return out
}
