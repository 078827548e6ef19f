package bedrock_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/internal/llm/bedrock"
	"github.com/stepsleuth/stepsleuth/internal/llm/bedrock/bedrocktest"
	"github.com/stepsleuth/stepsleuth/redact"
)

const (
	haiku  = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
	schema = `{"type":"object","properties":{"n":{"type":"number"}},"required":["n"],"additionalProperties":false}`
)

var prompt = diagnose.Prompt{
	System: redact.Static("You are terse."), User: redact.Static("Why?"), Schema: []byte(schema), MaxTokens: 700,
}

func model(s *bedrocktest.Server, opts bedrock.Options) *bedrock.Model {
	if opts.Wait == nil {
		opts.Wait = func(int) time.Duration { return time.Microsecond }
	}
	return bedrock.New(s.Config(), opts)
}

func TestAnswer(t *testing.T) {
	s := bedrocktest.New(t, bedrocktest.Says(`{"n":1}`))
	a, err := model(s, bedrock.Options{}).Ask(t.Context(), prompt)
	if err != nil {
		t.Fatal(err)
	}
	if a.Text != `{"n":1}` || a.InputTokens != 1000 || a.OutputTokens != 200 || a.ModelID != haiku || a.StopReason != "end_turn" || a.Latency <= 0 {
		t.Errorf("%+v", a)
	}
	if want := 1000*1.10/1e6 + 200*5.50/1e6; a.CostUSD < want-1e-9 || a.CostUSD > want+1e-9 {
		t.Errorf("cost %v, want %v", a.CostUSD, want)
	}
	got := s.Requests()[0]
	if got.ModelID != haiku || !strings.Contains(got.Path, "%3A0/converse") {
		t.Errorf("model %s, path %s", got.ModelID, got.Path)
	}
	if !strings.Contains(got.Header.Get("Authorization"), "/us-east-1/bedrock/aws4_request") {
		t.Errorf("signed as %q", got.Header.Get("Authorization"))
	}
	body, _ := json.Marshal(got.Body)
	for _, unwanted := range []string{"temperature", "topP", "top_p", "topK", "toolConfig"} {
		if strings.Contains(string(body), unwanted) {
			t.Errorf("%s is sent: %s", unwanted, body)
		}
	}
	for _, wanted := range []string{`"maxTokens":700`, `"type":"json_schema"`, `"text":"You are terse."`, `"text":"Why?"`} {
		if !strings.Contains(string(body), wanted) {
			t.Errorf("%s is not sent: %s", wanted, body)
		}
	}
}

func TestModelIDsAreEscapedInThePath(t *testing.T) {
	id := "arn:aws:bedrock:eu-central-1:123456789012:application-inference-profile/abc123"
	s := bedrocktest.New(t, bedrocktest.Says(`{}`))
	a, err := model(s, bedrock.Options{ID: id}).Ask(t.Context(), prompt)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Requests()[0]; got.ModelID != id || !strings.Contains(got.Path, "%2Fabc123") {
		t.Errorf("model %s, path %s", got.ModelID, got.Path)
	}
	if a.CostUSD != 0 {
		t.Errorf("an unknown model costs %v", a.CostUSD)
	}
}

func TestPricesAreASetting(t *testing.T) {
	s := bedrocktest.New(t, bedrocktest.Says(`{}`))
	prices := map[string]bedrock.Price{"abc123": {Input: 2, Output: 10}}
	a, err := model(s, bedrock.Options{ID: "abc123", Prices: prices}).Ask(t.Context(), prompt)
	if err != nil || a.CostUSD != 0.004 {
		t.Errorf("cost %v, error %v", a.CostUSD, err)
	}
}

func TestDefaultStaysInItsGeography(t *testing.T) {
	for region, want := range map[string]string{
		"us-west-2": "us.", "eu-north-1": "eu.", "ap-northeast-1": "jp.", "ap-southeast-2": "au.", "sa-east-1": "global.", "us-gov-west-1": "us-gov.",
	} {
		if got := bedrock.DefaultID(region); !strings.HasPrefix(got, want+"anthropic.") {
			t.Errorf("%s: %s", region, got)
		}
	}
}

