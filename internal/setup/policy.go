package setup

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// verdict is whether a permission is there.
type verdict int

const (
	undecided verdict = iota
	allowed
	forbidden // by a Deny
	missing   // as no statement allows it
)

// document is an IAM policy. Where a list is meant, a single string is allowed too.
type document struct {
	Statement statements
}

type statements []policyStatement

type policyStatement struct {
	Effect                string
	Action, NotAction     any
	Resource, NotResource any
	Condition             map[string]map[string]any
}

// UnmarshalJSON takes one statement for a list of one.
func (s *statements) UnmarshalJSON(text []byte) error {
	var one policyStatement
	if err := json.Unmarshal(text, &one); err == nil {
		*s = statements{one}
		return nil
	}
	return json.Unmarshal(text, (*[]policyStatement)(s))
}

// decide weighs all policies of a role for one need. Boundaries and service control
// policies are not known here, so it decides less than AWS does.
func decide(policies []document, n need) verdict {
	out := missing
	for _, p := range policies {
		for _, s := range p.Statement {
			if !s.covers(n) {
				continue
			}
			holds, known := s.holds(n.context)
			switch {
			case !known && out != allowed:
				out = undecided
			case known && holds && s.Effect == "Deny":
				return forbidden
			case known && holds:
				out = allowed
			}
		}
	}
	return out
}

func (s policyStatement) covers(n need) bool {
	action := strings.ToLower(n.action)
	actions, resources := texts(s.Action), texts(s.Resource)
	covers := slices.ContainsFunc(actions, func(p string) bool { return match(strings.ToLower(p), action) })
	if s.NotAction != nil {
		covers = !slices.ContainsFunc(texts(s.NotAction), func(p string) bool { return match(strings.ToLower(p), action) })
	}
	if s.NotResource != nil {
		return covers && !slices.ContainsFunc(texts(s.NotResource), func(p string) bool { return match(p, n.resource) })
	}
	return covers && slices.ContainsFunc(resources, func(p string) bool { return match(p, n.resource) })
}

// holds reports whether the statement's conditions do, and whether that can be known
// from what is known of the call.
func (s policyStatement) holds(context map[string]string) (holds, known bool) {
	for operator, condition := range s.Condition {
		switch operator {
		case "StringEquals", "StringLike", "ArnEquals", "ArnLike":
		default:
			return false, false
		}
		for key, wanted := range condition {
			value, ok := valueOf(context, key)
			if !ok {
				return false, false
			}
			if !slices.ContainsFunc(texts(wanted), func(p string) bool { return match(p, value) }) {
				return false, true
			}
		}
	}
	return true, true
}

// valueOf looks a condition's key up, which has no case.
func valueOf(context map[string]string, key string) (string, bool) {
	for name, value := range context {
		if strings.EqualFold(name, key) {
			return value, true
		}
	}
	return "", false
}

// texts are the strings of a string or a list.
func texts(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		var out []string
		for _, item := range v {
			if s, ok := item.(string); ok {
				out = append(out, s)
			}
		}
		return out
	}
	return nil
}

// match reports whether text fits a pattern of IAM: * is any text, ? one character.
// It takes time in proportion to the product of both lengths at most.
func match(pattern, text string) bool {
	p, t, star, mark := 0, 0, -1, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p++
			t++
		case star >= 0:
			mark++
			p, t = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// statement writes a policy statement to copy.
func statement(actions, resources []string, condition map[string]string) string {
	s := struct {
		Effect    string
		Action    []string
		Resource  []string
		Condition map[string]map[string]string `json:",omitempty"`
	}{Effect: "Allow", Action: actions, Resource: resources}
	if len(condition) > 0 {
		s.Condition = map[string]map[string]string{"ArnEquals": maps.Clone(condition)}
	}
	text, err := json.Marshal(s)
	if err != nil { // strings can be written
		return ""
	}
	return string(text)
}
