package verify

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/history"
)

// again returns the visit of the run that is the one which failed in the
// recording, or nil.
func (r *run) again() *visit {
	target := r.study.target
	if target == nil {
		return nil
	}
	for _, v := range r.trace.byPlace[target.place] {
		if r.answers.nth(v) == target.nth {
			return v
		}
	}
	return nil
}

// failure is what ended the run, or nil.
func (r *run) failure() *diagnose.Failure {
	if r.x == nil || r.x.Status != history.Failed && r.x.Status != history.TimedOut {
		return nil
	}
	if r.located == nil {
		r.located = diagnose.Locate(r.x, r.trace.machine).Failure
	}
	return r.located
}

// endedIn reports that the run ended with the failure of a visit, and how.
func (r *run) endedIn(v *visit) (*diagnose.Failure, bool) {
	f := r.failure()
	return f, f != nil && v != nil && r.trace.byEvent[f.EnteredEvent] == v
}

// failed returns with what a visit failed: caught, or ending the run.
func (r *run) failed(v *visit) (err, cause *string, ok bool) {
	if f, ended := r.endedIn(v); ended {
		return f.Error, f.Cause, true
	}
	if v.caught || v.exit == nil && v.failing {
		return v.err, v.cause, true
	}
	return nil, nil, false
}

// reproduced reports that the run with the original definition failed as
// recorded; else why it did not.
func (r *run) reproduced() (bool, string) {
	s := r.study
	if r.err != nil {
		return false, r.err.Error()
	}
	if s.subject.TimedOut {
		return r.x.Status == history.TimedOut, "the replay did not run into the time-out of the machine, but " + r.ending()
	}
	v := r.again()
	if v == nil {
		return false, fmt.Sprintf("the replay did not reach %q; %s", s.target.name, r.ending())
	}
	err, cause, ok := r.failed(v)
	switch {
	case v.succeeded():
		return false, fmt.Sprintf("%q succeeds with the definition that is said to have run", v.name)
	case !ok && r.unknown != nil:
		return false, r.unknown.Reason
	case !ok:
		return false, fmt.Sprintf("%q did not fail in the replay; %s", v.name, r.ending())
	case err == nil && cause == nil && (v.kind == "Fail" || v.caught && !v.failing):
		return true, "" // no event says with what: a Fail that is caught further out, a result that could not be placed
	case textOr(err, "") != textOr(s.subject.Error, "") || !alike(cause, s.subject.Cause):
		return false, fmt.Sprintf("%q failed with %s", v.name, sayError(err, cause))
	}
	return true, ""
}

// ending says how a run ended, as part of a sentence.
func (r *run) ending() string {
	if r.unknown != nil {
		return r.unknown.Reason
	}
	f := r.failure()
	switch {
	case r.x == nil:
		return "the execution did not start"
	case r.exhausted():
		return fmt.Sprintf("the execution has not ended after %d events, as many as there can be", maxEvents)
	case f != nil && f.State != "" && f.Error == nil && f.Cause == nil:
		return fmt.Sprintf("the execution ends %s at %s", r.x.Status, place(f))
	case f != nil && f.State != "":
		return fmt.Sprintf("the execution ends %s at %s with %s", r.x.Status, place(f), sayError(f.Error, f.Cause))
	}
	return fmt.Sprintf("the execution ends %s", r.x.Status)
}

// place names the state of a failure, and the iteration that it is in.
func place(f *diagnose.Failure) string {
	if len(f.Path) == 0 {
		return strconv.Quote(f.State)
	}
	return strconv.Quote(f.State) + " in " + strings.ReplaceAll(strings.Join(f.Path, "/"), "/[", "[")
}

func sayError(err, cause *string) string {
	text := textOr(err, "no error name")
	if c := told(cause); c != "" {
		text += ": " + short(c)
	}
	return text
}

// short keeps a cause in a sentence.
func short(s string) string {
	const most = 200
	s = strings.TrimSuffix(strings.Join(strings.Fields(s), " "), ".")
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + " …"
	}
	return s
}

// judge says what the run with the fix has shown.
func (r *run) judge() diagnose.Verification {
	s := r.study
	if r.err != nil {
		return unverifiable("the fixed definition cannot be run here: %v", r.err)
	}
	if s.subject.TimedOut {
		return r.judgeTimeout()
	}
	v := r.again()
	switch {
	case v == nil:
		return r.judgeUnreached()
	case v.succeeded():
		return r.judgeSucceeded(v)
	case v.caught:
		return r.judgeCaught(v)
	}
	err, cause, failed := r.failed(v)
	switch {
	case failed && r.same(err, cause) && r.unknown != nil:
		return r.say(diagnose.Partial, "what the state is in is tried again, but %s", r.unknown.Reason)
	case failed && r.same(err, cause) && caughtAround(v):
		return r.judgeCaught(v)
	case failed && r.same(err, cause):
		return r.say(diagnose.Refuted, "the state fails as before, with %s", sayError(err, cause))
	case failed:
		return r.say(diagnose.Refuted, "the state now fails with %s", sayError(err, cause))
	case r.unknown == nil:
		return r.say(diagnose.Partial, "the state does not fail, but neither does it end: %s", r.ending())
	case !r.study.taskFailed():
		return r.say(diagnose.Partial, "the state now gets past what failed; %s", r.unknown.Reason)
	case len(v.attempts) > len(r.study.target.attempts):
		return r.say(diagnose.Partial, "the state is tried again, but %s", r.unknown.Reason)
	}
	return r.say(diagnose.Partial, "the failure does not come again up to there, but %s", r.unknown.Reason)
}

