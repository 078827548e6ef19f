package jsonpath_test

import (
	"errors"
	"testing"

	"github.com/stepsleuth/stepsleuth/internal/jsonpath"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

// The first cases are those of the States Language specification, "ResultPath".
func TestSet(t *testing.T) {
	tests := []struct{ root, path, v, want string }{
		{`{"master":{"detail":[1,2,3]}}`, "$.master.detail", `6`, `{"master":{"detail":6}}`},
		{`{"master":{"detail":[1,2,3]}}`, "$.master.result.sum", `6`, `{"master":{"detail":[1,2,3],"result":{"sum":6}}}`},
		{`{"a":1}`, "$.b.greeting", `"Hi!"`, `{"a":1,"b":{"greeting":"Hi!"}}`},
		{`{"a":1}`, "$", `[2]`, `[2]`},
		{`"foo"`, "$", `{}`, `{}`},
		{`{"z":1,"a":2,"m":3}`, "$.a", `null`, `{"z":1,"a":null,"m":3}`},
		{`{"a":[1,2,3]}`, "$.a[1]", `"x"`, `{"a":[1,"x",3]}`},
		{`{"a":[1,{"b":2}]}`, "$.a[-1].c", `3`, `{"a":[1,{"b":2,"c":3}]}`},
		{`[1,2]`, "$[0]", `{}`, `[{},2]`},
		{`{}`, "$['a b']['c']", `1`, `{"a b":{"c":1}}`},
	}
	for _, tt := range tests {
		root := value.MustParse(tt.root)
		got, err := jsonpath.MustCompile(tt.path).Set(root, value.MustParse(tt.v))
		if err != nil {
			t.Errorf("%s in %s: %v", tt.path, tt.root, err)
			continue
		}
		if got.JSON() != tt.want {
			t.Errorf("%s in %s: got %s, want %s", tt.path, tt.root, got, tt.want)
		}
		if root.JSON() != tt.root {
			t.Errorf("%s: the root changed to %s", tt.path, root)
		}
	}
}

func TestSetMismatch(t *testing.T) {
	tests := []struct {
		root, path string
		step       int
		at         string
	}{
		{`"foo"`, "$.x", 0, `"foo"`},
		{`null`, "$.x", 0, `null`},
		{`[1]`, "$.x", 0, `[1]`},
		{`{"a":1}`, "$.a.b", 1, `1`},
		{`{"a":[1]}`, "$.a[1]", 1, `[1]`},
		{`{"a":{}}`, "$.a[0].b", 1, `{}`},
	}
	for _, tt := range tests {
		_, err := jsonpath.MustCompile(tt.path).Set(value.MustParse(tt.root), value.Int(1))
		var mismatch *jsonpath.Mismatch
		if !errors.As(err, &mismatch) {
			t.Errorf("%s in %s: got %v, want a Mismatch", tt.path, tt.root, err)
			continue
		}
		if mismatch.Step != tt.step || mismatch.At.JSON() != tt.at {
			t.Errorf("%s in %s: failed at step %d on %s", tt.path, tt.root, mismatch.Step, mismatch.At)
		}
		if want := "Unable to apply ReferencePath " + tt.path + " to input " + tt.root; mismatch.Error() != want {
			t.Errorf("got %s, want %s", mismatch, want)
		}
	}
}

func TestSetNeedsReferencePath(t *testing.T) {
	_, err := jsonpath.MustCompile("$.a[*]").Set(value.MustParse(`{"a":[1]}`), value.Int(1))
	if err == nil || errors.As(err, new(*jsonpath.Mismatch)) {
		t.Errorf("got %v, want an error that is no Mismatch", err)
	}
}
