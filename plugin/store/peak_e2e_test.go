//go:build e2e

package store

func init() { reloads = 1000 }
