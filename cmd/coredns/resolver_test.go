//go:build !full

package main

// absent is what the package comment says this build leaves out.
var absent = []string{
	"azure", "clouddns", "dnssec", "dynupdate", "etcd", "k8s_external", "kubernetes", "nomad", "route53", "trace",
}
