package jsonata_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stepsleuth/stepsleuth/jsonata"
)

// referenceCase is an expression with what npm jsonata 2.2.2 makes of it.
type referenceCase struct {
	Expr      string
	Data      json.RawMessage
	Result    json.RawMessage
	Undefined bool
	Code      string
	Message   string
	Position  *int
	Token     string
}

func TestAsTheReferenceDoes(t *testing.T) {
	files, err := filepath.Glob("testdata/*.jsonl")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) { runReferenceCases(t, file) })
	}
}

func runReferenceCases(t *testing.T, file string) {
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var c referenceCase
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		checkReferenceCase(t, c)
	}
}

func checkReferenceCase(t *testing.T, c referenceCase) {
	t.Helper()
	var input jsonata.Value
	if len(c.Data) > 0 {
		input = parse(t, string(c.Data))
	}
	expr, err := jsonata.Compile(c.Expr, jsonata.Standard)
	var got jsonata.Value
	if err == nil {
		got, err = expr.Eval(context.Background(), input, jsonata.Env{})
	}
	if c.Code == "" {
		want := "undefined"
		if !c.Undefined {
			want = canonical(parse(t, string(c.Result)).Interface(), false)
		}
		has := "undefined"
		if !got.IsUndefined() {
			has = canonical(got.Interface(), false)
		}
		if err != nil || has != want {
			t.Errorf("%s on %s\n\tgot  %s, %v\n\twant %s", c.Expr, c.Data, has, err, want)
		}
		return
	}
	var e *jsonata.Error
	if !errors.As(err, &e) {
		t.Errorf("%s: got %v, %v, want %s", c.Expr, got, err, c.Code)
		return
	}
	if e.Code != c.Code || e.Message != c.Message {
		t.Errorf("%s:\n\tgot  %v\n\twant %s: %s", c.Expr, e, c.Code, c.Message)
	}
	if c.Position != nil && e.Position != *c.Position || c.Token != "" && e.Token != c.Token {
		t.Errorf("%s: %s at %d by %q, want %d by %q", c.Expr, e.Code, e.Position, e.Token, *c.Position, c.Token)
	}
}

func parse(t testing.TB, text string) jsonata.Value {
	t.Helper()
	v, err := jsonata.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
