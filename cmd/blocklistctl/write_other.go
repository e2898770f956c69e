//go:build !unix

package main

import "os"

// likeOld gives a new file the mode of the file that it will replace.
func likeOld(f *os.File, old os.FileInfo) error { return f.Chmod(old.Mode().Perm()) }
