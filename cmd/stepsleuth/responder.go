package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/diagnose/rules"
	"github.com/stepsleuth/stepsleuth/internal/llm/bedrock"
	"github.com/stepsleuth/stepsleuth/internal/oncall"
	"github.com/stepsleuth/stepsleuth/internal/verify"
)

// newResponder wires the doctor: the built-in rules, replay for the fixes, and the
// model that was asked for.
func newResponder(ctx context.Context, o *options) (*oncall.Responder, error) {
	r, err := newRedactor(o)
	if err != nil {
		return nil, err
	}
	model, err := newModel(ctx, o)
	if err != nil {
		return nil, err
	}
	return &oncall.Responder{
		Redact: r,
		Doctor: &diagnose.Doctor{Rules: rules.All(), Redact: r, Model: model, Try: verify.Try},
	}, nil
}

// newModel returns the model that --model names, nil for none.
func newModel(ctx context.Context, o *options) (diagnose.Model, error) {
	name, id, _ := strings.Cut(o.model, ":")
	if name != "bedrock" {
		return nil, nil
	}
	var load []func(*awsconfig.LoadOptions) error
	if o.region != "" {
		load = append(load, awsconfig.WithRegion(o.region))
	}
	aws, err := awsconfig.LoadDefaultConfig(ctx, load...)
	if err != nil {
		return nil, fmt.Errorf("AWS configuration: %w", err)
	}
	return bedrock.New(aws, bedrock.Options{ID: id}), nil
}

func unmarshal(text []byte, v any) error { return json.Unmarshal(text, v) }