// invalid is how Bedrock refuses a field.
func invalid(message string) bedrocktest.Reply {
	return bedrocktest.Fails(http.StatusBadRequest, "ValidationException", message)
}

func TestFormsAreTriedInTurnAndRemembered(t *testing.T) {
	noSchema := invalid("The model returned the following errors: output_config.format: Extra inputs are not permitted")
	noChoice := invalid("This model doesn't support the toolConfig.toolChoice.tool field. Remove toolConfig.toolChoice.tool and try again.")
	noTools := invalid("This model doesn't support tool use.")
	for name, test := range map[string]struct {
		script []bedrocktest.Reply
		forms  string
	}{
		"schema":            {[]bedrocktest.Reply{bedrocktest.Says(`{"n":1.50}`)}, "schema schema"},
		"tool":              {[]bedrocktest.Reply{noSchema, bedrocktest.Calls(`{"n":1.50}`)}, "schema tool tool"},
		"offered tool":      {[]bedrocktest.Reply{noSchema, noChoice, bedrocktest.Calls(`{"n":1.50}`)}, "schema tool offer offer"},
		"offer not taken":   {[]bedrocktest.Reply{noSchema, noChoice, bedrocktest.Says(`{"n":1.50}`)}, "schema tool offer offer"},
		"no tools":          {[]bedrocktest.Reply{noSchema, noTools, bedrocktest.Says(`{"n":1.50}`)}, "schema tool text text"},
		"offer refused too": {[]bedrocktest.Reply{noSchema, noChoice, noTools, bedrocktest.Says(`{"n":1.50}`)}, "schema tool offer text text"},
	} {
		s := bedrocktest.New(t, test.script...)
		m := model(s, bedrock.Options{})
		for range 2 {
			a, err := m.Ask(t.Context(), prompt)
			var v struct{ N float64 }
			if err != nil || json.Unmarshal([]byte(a.Text), &v) != nil || v.N != 1.5 {
				t.Errorf("%s: %q, %v", name, a.Text, err)
			}
		}
		var forms []string
		for _, r := range s.Requests() {
			forms = append(forms, formOf(r.Body))
		}
		if got := strings.Join(forms, " "); got != test.forms {
			t.Errorf("%s: forms %q, want %q", name, got, test.forms)
		}
	}
}

func formOf(body map[string]any) string {
	raw, _ := json.Marshal(body)
	switch text := string(raw); {
	case body["outputConfig"] != nil:
		return "schema"
	case strings.Contains(text, `"toolChoice":{"tool"`):
		return "tool"
	case strings.Contains(text, `"toolChoice":{"auto"`):
		return "offer"
	case strings.Contains(text, "JSON Schema"):
		return "text"
	}
	return "none"
}

// The SDK itself would not retry the first two.
func TestPassingFaultsAreRetried(t *testing.T) {
	for name, fault := range map[string]bedrocktest.Reply{
		"not ready":   bedrocktest.Fails(429, "ModelNotReadyException", "The model is not ready."),
		"timeout":     bedrocktest.Fails(408, "ModelTimeoutException", "The request took too long."),
		"throttled":   bedrocktest.Fails(429, "ThrottlingException", "Too many requests, please wait before trying again."),
		"unavailable": bedrocktest.Fails(503, "ServiceUnavailableException", "Try later."),
		"internal":    bedrocktest.Fails(500, "InternalServerException", "Internal error."),
	} {
		s := bedrocktest.New(t, fault, fault, bedrocktest.Says(`{"n":1}`))
		if a, err := model(s, bedrock.Options{}).Ask(t.Context(), prompt); err != nil || a.Text != `{"n":1}` {
			t.Errorf("%s: %q, %v", name, a.Text, err)
		}
		if n := len(s.Requests()); n != 3 {
			t.Errorf("%s: %d requests", name, n)
		}
	}
}

