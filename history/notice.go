package history

// Notice is word of a failure without its history: EventBridge's "Step Functions
// Execution Status Change", or what a Catch passes on.
type Notice struct {
	Execution *Execution // has no events
	State     string     // the state that failed, where the notice says so
}

// ParseEvent reads one of
//
//   - an EventBridge event "Step Functions Execution Status Change"
//   - a bare failure: {"error": …, "cause": …} or {"Error": …, "Cause": …}, with
//     any of executionArn, stateMachineArn, state, status, input beside it. The
//     error may be an object {"Error": …, "Cause": …}, as a Catch with a ResultPath leaves it.
//
// An error is a *ReadError.
func ParseEvent(data []byte) (*Notice, error) {
	if len(data) > MaxBytes {
		return nil, tooLarge()
	}
	r, err := newReader(data)
	if err != nil {
		return nil, err
	}
	begin := r.next()
	if k := r.dec.PeekKind(); k != '{' && k != 0 {
		return nil, r.problem(begin, aKind(k)+" where an event was expected", nextEvent)
	}
	n := notice{reader: r}
	if err := r.object(n.member); err != nil {
		return nil, err
	}
	if !n.told {
		return nil, r.problem(begin, "neither an execution's status change nor an error", nextEvent)
	}
	r.x.derive()
	return &Notice{Execution: r.x, State: n.state}, nil
}

const nextEvent = `pass an EventBridge event "Step Functions Execution Status Change" or {"executionArn": …, "error": …, "cause": …}`

type notice struct {
	*reader
	state string
	told  bool
}

func (n *notice) member(name string) error {
	object := n.dec.PeekKind() == '{'
	switch {
	case name == "detail" && object:
		n.told = true
		return n.object(n.describeNext)
	case (name == "error" || name == "Error") && object:
		return n.object(n.failure)
	}
	return n.failure(name)
}

// failure reads one member of a bare failure.
func (n *notice) failure(name string) error {
	m, err := n.reader.member(name)
	if err != nil {
		return err
	}
	switch name {
	case "error", "Error":
		n.told = setOptional(&n.x.Error, m.text) || n.told
	case "cause", "Cause":
		n.told = setOptional(&n.x.Cause, m.text) || n.told
	case "state", "State", "stateName":
		setString(&n.state, m.text)
	case "executionArn", "stateMachineArn", "status", "input":
		n.x.set(name, m.text)
	}
	return nil
}
