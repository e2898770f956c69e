package source

import (
	"io/fs"
	"syscall"
)

func statOf(info fs.FileInfo) stat {
	s := stat{mode: info.Mode(), stamp: stamp{size: info.Size(), mtime: info.ModTime().UnixNano()}}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		s.ctime, s.inode, s.dev, s.detached = st.Ctim.Nano(), st.Ino, uint64(st.Dev), st.Nlink == 0
	}
	return s
}
