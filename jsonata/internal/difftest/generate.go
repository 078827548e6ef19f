package main

import (
	"encoding/json"
	"math/rand/v2"
	"strconv"
	"strings"
)

// generator makes expressions from a grammar that leans towards what interacts:
// sequences, predicates, grouping, sorting, parents and functions.
type generator struct {
	rng  *rand.Rand
	vars []string
	tame bool // no wildcards: the reference misreads them in an array that starts a path
}

func (g *generator) n(n int) int             { return g.rng.IntN(n) }
func (g *generator) pick(s ...string) string { return s[g.n(len(s))] }

func (g *generator) question() question {
	g.vars = nil
	data, _ := json.Marshal(g.data(3))
	return question{Expr: g.expr(2 + g.n(3)), Data: data}
}

func (g *generator) key() string { return g.pick("a", "b", "c", "d", "e") }

func (g *generator) data(depth int) any {
	k := g.n(10)
	if depth == 0 {
		k = g.n(5)
	} else if depth == 3 {
		k = 6 + g.n(4)
	}
	switch k {
	case 0, 1:
		return []float64{0, 1, 2, 3, -1, 1.5, 10}[g.n(7)]
	case 2:
		return g.pick("", "x", "y", "ab", "abc", "1", "a b")
	case 3:
		return g.n(2) == 0
	case 4:
		return nil
	case 5, 6:
		list := make([]any, g.n(4))
		for i := range list {
			list[i] = g.data(depth - 1)
		}
		return list
	}
	m := map[string]any{}
	for range 1 + g.n(3) {
		m[g.key()] = g.data(depth - 1)
	}
	return m
}

func (g *generator) expr(depth int) string {
	if depth <= 0 {
		return g.leaf()
	}
	switch g.n(24) {
	case 0, 1, 2, 3, 4, 5:
		return g.path(depth)
	case 6, 7:
		return g.expr(depth-1) + g.pick(" + ", " - ", " * ", " / ", " % ", " & ", " = ", " != ", " < ", " <= ", " > ", " >= ", " in ", " and ", " or ", " ?? ", " ?: ") + g.expr(depth-1)
	case 8:
		return "[" + g.list(depth-1, g.n(4)) + "]"
	case 9:
		return g.object(depth)
	case 10:
		return "(" + g.expr(depth-1) + ")"
	case 11:
		return g.expr(depth-1) + " ? " + g.expr(depth-1) + " : " + g.expr(depth-1)
	case 12, 13, 14, 15:
		return g.function(depth)
	case 16:
		return g.block(depth)
	case 17:
		return "(" + g.expr(depth-1) + ")" + g.suffix(depth-1)
	case 18:
		return g.expr(depth-1) + " ~> " + g.pick("$sum()", "$count()", "$string", "$reverse()", "$map(function($v){"+g.with("v", depth-1)+"})", "$distinct()", "$keys()", "$type", "$append(1)")
	case 19:
		return "[" + strconv.Itoa(g.n(3)) + ".." + strconv.Itoa(g.n(5)) + "]"
	case 20:
		return "$ ~> |" + g.key() + g.pick("", "."+g.key(), ".*") + "|" + g.object(1) + g.pick("", ",'a'", ",['a','b']") + "|"
	case 21:
		return "-" + g.expr(depth-1)
	case 22:
		return g.path(depth-1) + "." + g.function(depth-1)
	}
	return g.leaf()
}

func (g *generator) leaf() string {
	switch g.n(12) {
	case 0:
		return strconv.Itoa(g.n(4))
	case 1:
		return g.pick("'x'", "'ab'", "'a'", "''", "'1'")
	case 2:
		return g.pick("true", "false", "null", "nothing")
	case 3:
		return "$"
	case 4:
		if g.tame {
			return "$$"
		}
		return g.pick("*", "**", "$$")
	case 5:
		if len(g.vars) > 0 {
			return "$" + g.vars[g.n(len(g.vars))]
		}
		return "$$"
	case 6:
		return g.pick("1.5", "0.1", "1e3", "2.675")
	}
	return g.key()
}

func (g *generator) path(depth int) string {
	var b strings.Builder
	switch g.n(8) {
	case 0:
		b.WriteString("$")
	case 1:
		b.WriteString("$$")
	case 2:
		was := g.tame
		g.tame = true
		b.WriteString("[" + g.list(depth-1, 1+g.n(2)) + "]")
		g.tame = was
	case 3:
		b.WriteString("(" + g.expr(depth-1) + ")")
	default:
		b.WriteString(g.key())
	}
	bound := len(g.vars)
	for range g.n(4) {
		b.WriteString(g.suffix(depth - 1))
		b.WriteString("." + g.step(depth-1))
	}
	b.WriteString(g.suffix(depth - 1))
	g.vars = g.vars[:bound]
	return b.String()
}

