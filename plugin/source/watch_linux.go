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

// watcher receives the kernel's events about directories from inotify. Files are not watched
// themselves, because a rename replaces the inode at a name.
//
// The package does not use fsnotify, which reports one Create for IN_CREATE and for IN_MOVED_TO.
// A file that was created may be half written. A file that was moved into place is complete.
type watcher struct {
	f    *os.File
	conn syscall.RawConn

	mu     sync.Mutex
	dirs   map[string]watched // by real path
	paths  map[int32]string   // real paths by watch descriptor
	events []event            // read from the kernel and not yet taken
	arming bool               // a watch is being added
	buf    [16 << 10]byte
}

// watched is the watch of one directory.
type watched struct {
	wd    int32
	local bool // the kernel reports all changes of the file system
}

// localFS has the magic numbers of the file systems that only this kernel changes, so that there is
// an event for each change. On a network file system (NFS, CIFS, 9p) or on FUSE, another machine or
// process can change a file without an event here. Polls look at files on these more often.
var localFS = []int64{
	unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC, unix.F2FS_SUPER_MAGIC, unix.TMPFS_MAGIC,
	unix.RAMFS_MAGIC, unix.OVERLAYFS_SUPER_MAGIC, 0x2fc12fc1, // ZFS
}

// maxEvents is the maximum number of events that wait during a long load. If there are more, all of
// them count as lost, as in the kernel.
const maxEvents = 16384

const watchMask = unix.IN_CREATE | unix.IN_MOVED_TO | unix.IN_MOVED_FROM | unix.IN_DELETE | unix.IN_MODIFY |
	unix.IN_ATTRIB | unix.IN_DELETE_SELF | unix.IN_MOVE_SELF | unix.IN_ONLYDIR

// openWatcher starts a watcher that calls kick when there are events.
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
		// Read calls its function again whenever the descriptor becomes readable. Read returns
		// an error when the watcher is closed.
		for w.conn.Read(func(fd uintptr) bool { return w.pull(int(fd)) }) == nil {
			kick()
		}
	}()
	return w, nil
}

// take returns the events of all system calls that have returned by now. take reads them from
// the kernel, because the goroutine of openWatcher may not have run yet.
func (w *watcher) take() []event {
	_ = w.conn.Control(func(fd uintptr) { w.pull(int(fd)) }) // closed: no more events
	w.mu.Lock()
	defer w.mu.Unlock()
	out := w.events
	w.events = nil
	return out
}

// pending reports whether there are events that take has not returned. It reads them from the
// kernel.
func (w *watcher) pending() bool {
	_ = w.conn.Control(func(fd uintptr) { w.pull(int(fd)) }) // closed: no more events
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.events) > 0
}

// pull reads the events that the kernel has and reports whether there were any.
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

// note turns one inotify event into an event.
func (w *watcher) note(wd int32, mask uint32, name string) {
	dir, ok := w.paths[wd]
	e := event{name: dir}
	switch {
	case mask&unix.IN_Q_OVERFLOW != 0:
		e.lost = true
	case !ok: // the watch was ended meanwhile
		return
	case mask&(unix.IN_MOVE_SELF|unix.IN_DELETE_SELF|unix.IN_IGNORED|unix.IN_UNMOUNT) != 0:
		e.self = true // the path of the directory leads elsewhere now
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

// arm watches the directories of want, which must be sorted, and no others. arm returns the directories whose watch is
// new, because their earlier events were missed. When a directory is watched already, the
// kernel returns the same descriptor, unless the path leads to another directory now. err is
// the first error that means that a directory cannot be watched.
func (w *watcher) arm(want []string) (fresh []string, err error) {
	w.setArming(true)
	defer w.setArming(false)
	for _, dir := range want {
		var wd int
		var werr error
		// The lock is not held, because the file system of the path may not answer.
		if cerr := w.conn.Control(func(fd uintptr) { wd, werr = unix.InotifyAddWatch(int(fd), dir, watchMask) }); cerr != nil {
			return fresh, nil // closed
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
		case old.wd == now.wd: // descriptors begin at 1
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

// local returns the watched directories, by real path, whose file system reports all changes.
func (w *watcher) local() map[string]bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := map[string]bool{}
	for dir, d := range w.dirs {
		out[dir] = d.local
	}
	return out
}

// drop ends a watch. The kernel may have ended the watch already. The caller must have locked w.mu.
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

// close ends the watcher. close does not wait for a watch that is being added, because its file
// system may not answer.
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
