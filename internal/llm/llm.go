// Package llm is what the Models of several vendors share: one question as JSON over
// HTTP, tried again while there is time; the forms in which an answer's schema is told;
// prices; and refusals explained by a table.
//
// It knows nothing of any one vendor and nothing of diagnoses, reads no environment,
// and writes nothing.
package llm

import (
	"cmp"
	"strings"

	"github.com/stepsleuth/stepsleuth/diagnose"
)

// Price is what a million tokens cost, in US dollars.
type Price struct{ Input, Output float64 }

// Cost is the price of so many tokens, in US dollars. Input may be a weighted sum, where
// some tokens cost more or less than others.
func (p Price) Cost(input float64, output int) float64 {
	return (input*p.Input + float64(output)*p.Output) / 1e6
}

// Most is what a question and its answer cost at the very most, in US dollars: half of
// all its bytes counted as tokens, and as many tokens of an answer as it may have.
func (p Price) Most(q diagnose.Prompt) float64 {
	bytes := len(q.System.String()) + len(q.User.String()) + 2*len(q.Schema) + 1000
	return p.Cost(float64(bytes)/2, cmp.Or(q.MaxTokens, 4096))
}

// PriceOf looks a model up, in the first table that has it. A name stands for its dated
// versions too ("gpt-4o" for "gpt-4o-2024-08-06"), but not for its relatives: a price
// that may be wrong is worse than none.
func PriceOf(id string, tables ...map[string]Price) (Price, bool) {
	for _, prices := range tables {
		if p, ok := prices[id]; ok {
			return p, true
		}
		for name, p := range prices {
			rest, ok := strings.CutPrefix(id, name)
			if ok && (strings.HasPrefix(rest, "-20") || rest == "-latest") {
				return p, true
			}
		}
	}
	return Price{}, false
}

// Sentence is one line of what a service said, of bearable length.
func Sentence(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > 300 {
		s = strings.ToValidUTF8(s[:300], "") + "…"
	}
	return s
}
