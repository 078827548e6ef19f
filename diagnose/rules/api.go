package rules

import (
	"fmt"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/internal/lazyregexp"
)

// NameTaken sees an execution whose name is taken.
var NameTaken = &diagnose.Rule{
	Name:  "execution-name-taken",
	Doc:   "StartExecution with a name that an execution of the last 90 days has.",
	Check: one(nameTaken),
}

func nameTaken(f *facts) *diagnose.Finding {
	if !f.errorIs("ExecutionAlreadyExists", "StepFunctions.ExecutionAlreadyExistsException", "Sfn.ExecutionAlreadyExistsException", "ExecutionAlreadyExistsException") && !f.says("Execution Already Exists: '") {
		return nil
	}
	d := f.finding(diagnose.ResourceAlreadyExists, diagnose.Certain, diagnose.No)
	name := "that name"
	if m := executionARN.FindStringSubmatch(f.root.Text); m != nil {
		name = "the name " + named(m[2])
	}
	d.Title = "An execution with " + name + " already exists"
	d.RootCause = fmt.Sprintf("StartExecution was called with %s, which an execution of the same state machine has had within the last 90 days.", name)
	d.Explanation = "StartExecution is idempotent only while the first execution is still running and the input is the same; after it has closed (finished, failed or stopped), or with another input, the same name is refused for 90 days."
	d.Focus = f.focusParam("Name")
	d.Remedies = []diagnose.Remedy{
		{Title: "Give each start a name of its own", Steps: []string{"Leave the name out (Step Functions makes one), or append what differs: States.Format('{}-{}', $.orderId, $$.Execution.Name), a timestamp, or the attempt."}},
		{Title: "Or take it for “already done”", Steps: []string{"Where the name is meant to keep a second run away, treat ExecutionAlreadyExists as success; to repeat a failed one, redrive it: aws stepfunctions redrive-execution --execution-arn ARN"}},
	}
	d.Prevention = []string{"Decide whether the name is the idempotency key; if so, handle this answer, if not, do not set it."}
	d.Docs = []string{"StartExecution API reference", "Start workflow executions from a task state in Step Functions"}
	return d
}

// apiProblem is what a refused call of the Step Functions API means.
type apiProblem struct {
	names     []string
	words     []string
	category  diagnose.Category
	also      []diagnose.Category
	retryable diagnose.Retryable
	title     string
	cause     string
	explain   string
	step      string
}

