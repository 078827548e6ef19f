//go:build !race

package oncall_test

const storm = 10_000
