package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/diagnose/rules"
	"github.com/stepsleuth/stepsleuth/internal/verify"
	"github.com/stepsleuth/stepsleuth/internal/wholefile"
	"github.com/stepsleuth/stepsleuth/redact"
)

type verifyFlags struct {
	definition string
	fix        string
	remedy     int
	out        string
}

func verifyCommand(o *options) *cobra.Command {
	var f verifyFlags
	c := &cobra.Command{
		Use:   "verify HISTORY --definition FILE (--fix FILE | --remedy N)",
		Short: "Run the recorded failure again with a changed definition",
		Long: `verify runs a recorded execution again on this machine, with every task answering
as recorded, and says whether the fix mends the failure: VERIFIED, PARTIAL,
REFUTED or UNVERIFIABLE. Nothing is called and nothing is changed.

The fix is a whole definition (--fix), or the remedy of that number in the report
of "stepsleuth diagnose HISTORY --definition FILE" (--remedy), which -o writes.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return verifyFix(c, o, f, args[0]) },
	}
	c.Flags().StringVar(&f.definition, "definition", "", "the definition that ran (a file)")
	c.Flags().StringVar(&f.fix, "fix", "", "the changed definition (a file)")
	c.Flags().IntVar(&f.remedy, "remedy", 0, "number of the remedy in the report, from 1")
	c.Flags().StringVarP(&f.out, "out", "o", "", "with --remedy, write the changed definition to this file")
	return c
}

// trial is what a verification says, and all of it may leave.
type trial struct {
	Status     redact.Text      `json:"status"` // VERIFIED, PARTIAL, REFUTED, UNVERIFIABLE; "" where nothing had failed
	How        redact.Text      `json:"how"`
	Ends       redact.Text      `json:"ends"` // the execution's status now; "" where the recording has no more answers
	State      redact.Text      `json:"state"`
	Diff       redact.Text      `json:"diff"`
	Difference *trialDifference `json:"difference"` // the first one in what states give; null: none
}

type trialDifference struct {
	State    redact.Text `json:"state"`
	Pointer  redact.Text `json:"pointer"`
	Recorded redact.Text `json:"recorded"`
	Now      redact.Text `json:"now"`
}

func verifyFix(c *cobra.Command, o *options, f verifyFlags, name string) error {
	if (f.fix == "") == (f.remedy == 0) {
		return errors.New("give the fix: --fix FILE, or --remedy N")
	}
	if f.definition == "" && f.remedy != 0 {
		return errors.New("a remedy changes the definition that ran; give it with --definition FILE")
	}
	m, err := readDefinition(f.definition, c.InOrStdin())
	if err != nil {
		return err
	}
	if m != nil && m.IsTemplate() {
		return fmt.Errorf("%s: some of its values are placeholders; give the definition that was deployed (aws stepfunctions describe-state-machine)", label(f.definition))
	}
	kase, _, err := readCase(name, m, c.InOrStdin())
	if err != nil {
		return err
	}
	text, err := f.fixed(c, kase)
	if err != nil {
		return err
	}
	result, err := verify.Replay(c.Context(), kase, text)
	var refused asl.ErrorList
	if errors.As(err, &refused) {
		return fmt.Errorf("the fix: %w", err)
	}
	if err != nil {
		return inFile(name, err)
	}
	r, err := newRedactor(o)
	if err != nil {
		return err
	}
	t := newTrial(r, kase, text, result)
	if err := t.print(c.OutOrStdout(), o.format); err != nil {
		return err
	}
	if f.out != "" && f.remedy != 0 {
		if err := wholefile.Write(f.out, []byte(text)); err != nil {
			return err
		}
	}
	if result.Verification.Status != diagnose.Verified {
		return found
	}
	return nil
}

// fixed is the text of the changed definition.
func (f verifyFlags) fixed(c *cobra.Command, kase *diagnose.Case) (string, error) {
	if f.fix != "" {
		fix, err := openDefinition(f.fix, c.InOrStdin())
		if err != nil {
			return "", err
		}
		if _, err := fix.Parse(); err != nil { // which knows their places in the file
			return "", fmt.Errorf("the fix: %w", err)
		}
		return string(fix.JSON), nil
	}
	d, err := (&diagnose.Doctor{Rules: rules.All(), Try: verify.Try}).Diagnose(c.Context(), kase)
	if err != nil {
		return "", &exitError{code: exitUndiagnosed, err: err}
	}
	if f.remedy < 1 || f.remedy > len(d.Remedies) {
		return "", fmt.Errorf("--remedy %d: the report has %d", f.remedy, len(d.Remedies))
	}
	remedy := d.Remedies[f.remedy-1]
	if len(remedy.Edits) == 0 {
		return "", fmt.Errorf("--remedy %d: it does not change the definition", f.remedy)
	}
	return asl.Apply(kase.Machine.Source().Text, remedy.Edits)
}

func newTrial(r *redact.Redactor, c *diagnose.Case, text string, result *verify.Result) trial {
	t := trial{
		Status: r.Text(string(result.Verification.Status)),
		How:    r.Text(result.Verification.How),
		Ends:   r.Text(string(result.Status)),
		State:  r.Text(result.State),
	}
	if c.Machine != nil {
		t.Diff = r.Text(asl.Diff("recorded", "fixed", c.Machine.Source().Text, text))
	}
	if d := result.Difference; d != nil {
		t.Difference = &trialDifference{State: r.Text(d.State), Pointer: r.Text(d.Pointer), Recorded: r.Text(d.Recorded), Now: r.Text(d.Now)}
	}
	return t
}

func (t trial) print(w io.Writer, format string) error {
	if format == formatJSON {
		return printIndented(w, t)
	}
	var b strings.Builder
	status := t.Status.String()
	if status == "" {
		status = "NOTHING FAILED"
	}
	fmt.Fprintf(&b, "%s  %s\n", status, t.How)
	if !t.Ends.IsZero() {
		fmt.Fprintf(&b, "ends        %s in %s\n", t.Ends, t.State)
	}
	if d := t.Difference; d != nil {
		fmt.Fprintf(&b, "differs     first in what %s gives, at %q: recorded %s, now %s\n", d.State, d.Pointer, orNothing(d.Recorded), orNothing(d.Now))
	}
	if !t.Diff.IsZero() {
		b.WriteString(strings.TrimRight(t.Diff.String(), "\n") + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func orNothing(t redact.Text) string {
	if t.IsZero() {
		return "nothing"
	}
	return t.String()
}
