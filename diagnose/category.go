package diagnose

// Category is the kind of thing that has to change. The vocabulary is open for
// addition and nothing in it is ever renamed.
type Category string

// The categories, in order of precedence: where two fit, the earlier one wins.
const (
	AbortedByHand           Category = "aborted"
	DefinitionInvalid       Category = "definition-invalid"
	Permission              Category = "permission"
	Quota                   Category = "quota"
	Throttling              Category = "throttling"
	PayloadSize             Category = "payload-size"
	LambdaResourceExhausted Category = "lambda-resource-exhausted"
	LambdaPackaging         Category = "lambda-packaging"
	LambdaUnhandled         Category = "lambda-unhandled-exception"
	Heartbeat               Category = "heartbeat"
	Timeout                 Category = "timeout"
	CallbackFailure         Category = "callback-failure"
	NestedExecutionFailed   Category = "nested-execution-failed"
	MapThreshold            Category = "map-threshold"
	ChoiceNoMatch           Category = "choice-no-match"
	JSONataEval             Category = "jsonata-eval"
	IntrinsicMisuse         Category = "intrinsic-misuse"
	DataPath                Category = "data-path"
	ResourceAlreadyExists   Category = "resource-already-exists"
	ResourceNotFound        Category = "resource-not-found"
	Concurrency             Category = "concurrency"
	InvalidParameters       Category = "invalid-parameters"
	Network                 Category = "network"
	ServiceError            Category = "service-error"
	Configuration           Category = "configuration"
	BranchFailed            Category = "branch-failed"
	ExplicitFailState       Category = "explicit-fail-state"
	Other                   Category = "other"
)

// Categories is the whole vocabulary in order of precedence.
func Categories() []Category {
	return []Category{
		AbortedByHand, DefinitionInvalid, Permission, Quota, Throttling, PayloadSize, LambdaResourceExhausted,
		LambdaPackaging, LambdaUnhandled, Heartbeat, Timeout, CallbackFailure, NestedExecutionFailed, MapThreshold,
		ChoiceNoMatch, JSONataEval, IntrinsicMisuse, DataPath, ResourceAlreadyExists, ResourceNotFound, Concurrency,
		InvalidParameters, Network, ServiceError, Configuration, BranchFailed, ExplicitFailState, Other,
	}
}
