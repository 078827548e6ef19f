package conformance_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stepsleuth/stepsleuth/conformance"
)

// folder writes cases into a folder, with an index unless that is empty.
func folder(t *testing.T, index string, cases map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	if index != "" {
		cases["index.json"] = index
	}
	for name, text := range cases {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// load loads the only case of a folder.
func load(t *testing.T, dir string) *conformance.Case {
	t.Helper()
	cases, err := conformance.Load(dir)
	if err != nil || len(cases) != 1 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	return cases[0]
}

const pass = `{"StartAt":"S","States":{"S":{"Type":"Pass","End":true}}}`

func TestACaseThatCannotBeRunSaysSoAlone(t *testing.T) {
	for name, tt := range map[string]struct{ text, want string }{
		"no JSON":             {`{"kind":`, "unexpected end of JSON"},
		"an unknown kind":     {`{"kind":"teleport","definition":` + pass + `}`, `"teleport" cannot be run`},
		"no definition":       {`{"kind":"execution"}`, "definition is empty"},
		"mocks of no machine": {`{"kind":"mocked","definition":` + pass + `,"mockConfig":{}}`, "no StateMachines"},
	} {
		c := load(t, folder(t, `{"cases":[{"file":"c.json","slug":"c"}]}`, map[string]string{"c.json": tt.text}))
		for _, mode := range []conformance.Mode{conformance.Direct, conformance.Replay} {
			result, err := conformance.Run(context.Background(), c, mode)
			if result != nil || err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s, %s: %s, %v", name, mode, result, err)
			}
		}
	}
}

func TestAFolderWithoutAnIndex(t *testing.T) {
	c := load(t, folder(t, "", map[string]string{"lonely.json": `{"kind":"execution","definition":` + pass + `}`}))
	result, err := conformance.Run(context.Background(), c, conformance.Direct)
	if err != nil || c.Slug != "lonely" || !strings.Contains(string(result), "ExecutionSucceeded") {
		t.Errorf("%s: %s, %v", c.Slug, result, err)
	}
	if _, err := conformance.Load(t.TempDir()); err == nil {
		t.Error("an empty folder has cases")
	}
}

func TestAnEmptyRecordingIsNone(t *testing.T) {
	c := load(t, folder(t, "", map[string]string{"c.json": `{"kind":"execution","definition":` + pass + `,"expected":{"get_execution_history":{"events":[]}}}`}))
	if result, err := conformance.Run(context.Background(), c, conformance.Replay); err != nil || !strings.Contains(string(result), "ExecutionSucceeded") {
		t.Errorf("%s, %v", result, err)
	}
}

func TestAnActivityThatWasGone(t *testing.T) {
	const arn = "arn:aws:states:us-east-1:111111111111:activity:gone"
	c := load(t, folder(t, "", map[string]string{"c.json": `{"kind":"execution",
		"definition":{"StartAt":"A","States":{"A":{"Type":"Task","Resource":"` + arn + `","End":true}}},
		"expected":{"get_execution_history":{"events":[
			{"id":1,"previousEventId":0,"type":"ExecutionStarted","executionStartedEventDetails":{"input":"{}"}},
			{"id":2,"previousEventId":0,"type":"TaskStateEntered","stateEnteredEventDetails":{"name":"A","input":"{}"}},
			{"id":3,"previousEventId":2,"type":"ExecutionFailed","executionFailedEventDetails":{"error":"States.Runtime",
			 "cause":"An error occurred while executing the state 'A' (entered at the event id #2). The activity ` + arn + ` does not exist."}}]}}}`}))
	result, err := conformance.Run(context.Background(), c, conformance.Replay)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(result), "ActivityScheduled") || !strings.Contains(string(result), "The activity "+arn+" does not exist.") {
		t.Errorf("%s", result)
	}
}

func TestNobodyWatchesForAWeek(t *testing.T) {
	c := load(t, folder(t, "", map[string]string{"c.json": `{"kind":"execution",
		"definition":{"StartAt":"H","States":{"H":{"Type":"Wait","Seconds":3600,"Next":"W"},"W":{"Type":"Wait","Seconds":604800,"End":true}}}}`}))
	result, err := conformance.Run(context.Background(), c, conformance.Direct)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(result), `"previousEventId"`); n != 4 || strings.Contains(string(result), "Succeeded") {
		t.Errorf("%d events: %s", n, result)
	}
}

func TestAStateIsTestedAsTheAPIDoes(t *testing.T) {
	const task = `{"Type":"Pass","End":true}`
	for name, tt := range map[string]struct{ request, want string }{
		"input that is no JSON":      {`"input":"{"`, "InvalidExecutionInput"},
		"an unknown level":           {`"inspectionLevel":"ALL"`, "Member must satisfy enum value set: [INFO, DEBUG, TRACE]"},
		"an unknown validation mode": {`"mock":{"result":"1","fieldValidationMode":"LAX"}`, "Member must satisfy enum value set: [STRICT, PRESENT, NONE]"},
		"a negative count":           {`"stateConfiguration":{"retrierRetryCount":-1}`, "Member must have value greater than or equal to 0"},
		"variables that are no JSON": {`"variables":"["`, "ValidationException"},
	} {
		c := load(t, folder(t, "", map[string]string{"c.json": `{"kind":"test-state","definition":` + task + `,"request":{"operation":"test_state",` + tt.request + `}}`}))
		result, err := conformance.Run(context.Background(), c, conformance.Direct)
		if err != nil || !strings.Contains(string(result), `{"error":{"Code":`) || !strings.Contains(string(result), tt.want) {
			t.Errorf("%s: %s, %v; want %s", name, result, err, tt.want)
		}
	}
}
