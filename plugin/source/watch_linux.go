package source

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// watcher gets the kernel's events about directories from inotify. Files are not watched
// themselves, because a rename puts another inode into the name's place.
//
// The system calls are used directly, since fsnotify reports one Create for both
// IN_CREATE and IN_MOVED_TO, and these two make the difference between a file that may be
// half written and a complete one.
type watcher struct {
	f    *os.File
	conn syscall.RawConn

	mu     sync.Mutex
	dirs   map[string]int32 // real path to watch descriptor
	paths  map[int32]string // and back
	events []event          // read and not yet taken
	arming bool             // a watch is being added
	buf    [16 << 10]byte
}

// maxEvents bounds the events that wait while a load takes long. Beyond it all of them
// count as lost, as in the kernel.
const maxEvents = 16384

const watchMask = unix.IN_CREATE | unix.IN_MOVED_TO | unix.IN_MOVED_FROM | unix.IN_DELETE | unix.IN_MODIFY |
	unix.IN_ATTRIB | unix.IN_DELETE_SELF | unix.IN_MOVE_SELF | unix.IN_ONLYDIR

// openWatcher starts a watcher that calls kick when events have come.
func openWatcher(kick func()) (*watcher, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, os.NewSyscallError("inotify_init1", err)
	}
	w := &watcher{f: os.NewFile(uintptr(fd), "inotify"), dirs: map[string]int32{}, paths: map[int32]string{}}
	if w.conn, err = w.f.SyscallConn(); err != nil {
		return nil, errors.Join(err, w.f.Close())
	}
	go func() {
		// Read calls its function again whenever the descriptor becomes readable, and
		// fails when the watcher is closed.
		for w.conn.Read(func(fd uintptr) bool { return w.pull(int(fd)) }) == nil {
			kick()
		}
	}()
	return w, nil
}

// take returns all events of system calls that have returned by now. It reads them from
// the kernel itself, because the goroutine may not have run yet.
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
		// The directory's path leads elsewhere now.
		e.self = true
		w.drop(dir)
	case name == "":
	default:
		e.name = filepath.Join(dir, name)
		switch {
		case mask&unix.IN_MOVED_TO != 0:
			e.how = renamed
		case mask&unix.IN_CREATE != 0:
			e.how = created
		case mask&(unix.IN_DELETE|unix.IN_MOVED_FROM) != 0:
			e.how, e.gone = written, true
		case mask&unix.IN_MODIFY != 0:
			e.how = written
		}
	}
	w.events = append(w.events, e)
}

// arm watches the directories of want and no others. It returns the directories whose
// watch is new, so that earlier events were missed. Adding a watch again returns the
// same descriptor unless the path leads to another directory now. The error is the first
// one that means that a directory cannot be watched.
func (w *watcher) arm(want []string) (fresh []string, err error) {
	w.busy(true)
	defer w.busy(false)
	keep := map[string]bool{}
	for _, dir := range want {
		keep[dir] = true
		var wd int
		var werr error
		// Without the lock: the path may be on a file system that does not answer.
		if cerr := w.conn.Control(func(fd uintptr) { wd, werr = unix.InotifyAddWatch(int(fd), dir, watchMask) }); cerr != nil {
			return fresh, nil // closed
		}
		w.mu.Lock()
		switch old, ok := w.dirs[dir]; {
		case werr != nil:
			w.drop(dir)
			if err == nil && !errors.Is(werr, fs.ErrNotExist) && !errors.Is(werr, unix.ENOTDIR) {
				err = os.NewSyscallError("inotify_add_watch", werr)
			}
		case !ok || old != int32(wd):
			w.drop(dir)
			w.dirs[dir], w.paths[int32(wd)] = int32(wd), dir
			fresh = append(fresh, dir)
		}
		w.mu.Unlock()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for dir := range w.dirs {
		if !keep[dir] {
			w.drop(dir)
		}
	}
	return fresh, err
}

// drop ends a watch, which the kernel may have ended already. The caller holds the lock.
func (w *watcher) drop(dir string) {
	wd, ok := w.dirs[dir]
	if !ok {
		return
	}
	delete(w.dirs, dir)
	delete(w.paths, wd)
	_ = w.conn.Control(func(fd uintptr) { _, _ = unix.InotifyRmWatch(int(fd), uint32(wd)) })
}

func (w *watcher) busy(b bool) {
	w.mu.Lock()
	w.arming = b
	w.mu.Unlock()
}

// close ends the watcher. It does not wait for a watch that is being added, since that
// may be on a file system that does not answer.
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
