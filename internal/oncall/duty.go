package oncall

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/internal/awscloud"
	"github.com/stepsleuth/stepsleuth/internal/report"
	"github.com/stepsleuth/stepsleuth/internal/store"
	"github.com/stepsleuth/stepsleuth/redact"
)

// Duty answers whatever tells of a failure on AWS, always, and before the time is over.
//
//	payload ─ ReadAlarms ─► Alarm ─ Cloud.Fetch ─► Case ─ Respond ─► Answer, or what became of it
//	                          └──────── nothing to be had: what the alarm says ──────┘
//
// What a workflow caught itself it also tells people of itself, with the mail of the
// answer; of what is told from outside people are told from here. It is safe for
// concurrent use.
type Duty struct {
	Responder                  // Notify: for what comes from outside
	Cloud     *awscloud.Cloud  // nil: what an alarm says has to do
	Report    report.Options   // what the documents say beyond the diagnosis
	Now       func() time.Time // nil: the system's

	// Observe, where set, is given what became of every alarm. Calls may be concurrent.
	Observe func(Outcome)
}

// Outcome is what became of an alarm.
type Outcome struct {
	Alarm    Alarm
	Response Response // its Document may be nil
	Bare     bool     // it was answered without a diagnosis
	Problems []redact.Text
	Took     time.Duration
	untold   error
	plain    mailText
}

// How the time is divided.
const (
	usualTime    = 55 * time.Second // where the caller sets no end
	shareOfFetch = 0.4              // of what is left, for fetching
	shareOfProof = 0.5              // of what is left then, for logs and configuration
	modelNeeds   = 3 * time.Second  // with less, no model is asked
	claimTakes   = 3 * time.Second  // at most
	atOnce       = 4                // alarms
)

// Answer answers one event in at most MaxAnswer bytes. Where the event came from inside a
// workflow there is never an error. For others the error says that people were not told,
// so that AWS delivers the event again.
func (d *Duty) Answer(ctx context.Context, payload []byte) (out []byte, err error) {
	defer func() {
		if recover() != nil { // what it was about may be a secret
			out, err = note("problem", redact.Static("the troubleshooter broke down; please report it")), nil
		}
	}()
	alarms, err := ReadAlarms(payload)
	switch {
	case errors.Is(err, ErrNoAlarm):
		return note("ignored", d.text(err)), nil
	case err != nil:
		d.observe(Outcome{Bare: true, Problems: []redact.Text{d.text(err)}})
		return note("problem", d.text(err)), nil
	}
	outcomes := d.all(ctx, alarms)
	if way := alarms[0].Way; way == Caught || way == Asked {
		return d.answerTo(outcomes[0]), nil
	}
	return d.summary(outcomes)
}

// all attends to alarms, some at once.
func (d *Duty) all(ctx context.Context, alarms []Alarm) []Outcome {
	ctx, stop, cancel := divide(ctx)
	defer cancel()
	outcomes := make([]Outcome, len(alarms))
	var wg sync.WaitGroup
	free := make(chan struct{}, atOnce)
	for i, alarm := range alarms {
		wg.Go(func() {
			free <- struct{}{}
			defer func() { <-free }()
			outcomes[i] = d.attend(ctx, stop, alarm)
			d.observe(outcomes[i])
		})
	}
	wg.Wait()
	return outcomes
}

// divide keeps a reserve: work is to end when the context does, and an answer is given
// at stop even if it has not.
func divide(ctx context.Context) (work context.Context, stop time.Time, cancel context.CancelFunc) {
	end, ok := ctx.Deadline()
	if !ok {
		end = time.Now().Add(usualTime)
	}
	reserve := min(max(time.Until(end)/10, 100*time.Millisecond), 1500*time.Millisecond)
	stop = end.Add(-reserve)
	work, cancel = context.WithDeadline(ctx, stop.Add(-reserve))
	return work, stop, cancel
}

// attend attends to one alarm, and gives up on it at stop.
func (d *Duty) attend(ctx context.Context, stop time.Time, alarm Alarm) Outcome {
	began := time.Now()
	done := make(chan Outcome, 1)
	go func() {
		defer func() {
			if recover() != nil {
				done <- d.bare(alarm, redact.Static("the troubleshooter broke down; please report it"))
			}
		}()
		done <- d.work(ctx, stop, alarm)
	}()
	timer := time.NewTimer(time.Until(stop))
	defer timer.Stop()
	var o Outcome
	select {
	case o = <-done:
	case <-timer.C:
		o = d.bare(alarm, redact.Static("there was no time left for a diagnosis; give the function more time"))
	}
	o.Took = time.Since(began)
	return o
}