func TestRefusalsAreExplained(t *testing.T) {
	access := func(message string) bedrocktest.Reply {
		return bedrocktest.Fails(http.StatusForbidden, "AccessDeniedException", message)
	}
	const notAllowed = "User: arn:aws:sts::123456789012:assumed-role/ts/ts is not authorized to perform: bedrock:InvokeModel on resource: arn:aws:bedrock:us-west-2::foundation-model/anthropic.claude-haiku-4-5-20251001-v1:0 because no identity-based policy allows the bedrock:InvokeModel action"
	for name, test := range map[string]struct {
		reply        bedrocktest.Reply
		kind         string
		reason, mend string // parts of them
		requests     int
	}{
		"not allowed":        {access(notAllowed), "denied", "bedrock:InvokeModel on arn:aws:bedrock:us-west-2::foundation-model/anthropic.claude-haiku-4-5-20251001-v1:0 (in us-west-2, a region", "allow bedrock:InvokeModel", 1},
		"capital letter":     {bedrocktest.Denies(notAllowed), "denied", "(in us-west-2, a region", "allow bedrock:InvokeModel", 1},
		"explicit deny":      {bedrocktest.Denies("User: x is not authorized to perform: bedrock:InvokeModel on resource: arn:aws:bedrock:us-east-1::foundation-model/m with an explicit deny in a service control policy"), "denied", "may not bedrock:InvokeModel", "service control policy", 1},
		"marketplace":        {access("Model access is denied due to IAM user or service role is not authorized to perform the required AWS Marketplace actions (aws-marketplace:ViewSubscriptions, aws-marketplace:Subscribe) to enable access to this model."), "denied", "Marketplace", "do not give this role", 1},
		"use case":           {bedrocktest.Fails(404, "ResourceNotFoundException", "Model use case details have not been submitted for this account. Fill out the Anthropic use case details form before using the model."), "denied", "use-case form", "Model catalog", 1},
		"on demand":          {invalid("Invocation of model ID anthropic.claude-haiku-4-5-20251001-v1:0 with on-demand throughput isn\u2019t supported. Retry your request with the ID or ARN of an inference profile that contains this model."), "rejected", "inference profile", "us.anthropic.claude-haiku-4-5", 1},
		"legacy":             {bedrocktest.Fails(404, "ResourceNotFoundException", "Access denied. This Model is marked by provider as Legacy and you have not been actively using the model in the last 30 days."), "rejected", "legacy", "current", 1},
		"end of life":        {bedrocktest.Fails(404, "ResourceNotFoundException", "This model version has reached the end of its life."), "rejected", "legacy", "current", 1},
		"no model":           {invalid("The provided model identifier is invalid."), "rejected", "no model " + haiku + " in us-east-1", "list-inference-profiles", 1},
		"no access":          {access("You don't have access to the model with the specified model ID."), "denied", "no access", "console", 1},
		"denied otherwise":   {access("Operation not allowed"), "denied", "Operation not allowed", "bedrock:InvokeModel", 1},
		"expired":            {bedrocktest.Fails(403, "ExpiredTokenException", "The security token included in the request is expired"), "denied", "expired", "sign in", 1},
		"unknown token":      {bedrocktest.Fails(403, "UnrecognizedClientException", "The security token included in the request is invalid."), "denied", "does not accept", "get-caller-identity", 1},
		"unsupported field":  {invalid("Malformed input request: #: extraneous key [system] is not permitted"), "rejected", "extraneous key", "another model", 1},
		"too long":           {invalid("Input is too long for requested model."), "rejected", "too long", "budget", 1},
		"guardrail missing":  {invalid("The guardrail identifier or version provided in the request does not exist."), "rejected", "guardrail", "ApplyGuardrail", 1},
		"throttled for ever": {bedrocktest.Fails(429, "ThrottlingException", "Too many requests, please wait before trying again."), "throttled", "6 times", "Service Quotas", 6},
		"daily quota":        {bedrocktest.Fails(429, "ThrottlingException", "Too many tokens per day, please wait before trying again."), "throttled", "used up", "tomorrow", 1},
		"never ready":        {bedrocktest.Fails(429, "ModelNotReadyException", "The model is not ready."), "unavailable", "not ready in 6 tries", "try again", 6},
		"model timeout":      {bedrocktest.Fails(408, "ModelTimeoutException", "The request took too long."), "timeout", "longer than", "faster", 6},
		"internal":           {bedrocktest.Fails(500, "InternalServerException", "Internal error."), "unavailable", "failed on its side", "later", 6},
		"guardrail":          {bedrocktest.Stops("guardrail_intervened", "Sorry, blocked."), "rejected", "guardrail", "guardrail", 1},
		"refusal":            {bedrocktest.Stops("refusal", ""), "rejected", "refused", "another model", 1},
		"content filter":     {bedrocktest.Stops("content_filtered", ""), "rejected", "refused", "another model", 1},
		"unheard of":         {bedrocktest.Fails(418, "TeapotException", "short and stout"), "unavailable", "TeapotException: short and stout", "later", 1},
	} {
		s := bedrocktest.New(t, test.reply)
		_, err := model(s, bedrock.Options{}).Ask(t.Context(), prompt)
		explained(t, name, err, test.kind, test.reason, test.mend)
		if n := len(s.Requests()); n != test.requests {
			t.Errorf("%s: %d requests, want %d", name, n, test.requests)
		}
	}
}

