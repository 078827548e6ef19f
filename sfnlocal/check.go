package sfnlocal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/stepsleuth/stepsleuth/internal/lazyregexp"
)

// What the service's model says of the members of requests. AWS checks it before
// anything else, and puts all that it finds into one ValidationException.

// required lists the members that must be there, by operation or by the path of
// the structure that they are in.
var required = map[string][]string{
	"CreateActivity":                   {"name"},
	"CreateStateMachine":               {"name", "definition", "roleArn"},
	"CreateStateMachineAlias":          {"name", "routingConfiguration"},
	"DeleteActivity":                   {"activityArn"},
	"DeleteStateMachine":               {"stateMachineArn"},
	"DeleteStateMachineAlias":          {"stateMachineAliasArn"},
	"DeleteStateMachineVersion":        {"stateMachineVersionArn"},
	"DescribeActivity":                 {"activityArn"},
	"DescribeExecution":                {"executionArn"},
	"DescribeMapRun":                   {"mapRunArn"},
	"DescribeStateMachine":             {"stateMachineArn"},
	"DescribeStateMachineAlias":        {"stateMachineAliasArn"},
	"DescribeStateMachineForExecution": {"executionArn"},
	"GetActivityTask":                  {"activityArn"},
	"GetExecutionHistory":              {"executionArn"},
	"ListMapRuns":                      {"executionArn"},
	"ListStateMachineAliases":          {"stateMachineArn"},
	"ListStateMachineVersions":         {"stateMachineArn"},
	"ListTagsForResource":              {"resourceArn"},
	"PublishStateMachineVersion":       {"stateMachineArn"},
	"RedriveExecution":                 {"executionArn"},
	"SendTaskFailure":                  {"taskToken"},
	"SendTaskHeartbeat":                {"taskToken"},
	"SendTaskSuccess":                  {"taskToken", "output"},
	"StartExecution":                   {"stateMachineArn"},
	"StartSyncExecution":               {"stateMachineArn"},
	"StopExecution":                    {"executionArn"},
	"TagResource":                      {"resourceArn", "tags"},
	"TestState":                        {"definition"},
	"UntagResource":                    {"resourceArn", "tagKeys"},
	"UpdateMapRun":                     {"mapRunArn"},
	"UpdateStateMachine":               {"stateMachineArn"},
	"UpdateStateMachineAlias":          {"stateMachineAliasArn"},
	"ValidateStateMachineDefinition":   {"definition"},

	"encryptionConfiguration": {"type"},
	"routingConfiguration":    {"stateMachineVersionArn", "weight"},
}

// bound is a smallest and a greatest length or number.
type bound struct{ least, most int64 }

const unbounded = 1<<63 - 1

// lengths bounds texts and lists, by member; the few that differ between
// operations stand with their operation.
var lengths = map[string]bound{
	"name": {1, 80}, "stateName": {1, 80}, "workerName": {1, 80}, "errorCausedByState": {1, 80},
	"definition": {1, 1 << 20},
	"roleArn":    {1, 256}, "activityArn": {1, 256}, "executionArn": {1, 256}, "stateMachineArn": {1, 256},
	"stateMachineAliasArn": {1, 256}, "resourceArn": {1, 256}, "logGroupArn": {1, 256},
	"mapRunArn": {1, 2000}, "stateMachineVersionArn": {1, 2000},
	"description": {0, 256}, "versionDescription": {0, 256}, "traceHeader": {0, 256},
	"error": {0, 256}, "cause": {0, 32768},
	"input": {0, 262144}, "output": {0, 262144}, "variables": {0, 262144}, "context": {0, 262144},
	"result": {0, 262144}, "mapItemReaderData": {0, 262144},
	"taskToken": {1, 2048}, "clientToken": {1, 64}, "kmsKeyId": {1, 2048},
	"key": {1, 128}, "value": {0, 256}, "tagKeys[]": {1, 128},
	"routingConfiguration": {1, 2},
	"nextToken":            {1, 1024}, "ListExecutions.nextToken": {1, 3096},
}

var numbers = map[string]bound{
	"maxResults": {0, 1000}, "ValidateStateMachineDefinition.maxResults": {0, 100},
	"weight": {0, 100}, "maxConcurrency": {0, unbounded}, "kmsDataKeyReusePeriodSeconds": {60, 900},
	"toleratedFailurePercentage": {0, 100}, "toleratedFailureCount": {0, unbounded},
	"retrierRetryCount": {0, unbounded}, "mapIterationFailureCount": {0, unbounded},
}

