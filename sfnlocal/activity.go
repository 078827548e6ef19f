package sfnlocal

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/stepsleuth/stepsleuth/engine"
)

// activity is a queue of tasks for workers that poll.
type activity struct {
	seq        int64
	arn, name  string
	created    time.Time
	tags       []types.Tag
	encryption *types.EncryptionConfiguration

	waiting []*job
	arrived chan struct{} // closed, and another made, when a job comes in
}

func (a *activity) seqOf() int64 { return a.seq }

// job is a task that waits for its token.
type job struct {
	execution *execution
	token     string
	input     string
	ctx       context.Context // ends when nobody waits any more
	answered  chan struct{}   // closed when the token was used
}

func (s *Server) createActivity(_ context.Context, in *sfn.CreateActivityInput) (*sfn.CreateActivityOutput, error) {
	if err := checkName(*in.Name); err != nil {
		return nil, err
	}
	tags, err := mergeTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	id := s.arn(kindActivity, *in.Name)
	a := s.activities[id]
	if a == nil {
		if len(s.activities) >= s.Limits.Machines {
			return nil, refuse("ActivityLimitExceeded", "The maximum number of activities has been reached: %d", s.Limits.Machines)
		}
		a = &activity{
			seq: s.next(), arn: id, name: *in.Name, created: s.now(), tags: tags, arrived: make(chan struct{}),
			encryption: orElse(in.EncryptionConfiguration, &types.EncryptionConfiguration{Type: types.EncryptionTypeAwsOwnedKey}),
		}
		s.activities[id] = a
	}
	return &sfn.CreateActivityOutput{ActivityArn: &a.arn, CreationDate: &a.created}, nil
}

// findActivity finds an activity. s.mu is held.
func (s *Server) findActivity(text string) (*activity, error) {
	if _, err := parseARN(text, kindActivity); err != nil {
		return nil, err
	}
	if a := s.activities[text]; a != nil {
		return a, nil
	}
	return nil, refuse("ActivityDoesNotExist", "Activity Does Not Exist: '%s'", text)
}

func (s *Server) describeActivity(_ context.Context, in *sfn.DescribeActivityInput) (*sfn.DescribeActivityOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.findActivity(*in.ActivityArn)
	if err != nil {
		return nil, err
	}
	return &sfn.DescribeActivityOutput{ActivityArn: &a.arn, Name: &a.name, CreationDate: &a.created, EncryptionConfiguration: a.encryption}, nil
}

func (s *Server) deleteActivity(_ context.Context, in *sfn.DeleteActivityInput) (*sfn.DeleteActivityOutput, error) {
	if _, err := parseARN(*in.ActivityArn, kindActivity); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.activities, *in.ActivityArn)
	return &sfn.DeleteActivityOutput{}, nil
}

func (s *Server) listActivities(_ context.Context, in *sfn.ListActivitiesInput) (*sfn.ListActivitiesOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	activities, next, err := page(values(s.activities), (*activity).seqOf, pageRequest{list: "activities", max: in.MaxResults, token: in.NextToken})
	if err != nil {
		return nil, err
	}
	out := &sfn.ListActivitiesOutput{NextToken: next, Activities: make([]types.ActivityListItem, len(activities))}
	for i, a := range activities {
		out.Activities[i] = types.ActivityListItem{ActivityArn: &a.arn, Name: &a.name, CreationDate: &a.created}
	}
	return out, nil
}

// getActivityTask waits for a task. Where none comes the answer is empty.
func (s *Server) getActivityTask(ctx context.Context, in *sfn.GetActivityTaskInput) (*sfn.GetActivityTaskOutput, error) {
	patience := time.NewTimer(s.Limits.LongPoll)
	defer patience.Stop()
	for {
		j, arrived, err := s.take(*in.ActivityArn)
		switch {
		case err != nil:
			return nil, err
		case j != nil && j.execution.latest().StartTask(j.token, str(in.WorkerName)) == nil:
			return &sfn.GetActivityTaskOutput{TaskToken: &j.token, Input: &j.input}, nil
		case j != nil:
			continue // it timed out, or its execution ended
		}
		select {
		case <-arrived:
		case <-patience.C:
			return &sfn.GetActivityTaskOutput{}, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-s.ctx.Done():
			return &sfn.GetActivityTaskOutput{}, nil
		}
	}
}

