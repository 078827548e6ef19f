package value_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stepsleuth/stepsleuth/internal/value"
)

// What is wrong with a document is said in the words of JSON, not of Go.
func TestDecodeNamesNoGoType(t *testing.T) {
	type row struct {
		ID    int    `json:"id"`
		Error string `json:"error"`
	}
	for text, want := range map[string]string{
		`{"id": 7, "error": 5}`:    "error cannot be a number",
		`[]`:                       "it cannot be an array",
		`{"id": true}`:             "id cannot be a boolean",
		`{"id"`:                    "1:6: the text ends in the middle of the JSON value",
		"{\"error\": \"\xff\"}":    "invalid UTF-8",
		strings.Repeat("[", 20000): "nested deeper",
	} {
		err := value.Decode([]byte(text), new(row))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "row") {
			t.Errorf("%.30s: got %v, want %s", text, err, want)
		}
		var syntax *value.SyntaxError
		if isSyntax := errors.As(err, &syntax); isSyntax != !strings.Contains(want, "cannot be") {
			t.Errorf("%.30s: a *SyntaxError: %v", text, isSyntax)
		}
	}
	var r row
	if err := value.Decode([]byte(`{"id": 7, "error": "A"}`), &r); err != nil || r.ID != 7 || r.Error != "A" {
		t.Errorf("got %+v, %v", r, err)
	}
}
