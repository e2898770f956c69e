package rig

import (
	"bytes"
	"io"
)

// SideList returns a side list (a text file with names) in memory. Like a side list that a store
// opens, it reports its size.
func SideList(text []byte) io.ReadCloser { return sideList{bytes.NewReader(text)} }

type sideList struct{ *bytes.Reader }

func (sideList) Close() error { return nil }
