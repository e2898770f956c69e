package source

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// Unlike fsnotify, a watcher can tell a created file from a moved file. Only the moved file is
// complete.
type watcher struct {
	f    *os.File
	conn syscall.RawConn

	mu     sync.Mutex
	dirs   map[string]watched // the watches by the real path of the directory
	paths  map[int32]string   // the real paths of the directories by watch descriptor
	events []event            // events that take has not returned yet
	arming bool               // a watch is being added
	buf    [16 << 10]byte
}

type watched struct {
	wd    int32
	local bool // every change of the file system causes an event
}

// On these file systems, each change causes an event.
var localFS = []int64{
	unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC, unix.F2FS_SUPER_MAGIC, unix.TMPFS_MAGIC,
	unix.RAMFS_MAGIC, unix.OVERLAYFS_SUPER_MAGIC, 0x2fc12fc1, // ZFS
}

const maxEvents = 16384

const watchMask = unix.IN_CREATE | unix.IN_MOVED_TO | unix.IN_MOVED_FROM | unix.IN_DELETE | unix.IN_MODIFY |
	unix.IN_ATTRIB | unix.IN_DELETE_SELF | unix.IN_MOVE_SELF | unix.IN_ONLYDIR

func openWatcher(kick func()) (*watcher, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, os.NewSyscallError("inotify_init1", err)
	}
	w := &watcher{f: os.NewFile(uintptr(fd), "inotify"), dirs: map[string]watched{}, paths: map[int32]string{}}
	if w.conn, err = w.f.SyscallConn(); err != nil {
		return nil, errors.Join(err, w.f.Close())
	}
	go func() {
		for w.conn.Read(func(fd uintptr) bool { return w.pull(int(fd)) }) == nil {
			kick()
		}
	}()
	return w, nil
}

// The goroutine that reads events may be late, so the descriptor is also read here.
func (w *watcher) take() []event {
	_ = w.conn.Control(func(fd uintptr) { w.pull(int(fd)) }) // the only error means that the watcher is closed
	w.mu.Lock()
	defer w.mu.Unlock()
	out := w.events
	w.events = nil
	return out
}

func (w *watcher) pending() bool {
	_ = w.conn.Control(func(fd uintptr) { w.pull(int(fd)) }) // the only error means that the watcher is closed
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.events) > 0
}

func (w *watcher) pull(fd int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for any := false; ; any = true {
		n, err := unix.Read(fd, w.buf[:])
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil || n < unix.SizeofInotifyEvent {
			return any
		}
		if len(w.events) > maxEvents {
			w.events = []event{{lost: true}}
		}
		for b := w.buf[:n]; len(b) >= unix.SizeofInotifyEvent; {
			end := unix.SizeofInotifyEvent + binary.NativeEndian.Uint32(b[12:])
			name := strings.TrimRight(string(b[unix.SizeofInotifyEvent:end]), "\x00")
			w.note(int32(binary.NativeEndian.Uint32(b)), binary.NativeEndian.Uint32(b[4:]), name)
			b = b[end:]
		}
	}
}

func (w *watcher) note(wd int32, mask uint32, name string) {
	dir, ok := w.paths[wd]
	e := event{name: dir}
	switch {
	case mask&unix.IN_Q_OVERFLOW != 0:
		e.lost = true
	case !ok: // the watch of this directory has ended
		return
	case mask&(unix.IN_MOVE_SELF|unix.IN_DELETE_SELF|unix.IN_IGNORED|unix.IN_UNMOUNT) != 0:
		e.self = true // the path no longer leads to the watched directory
		w.drop(dir)
	case name == "":
	default:
		e.name = filepath.Join(dir, name)
		switch {
		case mask&unix.IN_MOVED_TO != 0:
			e.how, e.list = renamed, true
		case mask&unix.IN_CREATE != 0:
			e.how, e.list = created, true
		case mask&(unix.IN_DELETE|unix.IN_MOVED_FROM) != 0:
			e.how, e.list = written, true
		case mask&unix.IN_MODIFY != 0:
			e.how = written
		}
	}
	w.events = append(w.events, e)
}

// The list of directories must be sorted. A missing directory is not an error.
func (w *watcher) arm(want []string) (fresh []string, err error) {
	w.setArming(true)
	defer w.setArming(false)
	for _, dir := range want {
		var wd int
		var werr error
		// Do not hold w.mu here, because the call may block.
		if cerr := w.conn.Control(func(fd uintptr) { wd, werr = unix.InotifyAddWatch(int(fd), dir, watchMask) }); cerr != nil {
			return fresh, nil // the watcher is closed
		}
		now := watched{wd: int32(wd)}
		w.mu.Lock()
		old := w.dirs[dir]
		w.mu.Unlock()
		switch {
		case werr != nil:
			if err == nil && !errors.Is(werr, fs.ErrNotExist) && !errors.Is(werr, unix.ENOTDIR) {
				err = os.NewSyscallError("inotify_add_watch", werr)
			}
		case old.wd == now.wd: // unchanged; descriptors begin at 1, so a new directory never gets here
			continue
		default:
			var st unix.Statfs_t
			now.local = unix.Statfs(dir, &st) == nil && slices.Contains(localFS, int64(st.Type))
			fresh = append(fresh, dir)
		}
		w.mu.Lock()
		w.drop(dir)
		if werr == nil {
			w.dirs[dir], w.paths[now.wd] = now, dir
		}
		w.mu.Unlock()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for dir := range w.dirs {
		if _, ok := slices.BinarySearch(want, dir); !ok {
			w.drop(dir)
		}
	}
	return fresh, err
}

func (w *watcher) local() map[string]bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := map[string]bool{}
	for dir, d := range w.dirs {
		out[dir] = d.local
	}
	return out
}

// The caller must hold w.mu.
func (w *watcher) drop(dir string) {
	d, ok := w.dirs[dir]
	if !ok {
		return
	}
	delete(w.dirs, dir)
	delete(w.paths, d.wd)
	_ = w.conn.Control(func(fd uintptr) { _, _ = unix.InotifyRmWatch(int(fd), uint32(d.wd)) })
}

func (w *watcher) setArming(on bool) {
	w.mu.Lock()
	w.arming = on
	w.mu.Unlock()
}

// Do not wait for running calls here, because the file system may not answer.
func (w *watcher) close() {
	w.mu.Lock()
	arming := w.arming
	w.mu.Unlock()
	if arming {
		go w.f.Close()
		return
	}
	_ = w.f.Close()
}
