package sfnlocal

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
)

// version is a revision under a number that is never given twice.
type version struct {
	number      int64
	arn         string
	description *string
	rev         *revision
	created     time.Time
}

func (v *version) numberOf() int64 { return v.number }

// publish makes a version of the machine as it is now, or finds the latest one
// where nothing has changed since. s.mu is held.
func (s *Server) publish(m *machine, description *string) *version {
	if n := len(m.versions); n > 0 && m.versions[n-1].rev == m.now {
		return m.versions[n-1]
	}
	m.numbered++
	v := &version{
		number: m.numbered, arn: m.arn + ":" + strconv.FormatInt(m.numbered, 10),
		description: description, rev: m.now, created: s.now(),
	}
	m.versions = append(m.versions, v)
	return v
}

func (m *machine) version(arn string) *version {
	for _, v := range m.versions {
		if v.arn == arn {
			return v
		}
	}
	return nil
}

// qualified finds a machine, the revision that the ARN means and, where it names
// one, the version. s.mu is held.
func (s *Server) qualified(a arn) (*machine, *revision, *version, error) {
	m := s.machines[a.base()]
	if m == nil {
		return nil, nil, nil, noMachine(a.text)
	}
	if a.qualifier() == "" {
		return m, m.now, nil, nil
	}
	v := m.version(a.text)
	if al := m.alias(a.text); al != nil {
		v = m.version(*al.routing[0].StateMachineVersionArn)
	}
	if v == nil {
		return nil, nil, nil, noMachine(a.text)
	}
	return m, v.rev, v, nil
}

func (s *Server) publishStateMachineVersion(_ context.Context, in *sfn.PublishStateMachineVersionInput) (*sfn.PublishStateMachineVersionOutput, error) {
	a, err := parseARN(*in.StateMachineArn, kindMachine)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m, err := s.unqualified(a)
	if err != nil {
		return nil, err
	}
	if in.RevisionId != nil && *in.RevisionId != orElse(m.now.id, "INITIAL") {
		return nil, refuse("ConflictException", "Failed to publish the State Machine version for revision %s. The current State Machine revision is %s.", *in.RevisionId, orElse(m.now.id, "INITIAL"))
	}
	v := s.publish(m, in.Description)
	return &sfn.PublishStateMachineVersionOutput{StateMachineVersionArn: &v.arn, CreationDate: &v.created}, nil
}

// deleteStateMachineVersion deletes a version that no alias routes to; deleting one
// that is not there is no error.
func (s *Server) deleteStateMachineVersion(_ context.Context, in *sfn.DeleteStateMachineVersionInput) (*sfn.DeleteStateMachineVersionOutput, error) {
	a, err := parseARN(*in.StateMachineVersionArn, kindMachine)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.machines[a.base()]
	if m == nil {
		return &sfn.DeleteStateMachineVersionOutput{}, nil
	}
	for _, al := range m.aliases {
		for _, route := range al.routing {
			if *route.StateMachineVersionArn == a.text {
				return nil, refuse("ConflictException", "Version to be deleted must not be referenced by an alias. Current list of aliases referencing this version: [%s]", al.name)
			}
		}
	}
	m.versions = slices.DeleteFunc(m.versions, func(v *version) bool { return v.arn == a.text })
	return &sfn.DeleteStateMachineVersionOutput{}, nil
}

func (s *Server) listStateMachineVersions(_ context.Context, in *sfn.ListStateMachineVersionsInput) (*sfn.ListStateMachineVersionsOutput, error) {
	a, err := parseARN(*in.StateMachineArn, kindMachine)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m, err := s.unqualified(a)
	if err != nil {
		return nil, err
	}
	versions, next, err := page(m.versions, (*version).numberOf, pageRequest{list: "versions " + m.arn, max: in.MaxResults, token: in.NextToken, reverse: true})
	if err != nil {
		return nil, err
	}
	out := &sfn.ListStateMachineVersionsOutput{NextToken: next, StateMachineVersions: make([]types.StateMachineVersionListItem, len(versions))}
	for i, v := range versions {
		out.StateMachineVersions[i] = types.StateMachineVersionListItem{StateMachineVersionArn: &v.arn, CreationDate: &v.created}
	}
	return out, nil
}
