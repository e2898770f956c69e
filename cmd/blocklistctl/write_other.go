//go:build !unix

package main

import "os"

// likeOld sets the mode of a new file to the mode of the old file.
func likeOld(f *os.File, old os.FileInfo) error { return f.Chmod(old.Mode().Perm()) }
