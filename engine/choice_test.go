package engine_test

import (
	"fmt"
	"testing"
)

func TestOperatorsOfChoiceRules(t *testing.T) {
	for _, tt := range []struct {
		rule, input string
		want        bool
	}{
		{`"StringEquals":"a"`, `"a"`, true},
		{`"StringEquals":"1"`, `1`, false},
		{`"StringLessThan":"b"`, `"a"`, true},
		{`"StringGreaterThan":"\uffff"`, `"\ud83d\ude00"`, false}, // U+1F600 is two units from 0xD83D on
		{`"StringLessThanEquals":"a"`, `"a"`, true},
		{`"StringGreaterThanEquals":"ab"`, `"a"`, false},
		{`"StringMatches":"*.zip"`, `"x.zip"`, true},
		{`"StringMatches":"*.zip"`, `"x.zip.txt"`, false},
		{`"StringMatches":"log-*.txt"`, `"log-.txt"`, true},
		{`"StringMatches":"a*b*c"`, `"aXbYbZc"`, true},
		{`"StringMatches":"a*a"`, `"a"`, false},
		{`"StringMatches":"a\\*b"`, `"a*b"`, true},
		{`"StringMatches":"a\\*b"`, `"aXb"`, false},
		{`"StringMatches":"a\\\\*"`, `"a\\x"`, true},
		{`"StringMatches":"*"`, `""`, true},
		{`"NumericEquals":1`, `1.0`, true},
		{`"NumericEquals":1`, `"1"`, false},
		{`"NumericLessThan":0.1`, `-1e3`, true},
		{`"NumericGreaterThan":9007199254740992`, `9007199254740993`, true},
		{`"NumericLessThanEquals":2`, `2`, true},
		{`"NumericGreaterThanEquals":3`, `2`, false},
		{`"BooleanEquals":false`, `false`, true},
		{`"BooleanEquals":false`, `null`, false},
		{`"TimestampEquals":"2020-01-01T00:00:00Z"`, `"2020-01-01T01:00:00+01:00"`, true},
		{`"TimestampEquals":"2020-01-01T00:00:00.0001Z"`, `"2020-01-01T00:00:00.0002Z"`, false},
		{`"TimestampLessThan":"2020-01-01T00:00:00Z"`, `"2019-12-31T23:59:59.999Z"`, true},
		{`"TimestampGreaterThan":"2020-01-01T00:00:00Z"`, `"2020-01-01"`, false},
		{`"TimestampLessThanEquals":"2020-01-01T00:00:00Z"`, `"2020-01-01T00:00:00Z"`, true},
		{`"TimestampGreaterThanEquals":"2020-01-01T00:00:00Z"`, `"2019-01-01T00:00:00Z"`, false},
		{`"IsNull":true`, `null`, true},
		{`"IsNull":false`, `0`, true},
		{`"IsString":true`, `""`, true},
		{`"IsNumeric":true`, `"1"`, false},
		{`"IsBoolean":true`, `false`, true},
		{`"IsTimestamp":true`, `"2020-01-01T00:00:00Z"`, true},
		{`"IsTimestamp":true`, `"2020-01-01 00:00:00Z"`, false},
		{`"IsPresent":true`, `1`, true},
	} {
		if got := choose(t, fmt.Sprintf(`"Variable":"$.v",%s`, tt.rule), `{"v":`+tt.input+`}`); got != fmt.Sprint(tt.want) {
			t.Errorf("%s of %s: %s, want %t", tt.rule, tt.input, got, tt.want)
		}
	}
}

// choose tells where a rule leads: "true", "false", or the cause of a failure.
func choose(t *testing.T, rule, input string) string {
	t.Helper()
	x := run(t, `{"StartAt":"C","States":{"C":{"Type":"Choice","Choices":[{`+rule+`,"Next":"Y"}],"Default":"N"},
		"Y":{"Type":"Pass","Result":true,"End":true},"N":{"Type":"Pass","Result":false,"End":true}}}`, input, nil)
	if x.Cause != nil {
		return *x.Cause
	}
	return x.Output.String()
}

func TestRulesCompareWithPathsAndCombine(t *testing.T) {
	const at = "An error occurred while executing the state 'C' (entered at the event id #2). "
	for _, tt := range []struct{ rule, input, want string }{
		{`"Variable":"$.a","NumericLessThanPath":"$.b"`, `{"a":1,"b":2}`, "true"},
		{`"Variable":"$.a","StringEqualsPath":"$.b"`, `{"a":"x","b":1}`, "false"},
		{`"Variable":"$.gone","IsPresent":false`, `{}`, "true"},
		{`"Variable":"$.gone","IsString":true`, `{}`, at + "Invalid path '$.gone': The choice state's condition path references an invalid value."},
		{`"Variable":"$.a","StringEqualsPath":"$.gone"`, `{"a":"x"}`, at + "Invalid path '$.gone': The choice state's condition path references an invalid value."},
		{`"And":[{"Variable":"$.a","IsPresent":true},{"Variable":"$.a","NumericEquals":1}]`, `{}`, "false"},
		{`"Or":[{"Variable":"$.a","IsPresent":false},{"Variable":"$.a","NumericEquals":1}]`, `{}`, "true"},
		{`"Not":{"Variable":"$.a","NumericEquals":1}`, `{"a":2}`, "true"},
		{`"Variable":"$$.State.Name","StringEquals":"C"`, `{}`, "true"},
	} {
		if got := choose(t, tt.rule, tt.input); got != tt.want {
			t.Errorf("%s of %s:\n got %s\nwant %s", tt.rule, tt.input, got, tt.want)
		}
	}
}

func TestAChoiceWithoutADefaultCanFail(t *testing.T) {
	x := run(t, `{"StartAt":"C","States":{"C":{"Type":"Choice","Choices":[{"Variable":"$.a","IsPresent":true,"Next":"Y"}]},"Y":{"Type":"Succeed"}}}`, `{}`, nil)
	if deref(x.Error) != "States.Runtime" || deref(x.Cause) != "An error occurred while executing the state 'C' (entered at the event id #2). Failed to transition out of the state. The state does not point to a next state." {
		t.Errorf("%s: %s", deref(x.Error), deref(x.Cause))
	}
}