func (g *generator) step(depth int) string {
	switch g.n(14) {
	case 0:
		if g.tame {
			return "$"
		}
		return "*"
	case 1:
		return "**"
	case 2:
		return "%"
	case 3:
		return "[" + g.list(depth-1, 1+g.n(2)) + "]"
	case 4:
		return g.object(depth)
	case 5:
		return "(" + g.expr(depth-1) + ")"
	case 6:
		return "$"
	}
	return g.key()
}

func (g *generator) suffix(depth int) string {
	switch g.n(22) {
	case 0:
		return "[" + strconv.Itoa(g.n(4)-1) + "]"
	case 1:
		return "[]"
	case 2:
		return "[" + g.expr(min(depth, 1)) + "]"
	case 3:
		return "^(" + g.pick("", "<", ">") + g.expr(min(depth-1, 0)) + ")"
	case 4:
		return g.groupBy(depth)
	case 5:
		g.vars = append(g.vars, "i")
		return "#$i"
	case 6:
		g.vars = append(g.vars, "f")
		return "@$f"
	case 7:
		return "[%." + g.key() + " = " + g.leaf() + "]"
	case 8:
		return "[[0,1]]"
	}
	return ""
}

func (g *generator) groupBy(depth int) string {
	return "{" + g.pick("'k'", "$string(a)", "a", "$type($)") + ": " + g.expr(min(depth-1, 1)) + "}"
}

func (g *generator) object(depth int) string {
	var parts []string
	for i := range g.n(3) {
		parts = append(parts, "'"+string(rune('k'+i))+"': "+g.expr(depth-1))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

func (g *generator) list(depth, n int) string {
	parts := make([]string, n)
	for i := range parts {
		parts[i] = g.expr(depth)
	}
	return strings.Join(parts, ", ")
}

// with makes an expression that may use a parameter.
func (g *generator) with(name string, depth int) string {
	g.vars = append(g.vars, name)
	s := g.expr(depth)
	g.vars = g.vars[:len(g.vars)-1]
	return s
}

func (g *generator) block(depth int) string {
	s := "($x := " + g.expr(depth-1) + "; "
	return s + g.with("x", depth-1) + ")"
}

func (g *generator) lambda(depth int) string {
	s := "function($v" + g.pick("", ", $k", ", $k, $w") + "){"
	return s + g.with("v", depth-1) + "}"
}

func (g *generator) function(depth int) string {
	e := func() string { return g.expr(depth - 1) }
	switch g.n(12) {
	case 0, 1:
		name := g.pick("sum", "count", "max", "min", "average", "string", "number", "boolean", "not", "exists", "type", "keys", "reverse",
			"distinct", "sort", "length", "uppercase", "lowercase", "trim", "floor", "ceil", "abs", "round", "sqrt", "spread", "merge", "zip", "clone", "shuffle")
		if name == "shuffle" {
			return "$count($shuffle(" + e() + "))"
		}
		return "$" + name + "(" + e() + ")"
	case 2:
		return "$" + g.pick("map", "filter", "each", "sift", "single") + "(" + e() + ", " + g.lambda(depth) + ")"
	case 3:
		return "$reduce(" + e() + ", function($v, $k){" + g.with("v", depth-1) + "}" + g.pick("", ", "+e()) + ")"
	case 4:
		return "$sort(" + e() + ", function($v, $k){$v " + g.pick("<", ">") + " $k})"
	case 5:
		return "$" + g.pick("append", "zip", "lookup", "power", "contains", "split", "substringBefore", "substringAfter", "join", "formatBase", "round") + "(" + e() + ", " + e() + ")"
	case 6:
		return "$" + g.pick("substring", "pad", "replace", "split", "reduce") + "(" + e() + ", " + e() + ", " + e() + ")"
	case 7:
		return "$" + g.pick("match", "split", "contains") + "(" + e() + ", /" + g.pick("a", "[a-c]+", "(a)(b)?", "\\\\d", ".") + "/)"
	case 8:
		return "$replace(" + e() + ", /" + g.pick("a", "(a)(b)", "[bc]") + "/, " + g.pick("'x'", "'$1'", "'<$0>'", "function($m){$m.match & '!'}") + ")"
	case 9:
		return g.lambda(depth) + "(" + e() + ")"
	case 10:
		return "$" + g.pick("formatNumber(1234.5678, '"+g.pick("#,##0.00", "0", "00.0e0", "#.#", "0%")+"')", "formatInteger("+strconv.Itoa(g.n(5000))+", '"+g.pick("w", "I", "a", "0,000", "w;o", "0;o", "Ww")+"')",
			"fromMillis("+strconv.Itoa(g.n(1<<30))+"000, '"+g.pick("[Y]-[M01]-[D01]", "[FNn], [D1o] [MNn] [Y]", "[H]:[m]:[s] [P]", "[X]-W[W01]-[F0]", "[d] [w] [xNn]", "[h#1]:[m01] [PN]")+"')")
	}
	return "$" + g.pick("string", "type", "boolean", "exists") + "(" + e() + ")"
}
