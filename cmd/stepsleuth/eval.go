package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/internal/eval"
	"github.com/stepsleuth/stepsleuth/internal/oncall"
	"github.com/stepsleuth/stepsleuth/internal/report"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

func evalCommand(o *options) *cobra.Command {
	var histories string
	var times int
	c := &cobra.Command{
		Use:   "eval [CORPUS.jsonl]",
		Short: "Score the diagnoses of labelled failures",
		Long: `eval diagnoses labelled failures and scores what a reader would be told: the
category, what the report must mention and must not say, and whether trying again
helps. A row is {"id", "error", "cause", "state", "state_name", "phase", "definition",
"input", "history", "truth": {"category", "acceptable", "must_mention", "must_not",
"retryable"}}.

With --histories, a folder of NAME.json with NAME.label.json (and NAME.meta.json for
the definition) is scored, by state and category. With --model the same is asked of
a model, --times over, and its cost is told.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if (len(args) == 1) == (histories != "") {
				return errors.New("give a corpus, or --histories DIR")
			}
			items, err := loadHistories(histories)
			if len(args) == 1 {
				items, err = loadCorpus(args[0], c)
			}
			if err != nil {
				return err
			}
			return evaluate(c, o, items, times, histories != "")
		},
	}
	c.Flags().StringVar(&histories, "histories", "", "score a folder of labelled histories")
	c.Flags().IntVar(&times, "times", 1, "with --model, ask this often, as answers vary")
	return c
}

// exam is one labelled failure to diagnose.
type exam struct {
	row  eval.Row
	kase func() (*diagnose.Case, error)
}

func loadCorpus(name string, c *cobra.Command) ([]exam, error) {
	text, err := readData(name, "corpus", c.InOrStdin(), maxBatch)
	if err != nil {
		return nil, err
	}
	rows, err := eval.Read(label(name), text)
	if err != nil {
		return nil, err
	}
	exams := make([]exam, len(rows))
	for i, r := range rows {
		row := batchRow{Error: r.Error, Cause: r.Cause, State: r.State, StateName: r.StateName, Phase: &r.Phase, Definition: r.Definition, Input: r.Input, History: r.History}
		exams[i] = exam{r, row.kase}
	}
	return exams, nil
}

// historyLabel is what NAME.label.json says.
type historyLabel struct {
	FailedState *string  `json:"failedState"`
	Category    string   `json:"category"`
	Acceptable  []string `json:"acceptable"`
}

func loadHistories(dir string) ([]exam, error) {
	if dir == "" {
		return nil, nil
	}
	if _, err := os.ReadDir(dir); err != nil {
		var p *fs.PathError
		if errors.As(err, &p) {
			err = p.Err
		}
		return nil, fmt.Errorf("--histories %s: %w", dir, err)
	}
	labels, err := filepath.Glob(filepath.Join(dir, "*.label.json"))
	if err != nil || len(labels) == 0 {
		return nil, fmt.Errorf("%s: no history with a label there (NAME.json and NAME.label.json)", dir)
	}
	var exams []exam
	for _, file := range labels {
		base := strings.TrimSuffix(file, ".label.json")
		var l historyLabel
		if err := readJSON(file, &l); err != nil {
			return nil, err
		}
		row := eval.Row{ID: filepath.Base(base), Truth: eval.Truth{Category: l.Category, Acceptable: l.Acceptable, State: l.FailedState}}
		exams = append(exams, exam{row, func() (*diagnose.Case, error) { return labelledCase(base) }})
	}
	return exams, nil
}

func labelledCase(base string) (*diagnose.Case, error) {
	text, err := os.ReadFile(base + ".json")
	if err != nil {
		return nil, err
	}
	x, err := history.Parse(text)
	if err != nil {
		return nil, inFile(base+".json", err)
	}
	var meta struct {
		Definition json.RawMessage `json:"definition"`
	}
	if err := readJSON(base+".meta.json", &meta); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	var m *asl.Machine
	if given(meta.Definition) {
		m, _ = asl.Parse("", unquoted(meta.Definition))
	}
	return diagnose.NewCase(m, x), nil
}

func readJSON(file string, v any) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := value.Decode(text, v); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

// evaluation is what eval prints as JSON.
type evaluation struct {
	Scores  []eval.Score `json:"scores"`
	Misses  []eval.Mark  `json:"misses"` // the marks that are not perfect
	Runs    int          `json:"runs"`
	Calls   int          `json:"modelCalls"`
	CostUSD float64      `json:"costUSD"`
}

func evaluate(c *cobra.Command, o *options, exams []exam, times int, states bool) error {
	r, err := newResponder(c.Context(), o)
	if err != nil {
		return err
	}
	if r.Doctor.Model == nil {
		times = 1 // rules say the same each time
	}
	out := evaluation{Runs: times}
	var marks []eval.Mark
	for range times {
		for _, e := range exams {
			doc, err := sit(c, r, e)
			if err != nil {
				return fmt.Errorf("%s: %w", e.row.ID, err)
			}
			if doc.Model != nil {
				out.Calls++
				out.CostUSD += doc.Model.CostUSD
			}
			mark := eval.Judge(&e.row, doc)
			if states {
				mark.Mentions, mark.Retryable, mark.Answer, mark.Label = false, false, "", "" // not labelled
			}
			marks = append(marks, mark)
		}
	}
	out.Scores, out.Misses = eval.Sum(marks), []eval.Mark{}
	for _, m := range marks {
		if !m.Perfect(states) {
			out.Misses = append(out.Misses, m)
		}
	}
	if o.format == formatJSON {
		return printIndented(c.OutOrStdout(), out)
	}
	if o.quiet {
		marks = nil
	}
	if err := eval.Write(c.OutOrStdout(), out.Scores, marks, states); err != nil {
		return err
	}
	if out.Calls > 0 {
		o.note(c.ErrOrStderr(), "model: %d calls, $%.4f", out.Calls, out.CostUSD)
	}
	return nil
}

func sit(c *cobra.Command, r *oncall.Responder, e exam) (report.Document, error) {
	kase, err := e.kase()
	if err != nil {
		return report.Document{}, err
	}
	return examine(c.Context(), r, kase, report.Options{})
}
