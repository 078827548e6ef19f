package sfnlocal

import (
	"slices"
	"strings"
)

// arn is the name of something of Step Functions:
// arn:PARTITION:states:REGION:ACCOUNT:KIND:NAME[:QUALIFIER…].
type arn struct {
	text string
	kind string
	rest []string // what follows the kind
}

const (
	kindMachine   = "stateMachine"
	kindExecution = "execution"
	kindExpress   = "express"
	kindActivity  = "activity"
	kindMapRun    = "mapRun"
)

// parseARN reads an ARN, which must be of one of the kinds.
func parseARN(text string, kinds ...string) (arn, error) {
	parts := strings.Split(text, ":")
	if len(parts) < 7 || parts[0] != "arn" || parts[2] != "states" {
		return arn{}, refuse("InvalidArn", "Invalid Arn: 'Invalid ARN prefix: %s'", text)
	}
	a := arn{text: text, kind: parts[5], rest: parts[6:]}
	if !slices.Contains(kinds, a.kind) {
		return a, refuse("InvalidArn", "Invalid Arn: 'Resource type not valid in this context: %s'", a.kind)
	}
	return a, nil
}

// base is the ARN without version, alias and label.
func (a arn) base() string {
	text := a.text
	if q := a.qualifier(); q != "" {
		text = strings.TrimSuffix(text, ":"+q)
	}
	if label := a.label(); label != "" {
		text = strings.TrimSuffix(text, "/"+label)
	}
	return text
}

// qualifier is a state machine's version or alias, or "".
func (a arn) qualifier() string {
	if len(a.rest) > 1 {
		return a.rest[len(a.rest)-1]
	}
	return ""
}

// label is that of a distributed Map: stateMachine:NAME/LABEL.
func (a arn) label() string {
	_, label, _ := strings.Cut(a.rest[0], "/")
	return label
}

func (s *Server) arn(kind, name string) string {
	return strings.Join([]string{"arn", s.Partition, "states", s.Region, s.AccountID, kind, name}, ":")
}

// checkRole refuses what is no role's ARN.
func checkRole(role string) error {
	parts := strings.SplitN(role, ":", 6)
	if len(parts) < 6 || parts[0] != "arn" || parts[2] != "iam" || !strings.HasPrefix(parts[5], "role/") {
		return refuse("InvalidArn", "Invalid Role Arn: '%s'", role)
	}
	return nil
}

// ValidName reports that a name has none of the characters that names of executions and
// state machines may not have (API reference, CreateStateMachine).
func ValidName(name string) bool {
	return !strings.ContainsFunc(name, func(r rune) bool {
		return strings.ContainsRune(" \t\n\r<>{}[]?*\"#%\\^|~`$&,;:/", r) || r <= 0x1f || r >= 0x7f && r <= 0x9f || r == 0xfffe || r == 0xffff
	})
}

func checkName(name string) error {
	if !ValidName(name) {
		return refuse("InvalidName", "Invalid Name: '%s'", name)
	}
	return nil
}
