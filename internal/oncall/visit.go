package oncall

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/internal/notify"
	"github.com/stepsleuth/stepsleuth/internal/report"
	"github.com/stepsleuth/stepsleuth/internal/store"
	"github.com/stepsleuth/stepsleuth/redact"
)

// visit is one call being responded to.
type visit struct {
	*Responder
	call  Call
	out   Response
	id    string    // of the notification
	in    Incidents // which holds the incident; nil: none does
	draft store.Draft
}

// claim finds out whether people are to be told. Where nothing can say so, they are.
func (v *visit) claim(ctx context.Context) {
	v.out.Tell = true
	if v.call.Case == nil {
		return
	}
	d, failed := delivery(v.call.Case, v.Redact, v.call.Report.Local, v.call.At)
	d.Untold = v.call.Untold
	v.id = d.Key.String()
	if !failed || v.Incidents == nil {
		return
	}
	if v.claimAt(ctx, v.Incidents, d) == nil || v.Spare == nil {
		return
	}
	_ = v.claimAt(ctx, v.Spare, d) // in memory: fails only where ctx has ended
}

func (v *visit) claimAt(ctx context.Context, in Incidents, d store.Delivery) error {
	i, mine, err := in.Claim(ctx, d)
	if err != nil {
		v.problem(redact.Format("how often it was seen, and whether it was told before: %v", v.Redact.Text(err.Error())))
		return err
	}
	v.in, v.out.Incident, v.out.Tell = in, &i, mine
	v.draft = i.Draft
	// Who takes over from one that crashed after sending sends the same message again,
	// which a receiver can tell by its id.
	v.id = fmt.Sprintf("%s/%d", i.Fingerprint, i.First.Unix())
	return nil
}

func (v *visit) problem(t redact.Text) { v.out.Problems = append(v.out.Problems, t) }

// examine makes the document, as thoroughly as the call deserves. Some time is left to
// tell people before ctx ends.
func (v *visit) examine(ctx context.Context) (*report.Document, error) {
	depth := Thoroughly
	if !v.out.Tell || !v.draft.Text.IsZero() { // with a draft it was examined, and only not told
		depth = v.call.Repeats
	}
	if depth == NotAtAll {
		return nil, nil
	}
	o := v.call.Report
	if i := v.out.Incident; i != nil {
		o.Seen = &report.Sighting{Count: i.Count, Since: i.First}
	}
	ctx, cancel := leaving(ctx)
	defer cancel()
	doc, err := v.Responder.examine(ctx, v.doctor(depth), v.call.Case, o)
	if err != nil {
		return nil, err
	}
	doc.Missing = append(doc.Missing, v.out.Problems...)
	return &doc, nil
}

// doctor is the one for that depth.
func (v *visit) doctor(depth Depth) *diagnose.Doctor {
	if depth == Thoroughly {
		return v.Doctor
	}
	brief := *v.Doctor
	brief.Model, brief.Collectors, brief.Try = nil, nil, nil
	return &brief
}

// leaving ends a context a little before it ends.
func leaving(ctx context.Context) (context.Context, context.CancelFunc) {
	const toTell = 15 * time.Second
	end, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, end.Add(-min(toTell, time.Until(end)/3)))
}

// tell sends the notification and settles the incident.
func (v *visit) tell(ctx context.Context, examined error) error {
	m := v.message(examined)
	if v.Notify == nil {
		v.settle(ctx, examined == nil, m)
		return nil
	}
	var err error
	v.out.Told, err = v.Notify.Notify(ctx, m)
	v.settle(ctx, err == nil || v.out.Told != "", m)
	switch {
	case err == nil:
		return nil
	case v.out.Told != "": // in one way of several, and once is enough
		return fmt.Errorf("people were told (%s), but not in every way: %w", v.out.Told, err)
	}
	return fmt.Errorf("nobody was told: %w", err)
}

// message is the draft of the last time, what the document says, or else what is known
// without the doctor.
func (v *visit) message(examined error) notify.Message {
	switch {
	case !v.draft.Text.IsZero():
		return notify.Message{ID: v.id, Subject: v.draft.Subject, Text: v.draft.Text, Time: v.call.At}
	case v.out.Document != nil:
		return message(v.id, *v.out.Document, v.call.At)
	}
	return v.plain(examined)
}

// settle tells the store, even where ctx has ended meanwhile.
func (v *visit) settle(ctx context.Context, told bool, m notify.Message) {
	if v.in == nil {
		return
	}
	ctx, cancel := settling(ctx)
	defer cancel()
	end := store.Settlement{Ticket: v.out.Incident.Ticket, At: v.call.At, Told: told, Draft: store.Draft{Subject: m.Subject, Text: m.Text}}
	if err := v.in.Settle(ctx, end); err != nil {
		v.problem(redact.Format("that people were told could not be noted, so they may be told again: %v", v.Redact.Text(err.Error())))
	}
}

// settling is the time to note that people were told. In a storm the note waits behind the
// claims of every process, and without it people are told again; a Duty sets its own end.
func settling(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
}

// plain tells of a failure that could not be examined.
func (v *visit) plain(why error) notify.Message {
	const most = 4 << 10
	c := v.call.Case
	name, lines := redact.Text{}, []redact.Text{redact.Static("An execution failed, and stepsleuth could not find out why.\n")}
	add := func(label redact.Text, text *string) {
		if text != nil && *text != "" {
			lines = append(lines, redact.Format("%v %v", label, inert(v.Redact, v.Redact.Text(*text)).Truncate(most)))
		}
	}
	if c != nil && c.Execution != nil {
		x := c.Execution
		arn := cmp.Or(x.ARN, x.Name)
		name = v.Redact.Text(machine(x.StateMachineARN, x.ARN))
		add(redact.Static("execution "), &arn)
	}
	if c != nil && c.Subject() != nil {
		f := c.Subject()
		add(redact.Static("state     "), &f.State)
		add(redact.Static("error     "), f.Error)
		add(redact.Static("cause     "), f.Cause)
	}
	if why != nil {
		text := why.Error()
		add(redact.Static("why not   "), &text)
	}
	return notify.Message{
		ID: v.id, Time: v.call.At, Text: redact.Format("%v\n", redact.Join("\n", lines...)),
		Subject: redact.Format("[stepsleuth] FAILED %v (not diagnosed)", name),
	}
}

// machine is the state machine's name, of either ARN.
func machine(machineARN, executionARN string) string {
	const name = 6
	for _, arn := range []string{machineARN, executionARN} {
		if parts := strings.Split(arn, ":"); len(parts) > name {
			return parts[name]
		}
	}
	return ""
}
