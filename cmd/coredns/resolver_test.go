//go:build !full

package main

var absent = []string{
	"azure", "clouddns", "dnssec", "dynupdate", "etcd", "k8s_external", "kubernetes", "nomad", "route53", "trace",
}
