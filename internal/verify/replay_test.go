package verify_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/internal/verify"
)

// TestReplay runs testdata/replay: as TestTry, with now.json, the whole changed
// definition, in the place of a fix.
func TestReplay(t *testing.T) {
	for name, part := range archives(t, "testdata/replay") {
		t.Run(name, func(t *testing.T) {
			res, err := verify.Replay(context.Background(), caseOf(t, part), part["now.json"])
			if err != nil {
				t.Fatal(err)
			}
			if got := render(res); got != strings.TrimSpace(part["want"]) {
				t.Errorf("got\n%s\nwant\n%s", got, part["want"])
			}
		})
	}
}

// render writes a Result a line each.
func render(r *verify.Result) string {
	var b strings.Builder
	if r.From > 0 {
		fmt.Fprintf(&b, "from: %d\n", r.From)
	}
	switch {
	case r.Unknown != nil:
		fmt.Fprintf(&b, "ends: not known, at %s: %s\n", r.State, r.Unknown.Reason)
	case r.Error != nil:
		fmt.Fprintf(&b, "ends: %s at %s, %s\n", r.Status, r.State, *r.Error)
	default:
		fmt.Fprintf(&b, "ends: %s at %s\n", r.Status, r.State)
	}
	fmt.Fprintf(&b, "states: %s\n", strings.Join(r.States, " "))
	if len(r.New) > 0 {
		fmt.Fprintf(&b, "new: %s\n", strings.Join(r.New, " "))
	}
	if len(r.Gone) > 0 {
		fmt.Fprintf(&b, "gone: %s\n", strings.Join(r.Gone, " "))
	}
	for _, now := range slices.Sorted(maps.Keys(r.Renamed)) {
		fmt.Fprintf(&b, "renamed: %s to %s\n", r.Renamed[now], now)
	}
	if d := r.Difference; d != nil {
		fmt.Fprintf(&b, "differs: %s, event %d, %q: %s, was %s\n", d.State, d.Event, d.Pointer, d.Now, d.Recorded)
	}
	if r.Verification.Status != "" {
		fmt.Fprintf(&b, "%s %s\n", r.Verification.Status, r.Verification.How)
	}
	return strings.TrimSpace(b.String())
}

func TestReplayOfNothing(t *testing.T) {
	var refused asl.ErrorList
	c := caseOf(t, archives(t, "testdata/try")["choice_variable_verified"])
	if _, err := verify.Replay(context.Background(), c, `{"StartAt":"A","States":{}}`); !errors.As(err, &refused) {
		t.Errorf("a definition that is refused: %v", err)
	}
	if _, err := verify.Replay(context.Background(), &diagnose.Case{}, c.Machine.Source().Text); err == nil {
		t.Error("no history, and no error")
	}
}
