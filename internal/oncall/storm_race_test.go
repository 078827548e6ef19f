//go:build race

package oncall_test

// The race detector makes everything ten times slower, and sees no more in more rounds.
const storm = 1_000
