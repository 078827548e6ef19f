// Package archtest holds the floor plan of stepsleuth: which room may import
// which. It reads the source files themselves, so that no cached tool decides.
// Whoever changes the plan changes this file in the same commit and says why in
// ARCHITECTURE.md.
package archtest_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/stepsleuth/stepsleuth"

// room is a package with everything below it.
type room struct {
	path  string
	floor int
	over  []string // rooms of the same floor that it stands on
	never []string // rooms below that it must not know all the same
}

// plan lists the rooms, most specific path first where one lies in another.
var plan = []room{
	{path: "internal/value", floor: 0},
	{path: "internal/jsonpath", floor: 0, over: []string{"internal/value"}},
	{path: "internal/intrinsic", floor: 0, over: []string{"internal/value", "internal/jsonpath"}},
	{path: "jsonata", floor: 0, over: []string{"internal/value", "internal/lazyregexp"}},
	{path: "asl", floor: 0, over: []string{"internal/value", "internal/jsonpath", "internal/intrinsic", "jsonata"}},
	{path: "history", floor: 0},
	{path: "redact", floor: 0},
	{path: "internal/awsjson", floor: 0},

	{path: "engine", floor: 1, never: []string{"redact"}},
	{path: "diagnose/rules", floor: 2, never: []string{"engine"}},
	{path: "diagnose", floor: 1, never: []string{"jsonata"}},

	{path: "instrument", floor: 2, never: []string{"engine", "diagnose"}},
	{path: "conformance", floor: 2, over: []string{"internal/mockfile", "sfnlocal"}, never: []string{"diagnose"}}, // cases of an API are answered by the API
	{path: "sfnlocal", floor: 2, never: []string{"diagnose", "redact"}},                                           // AWS's types are its wire format
	{path: "internal/mockfile", floor: 2, never: []string{"diagnose"}},
	{path: "internal/definition", floor: 2, never: []string{"engine", "diagnose"}}, // files to definitions
	{path: "internal/bucket", floor: 2, never: []string{"diagnose"}},
	{path: "internal/lambdart", floor: 2, never: []string{"diagnose"}},
	{path: "internal/topics", floor: 2, never: []string{"diagnose", "redact"}},                               // publishes what a workflow says as it is
	{path: "internal/functions", floor: 2, over: []string{"internal/lambdart"}, never: []string{"diagnose"}}, // its file names what lambdart runs
	{path: "internal/llm/llmtest", floor: 3, never: []string{"engine"}},                                      // a suite: it looks at documents too
	{path: "internal/llm", floor: 2, never: []string{"engine"}},
	{path: "internal/report", floor: 2, never: []string{"engine"}},
	{path: "internal/notify", floor: 2, over: []string{"internal/report"}, never: []string{"engine", "diagnose"}},
	{path: "internal/awscloud", floor: 2, never: []string{"engine", "diagnose/rules"}}, // fetches; judges nothing
	{path: "internal/store", floor: 2, never: []string{"engine", "diagnose"}},

	{path: "internal/oncall", floor: 3, over: nil, never: []string{"engine"}},
	{path: "internal/decision", floor: 3, never: []string{"engine", "diagnose"}}, // a person's answer; judges nothing
	{path: "internal/verify", floor: 3},
	{path: "internal/eval", floor: 3, never: []string{"engine"}},
	{path: "internal/setup", floor: 3, never: []string{"engine", "diagnose"}}, // asks AWS about a deployment

	{path: "deploy", floor: 0, over: []string{"internal/wholefile"}}, // embeds the module and the template
	{path: "cmd", floor: 4},
	{path: "internal/archtest", floor: 4},
	{path: "internal/perf", floor: 4},
	{path: "internal/release", floor: 4, never: []string{"engine", "diagnose"}}, // packs the command
	{path: "internal/fuzz", floor: 4, never: []string{"engine", "diagnose"}},    // runs go test
	{path: "internal/lazyregexp", floor: 0},
	{path: "internal/wholefile", floor: 0},
	{path: "internal/sharedtest", floor: 0}, // finds the recorded cases, for tests only
	{path: "internal/clienttest", floor: 0}, // Terraform, the AWS CLI and moto_server, for tests only
}

// awsRooms are the only ones that may import the AWS SDK.
var awsRooms = []string{"internal/llm", "internal/notify", "internal/awscloud", "internal/store/dynamo", "internal/setup", "internal/topics", "internal/clienttest", "sfnlocal", "cmd"}

// environmentRooms may read flags and the environment.
var environmentRooms = []string{"cmd", "conformance/cmd", "jsonata/internal/difftest", "internal/fuzz", "internal/perf", "internal/release", "internal/sharedtest", "internal/clienttest"}

type file struct {
	path    string // from the repository's root
	pkgPath string // "engine/functions"
	ast     *ast.File
	test    bool
}

func TestImportsGoDownOnly(t *testing.T) {
	for _, f := range sources(t) {
		from, ok := roomOf(f.pkgPath)
		if !ok {
			t.Errorf("%s: package %s is in no room of the floor plan", f.path, f.pkgPath)
			continue
		}
		for _, imp := range imports(f) {
			rest, ours := strings.CutPrefix(imp, module+"/")
			if !ours || f.test {
				continue // tests may stand anywhere
			}
			to, ok := roomOf(rest)
			if ok && !allowed(from, to) {
				t.Errorf("%s: %s (floor %d) must not import %s (floor %d)", f.path, from.path, from.floor, to.path, to.floor)
			}
		}
	}
}

func allowed(from, to room) bool {
	switch {
	case from.path == to.path:
		return true
	case slices.Contains(from.never, to.path):
		return false
	case from.floor == to.floor:
		return slices.Contains(from.over, to.path)
	}
	return from.floor > to.floor
}