// take takes the first job that still waits, or tells what to wait for.
func (s *Server) take(text string) (*job, <-chan struct{}, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.findActivity(text)
	if err != nil {
		return nil, nil, err
	}
	for len(a.waiting) > 0 {
		j := a.waiting[0]
		a.waiting[0] = nil
		a.waiting = a.waiting[1:]
		if j.ctx.Err() == nil {
			return j, nil, nil
		}
	}
	return nil, a.arrived, nil
}

// checkActivity refuses the task of an activity that is not there.
func (s *Server) checkActivity(t *engine.Task) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.activities[t.Resource] == nil {
		return t.RefuseActivity()
	}
	return nil
}

// schedule puts the task of an activity into its queue.
func (s *Server) schedule(j *job, text string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.activities[text]
	if a == nil { // deleted in this moment
		e := engine.NewTaskError("ActivityDoesNotExist", "Activity Does Not Exist: '"+text+"'")
		e.Phase = engine.PhaseSchedule
		return e
	}
	a.waiting = slices.DeleteFunc(a.waiting, func(old *job) bool { return old.ctx.Err() != nil })
	a.waiting = append(a.waiting, j)
	close(a.arrived)
	a.arrived = make(chan struct{})
	return nil
}

var (
	errToken   = &apiError{"InvalidToken", "Invalid Token: 'Invalid token'"}
	errTooLate = &apiError{"TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'"}
)

// wait keeps a job for its token. The token stays known after its use, so that a
// second one is told that it comes too late.
func (s *Server) wait(j *job) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if j.execution.forgotten {
		return
	}
	s.tokens[j.token] = j
	j.execution.tokens = append(j.execution.tokens, j.token)
}

// withToken gives the execution that waits for a token an answer.
func (s *Server) withToken(token string, last bool, answer func(*engine.Running) error) error {
	s.mu.Lock()
	j := s.tokens[token]
	s.mu.Unlock()
	if j == nil {
		return errToken
	}
	err := answer(j.execution.latest())
	switch {
	case errors.Is(err, engine.ErrUnknownToken), errors.Is(err, engine.ErrEnded):
		return errTooLate
	case err == nil && last:
		close(j.answered)
	}
	return err
}

func (s *Server) sendTaskSuccess(_ context.Context, in *sfn.SendTaskSuccessInput) (*sfn.SendTaskSuccessOutput, error) {
	err := s.withToken(*in.TaskToken, true, func(r *engine.Running) error {
		if !valid(*in.Output) {
			return refuse("InvalidOutput", "Invalid Output: 'Invalid JSON'")
		}
		return r.CompleteTask(*in.TaskToken, []byte(*in.Output))
	})
	return &sfn.SendTaskSuccessOutput{}, err
}

func (s *Server) sendTaskFailure(_ context.Context, in *sfn.SendTaskFailureInput) (*sfn.SendTaskFailureOutput, error) {
	err := s.withToken(*in.TaskToken, true, func(r *engine.Running) error { return r.FailTask(*in.TaskToken, in.Error, in.Cause) })
	return &sfn.SendTaskFailureOutput{}, err
}

func (s *Server) sendTaskHeartbeat(_ context.Context, in *sfn.SendTaskHeartbeatInput) (*sfn.SendTaskHeartbeatOutput, error) {
	err := s.withToken(*in.TaskToken, false, func(r *engine.Running) error { return r.Heartbeat(*in.TaskToken) })
	return &sfn.SendTaskHeartbeatOutput{}, err
}
