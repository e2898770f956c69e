//go:build full

package main

// absent is what the package comment says this build leaves out.
var absent []string