// bare is the outcome where there is no diagnosis: what the alarm itself says.
func (d *Duty) bare(alarm Alarm, why redact.Text) Outcome {
	o := Outcome{Alarm: alarm, Bare: true, Problems: []redact.Text{why}}
	if alarm.Way == Status || alarm.Way == Logged || alarm.Way == Sent {
		o.untold = errors.New(why.String())
	}
	o.plain = d.plainMail(alarm, why)
	return o
}

func (d *Duty) plainMail(alarm Alarm, why redact.Text) mailText {
	if alarm.Status == history.Succeeded {
		return mailText{
			Subject: redact.Format("[stepsleuth] SUCCEEDED %v (not reviewed)", d.Redact.Text(machine("", alarm.ExecutionARN))),
			Text:    redact.Format("The execution succeeded. Failures inside were not looked for: %v.\n", why),
		}
	}
	v := visit{Responder: &d.Responder, call: Call{Case: &diagnose.Case{Execution: notice(alarm).Execution, Failure: told(alarm)}}}
	m := v.plain(errors.New(why.String()))
	return mailText{Subject: m.Subject, Text: m.Text}
}

func (d *Duty) work(ctx context.Context, stop time.Time, alarm Alarm) Outcome {
	if alarm.Way == Digest {
		return d.digestNow(ctx)
	}
	o := Outcome{Alarm: alarm}
	k, problem := d.kase(ctx, alarm)
	if problem != nil {
		o.Problems = append(o.Problems, d.text(problem))
	}
	call := Call{Case: k.Case, Report: d.Report, At: d.now(), Untold: k.untold, Repeats: repeats(alarm.Way)}
	call.Report.History, call.Report.Inline, call.Report.HandledBy = alarm.ExecutionARN, k.inline, alarm.HandledBy
	r := d.hurried(stop, alarm.Way)
	var err error
	o.Response, err = r.Respond(ctx, call)
	o.Problems = append(o.Problems, o.Response.Problems...)
	if err != nil {
		o.Problems = append(o.Problems, d.text(err))
	}
	if o.Response.Document == nil && (o.Response.Tell || alarm.Way == Caught || alarm.Way == Asked) {
		o.Bare = true
		o.plain = d.plainMail(alarm, redact.Join("; ", o.Problems...))
	}
	if r.Notify != nil && o.Response.Tell && o.Response.Told == "" {
		o.untold = err
	}
	return o
}

// repeats is how what people know of is examined: a workflow wants an answer each time.
func repeats(way Way) Depth {
	switch way {
	case Caught:
		return Briefly
	case Asked:
		return Thoroughly
	}
	return NotAtAll
}

func (d *Duty) digestNow(ctx context.Context) Outcome {
	o := Outcome{Alarm: Alarm{Way: Digest}}
	where, err := d.Digest(ctx, d.now())
	o.Response.Told = where
	if err != nil {
		o.Problems, o.untold = append(o.Problems, d.text(err)), err
	}
	return o
}

// known is a case, and what the workflow itself did about it.
type known struct {
	*diagnose.Case
	inline bool // it caught the failure
	untold bool // it was to tell people, and could not
}

// kase makes the case of an alarm: of the execution as it is on AWS, or, where that
// cannot be had, of what the alarm says.
func (d *Duty) kase(ctx context.Context, alarm Alarm) (k known, problem error) {
	k.inline = alarm.Way == Caught || alarm.Way == Sent && alarm.HandledBy == ""
	f, err := d.fetch(ctx, alarm)
	if err != nil {
		k.Case = diagnose.NewNoticeCase(nil, notice(alarm))
		k.Missing = append(k.Missing, err.Error())
		return k, err
	}
	x := f.Execution
	switch {
	case alarm.Way == Caught && alarm.Status == history.Succeeded:
		k.Case = f.CaseOf(endedWell(x))
		return k, nil
	case alarm.Way == Caught || alarm.Way == Sent:
		x = endedAt(x, alarm.State, alarm.Failure, alarm.At)
	default:
		k.untold = alarm.Way == Status && unpublished(x)
		x, k.inline = Uncaught(x)
	}
	k.Case = f.CaseOf(x)
	if k.Failure == nil && alarm.Way != Asked { // it is not in the history yet, and did happen
		k.Case = f.NoticeCase(notice(alarm))
		if alarm.Way == Sent && alarm.HandledBy == "" && alarm.Input.IsAbsent() {
			k.Missing = append(k.Missing, "the execution's input: it was too large to go along")
		}
	}
	return k, nil
}

