//go:build !linux

package source

import "errors"

type watcher struct{}

func openWatcher(func()) (*watcher, error)      { return nil, errors.ErrUnsupported }
func (*watcher) take() []event                  { return nil }
func (*watcher) pending() bool                  { return false }
func (*watcher) arm([]string) ([]string, error) { return nil, nil }
func (*watcher) local() map[string]bool         { return nil }
func (*watcher) close()                         {}
