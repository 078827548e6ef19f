package lambdart

import (
	"fmt"

	"github.com/stepsleuth/stepsleuth/internal/value"
)

// failure is how Lambda, not the function's code, sees an invocation fail.
type failure struct {
	kind    string // error type
	message string // what follows "RequestId: … Error: "
	payload []byte // what the caller gets, where the runtime said it itself
	local   error  // what is to be known here and not on Lambda
}

// Two failures that are told apart.
var (
	timedOut = &failure{kind: "Sandbox.Timedout"}
	shutDown = &failure{kind: "Sandbox.Shutdown"}
)

func (f *failure) Error() string {
	if f.local != nil {
		return f.local.Error()
	}
	return f.kind + ": " + f.message
}

// report is the failure as the caller gets it.
func (f *failure) report(requestID string) []byte {
	if f.payload != nil {
		return f.payload
	}
	if f == tooLarge {
		return errorPayload(f.kind, f.message)
	}
	return errorPayload(f.kind, "RequestId: "+requestID+" Error: "+f.message)
}

// tooLarge is the failure of a function that answered more than Lambda passes on.
var tooLarge = &failure{
	kind:    "Function.ResponseSizeTooLarge",
	message: fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", maxAnswer),
}

// errorPayload is an error of Lambda's own as JSON.
func errorPayload(kind, message string) []byte {
	return value.Object(
		value.Member{Key: "errorType", Value: value.String(kind)},
		value.Member{Key: "errorMessage", Value: value.String(message)},
	).AppendJSON(nil)
}
