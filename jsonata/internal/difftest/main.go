// Command difftest compares the engine with npm jsonata under Node, on random
// expressions over random data. It prints what differs, and ends with 1 if
// anything does.
//
//	go run ./jsonata/internal/difftest -module build/node_modules/jsonata -n 20000
package main

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/stepsleuth/stepsleuth/jsonata"
)

//go:embed oracle.js
var oracleScript string

func main() {
	module := flag.String("module", "build/jsonata/node_modules/jsonata", "folder of npm jsonata")
	n := flag.Int("n", 5000, "how many expressions")
	within := flag.Duration("time", 0, "ask random expressions for this long, seed after seed")
	// The reference evaluates some operands at the same time, so that which of two errors
	// comes first is its own business, and a transform there can make a value hold itself.
	tolerate := flag.Float64("tolerate", 0, "how many of a thousand random expressions may differ")
	seed := flag.Uint64("seed", 1, "of the generator")
	cases := flag.String("cases", "", "file of cases ({expr, data} a line) instead of random ones")
	limit := flag.Int("show", 40, "how many differences to show")
	flag.Parse()
	asked, differ, err := run(*module, *cases, *n, *seed, *limit)
	for end := time.Now().Add(*within); err == nil && time.Now().Before(end); {
		*seed++
		var more, differing int
		more, differing, err = run(*module, "", *n, *seed, *limit)
		asked, differ = asked+more, differ+differing
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "difftest:", err)
		os.Exit(2)
	}
	fmt.Printf("jsonata difftest: %d of %d differ\n", differ, asked)
	if float64(differ) > *tolerate*float64(asked)/1000 {
		os.Exit(1)
	}
}

type question struct {
	Expr string          `json:"expr"`
	Data json.RawMessage `json:"data,omitempty"`
}

type answer struct {
	Undef   bool            `json:"undef"`
	Result  json.RawMessage `json:"result"`
	Code    string          `json:"code"`
	Message string          `json:"message"`
}

func run(module, cases string, n int, seed uint64, limit int) (asked, differ int, err error) {
	oracle, err := startOracle(module)
	if err != nil {
		return 0, 0, err
	}
	defer func() {
		if oracle != nil {
			oracle.close()
		}
	}()
	list, err := questions(cases, n, seed)
	if err != nil {
		return 0, 0, err
	}
	codes := 0
	for _, q := range list {
		want, err := oracle.ask(q)
		if errors.Is(err, errOracleEnded) { // out of memory or of patience
			oracle.close()
			if oracle, err = startOracle(module); err != nil {
				return len(list), differ, err
			}
			fmt.Printf("ENDED %s\n  data %s\n", q.Expr, q.Data)
			differ++
			continue
		}
		if err != nil {
			return len(list), differ, fmt.Errorf("ask about %s: %w", q.Expr, err)
		}
		got := evaluate(q)
		switch problem := compare(got, want); problem {
		case "":
		case "code":
			codes++
			if differ < limit {
				fmt.Printf("CODE  %s\n  data %s\n  got  %s\n  want %s %s\n", q.Expr, q.Data, show(got), want.Code, want.Message)
			}
			differ++
		default:
			if differ < limit {
				fmt.Printf("DIFF  %s\n  data %s\n  got  %s\n  want %s\n", q.Expr, q.Data, show(got), show(want))
			}
			differ++
		}
	}
	fmt.Printf("jsonata difftest: seed %d, %d expressions, %d differ (%d of these only in the error code)\n", seed, len(list), differ, codes)
	return len(list), differ, nil
}

func questions(file string, n int, seed uint64) ([]question, error) {
	if file != "" {
		return readCases(file)
	}
	g := &generator{rng: rand.New(rand.NewPCG(seed, 0))}
	list := make([]question, 0, n)
	for range n {
		list = append(list, g.question())
	}
	return list, nil
}

func readCases(file string) ([]question, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var list []question
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var q question
		if err := json.Unmarshal(lines.Bytes(), &q); err != nil {
			return nil, err
		}
		list = append(list, q)
	}
	return list, lines.Err()
}

