package source

import (
	"io/fs"
	"path/filepath"
	"time"

	"github.com/dns-orders/blocklist/test/clock"
)

// restamped is a file info with another mtime.
type restamped struct {
	fs.FileInfo
	mtime time.Time
}

func (i restamped) ModTime() time.Time { return i.mtime }

type still struct{ restamped }

func (still) Sys() any { return nil }

type shownFile struct {
	openFile
	show func(fs.FileInfo) fs.FileInfo
}

func (f shownFile) Stat() (fs.FileInfo, error) {
	info, err := f.openFile.Stat()
	if err != nil {
		return info, err
	}
	return f.show(info), nil
}

func shown(r *rig, show func(fs.FileInfo) fs.FileInfo) {
	lstat, open := r.s.fs.lstat, r.s.fs.open
	r.s.fs.lstat = func(path string) (fs.FileInfo, error) {
		info, err := lstat(path)
		if err != nil || info.IsDir() {
			return info, err
		}
		return show(info), nil
	}
	r.s.fs.open = func(path string) (openFile, error) {
		f, err := open(path)
		if err != nil {
			return nil, err
		}
		return shownFile{f, show}, nil
	}
}

func standStill(r *rig, opened *int) {
	mtime := time.Now().Add(-24 * time.Hour)
	shown(r, func(info fs.FileInfo) fs.FileInfo { return still{restamped{info, mtime}} })
	open := r.s.fs.open
	r.s.fs.open = func(path string) (openFile, error) {
		*opened++
		return open(path)
	}
}

type endless struct{}

func (endless) Close() error { return nil }

func (endless) Stat() (fs.FileInfo, error) { return sized(1000), nil }

func (endless) Read(p []byte) (int, error) { return len(p), nil }

type endlessFile struct {
	openFile
	c clock.Jumping
}

func (f endlessFile) Read(p []byte) (int, error) {
	f.c.Add(time.Second)
	return len(p), nil
}

type hugeInfo struct{ fs.FileInfo }

func (hugeInfo) Size() int64 { return 10_000 << 30 }

func (r *rig) oneTick() {
	shown(r, func(info fs.FileInfo) fs.FileInfo { return restamped{info, time.Unix(0, statOf(info).ctime)} })
}

// sized is a file info with a size only.
type sized int64

func (s sized) Size() int64 { return int64(s) }

func (sized) Name() string { return "" }

func (sized) Mode() fs.FileMode { return 0 }

func (sized) ModTime() time.Time { return time.Time{} }

func (sized) IsDir() bool { return false }

func (sized) Sys() any { return nil }

type gate struct {
	step  chan error
	stuck chan struct{} // receives a value when a read begins
}

type gatedFile struct {
	openFile
	g *gate
}

func (f gatedFile) Read(p []byte) (int, error) {
	select {
	case f.g.stuck <- struct{}{}:
	default:
	}
	if err := <-f.g.step; err != nil {
		return 0, err
	}
	return f.openFile.Read(p)
}

func (r *rig) gate(name string) *gate {
	g := &gate{step: make(chan error), stuck: make(chan struct{}, 1)}
	r.stuck = g.stuck
	open := r.s.fs.open
	r.s.fs.open = func(path string) (openFile, error) {
		f, err := open(path)
		if err == nil && filepath.Base(path) == name {
			f = gatedFile{f, g}
		}
		return f, err
	}
	r.t.Cleanup(func() {
		select {
		case <-g.step:
		default:
			close(g.step)
		}
	})
	return g
}

// open ends the blocking.
func (g *gate) open() { close(g.step) }
