package source

import (
	"io/fs"
	"syscall"
)

// stampOf takes a file's stamp from what stat said about it.
func stampOf(info fs.FileInfo) stamp {
	s := stamp{size: info.Size(), mtime: info.ModTime().UnixNano(), mode: info.Mode()}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		//nolint:unconvert // these are 32 bits wide on some architectures
		s.dev, s.ino, s.ctime = uint64(st.Dev), uint64(st.Ino), st.Ctim.Nano()
	}
	return s
}
