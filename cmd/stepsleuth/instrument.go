package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/instrument"
	"github.com/stepsleuth/stepsleuth/internal/definition"
	"github.com/stepsleuth/stepsleuth/internal/wholefile"
)

type instrumentFlags struct {
	handler, topic, after string
	express, handled      bool
	approval              approvalFlags
	out                   string
	remove, check, diff   bool
}

// approvalFlags say whether a failure waits for a person, and how long.
type approvalFlags struct {
	approve         bool
	timeout         time.Duration
	otherwise       string
	otherwiseOutput string
}

func (f *approvalFlags) register(c *cobra.Command) {
	c.Flags().BoolVar(&f.approve, "approve", false, "have a failure wait until a person decides: retry, skip or fail, by stepsleuth decide")
	c.Flags().DurationVar(&f.timeout, "approve-timeout", instrument.DefaultApproveTimeout, "with --approve, how long to wait for a decision")
	c.Flags().StringVar(&f.otherwise, "approve-default", string(instrument.DecideFail), "with --approve, what happens where nobody decides in time: fail or skip")
	c.Flags().StringVar(&f.otherwiseOutput, "approve-skip-output", "", "with --approve-default skip, the output that the failed state is to have had: JSON, or @ and the name of a file")
}

// approval is nil without --approve, without which the other flags mean nothing.
func (f approvalFlags) approval(c *cobra.Command) (*instrument.Approval, error) {
	output, err := jsonOrFile(f.otherwiseOutput, "output", c.InOrStdin())
	if err != nil {
		return nil, err
	}
	if f.approve && f.timeout == 0 {
		return nil, errors.New("--approve-timeout 0s: give whole seconds, such as 90m or 24h")
	}
	if f.approve {
		return &instrument.Approval{Timeout: f.timeout, Default: instrument.Decision(f.otherwise), Output: string(output)}, nil
	}
	for _, name := range []string{"approve-timeout", "approve-default", "approve-skip-output"} {
		if c.Flags().Changed(name) {
			return nil, fmt.Errorf("--%s goes with --approve", name)
		}
	}
	return nil, nil
}

func instrumentCommand(o *options) *cobra.Command {
	var f instrumentFlags
	c := &cobra.Command{
		Use:   "instrument DEFINITION",
		Short: "Add the troubleshooter and the notifications to a definition",
		Long: `instrument adds the pattern to a definition: each Task, Parallel and Map of the top
level that has no States.ALL catcher gets one as its last. It leads to the
troubleshooter, whose diagnosis is published to an SNS topic, and then to a Fail
with the first error and cause, so that the execution ends as it would have. A
success is told as well. Your own catchers, and every other byte, stay as they are.

You may not need it. What "stepsleuth package" deploys watches workflows from beside
(an EventBridge rule; for Express workflows a subscription to their log group): no
definition is touched, also what no Catch can see is told, and redrive keeps
working. An execution that ended in the added Fail state is redriven from there, and
so fails again at once: start it anew instead.

--express is for an Express workflow ("type": "EXPRESS" in what "aws stepfunctions
describe-state-machine" prints). Nothing remembers its executions and its callers
wait, so that the function is sent the failure with the execution's input
(InvocationType Event) and tells people itself. No topic is needed, no diagnosis comes
back (with --after succeed the output has the failure alone), and successes are not
told.

--handled also reports what your own catchers take, on the way to your handlers,
which are given the very same data a moment later. People are told by the function.

With --approve a failure that people were told of waits for one of them, who decides by
"stepsleuth decide EXECUTION_ARN": retry runs the state again with the input it had (its
own retries count anew), skip goes on behind it with a given output, fail ends as without
--approve. Who decided what and when is in the output of the waiting state. Standard
workflows alone can wait: an Express one has no task tokens.

DEFINITION may be JSON, YAML, a SAM, CloudFormation or Serverless template with one
definition in it, or a template of SAM or Terraform whose ${placeholders} stand in
quotes or without. From YAML and out of templates the result is JSON.`,
		Example: `  stepsleuth instrument order.asl.json --handler FUNCTION --topic TOPIC-ARN -o order.asl.json
  stepsleuth instrument order.asl.json --diff
  stepsleuth instrument order.asl.json --check          # for CI: exit 1 where it is not instrumented
  stepsleuth instrument order.asl.json --remove -o order.asl.json`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return instrumentFile(c, o, f, args[0]) },
	}
	c.Flags().StringVar(&f.handler, "handler", instrument.DefaultHandler, "the troubleshooter: a Lambda function's name or ARN")
	c.Flags().StringVar(&f.topic, "topic", instrument.DefaultTopic, "ARN of the SNS topic; by default a placeholder for your deployment to fill in")
	c.Flags().StringVar(&f.after, "after", string(instrument.Fail), "how a caught execution ends: fail, as it would have, or succeed, with the diagnosis as its output")
	c.Flags().BoolVar(&f.express, "express", false, "the workflow is of the type EXPRESS")
	c.Flags().BoolVar(&f.handled, "handled", false, "also report what the definition's own catchers take")
	f.approval.register(c)
	c.Flags().StringVarP(&f.out, "out", "o", "", "write the definition to this file instead of standard output")
	c.Flags().BoolVar(&f.remove, "remove", false, "take away what instrument added")
	c.Flags().BoolVar(&f.check, "check", false, "only tell whether the definition is instrumented as it would be now: exit 1 if it is not")
	c.Flags().BoolVar(&f.diff, "diff", false, "print the change instead of the definition")
	return c
}

