//go:build race

package jsonata_test

// slower is by how much the race detector slows an evaluation down.
const slower = 8
