package awsjson_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stepsleuth/stepsleuth/internal/awsjson"
)

type status string

type inner struct {
	RoleArn *string
	Size    int32
	Done    bool
	noted   string
}

type outer struct {
	StartDate      *time.Time
	Status         status
	Previous       int64
	Events         []inner
	Tags           map[string]string
	Raw            json.RawMessage
	Missing        *inner
	Kind           any
	ResultMetadata struct{ ID string }
}

func TestStructsAreWrittenAsOnTheWire(t *testing.T) {
	at := time.Date(2026, 11, 22, 10, 30, 0, 250_000_000, time.FixedZone("", 3600))
	role := "arn:aws:iam::123456789012:role/\"x\""
	v := &outer{StartDate: &at, Events: []inner{{RoleArn: &role, Size: 3, noted: "n"}, {}}, Tags: map[string]string{"b": "2", "a": "1"}, Raw: json.RawMessage(`{"é":1.0}`), Kind: true}
	const rest = `,"previous":0,"events":[{"roleArn":"arn:aws:iam::123456789012:role/\"x\"","size":3,"done":false},{"size":0,"done":false}],` +
		`"tags":{"a":"1","b":"2"},"raw":{"é":1.0},"kind":true}`
	for want, times := range map[string]awsjson.Time{
		`{"startDate":1795339800.250` + rest:            awsjson.Seconds,
		`{"startDate":"2026-11-22T09:30:00.25Z"` + rest: awsjson.Text,
	} {
		if got := string(awsjson.Append(nil, v, times)); got != want {
			t.Errorf("\ngot  %s\nwant %s", got, want)
		}
	}
}
