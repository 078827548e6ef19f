package main

import (
	"reflect"
	"testing"
)

// timeIsUp is what go test 1.26 printed of a target that found nothing.
const timeIsUp = `fuzz: elapsed: 18s, execs: 240734 (57949/sec), new interesting: 22 (total: 255)
fuzz: elapsed: 20s, execs: 352051 (54530/sec), new interesting: 26 (total: 259)
--- FAIL: FuzzParse (20.06s)
    context deadline exceeded
FAIL
exit status 1
FAIL	example.com/mockfile	20.067s
`

func TestOnlyTheEndOfTheTimeIsNoFinding(t *testing.T) {
	tests := []struct {
		name, said string
		want       bool
	}{
		{"the time's end", timeIsUp, true},
		{"another target's", "--- FAIL: FuzzOther (20.06s)\n    context deadline exceeded\nFAIL\n", false},
		{"a finding", `--- FAIL: FuzzParse (0.03s)
    --- FAIL: FuzzParse (0.00s)
        main_test.go:9: lost a field

    Failing input written to testdata/fuzz/FuzzParse/771e938e4458e983
    To re-run:
    go test -run=FuzzParse/771e938e4458e983
FAIL
exit status 1
`, false},
		{"a finding that speaks of a deadline", `--- FAIL: FuzzParse (0.03s)
    --- FAIL: FuzzParse (0.00s)
        main_test.go:9: context deadline exceeded
FAIL
`, false},
		{"a finding at the time's end", "--- FAIL: FuzzParse (20.06s)\n    context deadline exceeded\n    Failing input written to testdata/fuzz/FuzzParse/771e\nFAIL\n", false},
		{"a worker that died", "--- FAIL: FuzzParse (3.1s)\n    fuzzing process hung or terminated unexpectedly: exit status 2\nFAIL\n", false},
		{"a seed that fails", "failure while testing seed corpus entry: FuzzParse/seed#0\n--- FAIL: FuzzParse (0.01s)\n    --- FAIL: FuzzParse (0.00s)\n        main_test.go:9: no\nFAIL\n", false},
		{"does not build", "# example.com/mockfile\n./x.go:3: syntax error\nFAIL\texample.com/mockfile [build failed]\n", false},
		{"nothing", "", false},
	}
	for _, tt := range tests {
		if got := onlyTimeIsUp([]byte(tt.said), "FuzzParse"); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestTargetsAreReadFromTheList(t *testing.T) {
	listed := "?   \texample.com/a\t[no test files]\nFuzzRead\nFuzzWrite\nok  \texample.com/b\t0.004s\nok  \texample.com/c\t0.003s\nFuzzRead\nok  \texample.com/d\t(cached)\n"
	want := []target{{"example.com/b", "FuzzRead"}, {"example.com/b", "FuzzWrite"}, {"example.com/d", "FuzzRead"}}
	if got := targetsIn([]byte(listed)); !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