func explained(t *testing.T, name string, err error, kind, reason, mend string) {
	t.Helper()
	var e *diagnose.ModelError
	if !errors.As(err, &e) {
		t.Errorf("%s: %v is no ModelError", name, err)
		return
	}
	if e.Kind != kind || !strings.Contains(e.Reason, reason) || !strings.Contains(e.Mend, mend) {
		t.Errorf("%s: %s\n  reason %q, want %q\n  mend %q, want %q", name, e.Kind, e.Reason, reason, e.Mend, mend)
	}
}

func TestWhatIsWrongOnThisSide(t *testing.T) {
	s := bedrocktest.New(t, bedrocktest.Says(`{}`))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := "http://" + listener.Addr().String()
	listener.Close()
	for name, test := range map[string]struct {
		change             func(*aws.Config)
		kind, reason, mend string
	}{
		"no credentials": {func(c *aws.Config) {
			c.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{}, errors.New("no EC2 IMDS role found, operation error ec2imds: GetMetadata, canceled")
			})
		}, "denied", "no AWS credentials", "sign in"},
		"nil credentials": {func(c *aws.Config) { c.Credentials = nil }, "denied", "no AWS credentials", "sign in"},
		"expired session": {func(c *aws.Config) {
			c.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{}, errors.New("refresh cached SSO token failed: the SSO session has expired or is invalid")
			})
		}, "denied", "expired", "sso login"},
		"no region":   {func(c *aws.Config) { c.Region, c.BaseEndpoint = "", nil }, "rejected", "no AWS region", "AWS_REGION"},
		"unreachable": {func(c *aws.Config) { c.BaseEndpoint = &closed }, "unavailable", "cannot be reached in us-east-1", "interface endpoint"},
	} {
		c := s.Config()
		test.change(&c)
		m := bedrock.New(c, bedrock.Options{Attempts: 2, Wait: func(int) time.Duration { return 0 }})
		_, err := m.Ask(t.Context(), prompt)
		explained(t, name, err, test.kind, test.reason, test.mend)
	}
}

func TestAnswerSlowerThanTheDeadline(t *testing.T) {
	s := bedrocktest.New(t, bedrocktest.Hangs())
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := model(s, bedrock.Options{}).Ask(ctx, prompt)
	explained(t, "deadline", err, "timeout", "did not answer in the time", "more time")
}

// A try that could not begin before the deadline is not made, and the reason stays.
func TestThrottledUntilTheDeadline(t *testing.T) {
	s := bedrocktest.New(t, bedrocktest.Fails(429, "ThrottlingException", "Too many requests."))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err := model(s, bedrock.Options{Wait: func(int) time.Duration { return time.Hour }}).Ask(ctx, prompt)
	explained(t, "throttled", err, "throttled", "1 times", "Service Quotas")
}

func TestCutOffAnswerIsHandedOver(t *testing.T) {
	s := bedrocktest.New(t, bedrocktest.Stops("max_tokens", `{"n":`))
	a, err := model(s, bedrock.Options{}).Ask(t.Context(), prompt)
	if err != nil || a.Text != `{"n":` || a.StopReason != "max_tokens" {
		t.Errorf("%+v, %v", a, err)
	}
}

