//go:build full

package main

// This import brings in every plugin of CoreDNS's plugin.cfg.
import _ "github.com/coredns/coredns/core/plugin"
