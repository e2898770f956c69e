//go:build full

package main

// absent lists the plugins that this build leaves out. With -tags full, the list is empty.
var absent []string
