package asl_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stepsleuth/stepsleuth/asl"
)

// TestEditsKeepTheRest runs testdata/edit: each archive holds in.json, edits (a line
// each: verb, pointer, arguments) and the out.json that they give. A line with CRLF
// in its comment makes the line ends of both so.
func TestEditsKeepTheRest(t *testing.T) {
	files, err := filepath.Glob("testdata/edit/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			part := archive(t, file)
			in, want := part["in.json"], part["out.json"]
			if strings.Contains(part[""], "CRLF") {
				in, want = strings.ReplaceAll(in, "\n", "\r\n"), strings.ReplaceAll(want, "\n", "\r\n")
			}
			got := in
			for line := range strings.Lines(part["edits"]) {
				got = editOnce(t, got, strings.TrimSpace(line))
			}
			if got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func editOnce(t *testing.T, text, line string) string {
	t.Helper()
	doc, err := asl.OpenDocument(text)
	if err != nil {
		t.Fatal(err)
	}
	f := strings.SplitN(line, " ", 5)
	var e asl.Edit
	switch f[0] {
	case "set": // pointer value
		e, err = doc.Set(f[1], strings.Join(f[2:], " "))
	case "insert": // pointer key value
		e, err = doc.Insert(f[1], "", f[2], strings.Join(f[3:], " "))
	case "insert-after": // pointer after key value
		e, err = doc.Insert(f[1], f[2], f[3], f[4])
	case "first": // pointer value
		e, err = doc.InsertItem(f[1], 0, strings.Join(f[2:], " "))
	case "append": // pointer value
		e, err = doc.InsertItem(f[1], -1, strings.Join(f[2:], " "))
	case "remove": // pointer
		e, err = doc.Remove(f[1])
	default:
		t.Fatalf("no edit %q", f[0])
	}
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	out, err := asl.Apply(text, []asl.Edit{e})
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return out
}

func TestApplyRefusesOverlaps(t *testing.T) {
	for _, edits := range [][]asl.Edit{
		{{Span: asl.Span{Start: 0, End: 3}}, {Span: asl.Span{Start: 2, End: 4}}},
		{{Span: asl.Span{Start: 0, End: 9}}},
		{{Span: asl.Span{Start: -1, End: 1}}},
		{{Span: asl.Span{Start: 3, End: 2}}},
	} {
		if _, err := asl.Apply("abcdef", edits); err == nil {
			t.Errorf("%v was applied", edits)
		}
	}
	got, err := asl.Apply("abcdef", []asl.Edit{{asl.Span{Start: 4, End: 6}, "X"}, {asl.Span{Start: 1, End: 1}, "1"}, {asl.Span{Start: 1, End: 1}, "2"}})
	if err != nil || got != "a12bcdX" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestFindByPointer(t *testing.T) {
	const text = "\ufeff{\"a/b\": [1, {\"~\": \"x\\\"y\"}], \"\": null}"
	for _, c := range []struct{ pointer, value, key string }{
		{"", text[3:], ""}, {"/a~1b/0", "1", ""}, {"/a~1b/1/~0", `"x\"y"`, `"~"`}, {"/", "null", `""`},
	} {
		val, key, err := asl.Find(text, c.pointer)
		if err != nil || text[val.Start:val.End] != c.value || text[key.Start:key.End] != c.key {
			t.Errorf("%q: %q, key %q, %v", c.pointer, text[val.Start:val.End], text[key.Start:key.End], err)
		}
	}
	for _, pointer := range []string{"a", "/x", "/a~1b/2", "/a~1b/-", "/a~1b/00", "/a~1b/0/0"} {
		if _, _, err := asl.Find(text, pointer); !errors.Is(err, asl.ErrNoSuchValue) {
			t.Errorf("%q: %v", pointer, err)
		}
	}
}

// TestDiffsApply lets git judge the diffs.
func TestDiffsApply(t *testing.T) {
	git, err := exec.LookPath("git")
	if err != nil {
		t.Skip("SKIPPED: no git to apply diffs with")
	}
	long := strings.Repeat("same\n", 20)
	for name, c := range map[string][2]string{
		"one line":           {"a\nb\nc\n", "a\nB\nc\n"},
		"far apart":          {"a\n" + long + "b\n" + long + "c\n", "A\n" + long + "b\n" + long + "C\n"},
		"near":               {"1\n2\n3\n4\n5\n6\n7\n8\n", "x\n2\n3\n4\n5\n6\n7\ny\n"},
		"from nothing":       {"", "a\nb\n"},
		"to nothing":         {"a\nb\n", ""},
		"line end gone":      {"a\nb\n", "a\nb"},
		"line end new":       {"a\nb", "a\nb\n"},
		"no line end at all": {"{\"a\":1}", "{\"a\":2}"},
		"moved":              {"1\n2\n3\n4\n5\n", "5\n1\n2\n3\n4\n"},
		"inserted":           {long + long, long + "new\nnew2\n" + long},
		"CRLF":               {"a\r\nb\r\n", "a\r\nc\r\n"},
		"too much":           {strings.Repeat("a\nb\n", 2000), strings.Repeat("c\nd\ne\n", 1500)},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, "f")
			if err := os.WriteFile(file, []byte(c[0]), 0o600); err != nil {
				t.Fatal(err)
			}
			diff := asl.Diff("a/f", "b/f", c[0], c[1])
			cmd := exec.Command(git, "apply", "--whitespace=nowarn", "-")
			cmd.Dir, cmd.Stdin = dir, strings.NewReader(diff)
			cmd.Env = append(os.Environ(), "GIT_CEILING_DIRECTORIES="+filepath.Dir(dir))
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s\n%s", err, out, diff)
			}
			got, err := os.ReadFile(file)
			if err != nil && !os.IsNotExist(err) {
				t.Fatal(err)
			}
			if string(got) != c[1] {
				t.Errorf("applied, it gives %q, want %q\n%s", got, c[1], diff)
			}
		})
	}
	if d := asl.Diff("a", "b", "x", "x"); d != "" {
		t.Errorf("equal texts differ: %s", d)
	}
}

func FuzzApply(f *testing.F) {
	f.Add(`{"a": [1, 2], "b": {}}`, "/a", `{"x":[1]}`)
	f.Add("{\r\n\t\"a\": {\r\n\t\t\"b\": []\r\n\t}\r\n}", "/a/b", `"s"`)
	f.Add("\ufeff[]", "", `null`)
	f.Fuzz(func(t *testing.T, text, pointer, value string) {
		doc, err := asl.OpenDocument(text)
		if err != nil {
			return
		}
		type edit struct {
			e   asl.Edit
			err error
		}
		var edits []edit
		add := func(e asl.Edit, err error) { edits = append(edits, edit{e, err}) }
		add(doc.Set(pointer, value))
		add(doc.Insert(pointer, "", "new key", value))
		add(doc.InsertItem(pointer, 0, value))
		add(doc.InsertItem(pointer, -1, value))
		add(doc.Remove(pointer))
		for _, x := range edits {
			if x.err != nil {
				continue
			}
			out, err := asl.Apply(text, []asl.Edit{x.e})
			if err != nil {
				t.Fatalf("%q: %+v: %v", text, x.e, err)
			}
			if _, err := asl.OpenDocument(out); err != nil {
				t.Fatalf("%q with %+v is %q: %v", text, x.e, out, err)
			}
		}
	})
}
