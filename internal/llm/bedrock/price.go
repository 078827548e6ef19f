package bedrock

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/types"
)

// Price is what a million tokens cost, in US dollars.
type Price struct{ Input, Output float64 }

// DefaultPrices are on-demand prices in us-east-1 of models that suit a diagnosis, by
// the part of the id that names the model; those of a profile are told by its prefix.
// Prices move: Options.Prices replaces them.
func DefaultPrices() map[string]Price {
	return map[string]Price{
		"anthropic.claude-haiku-4-5":         {1.10, 5.50},
		"global.anthropic.claude-haiku-4-5":  {1.00, 5.00},
		"anthropic.claude-sonnet-4-5":        {3.30, 16.50},
		"global.anthropic.claude-sonnet-4-5": {3.00, 15.00},
		"anthropic.claude-sonnet-4-6":        {3.30, 16.50},
		"global.anthropic.claude-sonnet-4-6": {3.00, 15.00},
		"anthropic.claude-opus-4-5":          {5.50, 27.50},
		"global.anthropic.claude-opus-4-5":   {5.00, 25.00},
		"amazon.nova-micro-v1":               {0.035, 0.14},
		"amazon.nova-lite-v1":                {0.06, 0.24},
		"amazon.nova-pro-v1":                 {0.80, 3.20},
		"amazon.nova-2-lite":                 {0.30, 2.50},
	}
}

// cost is 0 where the price is not known.
func (m *Model) cost(u *types.TokenUsage) float64 {
	p, ok := priceOf(m.opts.ID, m.opts.Prices)
	if !ok {
		p, ok = priceOf(m.opts.ID, DefaultPrices())
	}
	if !ok {
		return 0
	}
	return (float64(aws.ToInt32(u.InputTokens))*p.Input + float64(aws.ToInt32(u.OutputTokens))*p.Output) / 1e6
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
