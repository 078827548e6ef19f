package jsonata_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/stepsleuth/stepsleuth/jsonata"
)

// suiteCase is one case of the language's own test suite.
type suiteCase struct {
	ID              string
	Expr            string
	Data            json.RawMessage
	Dataset         *string
	Bindings        jsonata.Value
	Result          json.RawMessage
	UndefinedResult bool
	Code            string
	Token           *string
	Value           *json.RawMessage
	Index           *int
	Error           *struct{ Code, Message string }
	Timelimit       int
	Depth           int
	Unordered       bool
}

// suiteFolder is where the suite lies: it is not part of the project.
func suiteFolder(t *testing.T) string {
	if dir := os.Getenv("STEPSLEUTH_JSONATA_SUITE"); dir != "" {
		return dir
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(filepath.Dir(dir), "shared", "jsonata")
		}
		if filepath.Dir(dir) == dir {
			t.Fatal("no go.mod above the working directory")
		}
		dir = filepath.Dir(dir)
	}
}

func TestSuite(t *testing.T) {
	dir := suiteFolder(t)
	f, err := os.Open(filepath.Join(dir, "cases.jsonl"))
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("the JSONata suite has to be there in CI: %v", err)
		}
		t.Skipf("SKIPPED: the JSONata suite is not here: %v", err)
	}
	defer f.Close()
	datasets := map[string]jsonata.Value{}
	text, err := os.ReadFile(filepath.Join(dir, "datasets.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &datasets); err != nil {
		t.Fatal(err)
	}
	passed, total := 0, 0
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var c suiteCase
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		total++
		if problem := runSuiteCase(c, datasets); problem != "" {
			t.Logf("%s: %s\n\t%s", c.ID, c.Expr, problem)
		} else {
			passed++
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	line := fmt.Sprintf("jsonata suite: %d of %d", passed, total)
	fmt.Println(line)
	t.Log(line)
	if total == 0 || float64(passed) < 0.995*float64(total) {
		t.Errorf("%s, fewer than 99.5%%", line)
	}
}

func runSuiteCase(c suiteCase, datasets map[string]jsonata.Value) (problem string) {
	defer func() {
		if r := recover(); r != nil {
			problem = fmt.Sprintf("panic: %v", r)
		}
	}()
	var input jsonata.Value
	if c.Dataset != nil {
		input = datasets[*c.Dataset]
	} else if len(c.Data) > 0 {
		input, _ = jsonata.Parse(string(c.Data))
	}
	env := jsonata.Env{Lookup: func(name string) (jsonata.Value, bool) {
		m, _ := c.Bindings.Interface().(map[string]any)
		x, ok := m[name]
		if !ok {
			return jsonata.Value{}, false
		}
		v, err := jsonata.From(x)
		return v, err == nil
	}}
	if c.Timelimit >= 10_000 {
		env.Budget.Bytes = 1 << 30 // the case is about a large sequence
	}
	if c.Depth > 0 && c.Code != "" {
		env.Budget.Depth = c.Depth
	}
	expr, err := jsonata.Compile(c.Expr, jsonata.Standard)
	var got jsonata.Value
	if err == nil {
		got, err = expr.Eval(context.Background(), input, env)
	}
	return judge(c, got, err)
}

func judge(c suiteCase, got jsonata.Value, err error) string {
	code, message := c.Code, ""
	if c.Error != nil {
		code, message = c.Error.Code, c.Error.Message
	}
	if code != "" {
		var e *jsonata.Error
		switch {
		case !errors.As(err, &e):
			return fmt.Sprintf("got %v, %v, want error %s", got, err, code)
		case e.Code != code:
			return fmt.Sprintf("got %v, want error %s", err, code)
		case message != "" && e.Message != message:
			return fmt.Sprintf("got message %q, want %q", e.Message, message)
		case c.Token != nil && e.Token != *c.Token:
			return fmt.Sprintf("got token %q, want %q", e.Token, *c.Token)
		case c.Index != nil && e.Index != *c.Index:
			return fmt.Sprintf("got index %d, want %d", e.Index, *c.Index)
		}
		return ""
	}
	if err != nil {
		return "got error " + err.Error()
	}
	if c.UndefinedResult {
		if !got.IsUndefined() {
			return "got " + got.JSON() + ", want undefined"
		}
		return ""
	}
	if len(c.Result) == 0 {
		return "the case has no outcome"
	}
	want, perr := jsonata.Parse(string(c.Result))
	if perr != nil {
		return perr.Error()
	}
	if got.IsUndefined() {
		return "got undefined, want " + want.JSON()
	}
	if a, b := canonical(got.Interface(), c.Unordered), canonical(want.Interface(), c.Unordered); a != b {
		return "got  " + a + "\n\twant " + b
	}
	return ""
}

// canonical is equal for equal values; where sets are compared, arrays are sorted.
func canonical(x any, unordered bool) string {
	if list, ok := x.([]any); ok && unordered {
		texts := make([]string, len(list))
		for i := range list {
			texts[i] = canonical(list[i], false)
		}
		sort.Strings(texts)
		return "{" + strings.Join(texts, ",") + "}"
	}
	b, err := json.Marshal(x)
	if err != nil {
		return err.Error()
	}
	return string(b)
}
