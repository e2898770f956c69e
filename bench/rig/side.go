package rig

import (
	"bytes"
	"io"
)

// SideList is a side list in memory that knows its size, as a store's do.
func SideList(text []byte) io.ReadCloser { return sideList{bytes.NewReader(text)} }

type sideList struct{ *bytes.Reader }

func (sideList) Close() error { return nil }
