package diagnose_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/history"
)

var update = flag.Bool("update", false, "write what was found into the case files: look at the difference before committing it")

// The cases are histories in short: a line an event, "id previousEventId type
// details". A payload may be written as JSON instead of text that holds JSON.
func TestLocateCases(t *testing.T) {
	files, err := filepath.Glob("testdata/locate/*.txtar")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d cases, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			ar := readArchive(t, file)
			got := story(locateCase(t, ar))
			if want := section(ar, "want"); got != want && *update {
				rewrite(t, file, ar, got)
			} else if got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// archive is a txtar file: its sections in order, each "name\ntext".
type archive []string

func readArchive(t testing.TB, file string) archive {
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(string(b), "\n-- ")
}

func (a archive) section(i int) (name, text string) {
	name, text, _ = strings.Cut(a[i], " --\n")
	return name, text
}

func section(a archive, name string) string {
	for i := 1; i < len(a); i++ {
		if n, text := a.section(i); n == name {
			return strings.TrimSuffix(text, "\n") + "\n"
		}
	}
	return ""
}

func rewrite(t *testing.T, file string, a archive, want string) {
	if strings.HasPrefix(a[len(a)-1], "want --") {
		a = a[:len(a)-1]
	}
	a[len(a)-1] = strings.TrimSuffix(a[len(a)-1], "\n")
	a = append(a, "want --\n"+want)
	if err := os.WriteFile(file, []byte(strings.Join(a, "\n-- ")), 0o644); err != nil {
		t.Fatal(err)
	}
}

func locateCase(t *testing.T, ar archive) diagnose.Location {
	x, m, children := readCase(t, ar)
	return diagnose.Locate(x, m, children...)
}

func readCase(t testing.TB, ar archive) (x *history.Execution, m *asl.Machine, children []*history.Execution) {
	var err error
	for i := 1; i < len(ar); i++ {
		name, text := ar.section(i)
		kind, arn, _ := strings.Cut(name, " ")
		switch kind {
		case "definition":
			if m, err = asl.Parse("definition", []byte(text)); err != nil {
				t.Fatal(err)
			}
		case "history":
			x = short(t, text, section(ar, "describe"))
		case "child":
			c := short(t, text, "")
			c.ARN = arn
			children = append(children, c)
		case "mapchild":
			c := short(t, text, "")
			c.MapRunARN = arn
			children = append(children, c)
		}
	}
	if x == nil {
		t.Fatal("no history")
	}
	return x, m, children
}

// short makes an execution of the short form by way of AWS's JSON.
func short(t testing.TB, lines, describe string) *history.Execution {
	var b strings.Builder
	b.WriteString(describe + `{"events":[`)
	for i, line := range strings.Split(strings.TrimSpace(lines), "\n") {
		var id, previous int64
		var typ string
		if _, err := fmt.Sscan(line, &id, &previous, &typ); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		event := map[string]any{
			"id": id, "previousEventId": previous, "type": typ, "timestamp": fmt.Sprintf("2024-03-01T12:%02d:%02dZ", id/60, id%60),
		}
		if _, details, ok := strings.Cut(line, "{"); ok {
			event[history.EventType(typ).DetailsMember()] = longDetails(t, "{"+details)
		}
		out, err := json.Marshal(event)
		if err != nil {
			t.Fatal(err)
		}
		if i > 0 {
			b.WriteString(",\n")
		}
		b.Write(out)
	}
	b.WriteString("]}")
	x, err := history.Read(strings.NewReader(b.String()))
	if err != nil {
		t.Fatalf("%v\n%s", err, b.String())
	}
	return x
}

func longDetails(t testing.TB, text string) map[string]any {
	var d map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	long := map[string]any{}
	for name, v := range d {
		long[name] = v
		switch name {
		case "input", "output":
			long[name+"Details"] = map[string]bool{"truncated": false}
			fallthrough
		case "parameters":
			long[name] = string(v)
		}
	}
	return long
}

// story tells a location in lines.
func story(loc diagnose.Location) string {
	var b strings.Builder
	tell(&b, "failure", loc.Failure, "")
	if loc.HandlerFailed {
		b.WriteString("handler failed\n")
	}
	tell(&b, "origin", loc.Origin, "")
	for _, f := range loc.Others {
		tell(&b, "other", &f, "")
	}
	if loc.OtherCount != 0 {
		fmt.Fprintf(&b, "others %d\n", loc.OtherCount)
	}
	return b.String()
}

func tell(b *strings.Builder, what string, f *diagnose.Failure, indent string) {
	if f == nil {
		return
	}
	fmt.Fprintf(b, "%s%s %s\n", indent, what, strings.Join(append(f.Path, f.State), "/"))
	indent += "  "
	fmt.Fprintf(b, "%s%s entered %d failed %d attempts %d\n", indent, f.StateType, f.EnteredEvent, f.FailedEvent, f.Attempts)
	fmt.Fprintf(b, "%serror %s, cause %s\n", indent, text(f.Error), text(f.Cause))
	if f.Resource != "" {
		fmt.Fprintf(b, "%sresource %s\n", indent, f.Resource)
	}
	fmt.Fprintf(b, "%sinput %s", indent, f.Input)
	if f.Input.IsAbsent() {
		b.WriteString("<absent>")
	}
	if f.Rebuilt {
		b.WriteString(" rebuilt")
	}
	fmt.Fprintf(b, "\n%s%s", indent, f.Outcome)
	if f.EndedAt != "" {
		fmt.Fprintf(b, " -> %s", f.EndedAt)
	}
	for _, flag := range []struct {
		on   bool
		name string
	}{{f.Aborted, "aborted"}, {f.TimedOut, "timed out"}, {f.Heartbeat, "heartbeat"}} {
		if flag.on {
			b.WriteString(" " + flag.name)
		}
	}
	if f.Nested != nil {
		fmt.Fprintf(b, "\n%snested %s: %s, %s", indent, f.Nested.ARN, text(f.Nested.Error), text(f.Nested.Cause))
	}
	if f.MapRunARN != "" {
		fmt.Fprintf(b, "\n%smap run %s", indent, f.MapRunARN)
	}
	b.WriteString("\n")
	tell(b, "within", f.Within, indent)
}
