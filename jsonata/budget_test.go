package jsonata_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stepsleuth/stepsleuth/jsonata"
)

// TestEveryEvaluationEnds: what would hang or exhaust its host ends in an error,
// soon and in little memory.
func TestEveryEvaluationEnds(t *testing.T) {
	long := strings.Repeat("a", 200_000)
	for name, text := range map[string]string{
		"endless tail recursion":     `($f := function($x){$f($x + 1)}; $f(0))`,
		"endless recursion":          `($f := function($x){1 + $f($x + 1)}; $f(0))`,
		"mutual recursion":           `($f := function(){$g() & 'x'}; $g := function(){$f() & 'y'}; $f())`,
		"string doubling":            `($f := function($s){$f($s & $s)}; $f('0123456789'))`,
		"array doubling":             `($f := function($s){$f($append($s, $s))}; $f([1..10]))`,
		"nesting":                    `($f := function($s){$f([$s])}; $f(1))`,
		"nesting objects":            `($f := function($s, $n){$n = 0 ? $s : $f({'a': $s}, $n - 1)}; $string($f(1, 200000)))`,
		"large range":                `[1..10000000]`,
		"sum of a large range":       `$sum([1..9999999])`,
		"ranges of ranges":           `[1..3000].([1..3000].([1..3000]))`,
		"pairs":                      `($x := [1..100000]; $x.($count($x[$ = 5])))`,
		"pad":                        `$pad('', 1e12)`,
		"pad again":                  `$map([1..1000], function(){$pad('', 1000000)})`,
		"pattern reads on and on":    `$count($match(text, /a.*b|a/))`,
		"split at every character":   `$map([1..1000], function(){$split($$.text, /a/)})`,
		"sort by a function":         `$sort([1..300000], function($a, $b){$a < $b})`,
		"join":                       `$reduce([1..100], function($a, $b){$a & $a}, text)`,
		"replace":                    `$reduce([1..100], function($a, $b){$replace($a, 'a', 'aa')}, text)`,
		"evaluating itself":          `($s := '$eval($s)'; $eval($s))`,
		"descendants of descendants": `($f := function($x){$f([$x.**, $x.**])}; $f([1..10]))`,
		"distinct objects":           `$distinct([1..100000].{'a': $})`,
		"distinct numbers":           `$distinct([1..2000000])`,
		"composition of itself":      `($d := function($f, $n){$n = 0 ? $f : $d($f ~> $f, $n - 1)}; $d($uppercase, 60)('x'))`,
	} {
		t.Run(name, func(t *testing.T) {
			expr, err := jsonata.Compile(text, jsonata.Standard)
			if err != nil {
				t.Fatal(err)
			}
			input, err := jsonata.From(map[string]any{"text": long})
			if err != nil {
				t.Fatal(err)
			}
			peak, stop := watchMemory()
			start := cpuTime()
			_, err = expr.Eval(context.Background(), input, jsonata.Env{})
			took := cpuTime() - start
			stop()
			if !errors.Is(err, jsonata.ErrBudget) {
				t.Errorf("got %.200v, want a budget's end", err)
			}
			if took > allowance*time.Second {
				t.Errorf("took %v", took)
			}
			if mb := peak.Load() >> 20; mb > 256 {
				t.Errorf("took %d MB", mb)
			}
			t.Logf("%v, %d MB, %v", took.Round(time.Millisecond), peak.Load()>>20, err)
			runtime.GC()
		})
	}
}

// TestCatastrophicPatternsAreLinear: what makes a backtracking engine hang does
// not even use up the budget.
func TestCatastrophicPatternsAreLinear(t *testing.T) {
	input, _ := jsonata.From(strings.Repeat("a", 100_000))
	expr := jsonata.MustCompile(`$contains($, /(a*)*b/) or $contains($, /(a|aa)+c/)`, jsonata.Standard)
	start := cpuTime()
	if v, err := expr.Eval(context.Background(), input, jsonata.Env{}); err != nil || v.JSON() != "false" {
		t.Errorf("got %v, %v", v, err)
	}
	if took := cpuTime() - start; took > allowance*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestContextEndsAnEvaluation(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	expr := jsonata.MustCompile(`$sum([1..100000].($ * 2))`, jsonata.Standard)
	if _, err := expr.Eval(ctx, jsonata.Value{}, jsonata.Env{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestBudgetsAreAdjustable(t *testing.T) {
	expr := jsonata.MustCompile(`($f := function($n){$n = 0 ? 0 : 1 + $f($n - 1)}; $f(100))`, jsonata.Standard)
	for _, b := range []jsonata.Budget{{Steps: 50}, {Depth: 50}, {Bytes: 500}} {
		if _, err := expr.Eval(context.Background(), jsonata.Value{}, jsonata.Env{Budget: b}); !errors.Is(err, jsonata.ErrBudget) {
			t.Errorf("%+v: got %v", b, err)
		}
	}
	if v, err := expr.Eval(context.Background(), jsonata.Value{}, jsonata.Env{}); err != nil || v.JSON() != "100" {
		t.Errorf("got %v, %v", v, err)
	}
}

func TestDeepExpressionsAreRefused(t *testing.T) {
	for _, text := range []string{strings.Repeat("(", 100_000), strings.Repeat("[", 100_000), strings.Repeat("-", 100_000) + "1", strings.Repeat("a.(", 10_000),
		strings.Repeat("function(){", 10_000), "1" + strings.Repeat("+1", 100_000)} {
		start := cpuTime()
		expr, err := jsonata.Compile(text, jsonata.Standard)
		if err == nil {
			_, err = expr.Eval(context.Background(), jsonata.Value{}, jsonata.Env{})
		}
		if took := cpuTime() - start; took > allowance*time.Second {
			t.Errorf("%.20s: took %v (%v)", text, took, err)
		}
	}
}

func TestResultsCanBeReadBack(t *testing.T) {
	expr := jsonata.MustCompile(`($f := function($s, $n){$n = 0 ? $s : $f([$s, 1], $n - 1)}; $f(1, 5000))`, jsonata.Standard)
	if v, err := expr.Eval(context.Background(), jsonata.Value{}, jsonata.Env{}); !errors.Is(err, jsonata.ErrBudget) {
		t.Errorf("got %.50v, %v", v, err)
	}
}
