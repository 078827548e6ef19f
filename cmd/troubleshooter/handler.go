package main

import (
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/diagnose/rules"
	"github.com/stepsleuth/stepsleuth/internal/awscloud"
	"github.com/stepsleuth/stepsleuth/internal/llm/bedrock"
	"github.com/stepsleuth/stepsleuth/internal/notify"
	"github.com/stepsleuth/stepsleuth/internal/oncall"
	"github.com/stepsleuth/stepsleuth/internal/store"
	"github.com/stepsleuth/stepsleuth/internal/store/dynamo"
	"github.com/stepsleuth/stepsleuth/redact"
)

// handler is the function. It is a lambda.Handler.
type handler struct {
	duty   *oncall.Duty
	log    *slog.Logger
	memory int // of the function, in bytes
}

// Invoke answers one event.
func (h *handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	answer, err := h.duty.Answer(ctx, payload)
	if err != nil {
		h.log.Error("people were not told; AWS is to deliver the event again", "error", err.Error())
	}
	return answer, err
}

// settings are the environment, read.
type settings struct {
	topic, table  string
	model         bool
	modelID       string
	guardrail     string
	key           []byte
	keyParameter  string
	policy        store.Policy
	collect       bool
	namespace     string
	level         slog.Level
	memory        int      // bytes
	misconfigured []string // what is wrong, and what is done instead
}

func readSettings(getenv func(string) string) settings {
	s := settings{
		topic: getenv("STEPSLEUTH_TOPIC_ARN"), table: getenv("STEPSLEUTH_TABLE"), guardrail: getenv("STEPSLEUTH_GUARDRAIL"),
		collect: true, namespace: cmp.Or(getenv("STEPSLEUTH_METRICS_NAMESPACE"), "stepsleuth"),
	}
	wrong := func(name, instead string) {
		s.misconfigured = append(s.misconfigured, fmt.Sprintf("%s: %s", name, instead))
	}
	switch name, id, _ := strings.Cut(getenv("STEPSLEUTH_MODEL"), ":"); name {
	case "bedrock":
		s.model, s.modelID = true, id
	case "", "none":
	default:
		wrong("STEPSLEUTH_MODEL", "it is none, bedrock, or bedrock: and an id; no model is asked")
	}
	if text := getenv("STEPSLEUTH_REDACTION_KEY"); text != "" {
		s.setKey("STEPSLEUTH_REDACTION_KEY", text)
	} else {
		s.keyParameter = getenv("STEPSLEUTH_REDACTION_KEY_PARAMETER")
	}
	duration := func(name string, dst *time.Duration) {
		if text := getenv(name); text != "" {
			d, err := time.ParseDuration(text)
			if err != nil || d <= 0 {
				wrong(name, "it is a duration like 1h; the usual one is used")
				return
			}
			*dst = d
		}
	}
	duration("STEPSLEUTH_DIGEST", &s.policy.Digest)
	duration("STEPSLEUTH_KEEP", &s.policy.Keep)
	switch getenv("STEPSLEUTH_COLLECT") {
	case "", "all":
	case "none":
		s.collect = false
	default:
		wrong("STEPSLEUTH_COLLECT", "it is all or none; all is used")
	}
	if text := getenv("STEPSLEUTH_LOG_LEVEL"); text != "" && s.level.UnmarshalText([]byte(text)) != nil {
		wrong("STEPSLEUTH_LOG_LEVEL", "it is debug, info, warn or error; info is used")
	}
	mb, err := strconv.Atoi(getenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"))
	if err != nil || mb <= 0 {
		mb = usualMemory
	}
	s.memory = mb << 20
	if s.topic != "" && !strings.HasPrefix(s.topic, "arn:") {
		wrong("STEPSLEUTH_TOPIC_ARN", "it is the ARN of a topic; nothing is published")
		s.topic = ""
	}
	return s
}

func (s *settings) setKey(name, text string) {
	key, err := hex.DecodeString(strings.TrimSpace(text))
	if err != nil || len(key) < 16 {
		s.misconfigured = append(s.misconfigured, name+": it is 16 bytes or more in hexadecimal; one for this environment alone is used")
		return
	}
	s.key = key
}

// keyTime is how long a cold start waits for the key at most.
const keyTime = 2 * time.Second

// fetchKey reads the key from the parameter store.
func (s *settings) fetchKey(ctx context.Context, c aws.Config) {
	if s.keyParameter == "" || s.key != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, keyTime)
	defer cancel()
	out, err := ssm.NewFromConfig(c).GetParameter(ctx, &ssm.GetParameterInput{Name: &s.keyParameter, WithDecryption: aws.Bool(true)})
	const name = "STEPSLEUTH_REDACTION_KEY_PARAMETER"
	if err != nil || out.Parameter == nil {
		s.misconfigured = append(s.misconfigured, fmt.Sprintf("%s: it cannot be read (needs ssm:GetParameter, and kms:Decrypt where its key is yours), so one for this environment alone is used: %v", name, err))
		return
	}
	s.setKey(name, aws.ToString(out.Parameter.Value))
}

// A history takes its bytes several times over while it is read: what AWS sent, what the
// SDK makes of it, and what package history does.
const (
	usualMemory  = 128 // MB
	partOfMemory = 24
)

// newHandler wires the function. It never fails: what is misconfigured is logged, and
// the function does what it can without.
func newHandler(ctx context.Context, getenv func(string) string, out io.Writer) *handler {
	s := readSettings(getenv)
	c, noAWS := config.LoadDefaultConfig(ctx)
	if noAWS == nil {
		s.fetchKey(ctx, c)
	}
	r := &redact.Redactor{Key: s.key}
	if err := r.Check(); err != nil {
		r = new(redact.Redactor)
		s.misconfigured = append(s.misconfigured, "STEPSLEUTH_REDACTION_KEY: it cannot be used; one for this environment alone is")
	}
	h := &handler{log: newLog(out, s.level, r), memory: s.memory}
	h.duty = &oncall.Duty{Responder: oncall.Responder{
		Redact: r, Doctor: &diagnose.Doctor{Rules: rules.All(), Redact: r}, Incidents: &store.Memory{Policy: s.policy},
	}}
	h.duty.Observe = (&observer{log: h.log, out: out, namespace: s.namespace}).observe
	if noAWS != nil {
		h.log.Error("no access to AWS: alarms are answered with what they say themselves", "error", noAWS.Error())
	} else {
		s.connect(h.duty, c)
	}
	for _, m := range s.misconfigured {
		h.log.Error("misconfigured", "setting", m)
	}
	return h
}

// connect gives the duty what it reaches on AWS.
func (s settings) connect(d *oncall.Duty, c aws.Config) {
	d.Cloud = awscloud.New(c)
	d.Cloud.Bytes = s.memory / partOfMemory
	if !s.collect {
		d.Cloud.Functions, d.Cloud.Logs = nil, nil
	}
	if s.topic != "" {
		d.Notify = notify.SNS{Client: sns.NewFromConfig(c), TopicARN: s.topic}
	}
	if s.table != "" {
		d.Spare = &store.Memory{Policy: s.policy}
		d.Incidents = &dynamo.Store{Client: dynamodb.NewFromConfig(c), Table: s.table, Policy: s.policy, Redact: d.Redact}
	}
	if s.model {
		id, version, _ := strings.Cut(s.guardrail, ":")
		d.Doctor.Model = bedrock.New(c, bedrock.Options{ID: s.modelID, Guardrail: id, GuardrailVersion: version})
	}
}
