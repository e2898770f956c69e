//go:build !race

package order

const cutStep = 1
