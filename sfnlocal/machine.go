package sfnlocal

import (
	"context"
	"reflect"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/stepsleuth/stepsleuth/asl"
)

// machine is a state machine: its revisions, versions, aliases and executions.
// What it points to is guarded by Server.mu; a revision is immutable.
type machine struct {
	seq      int64
	arn      string
	name     string
	kind     types.StateMachineType
	created  time.Time
	tags     []types.Tag
	now      *revision
	first    *revision // as it was created, which creating it again is compared with
	versions []*version
	numbered int64 // versions ever made
	aliases  []*alias

	executions []*execution // Standard ones, oldest first
	byName     map[string]*execution
}

// revision is one state of what an update can change.
type revision struct {
	id         string // "" before the first update
	text       string
	parsed     *asl.Machine
	references map[string][]string
	role       string
	logging    *types.LoggingConfiguration
	tracing    *types.TracingConfiguration
	encryption *types.EncryptionConfiguration
	updated    time.Time
}

// same reports that nothing was changed.
func (r *revision) same(o *revision) bool {
	return r.text == o.text && r.role == o.role && r.configured(o)
}

func (r *revision) configured(o *revision) bool {
	return reflect.DeepEqual(r.logging, o.logging) && reflect.DeepEqual(r.tracing, o.tracing) && reflect.DeepEqual(r.encryption, o.encryption)
}

func (m *machine) seqOf() int64 { return m.seq }

