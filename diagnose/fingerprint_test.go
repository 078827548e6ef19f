package diagnose_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stepsleuth/stepsleuth/diagnose"
)

func rowPrint(state, problem, cause string) string {
	return diagnose.Fingerprint(diagnose.NewRowCase(diagnose.Row{StateName: state, Error: &problem, Cause: &cause}))
}

func TestFingerprintForm(t *testing.T) {
	if got := rowPrint("S", "E", "c"); !regexp.MustCompile(`^fp1:[0-9a-f]{32}$`).MatchString(got) {
		t.Errorf("%q", got)
	}
}

// Each pair is one failure seen in two executions.
var same = [][2]string{
	{"Rate exceeded (Service: AWSLambda; Status Code: 429; Request ID: 0b1c2d3e-1111-2222-3333-444455556666)", "Rate exceeded (Service: AWSLambda; Status Code: 429; Request ID: ffffffff-1111-2222-3333-444455556666)"},
	{"Requested resource not found (Service: DynamoDb, Status Code: 400, Request ID: VV7K3ABCDEFGHIJKLMNOPQRSTU)", "Requested resource not found (Service: DynamoDb, Status Code: 400, Request ID: 123OTHER)"},
	{"2026-11-01T10:00:00.123Z 0b1c2d3e-1111-2222-3333-444455556666 Task timed out after 3.00 seconds", "2026-11-02T11:30:09.456Z ab1c2d3e-1111-2222-3333-444455556666 Task timed out after 3.01 seconds"},
	{`{"errorMessage":"no order 17","errorType":"KeyError","requestId":"a-1","stackTrace":["  File \"/var/task/app.py\", line 8, in handler\n    x[1]\n"]}`, `{"errorMessage":"no order 4711","errorType":"KeyError","requestId":"b-2","stackTrace":["  File \"/var/task/app.py\", line 9, in handler\n    x[2]\n"]}`},
	{"An error occurred while executing the state 'A' (entered at the event id #5). The JSONPath '$.order.id' specified for the field 'Id.$' could not be found in the input '{\"order\":{\"nr\":7}}'", "An error occurred while executing the state 'A' (entered at the event id #15). The JSONPath '$.order.id' specified for the field 'Id.$' could not be found in the input '{\"order\":{\"nr\":8,\"who\":\"Ann's\"}}'"},
	{"Execution Already Exists: 'arn:aws:states:us-east-1:111111111111:execution:m:run-17'", "Execution Already Exists: 'arn:aws:states:us-east-1:111111111111:execution:m:run-a'"},
	{"Execution Already Exists: arn:aws:states:us-east-1:111111111111:execution:m:run-17 (Service: Sfn)", "Execution Already Exists: arn:aws:states:us-east-1:111111111111:execution:m:other (Service: Sfn)"},
	{"User: arn:aws:sts::111111111111:assumed-role/role/AbCdEf is not authorized to perform: s3:GetObject", "User: arn:aws:sts::111111111111:assumed-role/role/XyZ is not authorized to perform: s3:GetObject"},
	{"user \"ann\" has no card", "user \"bob\" has no card"},
	{`{"ExecutionArn":"arn:aws:states:us-east-1:111111111111:execution:child:c1","Error":"E","Cause":"no 1","StartDate":1709294400025,"Input":"{\"a\":1}"}`, `{"ExecutionArn":"arn:aws:states:us-east-1:111111111111:execution:child:c2","Error":"E","Cause":"no 2","StartDate":1709294499025,"Input":"{\"a\":2}"}`},
	{`{"Error":"E","Cause":"{\"errorMessage\":\"bad 1\",\"errorType\":\"T\",\"requestId\":\"x\"}"}`, `{"Error":"E","Cause":"{\"errorMessage\":\"bad 2\",\"errorType\":\"T\",\"requestId\":\"y\"}"}`},
	{"connect ECONNREFUSED 10.0.3.7:5432", "connect ECONNREFUSED 10.0.4.9:5432"},
	{"object at 0x7f3a2c failed, etag 9b74c9897bac770ffc029102a200c5de", "object at 0x7f3a99 failed, etag 00000000000000000000000000000001"},
	{"Task Timed Out: 'AQCgAAAAKgAAAAMAAAAAAAAAAVdkRkJNbTVTc2VxVWZzZ0xYa3pQ1/x+yABC0123456789abcdefXYZ'", "Task Timed Out: 'AQCgAAAAKgAAAAMAAAAAAAAAAWRkRkJNbTVTc2VxVWZzZ0xYa3p/1234567890abcdefXYZ'"},
	{"no such bucket: logs-1XK3ZP8QW2 at 17:05", "no such bucket: logs-9AB7CD5EF1 at 3:11"},
	{"in the input '{\"a\":\"cut off in the", "in the input '{\"b\":\"cut off some"},
}

func TestEqualFailuresHaveOneFingerprint(t *testing.T) {
	for _, pair := range same {
		if rowPrint("S", "E", pair[0]) != rowPrint("S", "E", pair[1]) {
			t.Errorf("differ:\n%s\n%s", pair[0], pair[1])
		}
	}
}

