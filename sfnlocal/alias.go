package sfnlocal

import (
	"cmp"
	"context"
	"reflect"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
)

// alias is a name for one version of a machine, or for two with weights.
type alias struct {
	seq              int64
	arn, name        string
	description      *string
	routing          []types.RoutingConfigurationListItem
	created, updated time.Time
}

func (a *alias) seqOf() int64 { return a.seq }

func (m *machine) alias(arn string) *alias {
	for _, a := range m.aliases {
		if a.arn == arn {
			return a
		}
	}
	return nil
}

// choose takes one of the alias's versions by their weights. s.mu is held.
func (s *Server) choose(m *machine, a *alias) *version {
	at := int32(s.rand.IntN(100))
	for _, route := range a.routing {
		if at < route.Weight {
			return m.version(*route.StateMachineVersionArn)
		}
		at -= route.Weight
	}
	return m.version(*a.routing[0].StateMachineVersionArn)
}

var errNoAlias = &apiError{"ResourceNotFound", "Request references a resource that does not exist."}

// findAlias finds an alias by its ARN. s.mu is held.
func (s *Server) findAlias(text string) (*machine, *alias, error) {
	a, err := parseARN(text, kindMachine)
	if err != nil {
		return nil, nil, err
	}
	m := s.machines[a.base()]
	if m == nil {
		return nil, nil, errNoAlias
	}
	found := m.alias(text)
	if found == nil {
		return m, nil, errNoAlias
	}
	return m, found, nil
}

// checkRouting finds the machine whose versions an alias is to route to. s.mu is held.
func (s *Server) checkRouting(routing []types.RoutingConfigurationListItem) (*machine, error) {
	var m *machine
	sum := int32(0)
	for i, route := range routing {
		a, err := parseARN(*route.StateMachineVersionArn, kindMachine)
		if err != nil {
			return nil, err
		}
		of := s.machines[a.base()]
		switch {
		case of == nil || of.version(a.text) == nil:
			return nil, errNoAlias
		case m != nil && of != m:
			return nil, refuse("ValidationException", "Routing configuration must contain versions of the same state machine.")
		case i > 0 && *routing[0].StateMachineVersionArn == a.text:
			return nil, refuse("ValidationException", "Routing configuration must contain distinct state machine version ARNs.")
		}
		m = of
		sum += route.Weight
	}
	if sum != 100 {
		return nil, refuse("ValidationException", "Sum of routing configuration weights must equal 100")
	}
	return m, nil
}

func (s *Server) createStateMachineAlias(_ context.Context, in *sfn.CreateStateMachineAliasInput) (*sfn.CreateStateMachineAliasOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, err := s.checkRouting(in.RoutingConfiguration)
	if err != nil {
		return nil, err
	}
	a := m.alias(m.arn + ":" + *in.Name)
	switch {
	case a == nil:
		now := s.now()
		a = &alias{
			seq: s.next(), arn: m.arn + ":" + *in.Name, name: *in.Name,
			description: in.Description, routing: in.RoutingConfiguration, created: now, updated: now,
		}
		m.aliases = append(m.aliases, a)
	case str(a.description) != str(in.Description) || !reflect.DeepEqual(byVersion(a.routing), byVersion(in.RoutingConfiguration)):
		return nil, refuse("ConflictException", "Failed to create alias because an alias with the same name and a different routing configuration already exists.")
	}
	return &sfn.CreateStateMachineAliasOutput{StateMachineAliasArn: &a.arn, CreationDate: &a.created}, nil
}

func byVersion(routing []types.RoutingConfigurationListItem) []types.RoutingConfigurationListItem {
	return slices.SortedFunc(slices.Values(routing), func(a, b types.RoutingConfigurationListItem) int {
		return cmp.Compare(*a.StateMachineVersionArn, *b.StateMachineVersionArn)
	})
}

func (s *Server) updateStateMachineAlias(_ context.Context, in *sfn.UpdateStateMachineAliasInput) (*sfn.UpdateStateMachineAliasOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, a, err := s.findAlias(*in.StateMachineAliasArn)
	if err != nil {
		return nil, err
	}
	if in.Description == nil && in.RoutingConfiguration == nil {
		return nil, refuse("ValidationException", "Either the description or the routing configuration must be specified")
	}
	if in.RoutingConfiguration != nil {
		of, err := s.checkRouting(in.RoutingConfiguration)
		switch {
		case err != nil:
			return nil, err
		case of != m:
			return nil, refuse("ValidationException", "Routing configuration must contain versions of the alias's state machine.")
		}
		a.routing = in.RoutingConfiguration
	}
	if in.Description != nil {
		a.description = in.Description
	}
	updated := s.now()
	a.updated = updated
	return &sfn.UpdateStateMachineAliasOutput{UpdateDate: &updated}, nil
}

func (s *Server) describeStateMachineAlias(_ context.Context, in *sfn.DescribeStateMachineAliasInput) (*sfn.DescribeStateMachineAliasOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, a, err := s.findAlias(*in.StateMachineAliasArn)
	if err != nil {
		return nil, err
	}
	created, updated := a.created, a.updated
	return &sfn.DescribeStateMachineAliasOutput{
		StateMachineAliasArn: &a.arn, Name: &a.name, Description: a.description, RoutingConfiguration: a.routing,
		CreationDate: &created, UpdateDate: &updated,
	}, nil
}

func (s *Server) deleteStateMachineAlias(_ context.Context, in *sfn.DeleteStateMachineAliasInput) (*sfn.DeleteStateMachineAliasOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, a, err := s.findAlias(*in.StateMachineAliasArn)
	if err != nil {
		return nil, err
	}
	m.aliases = slices.DeleteFunc(m.aliases, func(other *alias) bool { return other == a })
	return &sfn.DeleteStateMachineAliasOutput{}, nil
}

// listStateMachineAliases lists the aliases of a machine, or those that route to a version.
func (s *Server) listStateMachineAliases(_ context.Context, in *sfn.ListStateMachineAliasesInput) (*sfn.ListStateMachineAliasesOutput, error) {
	a, err := parseARN(*in.StateMachineArn, kindMachine)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m, _, v, err := s.qualified(a)
	if err != nil {
		return nil, err
	}
	all := slices.Clone(m.aliases)
	if v != nil {
		all = slices.DeleteFunc(all, func(a *alias) bool {
			return !slices.ContainsFunc(a.routing, func(r types.RoutingConfigurationListItem) bool { return *r.StateMachineVersionArn == v.arn })
		})
	}
	aliases, next, err := page(all, (*alias).seqOf, pageRequest{list: "aliases " + a.text, max: in.MaxResults, token: in.NextToken})
	if err != nil {
		return nil, err
	}
	out := &sfn.ListStateMachineAliasesOutput{NextToken: next, StateMachineAliases: make([]types.StateMachineAliasListItem, len(aliases))}
	for i, a := range aliases {
		out.StateMachineAliases[i] = types.StateMachineAliasListItem{StateMachineAliasArn: &a.arn, CreationDate: &a.created}
	}
	return out, nil
}
