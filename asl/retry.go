package asl

import (
	"slices"
	"strconv"
	"strings"
)

// Limits of ASL "Errors" and of Step Functions on retriers.
const (
	maxInterval = 99999999
	maxAttempts = 99999999
	maxDelay    = 31622400
)

// retry reads Retry.
func (d *decoder) retry(n *node) []*Retrier {
	out := make([]*Retrier, 0, len(n.kids))
	for i, kid := range n.kids {
		if d.wants(kid, "object") {
			out = append(out, d.retrier(kid, i == len(n.kids)-1))
		}
	}
	return out
}

func (d *decoder) retrier(n *node, last bool) *Retrier {
	r := &Retrier{IntervalSeconds: 1, MaxAttempts: 3, BackoffRate: 2, Span: n.span, ErrorEquals: d.errorEquals(n, last)}
	d.setWhole(n, "IntervalSeconds", &r.IntervalSeconds, 1, maxInterval)
	d.setWhole(n, "MaxAttempts", &r.MaxAttempts, 0, maxAttempts)
	d.setWhole(n, "MaxDelaySeconds", &r.MaxDelaySeconds, 1, maxDelay)
	if v := n.get("BackoffRate"); v != nil && !(v.is("string") && isPlaceholder(v.text)) && d.wants(v, "number") {
		r.BackoffRate, _ = strconv.ParseFloat(v.text, 64)
		d.inRange(v, r.BackoffRate, 1, 1e9)
	}
	if v := n.get("JitterStrategy"); v != nil {
		r.JitterFull = d.oneOf(v, "FULL", "NONE") == "FULL"
	}
	if v := n.get("MaxDelaySeconds"); v != nil && r.MaxDelaySeconds > 0 && r.MaxDelaySeconds <= r.IntervalSeconds {
		d.warnf(v, codeSchema, "MaxDelaySeconds (%d) is no longer than IntervalSeconds (%d): every retry waits that long", r.MaxDelaySeconds, r.IntervalSeconds)
	}
	d.onlyFields(n, "a retrier", "ErrorEquals", "IntervalSeconds", "MaxAttempts", "BackoffRate", "MaxDelaySeconds", "JitterStrategy", "Comment")
	return r
}

func (d *decoder) setWhole(n *node, name string, to *int64, least, most int64) {
	if v := n.get(name); v != nil {
		if i := d.whole(v, least, most); i != nil {
			*to = *i
		}
	}
}

// catch reads Catch.
func (d *decoder) catch(n *node, q QueryLanguage) []*Catcher {
	out := make([]*Catcher, 0, len(n.kids))
	for i, kid := range n.kids {
		if d.wants(kid, "object") {
			out = append(out, d.catcher(kid, q, i == len(n.kids)-1))
		}
	}
	return out
}

func (d *decoder) catcher(n *node, q QueryLanguage, last bool) *Catcher {
	c := &Catcher{Span: n.span, Fields: make(map[string]Span, len(n.kids)), ErrorEquals: d.errorEquals(n, last)}
	for _, kid := range n.kids {
		c.Fields[kid.key] = kid.span
	}
	if v := n.get("Next"); v != nil {
		c.Next = d.target(v)
	} else {
		d.missingf(n, "Next is missing: the catcher leads nowhere").saying("These fields are required: [Next]")
	}
	c.Assign = d.assign(n, q)
	if q == JSONata {
		c.Output = d.template(n, "Output", q)
		d.wrongLanguage(n, "ResultPath", q)
	} else {
		c.ResultPath = d.pathField(n, "ResultPath", referencePath|inputOnly|orNull)
		d.wrongLanguage(n, "Output", q)
	}
	d.onlyFields(n, "a catcher", "ErrorEquals", "Next", "Comment", "Assign", "Output", "ResultPath")
	return c
}

// errorEquals reads the error names that a retrier or a catcher is for. ASL
// "Errors": States.ALL stands alone and last.
func (d *decoder) errorEquals(n *node, last bool) []string {
	v := n.get("ErrorEquals")
	if v == nil {
		d.missingf(n, "ErrorEquals is missing: it names the errors").saying("These fields are required: [ErrorEquals]")
		return nil
	}
	if !d.wants(v, "array") {
		return nil
	}
	if len(v.kids) == 0 {
		d.schemaf(v, "ErrorEquals is empty: it names at least one error").saying("Value cannot be empty")
	}
	names := make([]string, 0, len(v.kids))
	for _, kid := range v.kids {
		if d.wants(kid, "string") {
			names = append(names, kid.text)
			d.errorName(kid, len(v.kids) == 1, last)
		}
	}
	return names
}

// predefinedErrors are the names of ASL "Appendix A", and those that Step
// Functions adds.
var predefinedErrors = []string{
	"States.ALL", "States.BranchFailed", "States.DataLimitExceeded", "States.ExceedToleratedFailureThreshold",
	"States.HeartbeatTimeout", "States.Http.Socket", "States.IntrinsicFailure", "States.ItemReaderFailed",
	"States.NoChoiceMatched", "States.ParameterPathFailure", "States.Permissions", "States.QueryEvaluationError",
	"States.ResultPathMatchFailure", "States.ResultWriterFailed", "States.Runtime", "States.TaskFailed", "States.Timeout",
}

func (d *decoder) errorName(n *node, alone, last bool) {
	switch {
	case n.text == "States.ALL" && !alone:
		d.schemaf(n, "States.ALL must stand alone in ErrorEquals").saying("States.ALL must appear alone").at(n.parent)
	case n.text == "States.ALL" && !last:
		d.schemaf(n, "States.ALL must come last: what follows it is never reached").
			saying("States.ALL must appear in the last element of the array").at(n.parent.parent)
	case strings.HasPrefix(n.text, "States.") && !slices.Contains(predefinedErrors, n.text):
		// Names of one's own below States. are not forbidden; only what looks like a slip is told.
		if hint := didYouMean(n.text, predefinedErrors); hint != "" {
			d.warnf(n, codeSchema, "Step Functions never raises %q%s", n.text, hint)
		}
	}
}
