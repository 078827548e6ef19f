package bedrock

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/types"

	"github.com/stepsleuth/stepsleuth/internal/llm"
)

// Price is what a million tokens cost, in US dollars.
type Price = llm.Price

// DefaultPrices are on-demand prices in us-east-1 of models that suit a diagnosis, by
// the part of the id that names the model; those of a profile are told by its prefix.
// Prices move: Options.Prices replaces them.
func DefaultPrices() map[string]Price {
	return map[string]Price{
		"anthropic.claude-haiku-4-5":         {Input: 1.10, Output: 5.50},
		"global.anthropic.claude-haiku-4-5":  {Input: 1.00, Output: 5.00},
		"anthropic.claude-sonnet-4-5":        {Input: 3.30, Output: 16.50},
		"global.anthropic.claude-sonnet-4-5": {Input: 3.00, Output: 15.00},
		"anthropic.claude-sonnet-4-6":        {Input: 3.30, Output: 16.50},
		"global.anthropic.claude-sonnet-4-6": {Input: 3.00, Output: 15.00},
		"anthropic.claude-opus-4-5":          {Input: 5.50, Output: 27.50},
		"global.anthropic.claude-opus-4-5":   {Input: 5.00, Output: 25.00},
		"amazon.nova-micro-v1":               {Input: 0.035, Output: 0.14},
		"amazon.nova-lite-v1":                {Input: 0.06, Output: 0.24},
		"amazon.nova-pro-v1":                 {Input: 0.80, Output: 3.20},
		"amazon.nova-2-lite":                 {Input: 0.30, Output: 2.50},
	}
}

// What cached tokens of Claude models cost, as a part of an input token's price. What
// other models discount is not counted: the cost is then an upper bound.
const (
	cacheWrite = 1.25
	cacheRead  = 0.1
)

// price is nothing where it is not known.
func (m *Model) price() Price {
	p, ok := priceOf(m.opts.ID, m.opts.Prices)
	if !ok {
		p, _ = priceOf(m.opts.ID, DefaultPrices())
	}
	return p
}

func (m *Model) cost(u *types.TokenUsage) float64 {
	write, read := float64(aws.ToInt32(u.CacheWriteInputTokens)), float64(aws.ToInt32(u.CacheReadInputTokens))
	if strings.Contains(m.opts.ID, "anthropic.") {
		write, read = cacheWrite*write, cacheRead*read
	}
	input := float64(aws.ToInt32(u.InputTokens)) + write + read
	return m.price().Cost(input, int(aws.ToInt32(u.OutputTokens)))
}

// priceOf takes the longest name that is part of the id.
func priceOf(id string, prices map[string]Price) (Price, bool) {
	best := ""
	for name := range prices {
		if name != "" && strings.Contains(id, name) && (len(name) > len(best) || len(name) == len(best) && name < best) {
			best = name
		}
	}
	return prices[best], best != ""
}
