// Package instrument rewrites a definition so that every failure that can be
// caught reaches the troubleshooter, people are told, and the execution still
// ends as it would have. What the definition's own catchers take can be told too, on
// the way to its handlers.
//
// It edits text and knows nothing of running a machine.
package instrument

import (
	"errors"
	"fmt"
	"time"

	"github.com/stepsleuth/stepsleuth/asl"
)

// After says how an execution ends whose failure was caught and reported.
type After string

// Fail ends it as it would have ended, with the first error and cause. Succeed is
// the pattern as AWS published it: a green end, with the diagnosis in the output.
const (
	Fail    After = "fail"
	Succeed After = "succeed"
)

// What Options mean where they say nothing.
const (
	DefaultHandler = "stepsleuth-troubleshooter"
	DefaultTopic   = "${StepsleuthTopicArn}"
)

// ErrInstrumented is what Add says of a definition that holds the pattern already.
var ErrInstrumented = errors.New("instrumented already; remove that first")

// Options are the settings of Add.
type Options struct {
	Handler string // the troubleshooter's function: name or ARN; "" is DefaultHandler
	Topic   string // ARN of the SNS topic; "" is DefaultTopic, to be filled in on deployment
	After   After  // "" is Fail

	// Express says that the workflow is of that type. Nothing remembers its executions,
	// and nobody may wait long: the troubleshooter is sent what is known, tells people
	// itself, and needs no topic here. Successes are not told. After Succeed the output
	// has the failure, and no diagnosis.
	Express bool

	// Handled has the troubleshooter told also of what the user's own catchers take,
	// on the way to his handlers, which are given the very same data.
	Handled bool

	// Approve has a person decide between retry, skip and fail once a failure was told;
	// nil: nobody is asked. It needs a Standard workflow: an Express one cannot wait for a
	// token.
	Approve *Approval
}

// complete checks the options and fills in what they leave open.
func (o Options) complete() (Options, error) {
	if o.Handler == "" {
		o.Handler = DefaultHandler
	}
	if o.Topic == "" {
		o.Topic = DefaultTopic
	}
	switch o.After {
	case "":
		o.After = Fail
	case Fail, Succeed:
	default:
		return o, fmt.Errorf("after %q: it is %q or %q", o.After, Fail, Succeed)
	}
	if o.Approve == nil {
		return o, nil
	}
	if o.Express {
		return o, ErrExpressWaits
	}
	var err error
	o.Approve, err = o.Approve.complete()
	return o, err
}

// Result is an instrumented definition.
type Result struct {
	Text     string
	Caught   []string // the states that were given a catcher, in the order of the text
	Handled  []string // the states that have a States.ALL catcher already, and were left alone
	Catching []string // the states that have any catcher already, these included
	Unknown  []string // the states whose Catch is a placeholder, left alone too
	Ends     []string // the last states that now lead to the notification of success

	Compact     bool        // what was added has no white space: else the text would be longer than AWS takes
	Unreached   []Gap       // what does not come this way all the same
	Permissions []Statement // what the machine's role needs for the added states

	Reported []string // with Options.Handled: the states of which what their own catchers take is told

	// Limit is the machine's own time-out where it is no longer than Approve waits, and so
	// ends an execution that nobody has decided on, or that failed late; 0: it is not.
	Limit time.Duration
}

// TooLargeError says that a definition would be longer than AWS takes, also with the
// added part written as tightly as can be. Lengths are in characters.
type TooLargeError struct{ Has, Would int }

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("the definition has %d characters and would have %d; AWS takes at most %d: take white space or comments out of it, or watch the workflow from beside with \"stepsleuth package\", which changes no definition",
		e.Has, e.Would, asl.MaxDefinition)
}

// Add instruments a definition. Each Task, Parallel and Map of the top level that
// has no States.ALL catcher gets one as its last. The error is an asl.ErrorList
// where the definition is not valid.
func Add(name string, text []byte, o Options) (*Result, error) {
	m, err := asl.ParseTemplate(name, text)
	if err != nil {
		return nil, err
	}
	if o, err = o.complete(); err != nil {
		return nil, err
	}
	if len(m.States) == 0 {
		return nil, fmt.Errorf("%s: its states are a placeholder; instrument what is put there", name)
	}
	if o.Express {
		if err := checkExpress(m); err != nil {
			return nil, err
		}
	}
	if isInstrumented(m) {
		return nil, fmt.Errorf("%s: %w", name, ErrInstrumented)
	}
	return addWithin(m, o)
}
