package rules_test

import (
	"strings"
	"testing"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/diagnose/rules"
)

func BenchmarkJudge(b *testing.B) {
	err := "KeyError"
	cause := `{"errorMessage":"'order_id'","errorType":"KeyError","requestId":"0f9a1b2c-3d4e-5f60-7182-93a4b5c6d7e8","stackTrace":["  File \"/var/task/app.py\", line 42, in handler\n    return run(event)\n"]}`
	c := &diagnose.Case{Phase: diagnose.Run, Failure: &diagnose.Failure{State: "Charge", Error: &err, Cause: &cause}}
	all := rules.All()
	for b.Loop() {
		diagnose.Judge(c, all)
	}
}

func BenchmarkJudgeLongCause(b *testing.B) {
	err := "RuntimeError"
	cause := `{"errorType":"RuntimeError","errorMessage":"` + strings.Repeat("An executor was lost while it was working. ", 700) + `"}`
	c := &diagnose.Case{Phase: diagnose.Run, Failure: &diagnose.Failure{State: "Charge", Error: &err, Cause: &cause}}
	all := rules.All()
	for b.Loop() {
		diagnose.Judge(c, all)
	}
}
