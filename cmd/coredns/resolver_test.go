//go:build !full

package main

// absent lists the plugins of CoreDNS that the default build leaves out.
var absent = []string{
	"azure", "clouddns", "dnssec", "dynupdate", "etcd", "k8s_external", "kubernetes", "nomad", "route53", "trace",
}
