package rules

import (
	"fmt"
	"strings"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/diagnose"
)

// leftOut are members that AWS services leave out of an answer, by action, and what
// that means. The service's API reference says so of each.
var leftOut = map[string]map[string]string{
	"dynamodb:getItem":    {"Item": "GetItem answers without Item where the table has no item with that key; that is no error"},
	"dynamodb:deleteItem": {"Attributes": "DeleteItem answers without Attributes where there was no item, or ReturnValues does not ask for them"},
	"dynamodb:updateItem": {"Attributes": "UpdateItem answers without Attributes where ReturnValues does not ask for them"},
	"dynamodb:putItem":    {"Attributes": "PutItem answers without Attributes where there was no item before, or ReturnValues does not ask for them"},
	"dynamodb:query":      {"LastEvaluatedKey": "Query answers without LastEvaluatedKey with the last page"},
	"dynamodb:scan":       {"LastEvaluatedKey": "Scan answers without LastEvaluatedKey with the last page"},
	"s3:listObjectsV2":    {"Contents": "ListObjectsV2 answers without Contents where no object lies under that prefix", "NextContinuationToken": "ListObjectsV2 answers without NextContinuationToken with the last page"},
	"s3:listObjects":      {"Contents": "ListObjects answers without Contents where no object lies under that prefix"},
	"sqs:receiveMessage":  {"Messages": "ReceiveMessage answers without Messages where the queue had none to give"},
}

// asked tells of the task whose answer the gap g is in: by which state it was
// called, and what is known of answers that lack the member. state is nil where the
// gap is in no task's answer.
func (f *facts) asked(m missing, g gap) (state *asl.State, known string) {
	if state = f.state; m.data != theResult {
		state = writerOf(f.state, g.reached)
	}
	if state == nil || state.Task == nil {
		return state, ""
	}
	task := readIntegration(state.Task.Resource)
	return state, leftOut[task.service+":"+task.action][g.missing]
}

// writerOf is the state on the one way to s that put its result at path; nil none, or
// not certain.
func writerOf(s *asl.State, path string) *asl.State {
	for p := previousState(s); p != nil && p != s; p = previousState(p) {
		if p.ResultPath != nil && !p.ResultPath.Null && p.ResultPath.Text == path && path != "$" {
			return p
		}
		if !keepsInput(p) {
			return nil
		}
	}
	return nil
}

// keepsInput reports a state whose output has at least what its input had, but for
// what it writes itself.
func keepsInput(s *asl.State) bool {
	if s.QueryLanguage == asl.JSONata || s.OutputPath != nil && (s.OutputPath.Null || s.OutputPath.Text != "$") {
		return false
	}
	return handsOn(s) || s.ResultPath != nil && !s.ResultPath.Null && s.ResultPath.Text != "$"
}

// ofAnswer is the explanation and the remedy for a member that a task's answer lacks.
func (f *facts) ofAnswer(m missing, g gap) (explanation string, r diagnose.Remedy, ok bool) {
	writer, known := f.asked(m, g)
	if writer == nil || writer.Task == nil || m.data != theResult && known == "" {
		return "", r, false
	}
	first := "What comes back has to be looked at before anything in it is read."
	if known != "" {
		explanation, first = known+".", "Not to be found is an answer too; decide what the workflow does then."
	}
	if m.data == theResult {
		explanation = strings.TrimSpace("ResultSelector reads what the task gave back, not the state's input, and what it reads has to be there. " + explanation)
		return explanation, diagnose.Remedy{Title: "Take the answer as it is, and look before reading", Steps: []string{
			first,
			fmt.Sprintf(`Leave %s out of ResultSelector, give the state a "ResultPath" such as "$.result", and let a Choice behind it ask whether the member is there: {"Variable": %s, "IsPresent": true, "Next": "…"}.`, pathed(m.path), jsonString(join("$.result", harmless(g.missing)))),
		}}, true
	}
	return fmt.Sprintf("%s is the answer of the state %s: %s", pathed(g.reached), named(writer.Name), explanation), diagnose.Remedy{
		Title: "Look for " + pathed(join(g.reached, g.missing)) + " before reading it",
		Steps: []string{
			first,
			fmt.Sprintf(`Put a Choice in front of %s: {"Variable": %s, "IsPresent": true, "Next": %s}, with a Default for the other case.`, f.ofState(), jsonString(join(g.reached, harmless(g.missing))), jsonString(f.stateLabel())),
			fmt.Sprintf("Compare the key or the query that the state %s sent (its TaskScheduled event) with what is there.", named(writer.Name)),
		},
	}, true
}