func instrumentFile(c *cobra.Command, o *options, f instrumentFlags, name string) error {
	in, err := openDefinition(name, c.InOrStdin())
	if err != nil {
		return err
	}
	if in.Converted && !f.check && f.out != "" && filepath.Clean(f.out) == filepath.Clean(name) {
		return fmt.Errorf("--out %s: the result is JSON, which is not what that file holds; give another", f.out)
	}
	approval, err := f.approval.approval(c)
	if err != nil {
		return err
	}
	result, err := f.apply(in, approval)
	if err != nil {
		return err
	}
	if f.check {
		return f.tellCheck(c, o, in, result.Text == string(in.JSON))
	}
	if in.Converted {
		o.note(c.ErrOrStderr(), "%s: read as JSON, and the result is JSON", in.Name)
	}
	if err := f.print(c.OutOrStdout(), o, in, result); err != nil {
		return err
	}
	if o.format != formatJSON {
		f.tell(c.ErrOrStderr(), o, result)
	}
	return nil
}

// tellCheck says whether the definition is as instrument would have it.
func (f instrumentFlags) tellCheck(c *cobra.Command, o *options, in *definition.File, same bool) error {
	switch {
	case o.format == formatJSON:
		checked := struct {
			Definition   string `json:"definition"`
			Instrumented bool   `json:"instrumented"` // as it would be now
		}{in.Name, same}
		if err := printIndented(c.OutOrStdout(), checked); err != nil {
			return err
		}
	case same:
		o.note(c.ErrOrStderr(), "%s: instrumented", in.Name)
	default:
		fmt.Fprintf(c.ErrOrStderr(), "%s: not instrumented as it would be now\n", in.Name)
	}
	if !same {
		return found
	}
	return nil
}

// apply adds the pattern, anew where an older one is there, or takes it away.
func (f instrumentFlags) apply(in *definition.File, approval *instrument.Approval) (*instrument.Result, error) {
	if _, err := in.ParseTemplate(); err != nil { // which knows the file's own lines
		return nil, err
	}
	bare, err := instrument.Remove(in.Name, in.JSON)
	if err != nil || f.remove {
		return bare, err
	}
	result, err := instrument.Add(in.Name, []byte(bare.Text), instrument.Options{
		Handler: f.handler, Topic: f.topic, After: instrument.After(f.after), Express: f.express, Handled: f.handled, Approve: approval,
	})
	var large *instrument.TooLargeError
	if errors.As(err, &large) {
		return nil, fmt.Errorf("%s: %w", in.Name, err)
	}
	return result, err
}

// print writes the definition, or the change of it; as JSON also what else is known.
func (f instrumentFlags) print(stdout io.Writer, o *options, in *definition.File, r *instrument.Result) error {
	out := r.Text
	if f.diff {
		name := in.Name
		if in.Converted {
			name += " (as JSON)"
		}
		out = asl.Diff(name, name, string(in.JSON), r.Text)
	}
	if o.format == formatJSON {
		return f.printJSON(stdout, out, r)
	}
	return f.write(stdout, out)
}

func (f instrumentFlags) write(stdout io.Writer, text string) error {
	if f.out != "" {
		return wholefile.Write(f.out, []byte(text))
	}
	_, err := io.WriteString(stdout, text)
	return err
}

// instrumented is what --format json prints. Lists are never null.
type instrumented struct {
	Text        string       `json:"text"` // the definition, or with --diff the change; "" where it is in the file of --out
	Caught      []string     `json:"caught"`
	Handled     []string     `json:"handled"`
	Reported    []string     `json:"reported"`
	Ends        []string     `json:"ends"`
	Unreached   []gap        `json:"unreached"`
	Permissions []permission `json:"permissions"`
}

