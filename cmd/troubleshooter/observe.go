package main

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/stepsleuth/stepsleuth/internal/oncall"
	"github.com/stepsleuth/stepsleuth/internal/report"
	"github.com/stepsleuth/stepsleuth/redact"
)

// newLog writes structured lines in which every text has been redacted.
func newLog(out io.Writer, level slog.Level, r *redact.Redactor) *slog.Logger {
	return slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{Level: level, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey || a.Key == slog.MessageKey) {
			return a // messages are constants
		}
		switch v := a.Value; v.Kind() {
		case slog.KindString:
			a.Value = slog.StringValue(r.Text(v.String()).String())
		case slog.KindAny:
			a.Value = slog.StringValue(safe(v.Any()))
		}
		return a
	}}))
}

// safe shows of other values only what has been redacted.
func safe(v any) string {
	switch t := v.(type) {
	case redact.Text:
		return t.String()
	case *redact.Text:
		if t != nil {
			return t.String()
		}
		return ""
	case []redact.Text:
		return redact.Join("; ", t...).String()
	}
	return "[concealed]"
}

// observer logs and counts what became of alarms.
type observer struct {
	log       *slog.Logger
	namespace string
	mu        sync.Mutex
	out       io.Writer
}

func (o *observer) observe(x oncall.Outcome) {
	attrs := []slog.Attr{
		slog.String("way", string(x.Alarm.Way)), slog.String("execution", x.Alarm.ExecutionARN),
		slog.Int64("millis", x.Took.Milliseconds()), slog.Bool("told", x.Response.Told != ""), slog.Bool("bare", x.Bare),
	}
	if i := x.Response.Incident; i != nil {
		attrs = append(attrs, slog.String("standing", string(i.Standing)), slog.Int("seen", i.Count), slog.String("fingerprint", i.Fingerprint))
	}
	doc := x.Response.Document
	if doc != nil {
		attrs = append(attrs, slog.Any("category", doc.Category), slog.Any("rootCause", doc.RootCause.Truncate(500)), slog.Any("missing", doc.Missing))
	}
	level := slog.LevelInfo
	if len(x.Problems) > 0 {
		level = slog.LevelWarn
		attrs = append(attrs, slog.Any("problems", x.Problems))
	}
	o.log.LogAttrs(context.Background(), level, "answered", attrs...)
	o.count(x, doc)
}

// metric is one of an outcome.
type metric struct {
	name, unit string
	value      float64
}

// metricsOf are what an outcome counts for.
func metricsOf(x oncall.Outcome, doc *report.Document) (all []metric, category string) {
	count := func(name string, n float64) { all = append(all, metric{name, "Count", n}) }
	flag := func(name string, is bool) {
		if is {
			count(name, 1)
		} else {
			count(name, 0)
		}
	}
	all = append(all, metric{"Duration", "Milliseconds", float64(x.Took.Milliseconds())})
	flag("Diagnoses", doc != nil && doc.Failure != nil)
	flag("BareAnswers", x.Bare)
	flag("OwnFailures", len(x.Problems) > 0)
	flag("Notifications", x.Response.Told != "")
	if i := x.Response.Incident; i != nil {
		flag("Repeats", i.Standing != "first")
	}
	category = "none"
	if doc == nil {
		return all, category
	}
	if doc.Category != nil {
		category = doc.Category.String()
	}
	count("Redactions", float64(doc.Redactions.Count))
	flag("ModelCalls", doc.Model != nil)
	if m := doc.Model; m != nil {
		flag("ModelFailures", m.Error != nil)
		count("InputTokens", float64(m.InputTokens))
		count("OutputTokens", float64(m.OutputTokens))
		all = append(all, metric{"CostUSD", "None", m.CostUSD})
	}
	return all, category
}

// count writes CloudWatch's embedded metric format: a line of the log that is taken for
// metrics too.
func (o *observer) count(x oncall.Outcome, doc *report.Document) {
	if o.namespace == "none" {
		return
	}
	all, category := metricsOf(x, doc)
	type definition struct{ Name, Unit string }
	definitions := make([]definition, len(all))
	line := map[string]any{"Category": category, "Way": string(x.Alarm.Way)}
	for i, m := range all {
		definitions[i] = definition{m.name, m.unit}
		line[m.name] = m.value
	}
	line["_aws"] = map[string]any{
		"Timestamp": time.Now().UnixMilli(),
		"CloudWatchMetrics": []map[string]any{{
			"Namespace": o.namespace, "Dimensions": [][]string{{}, {"Category"}, {"Way"}}, "Metrics": definitions,
		}},
	}
	text, err := json.Marshal(line)
	if err != nil {
		return // a number that is none
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	_, _ = o.out.Write(append(text, '\n'))
}
