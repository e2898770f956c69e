//go:build full

package main

// absent lists the plugins that this build leaves out. With -tags full it leaves out none.
var absent []string
