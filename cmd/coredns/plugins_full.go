//go:build full

package main

// This import links every plugin of CoreDNS's plugin.cfg into the binary.
import _ "github.com/coredns/coredns/core/plugin"
