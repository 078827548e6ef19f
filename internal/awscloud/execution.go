package awscloud

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/internal/awsjson"
)

// Ask is what is asked for, with what is known of it beforehand.
type Ask struct {
	ARN   string // of an execution
	Ended bool   // somebody told of its end: what AWS answers may lag behind that
	Left  string // the state that failed and was left, asked for from inside the execution

	// As, where set, makes of an execution the one whose failure is to be resolved: cut
	// where a handler took over, for example.
	As func(*history.Execution) *history.Execution

	// Of an Express workflow:
	LogGroup string          // where it logs; "": as the state machine says
	Events   []history.Event // those at hand
	Around   time.Time       // about when it ran; zero: not known
	Told     bool            // the failure itself is known: without any events the definition is of use
}

// Fetched is an execution with what belongs to it.
type Fetched struct {
	Execution *history.Execution
	Machine   *asl.Machine         // that ran; nil where it could not be had
	Children  []*history.Execution // executions that failed inside
	Missing   []string             // what could not be had, and what would allow it

	mapRuns map[string]string // by state: Map runs that the events do not name
}

// Case is the case of what was fetched.
func (f *Fetched) Case() *diagnose.Case { return f.CaseOf(f.Execution) }

// CaseOf is the case of an execution that was made of the one that was fetched: one
// that is cut where a catcher took over, for example.
func (f *Fetched) CaseOf(x *history.Execution) *diagnose.Case {
	c := diagnose.NewCase(f.Machine, x, f.Children...)
	for _, failure := range []*diagnose.Failure{c.Failure, c.Origin} {
		f.deepen(failure)
	}
	c.Missing = append(f.unsaid(c.Missing), f.Missing...)
	return c
}

// deepen looks into the executions inside executions inside.
func (f *Fetched) deepen(outer *diagnose.Failure) {
	if outer != nil && outer.MapRunARN == "" && f.mapRuns[outer.State] != "" {
		outer.MapRunARN = f.mapRuns[outer.State]
		outer.Within = f.inside(outer)
	}
	for range maxDepth {
		if outer == nil || outer.Within == nil {
			return
		}
		inner := outer.Within
		if inner.Within == nil && (inner.Nested != nil || inner.MapRunARN != "") {
			inner.Within = f.inside(inner)
		}
		outer = inner
	}
}

// inside returns the failure of the child that an outer failure names.
func (f *Fetched) inside(outer *diagnose.Failure) *diagnose.Failure {
	for _, child := range f.Children {
		if outer.Nested != nil && child.ARN == outer.Nested.ARN || outer.MapRunARN != "" && child.MapRunARN == outer.MapRunARN {
			if failure := diagnose.Locate(child, nil).Failure; failure != nil {
				return failure
			}
		}
	}
	return nil
}

// NoticeCase is the case of word of the failure, where what was fetched does not show it.
func (f *Fetched) NoticeCase(n *history.Notice) *diagnose.Case {
	c := diagnose.NewNoticeCase(f.Machine, n)
	c.Missing = append(f.unsaid(c.Missing), f.Missing...)
	return c
}

// unsaid drops from the general list of what is missing that of which the own list
// says why: both begin with the same words.
func (f *Fetched) unsaid(general []string) []string {
	return slices.DeleteFunc(slices.Clone(general), func(line string) bool {
		return slices.ContainsFunc(f.Missing, func(own string) bool {
			what, _, _ := strings.Cut(own, ":")
			return strings.HasPrefix(line, what+":")
		})
	})
}

func (f *Fetched) miss(err error) {
	if err != nil && !slices.Contains(f.Missing, err.Error()) {
		f.Missing = append(f.Missing, err.Error())
	}
}

// What could not be had begins with these words, as package diagnose says it.
const (
	theExecution  = "the execution"
	theDefinition = "the definition"
	theEvents     = "the events"
	theNested     = "the history of the nested execution"
	theMapItems   = "the failed children of the Map run"
)

// Fetch fetches an execution with its definition, its events as far as they are needed
// to resolve its failure, and the executions that failed inside it. The error is a
// *Problem, and for when nothing of the execution could be had; what else could not is
// in Missing.
func (c *Cloud) Fetch(ctx context.Context, ask Ask) (*Fetched, error) {
	a, err := executionARN(ask.ARN)
	if err != nil {
		return nil, err
	}
	if a.kind() == kindExpress {
		return c.fetchExpress(ctx, a, ask)
	}
	f := &Fetched{}
	described, problem := c.describe(ctx, a)
	if problem != nil && problem.Kind != Denied && problem.Kind != Throttled && problem.Kind != Late {
		return nil, problem
	}
	var definitionProblem error
	f.Machine, definitionProblem = c.definition(ctx, a)
	x, eventsProblem := c.events(ctx, a, ask, described, f.Machine)
	if x == nil {
		if problem != nil {
			return nil, problem
		}
		x = described
		f.miss(eventsProblem)
	}
	f.Execution = x
	if problem != nil {
		f.miss(problem)
	}
	f.miss(definitionProblem)
	c.addChildren(ctx, f, ask)
	return f, nil
}

// describe returns an execution without its events.
func (c *Cloud) describe(ctx context.Context, a arn) (*history.Execution, *Problem) {
	n := need{theExecution, "states:DescribeExecution", a.String()}
	out, err := c.States.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: aws.String(a.String())}, a.inStates)
	if err != nil {
		if n.resource = a.anyExecution(); !denied(err) {
			n.resource = a.String()
		}
		return nil, n.explain(ctx, err)
	}
	x, err := history.Parse(awsjson.Append(nil, out, awsjson.Text))
	if err != nil {
		return nil, &Problem{Kind: Faulty, What: theExecution, Reason: sentence(err.Error()), Err: err}
	}
	x.Incomplete = false
	return x, nil
}

// definition returns the definition that ran, as AWS keeps it with the execution.
func (c *Cloud) definition(ctx context.Context, a arn) (*asl.Machine, error) {
	n := need{theDefinition, "states:DescribeStateMachineForExecution", a.anyExecution()}
	out, err := c.States.DescribeStateMachineForExecution(ctx, &sfn.DescribeStateMachineForExecutionInput{ExecutionArn: aws.String(a.String())}, a.inStates)
	if err != nil {
		return nil, n.explain(ctx, err)
	}
	return parse(aws.ToString(out.Name), aws.ToString(out.Definition))
}

// parse reads a definition; one that could be refused is of use all the same.
func parse(name, text string) (*asl.Machine, error) {
	m, err := asl.Parse(orElse(name, "definition")+".asl.json", []byte(text))
	if m == nil {
		return nil, &Problem{Kind: Faulty, What: theDefinition, Reason: sentence(err.Error()), Err: err}
	}
	return m, nil
}