func (d *Duty) fetch(ctx context.Context, alarm Alarm) (f *awscloud.Fetched, err error) {
	if d.Cloud == nil {
		return nil, errors.New("the execution: the troubleshooter has no access to AWS; see its log for why")
	}
	defer func() {
		if recover() != nil {
			f, err = nil, errors.New("the execution: fetching it broke down; please report it")
		}
	}()
	ctx, cancel := share(ctx, shareOfFetch)
	defer cancel()
	ask := awscloud.Ask{ARN: alarm.ExecutionARN, Ended: alarm.Way == Status, LogGroup: alarm.LogGroup, Events: alarm.Events, Around: alarm.At, Told: alarm.Way == Sent}
	if alarm.Status != history.Succeeded {
		ask.Left = alarm.State
	}
	if alarm.Way != Caught {
		ask.As = func(x *history.Execution) *history.Execution { x, _ = Uncaught(x); return x }
	}
	return d.Cloud.Fetch(ctx, ask)
}

// notice is what an alarm itself says of a failure.
func notice(alarm Alarm) *history.Notice {
	if alarm.Notice != nil {
		return alarm.Notice
	}
	x := &history.Execution{ARN: alarm.ExecutionARN, StateMachineARN: history.MachineOf(alarm.ExecutionARN), Status: history.Failed, Start: alarm.Started, Stop: alarm.At, Input: alarm.Input}
	if alarm.Status != "" {
		x.Status = alarm.Status
	}
	if alarm.Failure != nil {
		x.Error, x.Cause = alarm.Failure.Error, alarm.Failure.Cause
	}
	return &history.Notice{Execution: x, State: alarm.State}
}

func told(alarm Alarm) *diagnose.Failure {
	n := notice(alarm)
	return &diagnose.Failure{State: n.State, Error: n.Execution.Error, Cause: n.Execution.Cause}
}

// hurried is the responder for one alarm, its helpers held to the time that is left.
func (d *Duty) hurried(stop time.Time, way Way) *Responder {
	r := d.Responder
	doctor := *d.Doctor
	r.Doctor = &doctor
	doctor.Collectors = nil
	for _, c := range d.Doctor.Collectors {
		doctor.Collectors = append(doctor.Collectors, shared{c})
	}
	if d.Cloud != nil {
		doctor.Rules = slices.Concat(doctor.Rules, awscloud.Observed())
		for _, c := range d.Cloud.Collectors() {
			doctor.Collectors = append(doctor.Collectors, shared{c})
		}
	}
	if doctor.Model != nil {
		doctor.Model = patient{doctor.Model}
	}
	if r.Incidents != nil {
		r.Incidents = punctual{r.Incidents, stop}
	}
	switch way {
	case Caught:
		r.Notify = nil // the workflow does
	case Asked:
		r.Notify, r.Incidents, r.Spare = nil, nil, nil
	}
	return &r
}

// share ends a context when a part of the time that is left has passed.
func share(ctx context.Context, part float64) (context.Context, context.CancelFunc) {
	end, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Duration(float64(time.Until(end))*part))
}

// shared is a collector that leaves time for what comes after it.
type shared struct{ diagnose.Collector }

func (s shared) Collect(ctx context.Context, c *diagnose.Case) ([]diagnose.Evidence, error) {
	ctx, cancel := share(ctx, shareOfProof)
	defer cancel()
	return s.Collector.Collect(ctx, c)
}

// patient is a model that is not asked where it could not answer in time.
type patient struct{ diagnose.Model }

func (p patient) Ask(ctx context.Context, q diagnose.Prompt) (diagnose.Answer, error) {
	if end, ok := ctx.Deadline(); ok && time.Until(end) < modelNeeds {
		return diagnose.Answer{}, &diagnose.ModelError{Kind: "timeout", Reason: "too little time was left to ask the model",
			Mend: "raise the timeout of the troubleshooter's function to 60 seconds"}
	}
	return p.Model.Ask(ctx, q)
}