// No two of these are the same failure.
var different = [][3]string{
	{"S", "E", "c"}, {"S2", "E", "c"}, {"S", "E2", "c"}, {"S", "E", "another cause"}, {"S", "", "c"}, {"S", "E", ""},
	{"S", "E", `{"errorType":"KeyError","errorMessage":"x"}`}, {"S", "E", `{"errorType":"ValueError","errorMessage":"x"}`},
	{"S", "E", `{"errorType":"KeyError","errorMessage":"x","stackTrace":["  File \"/var/task/a.py\", line 8, in f\n"]}`},
	{"S", "E", `{"errorType":"KeyError","errorMessage":"x","stackTrace":["  File \"/var/task/b.py\", line 8, in f\n"]}`},
	{"S", "E", "The JSONPath '$.order.id' could not be found"}, {"S", "E", "The JSONPath '$.order.nr' could not be found"},
	{"S", "E", "No module named 'jsonschema'"}, {"S", "E", "No module named 'requests'"},
	{"S", "E", "returned nothing for the field 'Arguments/FunctionName'"}, {"S", "E", "returned nothing for the field 'Assign/x'"},
	{"S", "E", "Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: Field 'Timeout' is not supported'"},
	{"S", "E", "Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: Field 'Resource' is missing'"},
	{"S", "E", "cannot read s3"}, {"S", "E", "cannot read s4"},
	{"S", "E", "not authorized to perform: s3:GetObject"}, {"S", "E", "not authorized to perform: s3:PutObject"},
	{"S", "E", `{"Containers":[{"ExitCode":1}],"StoppedReason":"Essential container in task exited"}`},
	{"S", "E", `{"Containers":[{"ExitCode":137}],"StoppedReason":"Essential container in task exited"}`},
	{"S", "E", `{"ExecutionArn":"arn:aws:states:us-east-1:111111111111:execution:child:c1","Error":"E1"}`},
	{"S", "E", `{"ExecutionArn":"arn:aws:states:us-east-1:111111111111:execution:child:c1","Error":"E2"}`},
	{"S", "E", `{"ExecutionArn":"arn:aws:states:us-east-1:111111111111:execution:other:c1","Error":"E2"}`},
}

func TestDifferentFailuresHaveDifferentFingerprints(t *testing.T) {
	seen := map[string][3]string{}
	for _, d := range different {
		p := rowPrint(d[0], d[1], d[2])
		if other, ok := seen[p]; ok {
			t.Errorf("%q and %q are one", other, d)
		}
		seen[p] = d
	}
	none, empty := diagnose.NewRowCase(diagnose.Row{}), ""
	if diagnose.Fingerprint(none) == diagnose.Fingerprint(diagnose.NewRowCase(diagnose.Row{Error: &empty})) {
		t.Error("absent and empty error are one")
	}
}

func TestFingerprintDoesNotDependOnTheExecution(t *testing.T) {
	of := func(lines string, arns ...string) string {
		e := short(t, lines, "")
		e.ARN = arns[0]
		if len(arns) > 1 {
			e.StateMachineARN = arns[1]
		}
		return diagnose.Fingerprint(diagnose.NewCase(nil, e))
	}
	arn := "arn:aws:states:us-east-1:111111111111:execution:orders:"
	first := of(ordersHistory, arn+"1")
	for name, got := range map[string]string{
		"another run":       of(ordersHistory, arn+"2"),
		"another iteration": of(strings.ReplaceAll(ordersHistory, `"index":0`, `"index":9`), arn+"3"),
		"a version":         of(ordersHistory, arn+"4", "arn:aws:states:us-east-1:111111111111:stateMachine:orders:7"),
		"an alias":          of(ordersHistory, "", "arn:aws:states:us-east-1:111111111111:stateMachine:orders:PROD"),
		"another input":     of(strings.ReplaceAll(strings.ReplaceAll(ordersHistory, `"nr":7`, `"nr":8`), `\"nr\":7`, `\"nr\":8`), arn+"5"),
	} {
		if got != first {
			t.Errorf("%s has another fingerprint", name)
		}
	}
	for name, got := range map[string]string{
		"another machine": of(ordersHistory, strings.Replace(arn, "orders", "bills", 1)+"1"),
		"another state":   of(strings.ReplaceAll(ordersHistory, "A/B", "A/C"), arn+"1"),
		"another Map":     of(strings.ReplaceAll(ordersHistory, `"Each"`, `"All"`), arn+"1"),
		"another error":   of(strings.ReplaceAll(ordersHistory, "States.Runtime", "States.Other"), arn+"1"),
		"another field":   of(strings.ReplaceAll(ordersHistory, "$.order.id", "$.order.no"), arn+"1"),
	} {
		if got == first {
			t.Errorf("%s has the same fingerprint", name)
		}
	}
}

func TestCasesHaveFingerprintsOfTheirOwn(t *testing.T) {
	seen := map[string]string{}
	alike := map[string]bool{ // one failure, told with more or less beside it
		"nested_execution_failed_with_its_history": true, "distributed_map_run_failed_with_a_child": true,
		"caught_then_failed_on_purpose": true, "caught_then_failed_after_states_without_work": true,
		"first_page_missing": true, "end_missing": true, "end_missing_but_status_known": true, "inline_map_concurrent_iterations_failing_at_3": true,
	}
	for _, file := range cases(t) {
		name := strings.TrimSuffix(strings.TrimPrefix(file, "testdata/locate/"), ".txtar")
		if alike[name] {
			continue
		}
		x, m, children := readCase(t, readArchive(t, file))
		p := diagnose.Fingerprint(diagnose.NewCase(m, x, children...))
		if other, ok := seen[p]; ok {
			t.Errorf("%s and %s have one fingerprint", name, other)
		}
		seen[p] = name
	}
}

func FuzzFingerprint(f *testing.F) {
	for _, pair := range same {
		f.Add(pair[0])
	}
	f.Fuzz(func(t *testing.T, cause string) {
		if p := rowPrint("S", "E", cause); len(p) != len("fp1:")+32 || p != rowPrint("S", "E", cause) {
			t.Errorf("%q", p)
		}
	})
}
