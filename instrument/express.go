package instrument

import (
	"errors"
	"fmt"
	"strings"

	"github.com/stepsleuth/stepsleuth/asl"
)

// ErrNotExpress is what Add says of Options.Express for a definition that AWS does not
// take for an Express workflow.
var ErrNotExpress = errors.New("no Express workflow can have that; is it of the type STANDARD?")

// ErrExpressWaits is what Add says of Options.Express and Options.Approve together.
var ErrExpressWaits = errors.New("an Express workflow cannot wait for a person: it has no task tokens, and ends after five minutes at most; watch it without a decision, or make it STANDARD")

// checkExpress looks for what an Express workflow cannot have (Developer Guide,
// "Choosing workflow type"): jobs and tokens that are waited for, activities, and
// distributed Maps.
func checkExpress(m *asl.Machine) error {
	var found error
	m.Walk(func(_ []string, s *asl.State) {
		if what := notExpress(s); what != "" && found == nil {
			line, column := m.Source().Position(s.Span.Start)
			found = fmt.Errorf("%s:%d:%d: the state %q %s: %w", m.Source().Name, line, column, s.Name, what, ErrNotExpress)
		}
	})
	return found
}

func notExpress(s *asl.State) string {
	switch {
	case s.Map != nil && s.Map.Distributed:
		return "is a distributed Map"
	case s.Task == nil:
		return ""
	case strings.Contains(s.Task.Resource, ":activity:"):
		return "waits for an activity"
	case strings.HasSuffix(s.Task.Resource, ".waitForTaskToken"):
		return "waits for a task token"
	case strings.HasSuffix(s.Task.Resource, ".sync"), strings.HasSuffix(s.Task.Resource, ".sync:2"):
		return "waits for a job"
	}
	return ""
}
