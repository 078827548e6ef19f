package main

import (
	"context"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/diagnose/rules"
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
	model, err := newModel(ctx, o, r)
	if err != nil {
		return nil, err
	}
	return &oncall.Responder{
		Redact: r,
		Doctor: &diagnose.Doctor{Rules: rules.All(), Redact: r, Model: model, Passes: o.config.ModelPasses, Try: verify.Try},
	}, nil
}