type gap struct {
	States []string `json:"states"`
	Why    string   `json:"why"`
}

// permission is a statement of an IAM policy.
type permission struct {
	Sid      string
	Effect   string
	Action   []string
	Resource []string
}

func (f instrumentFlags) printJSON(stdout io.Writer, text string, r *instrument.Result) error {
	doc := instrumented{Text: text, Caught: list(r.Caught), Handled: list(r.Handled), Reported: list(r.Reported), Ends: list(r.Ends),
		Unreached: []gap{}, Permissions: permissions(r)}
	for _, g := range r.Unreached {
		doc.Unreached = append(doc.Unreached, gap{list(g.States), g.Why})
	}
	if f.out != "" {
		if err := f.write(nil, text); err != nil {
			return err
		}
		doc.Text = ""
	}
	return printIndented(stdout, doc)
}

func list(names []string) []string { return append([]string{}, names...) }

// policy is an IAM policy to paste, with a statement a line.
func policy(r *instrument.Result) string {
	var lines []string
	for _, p := range permissions(r) {
		var b strings.Builder
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		_ = enc.Encode(p) // strings can always be written
		lines = append(lines, "  "+strings.TrimSpace(b.String()))
	}
	return "{\"Version\": \"2012-10-17\", \"Statement\": [\n" + strings.Join(lines, ",\n") + "\n]}"
}

func permissions(r *instrument.Result) []permission {
	out := []permission{}
	for _, s := range r.Permissions {
		out = append(out, permission(s))
	}
	return out
}

// tell says what was done, what the pattern cannot reach, and what it needs.
func (f instrumentFlags) tell(w io.Writer, o *options, r *instrument.Result) {
	list := func(what string, names []string) {
		if len(names) > 0 {
			o.note(w, "%s: %s", what, strings.Join(names, ", "))
		}
	}
	if f.remove {
		list("no longer caught", r.Caught)
		return
	}
	list("caught now", r.Caught)
	list("what catchers of their own take is reported on the way", r.Reported)
	list("told when they succeed", r.Ends)
	if r.Compact {
		o.note(w, "what was added is written without white space: else the definition would be longer than AWS takes")
	}
	if f.approval.approve && len(r.Caught) > 0 {
		o.note(w, "a failure waits %s for a decision (stepsleuth decide), and then: %s", instrument.Lasting(f.approval.timeout), f.approval.otherwise)
	}
	if r.Limit > 0 {
		o.note(w, "the machine's own time-out (%s) ends an execution that waits, and no Catch sees that; raise TimeoutSeconds, or give a shorter --approve-timeout", instrument.Lasting(r.Limit))
	}
	f.tellReach(w, o, r)
	f.tellNeeds(w, o, r)
}

func (f instrumentFlags) tellReach(w io.Writer, o *options, r *instrument.Result) {
	o.note(w, "not reached:")
	for _, g := range r.Unreached {
		line := g.Why
		if len(g.States) > 0 {
			line = strings.Join(g.States, ", ") + ": " + g.Why
		}
		o.note(w, "  %s", line)
	}
	if !f.handled && len(r.Catching) > 0 {
		o.note(w, "with --handled what the definition's own catchers take is reported, too")
	}
	if f.express && f.after == string(instrument.Succeed) {
		o.note(w, "nobody waits for a diagnosis: the output of a caught execution has the failure alone")
	}
	if f.express {
		o.note(w, "successes are not told: an Express workflow may have too many")
		o.note(w, `a subscription to its log group sees those too: "stepsleuth package" deploys it`)
		return
	}
	o.note(w, `an EventBridge rule sees what of that ends an execution: "stepsleuth package" deploys it`)
	if f.after == string(instrument.Fail) && len(r.Caught) > 0 {
		o.note(w, "a redrive restarts at the added Fail state, and fails again at once: start the execution anew instead")
	}
}

func (f instrumentFlags) tellNeeds(w io.Writer, o *options, r *instrument.Result) {
	if len(r.Permissions) == 0 {
		return
	}
	o.note(w, "the state machine's role needs:\n%s", policy(r))
	if strings.Contains(policy(r), ":REGION:ACCOUNT:") {
		o.note(w, "REGION and ACCOUNT are the function's; with its ARN as --handler they are filled in")
	}
	for _, s := range r.Permissions {
		if s.Resource[0] == instrument.DefaultTopic {
			o.note(w, "topic: %s is for your deployment to fill in, or give --topic", f.topic)
		}
		if s.Action[0] == "sns:Publish" {
			o.note(w, "where a key of your own encrypts the topic, also kms:GenerateDataKey and kms:Decrypt on that key")
		}
	}
}
