//go:build full

package main

var absent []string
