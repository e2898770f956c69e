//go:build full

package main

// absent lists the plugins that this build leaves out (see the package comment).
var absent []string