// caughtAround reports that a Map or Parallel around a state that failed was left
// through its catcher.
func caughtAround(v *visit) bool {
	for at := v.strand.owner; at != nil; at = at.strand.owner {
		if at.caught {
			return true
		}
	}
	return false
}

// taskFailed reports that it was the state's task that failed, and not what the
// state does before or after it.
func (s *study) taskFailed() bool {
	n := len(s.target.attempts)
	if n == 0 {
		return false
	}
	end := s.target.attempts[n-1].end
	return end == nil || !strings.HasSuffix(string(end.Type), "Succeeded")
}

func (r *run) same(err, cause *string) bool {
	s := r.study.subject
	return textOr(err, "") == textOr(s.Error, "") && told(cause) == told(s.Cause)
}

func (r *run) say(status diagnose.VerificationStatus, format string, args ...any) diagnose.Verification {
	return diagnose.Verification{Status: status, How: r.entry.String() + ": " + fmt.Sprintf(format, args...)}
}

func (r *run) judgeTimeout() diagnose.Verification {
	switch {
	case r.unknown != nil:
		return r.say(diagnose.Partial, "the execution does not run into its time-out up to there, but %s", r.unknown.Reason)
	case r.x.Status == history.Succeeded:
		return r.say(diagnose.Verified, "the execution ends SUCCEEDED within its time")
	}
	return r.say(diagnose.Refuted, "%s", r.ending())
}

// judgeUnreached is about a state that failed and is not entered any more.
func (r *run) judgeUnreached() diagnose.Verification {
	target := r.study.target
	switch {
	case r.unknown != nil:
		return r.say(diagnose.Partial, "the run ends before %q; %s", target.name, r.unknown.Reason)
	case r.x.Status == history.Succeeded && r.originMended():
		return r.say(diagnose.Verified, "%q, where it began, succeeds, and the execution ends SUCCEEDED", r.study.c.Origin.State)
	case r.x.Status == history.Succeeded && target.kind == "Fail":
		return r.say(diagnose.Verified, "the Fail state is not reached, and the execution ends SUCCEEDED")
	case r.x.Status == history.Succeeded:
		return r.say(diagnose.Partial, "the state is not entered any more, and the execution ends SUCCEEDED")
	}
	return r.say(diagnose.Refuted, "%s", r.ending())
}

// originMended reports that the failure with which it began does not come any more.
func (r *run) originMended() bool {
	s := r.study
	if s.c.Origin == nil {
		return false
	}
	origin := s.find(s.c.Origin)
	if origin == nil || origin == s.target {
		return false
	}
	for _, v := range r.trace.byPlace[origin.place] {
		if r.answers.nth(v) == origin.nth {
			return v.succeeded()
		}
	}
	return false
}

func (r *run) judgeSucceeded(v *visit) diagnose.Verification {
	f := r.failure()
	switch {
	case r.unknown != nil:
		return r.say(diagnose.Verified, "the state succeeds; what comes after it is not proven, as %s", r.unknown.Reason)
	case f == nil && r.entry.alone:
		return r.say(diagnose.Verified, "the state succeeds")
	case f == nil:
		return r.say(diagnose.Verified, "the state succeeds, and %s", r.ending())
	case f.State == v.name && r.same(f.Error, f.Cause):
		return r.say(diagnose.Refuted, "the state succeeds there, but fails as before when it is entered again")
	}
	return r.say(diagnose.Partial, "the state succeeds, but then %s", r.ending())
}

// judgeCaught is about a state that still fails, and whose catcher takes it.
func (r *run) judgeCaught(v *visit) diagnose.Verification {
	f := r.failure()
	switch {
	case !r.same(v.err, v.cause) && (v.err != nil || v.cause != nil):
		return r.say(diagnose.Refuted, "the state now fails with %s, which its catcher takes", sayError(v.err, v.cause))
	case r.unknown != nil:
		return r.say(diagnose.Partial, "the catcher takes the error, but %s", r.unknown.Reason)
	case f == nil:
		return r.say(diagnose.Verified, "the catcher takes the error, and %s", r.ending())
	case r.same(f.Error, f.Cause):
		return r.say(diagnose.Refuted, "the catcher takes the error, but the execution still ends with it")
	case f.StateType == "Fail":
		return r.say(diagnose.Partial, "the catcher takes the error, and the workflow's own Fail state %q then ends it", f.State)
	}
	return r.say(diagnose.Refuted, "the catcher takes the error, but then %s", r.ending())
}