type oracle struct {
	cmd *exec.Cmd
	in  *json.Encoder
	out *bufio.Scanner
	end func() error
}

var errOracleEnded = errors.New("the oracle ended")

func startOracle(module string) (*oracle, error) {
	path, err := filepath.Abs(module)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("npm jsonata is not there (npm install jsonata@2.2.2 --prefix build/jsonata): %w", err)
	}
	cmd := exec.Command("node", "-e", oracleScript, path)
	cmd.Args = []string{"node", "-e", strings.Replace(oracleScript, "process.argv[2]", "process.argv[1]", 1), path}
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<26)
	return &oracle{cmd: cmd, in: json.NewEncoder(in), out: lines, end: in.Close}, nil
}

func (o *oracle) close() {
	_ = o.end()
	_ = o.cmd.Wait()
}

// patience is how long the oracle may think: on a value that holds itself, for ever.
const patience = 20 * time.Second

func (o *oracle) ask(q question) (answer, error) {
	var a answer
	alarm := time.AfterFunc(patience, func() { _ = o.cmd.Process.Kill() })
	defer alarm.Stop()
	if err := o.in.Encode(q); err != nil {
		return a, errOracleEnded
	}
	if !o.out.Scan() {
		return a, errOracleEnded
	}
	return a, json.Unmarshal(o.out.Bytes(), &a)
}

func evaluate(q question) (a answer) {
	defer func() {
		if r := recover(); r != nil {
			a = answer{Code: "PANIC", Message: fmt.Sprint(r)}
		}
	}()
	expr, err := jsonata.Compile(q.Expr, jsonata.Standard)
	if err != nil {
		return failed(err)
	}
	var input jsonata.Value
	if len(q.Data) > 0 {
		if input, err = jsonata.Parse(string(q.Data)); err != nil {
			return failed(err)
		}
	}
	v, err := expr.Eval(context.Background(), input, jsonata.Env{})
	if err != nil {
		return failed(err)
	}
	if v.IsUndefined() {
		return answer{Undef: true}
	}
	return answer{Result: json.RawMessage(v.JSON())}
}

func failed(err error) answer {
	var e *jsonata.Error
	if errors.As(err, &e) {
		return answer{Code: e.Code, Message: e.Message}
	}
	return answer{Code: "ERR", Message: err.Error()}
}

// compare returns nothing for equal answers.
func compare(got, want answer) string {
	switch {
	case want.Code == "JS":
		return "" // the reference itself broke: any answer will do
	case (got.Code == "") != (want.Code == ""):
		return "outcome"
	case got.Code != "":
		if got.Code == want.Code {
			// Behind "and" and "or" the reference gives errors the operator's name.
			if got.Message != want.Message && !strings.Contains(want.Message, `"and"`) && !strings.Contains(want.Message, `"or"`) {
				return "message"
			}
			return ""
		}
		return "code"
	case got.Undef || want.Undef:
		if got.Undef != want.Undef {
			return "undefined"
		}
		return ""
	}
	var a, b any
	if json.Unmarshal(got.Result, &a) != nil || json.Unmarshal(want.Result, &b) != nil {
		return "json"
	}
	if !same(a, b) {
		return "result"
	}
	return ""
}

// same compares JSON; numbers may differ in the last bit.
func same(a, b any) bool {
	switch x := a.(type) {
	case float64:
		y, ok := b.(float64)
		return ok && (x == y || math.Abs(x-y) <= 1e-14*math.Max(math.Abs(x), math.Abs(y)))
	case []any:
		y, ok := b.([]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for i := range x {
			if !same(x[i], y[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for k := range x {
			if _, ok := y[k]; !ok || !same(x[k], y[k]) {
				return false
			}
		}
		return true
	}
	return a == b
}

func show(a answer) string {
	switch {
	case a.Code != "":
		return "error " + a.Code + ": " + a.Message
	case a.Undef:
		return "undefined"
	}
	return string(a.Result)
}