// enums are in the order in which AWS is known to name them, or else the model's.
var enums = map[string][]string{
	"type":            {"STANDARD", "EXPRESS"},
	"level":           {"ALL", "ERROR", "FATAL", "OFF"},
	"statusFilter":    {"SUCCEEDED", "TIMED_OUT", "PENDING_REDRIVE", "ABORTED", "FAILED", "RUNNING"},
	"redriveFilter":   {"REDRIVEN", "NOT_REDRIVEN"},
	"includedData":    {"ALL_DATA", "METADATA_ONLY"},
	"inspectionLevel": {"INFO", "DEBUG", "TRACE"},
	"severity":        {"ERROR", "WARNING"},

	"fieldValidationMode":          {"STRICT", "PRESENT", "NONE"},
	"encryptionConfiguration.type": {"AWS_OWNED_KEY", "CUSTOMER_MANAGED_KMS_KEY"},
}

var patterns = map[string]*lazyregexp.Regexp{
	"CreateStateMachineAlias.name": lazyregexp.New(`^[a-zA-Z0-9_\-.]*[a-zA-Z_\-.][a-zA-Z0-9_\-.]*$`),
	"clientToken":                  lazyregexp.New(`^[!-~]+$`),
}

// modelPatterns is how AWS writes them.
var modelPatterns = map[string]string{
	"CreateStateMachineAlias.name": `^(?=.*[a-zA-Z_\-\.])[a-zA-Z0-9_\-\.]+$`,
	"clientToken":                  `[!-~]+`,
}

// check finds what AWS would refuse of a request before looking at what it means.
func check(operation string, body []byte) error {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var request map[string]any
	if err := dec.Decode(&request); err != nil {
		return &apiError{Code: "SerializationException", Message: err.Error()}
	}
	c := checker{operation: operation}
	c.structure(operation, "", request)
	switch n := len(c.problems); n {
	case 0:
		return nil
	case 1:
		return refuse("ValidationException", "1 validation error detected: %s", c.problems[0])
	default:
		return refuse("ValidationException", "%d validation errors detected: %s", n, strings.Join(c.problems, "; "))
	}
}

type checker struct {
	operation string
	problems  []string
}

func (c *checker) problem(v any, path, constraint string, args ...any) {
	shown := "null"
	if v != nil {
		shown = fmt.Sprintf("'%v'", v)
	}
	c.problems = append(c.problems, fmt.Sprintf("Value %s at '%s' failed to satisfy constraint: Member must ", shown, path)+fmt.Sprintf(constraint, args...))
}

// structure checks an object: name is the operation's, or the member's that holds it.
func (c *checker) structure(name, path string, members map[string]any) {
	for _, need := range required[name] {
		if members[need] == nil {
			c.problem(nil, path+need, "not be null")
		}
	}
	names := make([]string, 0, len(members))
	for member := range members {
		names = append(names, member)
	}
	slices.Sort(names)
	for _, member := range names {
		c.value(name, member, path+member, members[member])
	}
}

func (c *checker) value(within, name, path string, v any) {
	switch v := v.(type) {
	case string:
		c.text(within, name, path, v)
	case json.Number:
		c.number(name, path, v)
	case map[string]any:
		c.structure(name, path+".", v)
	case []any:
		if b, ok := lookUp(lengths, c.operation, name); ok {
			c.length(v, path, int64(len(v)), b)
		}
		for i, item := range v {
			at := fmt.Sprintf("%s.%d.member", path, i+1)
			switch item := item.(type) {
			case nil:
				c.problem(nil, at, "not be null")
			case map[string]any:
				c.structure(name, at+".", item)
			default:
				c.value(within, name+"[]", at, item)
			}
		}
	}
}

func (c *checker) text(within, name, path, v string) {
	if b, ok := lookUp(lengths, c.operation, name); ok {
		c.length(v, path, int64(utf8.RuneCountInString(v)), b)
	}
	if allowed, ok := lookUp(enums, within, name); ok && !slices.Contains(allowed, v) {
		c.problem(v, path, "satisfy enum value set: [%s]", strings.Join(allowed, ", "))
	}
	if pattern, ok := lookUp(patterns, c.operation, name); ok && v != "" && !pattern.MatchString(v) {
		written, _ := lookUp(modelPatterns, c.operation, name)
		c.problem(v, path, "satisfy regular expression pattern: %s", written)
	}
}

func (c *checker) length(v any, path string, n int64, b bound) {
	switch {
	case n < b.least:
		c.problem(v, path, "have length greater than or equal to %d", b.least)
	case n > b.most:
		c.problem(v, path, "have length less than or equal to %d", b.most)
	}
}

func (c *checker) number(name, path string, v json.Number) {
	b, ok := lookUp(numbers, c.operation, name)
	f, err := v.Float64()
	switch {
	case !ok || err != nil:
	case f < float64(b.least):
		c.problem(v, path, "have value greater than or equal to %d", b.least)
	case f > float64(b.most):
		c.problem(v, path, "have value less than or equal to %d", b.most)
	}
}

// lookUp finds what holds of a member: in its operation or structure, else everywhere.
func lookUp[T any](table map[string]T, within, name string) (T, bool) {
	if v, ok := table[within+"."+name]; ok {
		return v, true
	}
	v, ok := table[name]
	return v, ok
}
