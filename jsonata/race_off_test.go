//go:build !race

package jsonata_test

const slower = 1
