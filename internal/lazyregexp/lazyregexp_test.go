package lazyregexp_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stepsleuth/stepsleuth/internal/lazyregexp"
)

func TestItMatchesAsRegexpDoes(t *testing.T) {
	for _, text := range []string{`a(b+)`, `(?i)X`, `^$`, `\s+`} {
		lazy, eager := lazyregexp.New(text), regexp.MustCompile(text)
		for _, s := range []string{"", "abbab", "x y", "aabb x"} {
			if lazy.MatchString(s) != eager.MatchString(s) || lazy.ReplaceAllString(s, "<$1>") != eager.ReplaceAllString(s, "<$1>") ||
				strings.Join(lazy.FindStringSubmatch(s), "|") != strings.Join(eager.FindStringSubmatch(s), "|") ||
				strings.Join(lazy.Split(s, -1), "|") != strings.Join(eager.Split(s, -1), "|") {
				t.Errorf("%s and %q: not as regexp has it", text, s)
			}
		}
	}
}

// Nothing else would notice a wrong expression before it is used.
func TestEveryExpressionInTheRepositoryCompiles(t *testing.T) {
	root := filepath.Join("..", "..")
	count := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return nil // testdata
		}
		ast.Inspect(f, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || !isNew(call.Fun) {
				return true
			}
			for _, arg := range call.Args {
				text, ok := constant(arg)
				if !ok {
					continue
				}
				count++
				if _, err := regexp.Compile(text); err != nil {
					t.Errorf("%s: %v", path, err)
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if count < 300 {
		t.Errorf("only %d expressions were found: the search itself is broken", count)
	}
}

func isNew(fun ast.Expr) bool {
	s, ok := fun.(*ast.SelectorExpr)
	if !ok || s.Sel.Name != "New" && s.Sel.Name != "Any" {
		return false
	}
	x, ok := s.X.(*ast.Ident)
	return ok && x.Name == "lazyregexp"
}

// constant is the text of a literal, or of a sum of them.
func constant(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return text, err == nil
	case *ast.BinaryExpr:
		a, ok := constant(e.X)
		b, ok2 := constant(e.Y)
		return a + b, ok && ok2
	}
	return "", false
}
