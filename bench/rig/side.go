package rig

import (
	"bytes"
	"io"
)

// SideList returns a side list in memory.
func SideList(text []byte) io.ReadCloser { return sideList{bytes.NewReader(text)} }

type sideList struct{ *bytes.Reader }

func (sideList) Close() error { return nil }