func str(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// define checks a definition and makes it the revision's; name is the machine's.
func (r *revision) define(name, text string, kind types.StateMachineType) error {
	if refusal := asl.Refusal(asl.Diagnose([]byte(text), asl.WorkflowType(kind))); refusal != "" {
		return &apiError{"InvalidDefinition", refusal}
	}
	parsed, err := asl.Parse(name, []byte(text))
	if err != nil {
		return refuse("InvalidDefinition", "Invalid State Machine Definition: '%s'", err)
	}
	r.text, r.parsed, r.references = text, parsed, parsed.VariableReferences()
	return nil
}

// configure sets what is given, checked, and the usual for what was never set.
func (r *revision) configure(l *types.LoggingConfiguration, t *types.TracingConfiguration, e *types.EncryptionConfiguration) error {
	if l != nil {
		if err := checkLogging(l); err != nil {
			return err
		}
		logging := *l
		logging.Level = orElse(logging.Level, types.LogLevelOff)
		r.logging = &logging
	}
	if t != nil {
		r.tracing = t
	}
	if e != nil {
		r.encryption = e
	}
	r.logging = orElse(r.logging, &types.LoggingConfiguration{Level: types.LogLevelOff})
	r.tracing = orElse(r.tracing, &types.TracingConfiguration{})
	r.encryption = orElse(r.encryption, &types.EncryptionConfiguration{Type: types.EncryptionTypeAwsOwnedKey})
	return nil
}

func checkLogging(l *types.LoggingConfiguration) error {
	if l.Level == "" || l.Level == types.LogLevelOff {
		return nil
	}
	if len(l.Destinations) != 1 || l.Destinations[0].CloudWatchLogsLogGroup == nil || str(l.Destinations[0].CloudWatchLogsLogGroup.LogGroupArn) == "" {
		return refuse("InvalidLoggingConfiguration", "Invalid Logging Configuration: Must specify exactly one Log Destination.")
	}
	return nil
}

func checkVersionDescription(publish bool, description *string) error {
	if !publish && description != nil {
		return refuse("ValidationException", "Version description can only be set when publish is true")
	}
	return nil
}

func (s *Server) createStateMachine(_ context.Context, in *sfn.CreateStateMachineInput) (*sfn.CreateStateMachineOutput, error) {
	kind := orElse(in.Type, types.StateMachineTypeStandard)
	rev := &revision{role: *in.RoleArn}
	if err := checkName(*in.Name); err != nil {
		return nil, err
	}
	if err := checkRole(*in.RoleArn); err != nil {
		return nil, err
	}
	if err := rev.define(*in.Name, *in.Definition, kind); err != nil {
		return nil, err
	}
	if err := rev.configure(in.LoggingConfiguration, in.TracingConfiguration, in.EncryptionConfiguration); err != nil {
		return nil, err
	}
	if err := checkVersionDescription(in.Publish, in.VersionDescription); err != nil {
		return nil, err
	}
	tags, err := mergeTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m, err := s.createMachine(*in.Name, kind, rev, tags)
	if err != nil {
		return nil, err
	}
	out := &sfn.CreateStateMachineOutput{StateMachineArn: &m.arn, CreationDate: &m.created}
	if in.Publish {
		v := s.publish(m, in.VersionDescription)
		out.StateMachineVersionArn = &v.arn
	}
	return out, nil
}

// createMachine adds a machine, or finds the one that was created just like it
// (API reference, CreateStateMachine: the role and the tags do not count).
func (s *Server) createMachine(name string, kind types.StateMachineType, rev *revision, tags []types.Tag) (*machine, error) {
	id := s.arn(kindMachine, name)
	if m := s.machines[id]; m != nil {
		if m.kind == kind && m.first.text == rev.text && m.first.configured(rev) {
			return m, nil
		}
		return nil, refuse("StateMachineAlreadyExists", "State Machine Already Exists: '%s'", id)
	}
	if len(s.machines) >= s.Limits.Machines {
		return nil, refuse("StateMachineLimitExceeded", "The maximum number of state machines has been reached: %d", s.Limits.Machines)
	}
	m := &machine{
		seq: s.next(), arn: id, name: name, kind: kind, created: s.now(), tags: tags,
		now: rev, first: rev, byName: make(map[string]*execution),
	}
	rev.updated = m.created
	s.machines[id] = m
	return m, nil
}

func (s *Server) updateStateMachine(_ context.Context, in *sfn.UpdateStateMachineInput) (*sfn.UpdateStateMachineOutput, error) {
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
	if in.Definition == nil && in.RoleArn == nil && in.LoggingConfiguration == nil && in.TracingConfiguration == nil && in.EncryptionConfiguration == nil {
		return nil, refuse("MissingRequiredParameter", "Either the definition, the role ARN, the LoggingConfiguration, or the TracingConfiguration must be specified")
	}
	if err := checkVersionDescription(in.Publish, in.VersionDescription); err != nil {
		return nil, err
	}
	rev, err := m.revise(in)
	if err != nil {
		return nil, err
	}
	updated := s.now()
	if !rev.same(m.now) {
		rev.id, rev.updated = s.uuid(), updated
		m.now = rev
	}
	out := &sfn.UpdateStateMachineOutput{UpdateDate: &updated, RevisionId: optional(m.now.id)}
	if in.Publish {
		v := s.publish(m, in.VersionDescription)
		out.StateMachineVersionArn = &v.arn
	}
	return out, nil
}

// revise makes the revision that an update asks for.
func (m *machine) revise(in *sfn.UpdateStateMachineInput) (*revision, error) {
	rev := *m.now
	if in.Definition != nil {
		if err := rev.define(m.name, *in.Definition, m.kind); err != nil {
			return nil, err
		}
	}
	if in.RoleArn != nil {
		if err := checkRole(*in.RoleArn); err != nil {
			return nil, err
		}
		rev.role = *in.RoleArn
	}
	return &rev, rev.configure(in.LoggingConfiguration, in.TracingConfiguration, in.EncryptionConfiguration)
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// unqualified finds a machine by an ARN without version or alias. s.mu is held.
func (s *Server) unqualified(a arn) (*machine, error) {
	m := s.machines[a.text]
	if m == nil {
		return nil, noMachine(a.text)
	}
	return m, nil
}

func noMachine(text string) error {
	return refuse("StateMachineDoesNotExist", "State Machine Does Not Exist: '%s'", text)
}

func (s *Server) describeStateMachine(_ context.Context, in *sfn.DescribeStateMachineInput) (*sfn.DescribeStateMachineOutput, error) {
	a, err := parseARN(*in.StateMachineArn, kindMachine)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m, rev, v, err := s.qualified(a)
	if err != nil {
		return nil, err
	}
	out := &sfn.DescribeStateMachineOutput{
		StateMachineArn: in.StateMachineArn, Name: &m.name, Type: m.kind, Status: types.StateMachineStatusActive,
		Definition: &rev.text, RoleArn: &rev.role, CreationDate: &m.created, RevisionId: optional(rev.id), Label: optional(a.label()),
		LoggingConfiguration: rev.logging, TracingConfiguration: rev.tracing, EncryptionConfiguration: rev.encryption,
	}
	if v != nil {
		out.CreationDate, out.Description = &v.created, v.description
	}
	if len(rev.references) > 0 {
		out.VariableReferences = rev.references
	}
	if in.IncludedData == types.IncludedDataMetadataOnly {
		out.Definition, out.VariableReferences = new(string), nil
	}
	return out, nil
}

func (s *Server) listStateMachines(_ context.Context, in *sfn.ListStateMachinesInput) (*sfn.ListStateMachinesOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	machines, next, err := page(values(s.machines), (*machine).seqOf, pageRequest{list: "machines", max: in.MaxResults, token: in.NextToken})
	if err != nil {
		return nil, err
	}
	out := &sfn.ListStateMachinesOutput{NextToken: next, StateMachines: make([]types.StateMachineListItem, len(machines))}
	for i, m := range machines {
		out.StateMachines[i] = types.StateMachineListItem{StateMachineArn: &m.arn, Name: &m.name, Type: m.kind, CreationDate: &m.created}
	}
	return out, nil
}

func values[V any](m map[string]V) []V {
	all := make([]V, 0, len(m))
	for _, v := range m {
		all = append(all, v)
	}
	return all
}

// deleteStateMachine deletes a machine with its versions, aliases and executions.
// AWS takes its time and ends executions at their next transition; here they are
// aborted at once.
func (s *Server) deleteStateMachine(_ context.Context, in *sfn.DeleteStateMachineInput) (*sfn.DeleteStateMachineOutput, error) {
	a, err := parseARN(*in.StateMachineArn, kindMachine)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	m := s.machines[a.text]
	delete(s.machines, a.text)
	var executions []*execution
	if m != nil {
		executions = slices.Clone(m.executions)
		s.unend(func(e *execution) bool { return e.machine == m })
		for _, e := range executions {
			s.forget(e)
		}
	}
	s.mu.Unlock()
	for _, e := range executions {
		e.abort(nil, nil)
	}
	return &sfn.DeleteStateMachineOutput{}, nil
}

func (s *Server) validateStateMachineDefinition(_ context.Context, in *sfn.ValidateStateMachineDefinitionInput) (*sfn.ValidateStateMachineDefinitionOutput, error) {
	most := int(orElse(in.MaxResults, usualPage))
	cut := false
	out := &sfn.ValidateStateMachineDefinitionOutput{
		Result:      types.ValidateStateMachineDefinitionResultCodeOk,
		Diagnostics: []types.ValidateStateMachineDefinitionDiagnostic{},
		Truncated:   &cut,
	}
	for _, d := range asl.Diagnose([]byte(*in.Definition), asl.WorkflowType(orElse(in.Type, types.StateMachineTypeStandard))) {
		severity := types.ValidateStateMachineDefinitionSeverity(d.Severity)
		wrong := severity == types.ValidateStateMachineDefinitionSeverityError
		if wrong {
			out.Result = types.ValidateStateMachineDefinitionResultCodeFail
		}
		switch {
		case !wrong && in.Severity != types.ValidateStateMachineDefinitionSeverityWarning:
		case len(out.Diagnostics) == most:
			cut = true
		default:
			out.Diagnostics = append(out.Diagnostics, types.ValidateStateMachineDefinitionDiagnostic{
				Code: &d.Code, Message: &d.Message, Severity: severity, Location: optional(d.Location),
			})
		}
	}
	return out, nil
}