var apiProblems = []apiProblem{
	{[]string{"InvalidExecutionInput", "StepFunctions.InvalidExecutionInputException", "InvalidExecutionInputException", "Sfn.InvalidExecutionInputException"}, []string{"Invalid State Machine Execution Input", "Invalid execution input"}, diagnose.InvalidParameters, nil, diagnose.No,
		"The execution's input is not valid JSON", "The input given to StartExecution is not valid JSON, or is larger than 256 KiB.",
		"input is a text that holds JSON: an object that was not serialised, single quotes, a shell that ate the quotes, or plain text without quotes of its own are refused.",
		"Serialise it (json.dumps, JSON.stringify), and on a shell pass it from a file: --input file://input.json; inside a workflow pass the object itself as Input."},
	{[]string{"InvalidOutput", "InvalidOutputException", "Sfn.InvalidOutputException"}, []string{"Invalid Output"}, diagnose.InvalidParameters, []diagnose.Category{diagnose.CallbackFailure}, diagnose.No,
		"The output of SendTaskSuccess is not valid JSON", "The output that was sent with the task token is not valid JSON.",
		"output is a text that holds JSON; a plain text needs quotes of its own (\"\\\"done\\\"\").", "Serialise the result before it is sent: json.dumps(result)."},
	{[]string{"InvalidName", "StepFunctions.InvalidNameException", "InvalidNameException", "Sfn.InvalidNameException"}, []string{"Invalid Name: '"}, diagnose.InvalidParameters, nil, diagnose.No,
		"The name holds characters that are not allowed", "The name given to Step Functions has characters that are not allowed, or is longer than 80 characters.",
		"Names take letters, digits, - and _; blanks, brackets, wildcards, quotes, : ; , / & and control characters are refused.", "Replace other characters (for example the colons of a timestamp) and cut the name to 80 characters."},
	{[]string{"InvalidArn", "StepFunctions.InvalidArnException", "InvalidArnException", "Sfn.InvalidArnException"}, []string{"Invalid Arn: '"}, diagnose.InvalidParameters, []diagnose.Category{diagnose.ResourceNotFound}, diagnose.No,
		"The ARN is not valid", "The ARN given to Step Functions (of a state machine, an execution, an activity or a role) is not an ARN of the kind that this call takes.",
		"An ARN of a state machine where one of an execution is wanted (or the other way round), an alias or version where none is taken, a role's name in place of its ARN, another region, or a placeholder or template variable that was not filled in.", "Compare the ARN as it was sent with arn:aws:states:REGION:ACCOUNT:stateMachine:NAME, …:execution:NAME:RUN, or, for a role, arn:aws:iam::ACCOUNT:role/NAME."},
	{[]string{"StateMachineTypeNotSupported", "StepFunctions.StateMachineTypeNotSupportedException", "StateMachineTypeNotSupportedException", "Sfn.StateMachineTypeNotSupportedException"}, []string{"not supported by this type of state machine"}, diagnose.Configuration, []diagnose.Category{diagnose.InvalidParameters}, diagnose.No,
		"The call does not fit the type of the state machine", "The call is not supported by this type of state machine: StartSyncExecution works for EXPRESS state machines only; DescribeExecution, GetExecutionHistory, StopExecution and RedriveExecution for STANDARD ones only.",
		"The type is fixed when a state machine is created and cannot be changed by an update.", "Use StartExecution (and wait, or be called back) for a STANDARD state machine, or create the state machine anew with \"type\": \"EXPRESS\"."},
	{[]string{"ExecutionNotRedrivable", "ExecutionNotRedrivableException", "Sfn.ExecutionNotRedrivableException"}, []string{"cannot be redriven", "not redrivable", "redrivable period exceeded"}, diagnose.InvalidParameters, []diagnose.Category{diagnose.Configuration, diagnose.Quota}, diagnose.No,
		"The execution cannot be redriven", "The execution cannot be redriven: it is still running or has succeeded, ended more than 14 days ago, has used up its 25,000 events or its year, or is an EXPRESS execution or a child of a Map Run.",
		"redriveStatus and redriveStatusReason of DescribeExecution say which of these it is. A redrive uses the definition that failed: after a fix of the definition, start a new execution.", "aws stepfunctions describe-execution --execution-arn ARN --query '[redriveStatus,redriveStatusReason,status]'; start a new execution with the same input where it cannot be redriven."},
	{[]string{"StateMachineDeleting", "StateMachineDeletingException", "StepFunctions.StateMachineDeletingException"}, []string{"State Machine is being deleted", "State machine is being deleted", "State Machine Deleting"}, diagnose.Concurrency, []diagnose.Category{diagnose.ResourceNotFound}, diagnose.Depends,
		"The state machine is being deleted", "The state machine is being deleted, so that nothing can be started or changed in it, nor one of the same name created, until that is done.",
		"Deletion waits for running executions; with executions that wait long, it can take long too.", "Wait until DescribeStateMachine answers StateMachineDoesNotExist (stop its executions if they are not needed), then create it again."},
	{[]string{"StateMachineAlreadyExists", "StateMachineAlreadyExistsException"}, []string{"State Machine Already Exists"}, diagnose.ResourceAlreadyExists, nil, diagnose.No,
		"A state machine of that name already exists", "A state machine of that name already exists with another definition, role, type or logging.",
		"CreateStateMachine is idempotent only with the very same settings.", "Update it (aws stepfunctions update-state-machine), import it into the stack, or choose another name."},
	{[]string{"InvalidTracingConfiguration"}, nil, diagnose.Configuration, nil, diagnose.No,
		"The tracing configuration is not valid", "The X-Ray tracing configuration of the state machine is not valid.", "", "Set tracingConfiguration to {\"enabled\": true} or leave it out, and allow the role the xray: actions."},
	{[]string{"InvalidEncryptionConfiguration"}, nil, diagnose.Configuration, []diagnose.Category{diagnose.Permission}, diagnose.No,
		"The encryption configuration is not valid", "The encryption configuration of the state machine is not valid: the KMS key, its type or its reuse period is not accepted.", "Only symmetric encryption keys are taken; kmsDataKeyReusePeriodSeconds lies between 60 and 900.", "Check the key: aws kms describe-key --key-id KEY"},
	{[]string{"KmsInvalidStateException", "StepFunctions.KmsInvalidStateException"}, nil, diagnose.Configuration, []diagnose.Category{diagnose.Permission}, diagnose.No,
		"The KMS key of the state machine cannot be used", "The KMS key that encrypts the state machine's data is disabled or about to be deleted.", "", "Enable the key, or cancel its deletion: aws kms cancel-key-deletion --key-id KEY"},
	{[]string{"ValidationException"}, []string{"Must provide a StateMachine ARN or MapRun ARN"}, diagnose.InvalidParameters, nil, diagnose.No,
		"ListExecutions needs an ARN", "ListExecutions was called without the ARN of a state machine or Map Run.", "", "Give --state-machine-arn or --map-run-arn."},
}

func (p apiProblem) fits(f *facts) bool {
	if f.task.known && f.task.service != "states" && f.task.service != "sfn" && !f.lambda() {
		return false
	}
	if len(p.words) > 0 && f.says(p.words...) && (f.errorIs(p.names...) || p.category != diagnose.InvalidParameters || len(p.names) > 1) {
		return true
	}
	return f.errorIs(p.names...) && p.names[0] != "ValidationException" && (p.names[0] != "InvalidName" && p.names[0] != "InvalidArn" || f.phase != diagnose.Run || f.task.known)
}

// apiInput reports that one of apiProblems fits.
func (f *facts) apiInput() bool {
	for _, p := range apiProblems {
		if p.fits(f) {
			return true
		}
	}
	return false
}

// StepFunctionsAPI sees a call of Step Functions' own API that was refused.
var StepFunctionsAPI = &diagnose.Rule{
	Name:  "step-functions-api",
	Doc:   "A call of the Step Functions API was refused: input, name, ARN, type of state machine, redrive, deletion.",
	Check: one(stepFunctionsAPI),
}

var quotedReason = lazyregexp.New(`: '([^']*)'`)

func stepFunctionsAPI(f *facts) *diagnose.Finding {
	for _, p := range apiProblems {
		if !p.fits(f) {
			continue
		}
		d := f.finding(p.category, diagnose.Certain, p.retryable)
		d.Also = p.also
		d.Title, d.RootCause, d.Explanation = p.title, p.cause, p.explain
		if m := quotedReason.FindStringSubmatch(f.msg); m != nil {
			if q := quoted(m[1]); q != "" {
				d.Explanation += " AWS says " + q + "."
			}
		}
		d.Focus = f.focusField("refused by Step Functions", "Parameters", "Arguments", "Resource")
		d.Remedies = []diagnose.Remedy{{Title: "Correct the call", Steps: []string{p.step}}}
		d.Prevention = []string{"Check names, ARNs and input in the caller, before the call."}
		d.Docs = []string{"AWS Step Functions API reference", "Restarting state machine executions with redrive in Step Functions"}
		return d
	}
	return nil
}