// punctual are incidents that never take long, not even to settle.
type punctual struct {
	Incidents
	stop time.Time
}

func (p punctual) Settle(ctx context.Context, end store.Settlement) error {
	ctx, cancel := context.WithDeadline(ctx, p.stop.Add(-20*time.Millisecond))
	defer cancel()
	return p.Incidents.Settle(ctx, end)
}

func (p punctual) Claim(ctx context.Context, v store.Delivery) (store.Incident, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, claimTakes)
	defer cancel()
	return p.Incidents.Claim(ctx, v)
}

// answerTo is the answer to who waits for one.
func (d *Duty) answerTo(o Outcome) []byte {
	terms := o.Alarm.Decide
	finish := func(m mailText) mailText { return terms.ask(m, o.Alarm.ExecutionARN, d.now(), d.Redact) }
	if doc := o.Response.Document; doc != nil {
		whole := *doc
		whole.Missing = append(whole.Missing, o.Problems...)
		out, err := answer(*dedupe(&whole), o.Response.Tell && o.Response.Told == "" || terms != nil, finish)
		if err == nil && len(out) <= MaxAnswer {
			return out
		}
		o.plain = d.plainMail(o.Alarm, redact.Static("the diagnosis was too large to hand on"))
	}
	problem := redact.Join("; ", o.Problems...).Truncate(1 << 10)
	out, err := marshal(struct {
		Mail    mailText    `json:"mail"`
		Notify  bool        `json:"notify"`
		Problem redact.Text `json:"problem"`
	}{finish(mailText{o.plain.Subject, o.plain.Text.Truncate(MaxAnswer / 2)}), true, problem})
	if err != nil || len(out) > MaxAnswer {
		return note("problem", redact.Static("the answer was too large to hand on"))
	}
	return out
}

// dedupe drops from what is missing what was said already.
func dedupe(doc *report.Document) *report.Document {
	seen := map[redact.Text]bool{}
	kept := []redact.Text{}
	for _, line := range doc.Missing {
		if !seen[line] {
			seen[line] = true
			kept = append(kept, line)
		}
	}
	doc.Missing = kept
	return doc
}

// line is what became of one alarm, for a log.
type line struct {
	Execution redact.Text   `json:"execution"`
	Category  *redact.Text  `json:"category,omitempty"`
	Standing  redact.Text   `json:"standing"`
	Told      redact.Text   `json:"told"`
	Problems  []redact.Text `json:"problems,omitempty"`
}

// summary is the answer to who does not wait for one. The error is the first that kept
// people from being told.
func (d *Duty) summary(outcomes []Outcome) ([]byte, error) {
	var untold error
	var lines []line
	for _, o := range outcomes {
		if o.untold != nil && untold == nil {
			untold = errors.New(d.text(o.untold).String())
		}
		l := line{Execution: d.Redact.Text(o.Alarm.ExecutionARN), Told: d.Redact.Text(o.Response.Told), Problems: o.Problems}
		if o.Response.Document != nil {
			l.Category = o.Response.Document.Category
		}
		if i := o.Response.Incident; i != nil {
			l.Standing = d.Redact.Text(string(i.Standing))
		}
		lines = append(lines, l)
	}
	for {
		out, err := marshal(map[string]any{"alarms": len(outcomes), "answers": lines})
		if err == nil && len(out) <= MaxAnswer {
			return out, untold
		}
		if len(lines) == 0 {
			return note("problem", redact.Static("the answer could not be written")), untold
		}
		lines = lines[:len(lines)/2]
	}
}

func note(name string, text redact.Text) []byte {
	out, err := marshal(map[string]redact.Text{name: text.Truncate(1 << 10)})
	if err != nil {
		return []byte(`{"problem":"the answer could not be written"}`)
	}
	return bytes.TrimSpace(out)
}

func (d *Duty) text(err error) redact.Text { return d.Redact.Text(err.Error()) }

func (d *Duty) now() time.Time {
	if d.Now != nil {
		return d.Now()
	}
	return time.Now()
}

func (d *Duty) observe(o Outcome) {
	if d.Observe == nil {
		return
	}
	defer func() { _ = recover() }() // whoever looks on must not be in the way of the answer
	d.Observe(o)
}
