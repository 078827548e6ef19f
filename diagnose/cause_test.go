package diagnose_test

import (
	"encoding/json"
	"testing"

	"github.com/stepsleuth/stepsleuth/diagnose"
)

func readCause(err, cause string) *diagnose.Cause { return diagnose.ReadCause(&err, &cause) }

func TestCauseIsUnwrapped(t *testing.T) {
	lambda := `{"errorType":"KeyError","errorMessage":"'id'"}`
	child := asJSON(map[string]any{"Error": "KeyError", "Cause": lambda, "ExecutionArn": "arn:aws:states:eu-west-1:1:execution:m:e", "Status": "FAILED"})
	for _, c := range []struct {
		name, error, cause string
		shape              diagnose.Shape
		typ, message       string
	}{
		{"plain", "E", "some words", diagnose.PlainCause, "", "some words"},
		{"empty", "E", " ", diagnose.EmptyCause, "", ""},
		{"state prefix", "States.Runtime", "An error occurred while executing the state 'it's' (entered at the event id #12). Words.", diagnose.PlainCause, "", "Words."},
		{"lambda", "KeyError", lambda, diagnose.LambdaCause, "KeyError", "'id'"},
		{"quoted once", "KeyError", asJSON(lambda), diagnose.LambdaCause, "KeyError", "'id'"},
		{"quoted twice", "KeyError", asJSON(asJSON(lambda)), diagnose.LambdaCause, "KeyError", "'id'"},
		{"nested execution", "States.TaskFailed", child, diagnose.LambdaCause, "KeyError", "'id'"},
		{"nested in nested", "States.TaskFailed", asJSON(map[string]any{"Error": "States.TaskFailed", "Cause": child, "ExecutionArn": "a", "Status": "FAILED"}), diagnose.LambdaCause, "KeyError", "'id'"},
		{"no error type", "Lambda.Unknown", "The cause could not be determined because Lambda did not return an error type. Returned payload: {\"errorMessage\":\"2024-11-26T00:36:39.604Z 5b1c368c-fa4f-448d-8d37-595d2633cc9b Task timed out after 600.15 seconds\"}", diagnose.LambdaCause, "", "Task timed out after 600.15 seconds"},
		{"sdk v1", "Lambda.TooManyRequestsException", "Rate Exceeded. (Service: AWSLambda; Status Code: 429; Error Code: TooManyRequestsException; Request ID: 1; Proxy: null)", diagnose.ServiceCause, "TooManyRequestsException", "Rate Exceeded."},
		{"sdk v2", "S3.S3Exception", "Access Denied (Service: S3, Status Code: 403, Request ID: A, Extended Request ID: b/c=) (SDK Attempt Count: 1)", diagnose.ServiceCause, "", "Access Denied"},
		{"botocore in lambda", "ClientError", `{"errorType":"ClientError","errorMessage":"An error occurred (ThrottlingException) when calling the GetItem operation (reached max retries: 4): Rate exceeded"}`, diagnose.LambdaCause, "ThrottlingException", "Rate exceeded"},
		{"go sdk", "OperationError", `{"errorType":"OperationError","errorMessage":"operation error S3: GetObject, https response error StatusCode: 404, RequestID: A, HostID: B, NoSuchKey: "}`, diagnose.LambdaCause, "NoSuchKey", ""},
		{"cloudformation", "InvalidRequest", `Resource handler returned message: "Words (Service: Sfn, Status Code: 400, Request ID: 1)" (RequestToken: 1, HandlerErrorCode: InvalidRequest)`, diagnose.ServiceCause, "", "Words"},
		{"broken JSON stays text", "E", `{"errorType":`, diagnose.PlainCause, "", `{"errorType":`},
	} {
		root := readCause(c.error, c.cause).Root()
		if root.Shape != c.shape || root.Type != c.typ || root.Message != c.message {
			t.Errorf("%s: %s, type %q, message %q; want %s, %q, %q", c.name, root.Shape, root.Type, root.Message, c.shape, c.typ, c.message)
		}
	}
}

