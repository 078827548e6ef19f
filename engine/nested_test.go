package engine_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/engine"
)

const childARN = "arn:aws:states:us-east-1:123456789012:stateMachine:child"

// nested runs a machine whose one task runs another.
func nested(t *testing.T, action, child string) (output, failure string) {
	t.Helper()
	e := &engine.Engine{Clock: engine.VirtualClock(start)}
	var m *asl.Machine = machine(t, child)
	e.Tasks = engine.NestedHandler{Start: func(_ context.Context, arn, name string, input []byte, _ *engine.Task) (*engine.Running, error) {
		if arn != childARN {
			return nil, engine.NewTaskError("StepFunctions.StateMachineDoesNotExistException", arn)
		}
		return e.Start(context.Background(), engine.Request{Machine: m, Name: name, Input: input, StateMachineARN: arn})
	}}
	x, err := e.Run(context.Background(), machine(t, `{"StartAt":"T","States":{"T":{"Type":"Task",
		"Resource":"arn:aws:states:::states:startExecution`+action+`",
		"Parameters":{"StateMachineArn":"`+childARN+`","Name":"n","Input":{"a.$":"$.a"}},"End":true}}}`), []byte(`{"a":1}`))
	if err != nil {
		t.Fatal(err)
	}
	if x.Cause != nil {
		return "", deref(x.Error) + " " + *x.Cause
	}
	return x.Output.String(), ""
}

func TestNestedExecutions(t *testing.T) {
	echo := `{"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":60,"End":true}}}`
	if out, _ := nested(t, "", echo); !strings.Contains(out, `"ExecutionArn":"arn:aws:states:us-east-1:123456789012:execution:child:n"`) {
		t.Errorf("request and response: %s", out)
	}
	if out, _ := nested(t, ".sync", echo); !strings.Contains(out, `"Output":"{\"a\":1}"`) || !strings.Contains(out, `"Status":"SUCCEEDED"`) {
		t.Errorf(".sync: %s", out)
	}
	if out, _ := nested(t, ".sync:2", echo); !strings.Contains(out, `"Output":{"a":1}`) {
		t.Errorf(".sync:2: %s", out)
	}
	_, failure := nested(t, ".sync", `{"StartAt":"F","States":{"F":{"Type":"Fail","Error":"E","Cause":"c"}}}`)
	if !strings.HasPrefix(failure, `States.TaskFailed {"Cause":"c","Error":"E","ExecutionArn":"arn:`) || !strings.Contains(failure, `"Status":"FAILED"`) {
		t.Errorf("a child that fails: %s", failure)
	}
}

func TestSNSPublishes(t *testing.T) {
	var got engine.Notification
	tasks := engine.TaskMux{"arn:aws:states:::sns:publish": engine.SNSHandler{Publish: func(_ context.Context, n engine.Notification) (string, error) {
		got = n
		return "m-1", nil
	}}}
	x := run(t, `{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"arn:aws:states:::sns:publish",
		"Parameters":{"TopicArn":"arn:t","Subject":"s","Message":{"k":1}},"End":true}}}`, `{}`, tasks)
	if got.TopicARN != "arn:t" || got.Subject != "s" || got.Message != `{"k":1}` {
		t.Errorf("published %+v", got)
	}
	if !strings.HasPrefix(x.Output.String(), `{"MessageId":"m-1","SdkHttpMetadata":`) {
		t.Errorf("output %s", x.Output)
	}
}

func TestAFunctionsErrorsAreLambdas(t *testing.T) {
	for _, tt := range []struct {
		name, reply string
		err         error
		want        string
	}{
		{"its own", `{"errorMessage":"no","errorType":"Declined","stackTrace":[]}`, nil, `Declined {"errorMessage":"no","errorType":"Declined","stackTrace":[]}`},
		{"without a type", `{"errorMessage":"2024-01-01 Task timed out after 3.00 seconds"}`, nil,
			`Lambda.Unknown The cause could not be determined because Lambda did not return an error type. Returned payload: {"errorMessage":"2024-01-01 Task timed out after 3.00 seconds"}`},
		{"no such function", ``, engine.ErrNoFunction, `Lambda.ResourceNotFoundException Function not found: arn:aws:lambda:us-east-1:123456789012:function:f:$LATEST (Service: AWSLambda; Status Code: 404; Error Code: ResourceNotFoundException; Request ID: `},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := engine.LambdaHandler{Invoke: func(context.Context, engine.LambdaCall) (engine.LambdaReply, error) {
				return engine.LambdaReply{Payload: []byte(tt.reply), Failed: true}, tt.err
			}}
			x := run(t, `{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"f"},"End":true}}}`, `{}`, h)
			if got := deref(x.Error) + " " + deref(x.Cause); !strings.HasPrefix(got, tt.want) {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestParametersThatMustBeTextAreRefusedOtherwise(t *testing.T) {
	for _, tt := range []struct {
		resource, parameters, field string
		handler                     engine.TaskHandler
	}{
		{"states:startExecution", `{"StateMachineArn":7}`, "StateMachineArn", engine.NestedHandler{}},
		{"states:startExecution.sync", `{"StateMachineArn":"` + childARN + `","Name":7}`, "Name", engine.NestedHandler{}},
		{"sns:publish", `{"Message":{},"TopicArn":["arn:t"]}`, "TopicArn", engine.SNSHandler{}},
		{"lambda:invoke", `{"FunctionName":{}}`, "FunctionName", engine.LambdaHandler{}},
	} {
		x := run(t, `{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"arn:aws:states:::`+tt.resource+`","Parameters":`+tt.parameters+`,"End":true}}}`, `{}`, tt.handler)
		want := "could not be used to start the Task: [The value for the field '" + tt.field + "' must be a STRING]"
		if deref(x.Error) != "States.Runtime" || !strings.HasSuffix(deref(x.Cause), want) {
			t.Errorf("%s %s: %s %s", tt.resource, tt.parameters, deref(x.Error), deref(x.Cause))
		}
	}
}
