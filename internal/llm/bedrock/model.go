// Package bedrock asks foundation models on Amazon Bedrock, through its Converse API.
//
// It sends what it is given and returns what came back; it knows nothing of diagnoses
// beyond the interface that it implements, reads no environment, and writes nothing.
package bedrock

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/types"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/internal/llm"
)

// Options say which model is asked, and how. The zero Options are fine.
type Options struct {
	ID       string           // model id, or id or ARN of an inference profile; "" is DefaultID of the region
	Prices   map[string]Price // by model id or a part of it; what is here wins over DefaultPrices
	Attempts int              // tries in all where Bedrock throttles or falters; 0: 6
	// Guardrail to apply, with its version; "" none.
	Guardrail, GuardrailVersion string
	// CachePrompt has the model keep the system prompt for five minutes, which makes the
	// next questions cheaper. It has an effect from a model's minimum on: 1024 tokens for
	// most, 4096 for Claude Haiku 4.5. A model that cannot do it is asked without.
	CachePrompt bool
	// Wait is how long to wait before try n+1; nil: exponential with full jitter.
	Wait func(n int) time.Duration
}

// Model is a diagnose.Model on Amazon Bedrock. It remembers in which form the model
// takes the schema of an answer, so one Model should serve a whole process. It is safe
// for concurrent use.
type Model struct {
	client *bedrockruntime.Client
	opts   Options
	region string
	form   atomic.Int32
	plain  atomic.Bool // the model does not keep prompts
}

var _ diagnose.Model = (*Model)(nil)

// New returns a model that is reached by config: region, credentials and, where set,
// the endpoint come from there. It asks nothing yet.
func New(config aws.Config, opts Options) *Model {
	if opts.ID == "" {
		opts.ID = DefaultID(config.Region)
	}
	if opts.Attempts == 0 {
		opts.Attempts = 6
	}
	if opts.Wait == nil {
		opts.Wait = llm.Backoff
	}
	if config.Credentials == nil && config.BearerAuthTokenProvider == nil { // the SDK would panic
		config.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{}, errors.New("no credentials are configured")
		})
	}
	m := &Model{opts: opts, region: config.Region}
	m.client = bedrockruntime.NewFromConfig(config, func(o *bedrockruntime.Options) {
		o.Retryer = aws.NopRetryer{} // Ask retries, as it knows more kinds of faults and the deadline
		o.HTTPClient = keepsRefusals{o.HTTPClient}
	})
	return m
}

// DefaultID is a cheap, current model in the inference profile of the region's own
// geography, as far as it has one, so that data stays there.
func DefaultID(region string) string {
	return geography(region) + ".anthropic.claude-haiku-4-5-20251001-v1:0"
}

func geography(region string) string {
	switch {
	case strings.HasPrefix(region, "us-gov-"):
		return "us-gov"
	case strings.HasPrefix(region, "us-"):
		return "us"
	case strings.HasPrefix(region, "eu-"):
		return "eu"
	case region == "ap-northeast-1", region == "ap-northeast-3":
		return "jp"
	case region == "ap-southeast-2", region == "ap-southeast-4":
		return "au"
	}
	return "global"
}

// ID tells this model from every other, for caches and reports.
func (m *Model) ID() string { return "bedrock:" + m.opts.ID }

// Estimate is what the question costs at most, in US dollars; 0 where no price is known.
func (m *Model) Estimate(p diagnose.Prompt) float64 { return m.price().Most(p) }

// Ask sends the prompt in the best form that the model takes.
func (m *Model) Ask(ctx context.Context, p diagnose.Prompt) (diagnose.Answer, error) {
	began := time.Now()
	for {
		used := form(m.form.Load())
		keep := m.opts.CachePrompt && !m.plain.Load()
		out, err := m.converse(ctx, m.input(p, used, keep))
		if err != nil {
			if keep && withoutCache(err) {
				m.plain.Store(true)
				continue
			}
			if next := used.after(err); next != used {
				m.form.CompareAndSwap(int32(used), int32(next))
				continue
			}
			return diagnose.Answer{ModelID: m.opts.ID, Latency: time.Since(began)}, m.explain(ctx, err)
		}
		answer := m.answer(out)
		answer.Latency = time.Since(began)
		return answer, stopped(answer.StopReason)
	}
}

