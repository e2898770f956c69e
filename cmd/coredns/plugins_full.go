//go:build full

package main

// Everything in CoreDNS's plugin.cfg.
import _ "github.com/coredns/coredns/core/plugin"
