package conformance_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stepsleuth/stepsleuth/conformance"
	"github.com/stepsleuth/stepsleuth/internal/sharedtest"
)

// recordings loads the cases, or skips: loudly on a user's machine, never in CI.
func recordings(t *testing.T) (dir string, cases []*conformance.Case) {
	t.Helper()
	dir = sharedtest.Dir(t, "conformance")
	cases, err := conformance.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return dir, cases
}

// floors are the passes below which the engine has got worse.
var floors = map[string]int{
	"direct": 285, "replay": 377, "mocked": 8, "express-async": 5, "test-state": 114, "validation": 6,
}

func TestPassesDoNotFall(t *testing.T) {
	_, cases := recordings(t)
	for _, s := range conformance.Suites {
		t.Run(s.Name, func(t *testing.T) {
			tally := s.Measure(context.Background(), cases)
			for _, g := range tally.Groups {
				t.Logf("%-22s %3d of %3d", g.Name, g.Passed, g.Total)
			}
			for _, f := range tally.Failed {
				t.Logf("not passed: %s: %.300s", f.Slug, f.Why)
			}
			passed, total := tally.Passed()
			t.Logf("%s: %d of %d", s.Name, passed, total)
			if passed < floors[s.Name] {
				t.Errorf("%d of %d pass, fewer than the %d of before", passed, total, floors[s.Name])
			}
		})
	}
}

func TestTheDocumentIsUpToDate(t *testing.T) {
	_, cases := recordings(t)
	want := conformance.Document(context.Background(), cases)
	got, err := os.ReadFile(filepath.Join("..", "docs", "conformance.md"))
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("docs/conformance.md is stale: go run ./conformance/cmd/conform -doc docs/conformance.md")
	}
}

// TestTheComparersAgree holds the comparer in Go against the recordings' own one,
// on results that pass and on results that were spoilt.
func TestTheComparersAgree(t *testing.T) {
	dir, cases := recordings(t)
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("SKIPPED: no python3, so the comparer was not compared")
	}
	out := t.TempDir()
	verdicts := make(map[string]bool)
	var list strings.Builder
	for i, c := range cases {
		result, _ := conformance.Run(context.Background(), c, conformance.Replay)
		if result == nil {
			continue
		}
		if i%3 == 0 {
			result = spoil(result)
		}
		file := filepath.Join(out, c.Slug+".json")
		if err := os.WriteFile(file, result, 0o600); err != nil {
			t.Fatal(err)
		}
		verdicts[c.Slug] = conformance.Compare(c, result).Pass
		list.WriteString(c.Slug + "\n")
	}
	cmd := exec.Command(python, "-c", judgeAll, dir, out)
	cmd.Stdin = strings.NewReader(list.String())
	answer, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	passed := 0
	for line := range strings.Lines(string(answer)) {
		slug, verdict, _ := strings.Cut(strings.TrimSpace(line), " ")
		if verdicts[slug] != (verdict == "True") {
			t.Errorf("%s: Go says %t, compare.py says %s", slug, verdicts[slug], verdict)
		}
		if verdict == "True" {
			passed++
		}
	}
	if passed == 0 {
		t.Error("nothing passed: the comparison itself is broken")
	}
}

// spoil changes a result a little.
func spoil(result []byte) []byte {
	s := string(result)
	for _, change := range [][2]string{
		{`"PassStateEntered"`, `"TaskStateEntered"`}, {`"previousEventId":3`, `"previousEventId":2`}, {`"SUCCEEDED"`, `"FAILED"`}, {`a`, `b`},
	} {
		if strings.Contains(s, change[0]) {
			return []byte(strings.Replace(s, change[0], change[1], 1))
		}
	}
	return result
}

const judgeAll = `
import json, os, sys
sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
import compare
files = {x["slug"]: x["file"] for x in json.load(open(os.path.join(sys.argv[1], "index.json")))["cases"]}
for slug in sys.stdin.read().split():
    case = json.load(open(os.path.join(sys.argv[1], files[slug])))
    print(slug, bool(compare.judge(case, os.path.join(sys.argv[2], slug + ".json"))["unordered"]))
`