func (m *Model) input(p diagnose.Prompt, f form, keep bool) *bedrockruntime.ConverseInput {
	in := &bedrockruntime.ConverseInput{
		ModelId:         aws.String(m.opts.ID),
		System:          []types.SystemContentBlock{&types.SystemContentBlockMemberText{Value: p.System.String()}},
		Messages:        []types.Message{message(p.User.String())},
		InferenceConfig: &types.InferenceConfiguration{MaxTokens: aws.Int32(int32(p.MaxTokens))}, // no sampling parameters: many models refuse them
	}
	if p.MaxTokens <= 0 {
		in.InferenceConfig = nil
	}
	if m.opts.Guardrail != "" {
		in.GuardrailConfig = &types.GuardrailConfiguration{
			GuardrailIdentifier: aws.String(m.opts.Guardrail), GuardrailVersion: aws.String(m.opts.GuardrailVersion),
		}
	}
	f.apply(in, p.Schema)
	if keep {
		in.System = append(in.System, &types.SystemContentBlockMemberCachePoint{Value: types.CachePointBlock{Type: types.CachePointTypeDefault}})
	}
	return in
}

func message(text string) types.Message {
	return types.Message{
		Role:    types.ConversationRoleUser,
		Content: []types.ContentBlock{&types.ContentBlockMemberText{Value: text}},
	}
}

// answer takes a tool's input before text: a model may write a sentence before it calls.
func (m *Model) answer(out *bedrockruntime.ConverseOutput) diagnose.Answer {
	a := diagnose.Answer{ModelID: m.opts.ID, StopReason: string(out.StopReason)}
	if u := out.Usage; u != nil {
		a.InputTokens = int(aws.ToInt32(u.InputTokens) + aws.ToInt32(u.CacheReadInputTokens) + aws.ToInt32(u.CacheWriteInputTokens))
		a.OutputTokens = int(aws.ToInt32(u.OutputTokens))
		a.CostUSD = m.cost(u)
	}
	said, ok := out.Output.(*types.ConverseOutputMemberMessage)
	if !ok {
		return a
	}
	var text strings.Builder
	for _, block := range said.Value.Content {
		switch b := block.(type) {
		case *types.ContentBlockMemberText:
			text.WriteString(b.Value)
		case *types.ContentBlockMemberToolUse:
			if input, err := b.Value.Input.MarshalSmithyDocument(); err == nil {
				a.Text = string(input)
			}
		}
	}
	if a.Text == "" {
		a.Text = text.String()
	}
	return a
}

// stopped makes an error of reasons to stop that leave nothing to read.
func stopped(reason string) error {
	switch reason {
	case "guardrail_intervened":
		return &diagnose.ModelError{Kind: "rejected", Reason: "a guardrail of Amazon Bedrock withheld the question or the answer",
			Mend: "loosen that guardrail for this role, or use one that is made for error messages"}
	case "refusal", "content_filtered":
		return llm.Refused(reason)
	}
	return nil
}

// keepsRefusals remembers the body of a refusal, as the SDK does not read every form of it,
// and lets no answer be larger than an answer can be.
type keepsRefusals struct{ client bedrockruntime.HTTPClient }

func (k keepsRefusals) Do(r *http.Request) (*http.Response, error) {
	if err := detach(r); err != nil {
		return nil, err
	}
	response, err := k.client.Do(r)
	if err != nil {
		return response, err
	}
	if response.StatusCode < 400 {
		response.Body = &bounded{response.Body, maxAnswer}
		return response, nil
	}
	if kept, ok := r.Context().Value(refusalKey{}).(*refusal); ok {
		kept.read(response)
	}
	return response, nil
}

// detach gives a request a body of its own. The SDK closes the one that it made as soon as
// an answer begins, and a connection that has not seen the end of it by then is cut in the
// middle of the answer.
func detach(r *http.Request) error {
	if r.Body == nil || r.Body == http.NoBody {
		return nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return nil
}
