package source

import (
	"io/fs"
	"syscall"
)

// statOf takes the fields that matter from stat's answer.
func statOf(info fs.FileInfo) stat {
	s := stat{mode: info.Mode(), stamp: stamp{size: info.Size(), mtime: info.ModTime().UnixNano()}}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		s.ctime, s.inode, s.detached = st.Ctim.Nano(), st.Ino, st.Nlink == 0
	}
	return s
}
