package instrument

import (
	"slices"
	"strings"

	"github.com/stepsleuth/stepsleuth/asl"
)

// Gap is a kind of failure that does not come the pattern's way.
type Gap struct {
	Why    string   // which failures, and why they do not
	States []string // of the user's, in the order of the text; empty: it is no matter of single states
}

// gaps lists what does not come the pattern's way, that of named states first.
func (e *editor) gaps() []Gap {
	m, o := e.machine, e.pattern.Options
	var all []Gap
	add := func(why string, states []string) {
		if len(states) > 0 {
			all = append(all, Gap{why, states})
		}
	}
	if !o.Handled {
		add("a States.ALL catcher of the definition's own takes what fails there", e.result.Handled)
		add("the definition's own catchers take the errors that they name", except(e.result.Catching, e.result.Handled))
	}
	add("the Catch is a placeholder, and left alone", e.result.Unknown)
	add("a Fail ends the execution by itself", where(m, func(s *asl.State) bool { return s.Type == asl.Fail }))
	add("a Choice, Pass or Wait has no Catch", where(m, func(s *asl.State) bool {
		return s.Type == asl.Pass || s.Type == asl.Choice || s.Type == asl.Wait
	}))
	add("a catcher inside takes what fails there", where(m, caughtInside))
	add("a Map tolerates failures inside", where(m, tolerant))
	plain := func(why string) { all = append(all, Gap{Why: why}) }
	plain("States.Runtime (a path that finds nothing, say), which no catcher takes, whatever it names")
	plain("an execution that cannot start, or is stopped")
	if m.TimeoutSeconds != nil || e.pattern.Express {
		plain("the machine's own time-out, which ends the execution at once")
	}
	return all
}

// where lists the states of the top level for which something holds.
func where(m *asl.Machine, holds func(*asl.State) bool) []string {
	var names []string
	for _, s := range m.States {
		if holds(s) {
			names = append(names, s.Name)
		}
	}
	return names
}

func except(names, others []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(others, name) })
}

func caughtInside(s *asl.State) bool {
	found := false
	for _, inner := range append(slices.Clone(s.Branch), processor(s)...) {
		inner.Walk(func(_ []string, s *asl.State) { found = found || len(s.Catch) > 0 })
	}
	return found
}

func processor(s *asl.State) []*asl.Machine {
	if s.Map == nil || s.Map.Processor == nil {
		return nil
	}
	return []*asl.Machine{s.Map.Processor}
}

func tolerant(s *asl.State) bool {
	return s.Map != nil && (s.Map.ToleratedFailureCount != nil || s.Map.ToleratedFailurePercentage != nil)
}

// Statement is one of an IAM policy.
type Statement struct {
	Sid      string
	Effect   string
	Action   []string
	Resource []string
}

// What stands in an ARN for what is not known.
const (
	anyRegion  = "REGION"
	anyAccount = "ACCOUNT"
)

// permissions are what the machine's own role needs for the added states.
func (e *editor) permissions() []Statement {
	p, r := e.pattern, e.result
	var all []Statement
	if len(r.Caught)+len(r.Ends)+len(r.Reported) > 0 {
		all = append(all, Statement{"AskTheTroubleshooter", "Allow", []string{"lambda:InvokeFunction"}, p.handlerARNs()})
	}
	if !p.Express && len(r.Caught)+len(r.Ends) > 0 {
		all = append(all, Statement{"TellPeople", "Allow", []string{"sns:Publish"}, []string{p.Topic}})
	}
	return all
}

// handlerARNs are the ARN of the troubleshooter and, where no version or alias is
// asked for, that of all of them, since IAM tells these apart.
func (p *pattern) handlerARNs() []string {
	arn, qualified := p.Handler, false
	region, account := anyRegion, anyAccount
	if t := arnParts(p.Topic); len(t) == 6 && t[0] == "arn" {
		region, account = t[3], t[4]
	}
	parts := arnParts(p.Handler)
	switch {
	case parts[0] == "arn":
		qualified = len(parts) > 7
	case strings.HasPrefix(p.Handler, "${") && strings.HasSuffix(p.Handler, "}"): // of a whole ARN, most likely
	case len(parts) > 2: // 123456789012:function:NAME
		qualified = len(parts) > 3
		arn = strings.Join([]string{"arn", p.partition, "lambda", region, p.Handler}, ":")
	default:
		qualified = len(parts) > 1
		arn = strings.Join([]string{"arn", p.partition, "lambda", region, account, "function", p.Handler}, ":")
	}
	if qualified {
		return []string{arn}
	}
	return []string{arn, arn + ":*"}
}