func TestGuardrailIsApplied(t *testing.T) {
	s := bedrocktest.New(t, bedrocktest.Says(`{}`))
	if _, err := model(s, bedrock.Options{Guardrail: "gr1", GuardrailVersion: "3"}).Ask(t.Context(), prompt); err != nil {
		t.Fatal(err)
	}
	got, _ := json.Marshal(s.Requests()[0].Body["guardrailConfig"])
	if string(got) != `{"guardrailIdentifier":"gr1","guardrailVersion":"3"}` {
		t.Error(string(got))
	}
}

func TestPromptCaching(t *testing.T) {
	unsupported := bedrocktest.Fails(403, "AccessDeniedException", "You invoked an unsupported model or your request did not allow prompt caching.")
	for name, test := range map[string]struct {
		on     bool
		script []bedrocktest.Reply
		points string // of each request: whether the last block of the system prompt is a cache point
	}{
		"off":         {false, []bedrocktest.Reply{bedrocktest.Says(`{}`)}, "- -"},
		"on":          {true, []bedrocktest.Reply{bedrocktest.Says(`{}`)}, "point point"},
		"after words": {true, []bedrocktest.Reply{invalid("outputConfig is not supported"), invalid("This model doesn't support tool use."), bedrocktest.Says(`{}`)}, "point point point point"},
		"unsupported": {true, []bedrocktest.Reply{unsupported, bedrocktest.Says(`{}`)}, "point - -"},
	} {
		s := bedrocktest.New(t, test.script...)
		m := model(s, bedrock.Options{CachePrompt: test.on})
		for range 2 {
			if _, err := m.Ask(t.Context(), prompt); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		var points []string
		for _, r := range s.Requests() {
			system, _ := r.Body["system"].([]any)
			if last, _ := system[len(system)-1].(map[string]any); last["cachePoint"] != nil {
				points = append(points, "point")
			} else {
				points = append(points, "-")
			}
		}
		if got := strings.Join(points, " "); got != test.points {
			t.Errorf("%s: %s, want %s", name, got, test.points)
		}
	}
}

func TestCachedTokensCostLess(t *testing.T) {
	s := bedrocktest.New(t, bedrocktest.Costs(map[string]any{"inputTokens": 100, "outputTokens": 200, "totalTokens": 5300, "cacheReadInputTokens": 4000, "cacheWriteInputTokens": 1000}))
	a, err := model(s, bedrock.Options{}).Ask(t.Context(), prompt)
	if want := (100+0.1*4000+1.25*1000)*1.10/1e6 + 200*5.50/1e6; err != nil || a.InputTokens != 5100 || a.CostUSD < want-1e-9 || a.CostUSD > want+1e-9 {
		t.Errorf("%+v, %v, want %v", a, err, want)
	}
}

func TestManyAtOnce(t *testing.T) {
	s := bedrocktest.New(t, invalid("outputConfig is not supported"), bedrocktest.Calls(`{"n":1}`))
	m := model(s, bedrock.Options{})
	errs := make(chan error)
	for range 8 {
		go func() {
			_, err := m.Ask(t.Context(), prompt)
			errs <- err
		}()
	}
	for range 8 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

// TestLive asks a real model once. It costs money, so it needs STEPSLEUTH_LIVE_BEDROCK=1
// beside AWS credentials; STEPSLEUTH_LIVE_BEDROCK_MODEL names another model.
func TestLive(t *testing.T) {
	if os.Getenv("STEPSLEUTH_LIVE_BEDROCK") != "1" {
		t.Skip("SKIPPED: NOTHING IS KNOWN OF REAL MODELS. Set STEPSLEUTH_LIVE_BEDROCK=1 and AWS credentials to ask one (it costs about $0.01).")
	}
	c, err := config.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	p := prompt
	p.User = redact.Static(`Answer with {"n": 7}.`)
	a, err := bedrock.New(c, bedrock.Options{ID: os.Getenv("STEPSLEUTH_LIVE_BEDROCK_MODEL")}).Ask(ctx, p)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", a)
	if !json.Valid([]byte(a.Text)) {
		t.Errorf("no JSON: %q", a.Text)
	}
}