func TestOnlySomeRoomsKnowAWS(t *testing.T) {
	for _, f := range sources(t) {
		for _, imp := range imports(f) {
			if strings.HasPrefix(imp, "github.com/aws/") && !inRooms(f.pkgPath, awsRooms) && !f.test {
				t.Errorf("%s imports %s; only %v may", f.path, imp, awsRooms)
			}
		}
	}
}

func TestOnlyCommandsReadFlagsAndEnvironment(t *testing.T) {
	for _, f := range sources(t) {
		if f.test || inRooms(f.pkgPath, environmentRooms) {
			continue
		}
		if slices.Contains(imports(f), "flag") {
			t.Errorf("%s imports flag; only %v may", f.path, environmentRooms)
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			pkg, ok := sel.X.(*ast.Ident)
			if ok && pkg.Name == "os" && slices.Contains([]string{"Getenv", "LookupEnv", "Environ", "Args"}, sel.Sel.Name) {
				t.Errorf("%s reads os.%s; only %v may", f.path, sel.Sel.Name, environmentRooms)
			}
			return true
		})
	}
}

// Public packages name no internal type in a signature or a field; a type of
// their own over an internal one (type Value value.Value) is how they pass it on.
func TestPublicPackagesExportNoInternalTypes(t *testing.T) {
	for _, f := range sources(t) {
		if f.test || strings.HasPrefix(f.pkgPath, "internal/") || strings.Contains(f.pkgPath, "/internal") || strings.HasPrefix(f.pkgPath, "cmd/") || strings.Contains(f.pkgPath, "/cmd/") {
			continue
		}
		internal := internalNames(f)
		for _, decl := range f.ast.Decls {
			for _, exposed := range exposedTypes(decl) {
				if name := firstInternal(exposed.expr, internal); name != "" {
					t.Errorf("%s: exported %s shows %s, which users cannot name", f.path, exposed.name, name)
				}
			}
		}
	}
}

type exposure struct {
	name string
	expr ast.Expr
}

// exposedTypes returns the type expressions that users of decl can see.
func exposedTypes(decl ast.Decl) []exposure {
	var out []exposure
	fields := func(name string, list *ast.FieldList, exportedOnly bool) {
		if list == nil {
			return
		}
		for _, field := range list.List {
			if exportedOnly && len(field.Names) > 0 && !slices.ContainsFunc(field.Names, func(id *ast.Ident) bool { return id.IsExported() }) {
				continue
			}
			out = append(out, exposure{name, field.Type})
		}
	}
	switch d := decl.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() && exportedReceiver(d) {
			fields(d.Name.Name, d.Type.Params, false)
			fields(d.Name.Name, d.Type.Results, false)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			ts, ok := spec.(*ast.TypeSpec)
			if !ok || !ts.Name.IsExported() {
				continue
			}
			switch typ := ts.Type.(type) {
			case *ast.StructType:
				fields(ts.Name.Name, typ.Fields, true)
			case *ast.InterfaceType:
				fields(ts.Name.Name, typ.Methods, true)
			case *ast.FuncType:
				fields(ts.Name.Name, typ.Params, false)
				fields(ts.Name.Name, typ.Results, false)
			}
		}
	}
	return out
}

func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	typ := d.Recv.List[0].Type
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	id, ok := typ.(*ast.Ident)
	return ok && id.IsExported()
}

func firstInternal(expr ast.Expr, internal map[string]string) string {
	found := ""
	ast.Inspect(expr, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if pkg, ok := sel.X.(*ast.Ident); ok && internal[pkg.Name] != "" {
				found = pkg.Name + "." + sel.Sel.Name
			}
		}
		return found == ""
	})
	return found
}

// internalNames maps the names under which f knows internal packages to their paths.
func internalNames(f file) map[string]string {
	names := map[string]string{}
	for _, spec := range f.ast.Imports {
		path, _ := strconv.Unquote(spec.Path.Value)
		if !strings.HasPrefix(path, module+"/internal/") {
			continue
		}
		name := path[strings.LastIndexByte(path, '/')+1:]
		if spec.Name != nil {
			name = spec.Name.Name
		}
		names[name] = path
	}
	return names
}

func imports(f file) []string {
	var out []string
	for _, spec := range f.ast.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err == nil {
			out = append(out, path)
		}
	}
	return out
}

func roomOf(pkgPath string) (room, bool) {
	for _, r := range plan {
		if pkgPath == r.path || strings.HasPrefix(pkgPath, r.path+"/") {
			return r, true
		}
	}
	return room{}, false
}

func inRooms(pkgPath string, rooms []string) bool {
	return slices.ContainsFunc(rooms, func(r string) bool { return pkgPath == r || strings.HasPrefix(pkgPath, r+"/") })
}

func sources(t *testing.T) []file {
	t.Helper()
	root := "../.."
	var files []file
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, path)
		if d.IsDir() {
			name := d.Name()
			if rel != "." && (name == "testdata" || name == "tools" || name == "node_modules" || strings.HasPrefix(name, ".")) {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		f, err := parse(path)
		if err != nil {
			return err
		}
		f.path, f.pkgPath = filepath.ToSlash(rel), filepath.ToSlash(filepath.Dir(rel))
		files = append(files, f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatal("no source files found")
	}
	return files
}

func parse(path string) (file, error) {
	src, err := os.ReadFile(path)
	if err != nil {
		return file{}, err
	}
	parsed, err := parser.ParseFile(token.NewFileSet(), path, src, parser.SkipObjectResolution)
	if err != nil {
		return file{}, fmt.Errorf("parse %s: %w", path, err)
	}
	return file{ast: parsed, test: strings.HasSuffix(path, "_test.go")}, nil
}