func TestCauseFindsTheOwnFrame(t *testing.T) {
	for name, c := range map[string]struct {
		cause    string
		file     string
		line     int
		function string
	}{
		"python":   {`{"errorType":"E","errorMessage":"m","stackTrace":["  File \"/var/task/app.py\", line 9, in handler\n    run()\n","  File \"/var/task/job.py\", line 4, in run\n    get()\n","  File \"/opt/python/lib/x.py\", line 2, in get\n"]}`, "/var/task/job.py", 4, "run"},
		"python 2": {`{"errorType":"E","errorMessage":"m","stackTrace":[["/var/task/app.py",9,"handler","run()"],["/var/runtime/boto3/x.py",3,"call","x"]]}`, "/var/task/app.py", 9, "handler"},
		"node":     {`{"errorType":"E","errorMessage":"m","trace":["E: m","    at get (/var/task/node_modules/axios/lib/a.js:1:2)","    at async charge (/var/task/src/charge.js:17:11)","    at Runtime.handler (/var/task/index.js:5:3)"]}`, "/var/task/src/charge.js", 17, "charge"},
		"node esm": {`{"errorType":"E","errorMessage":"m","trace":["E: m","    at file:///var/task/index.mjs:3:9"]}`, "/var/task/index.mjs", 3, ""},
		"java":     {`{"errorType":"E","errorMessage":"m","stackTrace":["java.base/java.util.Objects.requireNonNull(Objects.java:233)","com.acme.Handler.handleRequest(Handler.java:27)","lambdainternal.X.y(X.java:1)"]}`, "Handler.java", 27, "com.acme.Handler.handleRequest"},
		".NET":     {`{"errorType":"E","errorMessage":"m","stackTrace":["at System.Linq.X.First()","at Acme.Function.Handler(Request r) in /src/Function.cs:line 58","at lambda_method(Closure , Stream )"]}`, "/src/Function.cs", 58, "Acme.Function.Handler(Request r)"},
		"ruby":     {"{\"errorType\":\"E\",\"errorMessage\":\"m\",\"stackTrace\":[\"/var/lang/lib/x.rb:3:in `call'\",\"/var/task/app.rb:12:in `handler'\"]}", "/var/task/app.rb", 12, "handler"},
		"go":       {`{"errorType":"E","errorMessage":"m","stackTrace":[{"path":"github.com/aws/aws-lambda-go@v1/lambda/errors.go","line":39,"label":"lambdaPanicResponse"},{"path":"acme/main.go","line":21,"label":"main.handle"}]}`, "acme/main.go", 21, "main.handle"},
	} {
		f, ok := readCause("E", c.cause).Root().OwnFrame()
		if !ok || f.File != c.file || f.Line != c.line || f.Function != c.function {
			t.Errorf("%s: %+v, %v", name, f, ok)
		}
	}
}

func TestCauseTellsStatus(t *testing.T) {
	for error, want := range map[string]int{"ApiGateway.403": 403, "EKS.404": 404, "States.Http.StatusCode.429": 429, "States.Runtime": 0, "E.2024": 0} {
		if got := readCause(error, "x").Status; got != want {
			t.Errorf("%s: %d, want %d", error, got, want)
		}
	}
}

func FuzzReadCause(f *testing.F) {
	f.Add("E", `{"errorType":"E","errorMessage":"{\"errorMessage\":\"x\"}","stackTrace":["  File \"a\", line 1, in b"]}`)
	f.Add("States.TaskFailed", `{"ExecutionArn":"a","Status":"FAILED","Error":"E","Cause":"{}"}`)
	f.Add("X.Y", "m (Service: A; Status Code: 1; Error Code: B; Request ID: c; Proxy: null)")
	f.Add("", "\"\\\"{}\\\"\"")
	f.Fuzz(func(t *testing.T, error, cause string) {
		c := readCause(error, cause)
		c.Root().OwnFrame()
		c.Get("a", "0")
		c.Nested()
	})
}

func asJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}
