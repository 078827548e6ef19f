package diagnose

import (
	"encoding/json"
	"errors"
	"strings"
)

// answerForm is what a model is asked to fill in.
type answerForm struct {
	Category    string       `json:"category"`
	RootCause   string       `json:"root_cause"`
	Explanation string       `json:"explanation"`
	Claims      []claimForm  `json:"claims"`
	Remediation []remedyForm `json:"remediation"`
	Prevention  []string     `json:"prevention"`
}

type claimForm struct {
	Text  string     `json:"text"`
	Cites []citeForm `json:"cites"`
}

type citeForm struct {
	Evidence string `json:"evidence"`
	Quote    string `json:"quote"`
}

type remedyForm struct {
	Title string   `json:"title"`
	Steps []string `json:"steps"`
}

// The limits of an answer.
const (
	maxAnswer = 256 << 10 // bytes
	maxTries  = 64        // places at which an object may begin
	maxClaims = 20
	maxText   = 1000 // bytes of a sentence
)

var errNoAnswer = errors.New("no JSON object of the schema in it")

// readAnswer takes the answer's JSON out of whatever text or code fences surround it.
func readAnswer(text string) (*answerForm, error) {
	if len(text) > maxAnswer {
		return nil, errors.New("it is longer than any answer should be")
	}
	rest := text
	for range maxTries {
		i := strings.IndexByte(rest, '{')
		if i < 0 {
			break
		}
		rest = rest[i:]
		if form := decode(rest); form != nil {
			return form, nil
		}
		rest = rest[1:]
	}
	return nil, errNoAnswer
}

// decode reads an object from the beginning of text; nil where it is none of ours.
func decode(text string) *answerForm {
	dec := json.NewDecoder(strings.NewReader(text))
	var raw json.RawMessage
	if dec.Decode(&raw) != nil {
		return nil
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil {
		return nil
	}
	if members["root_cause"] == nil && members["claims"] == nil {
		return nil
	}
	var form answerForm
	if json.Unmarshal(raw, &form) != nil {
		return nil
	}
	form.Claims = form.Claims[:min(len(form.Claims), maxClaims)]
	return &form
}

// tidy makes one line of a text of a model's and limits it.
func tidy(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) <= maxText {
		return s
	}
	cut := strings.LastIndexByte(s[:maxText], ' ')
	if cut <= 0 {
		return ""
	}
	return s[:cut] + " …"
}
