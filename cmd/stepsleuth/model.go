package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/internal/llm/anthropic"
	"github.com/stepsleuth/stepsleuth/internal/llm/bedrock"
	"github.com/stepsleuth/stepsleuth/internal/llm/cached"
	"github.com/stepsleuth/stepsleuth/internal/llm/openai"
	"github.com/stepsleuth/stepsleuth/redact"
)

// modelForms is what --model takes.
const modelForms = "none, bedrock[:MODEL-OR-PROFILE-ID], anthropic[:MODEL], openai:MODEL, or ollama:MODEL"

// ollama is where an Ollama server listens if nobody says otherwise.
const ollama = "http://127.0.0.1:11434/v1"

// checkModel tells whether name is a model that can be asked.
func checkModel(name string) error {
	vendor, id, _ := strings.Cut(name, ":")
	switch vendor {
	case "", "none", "bedrock", "anthropic":
		return nil
	case "openai", "ollama":
		if id != "" {
			return nil
		}
	}
	return fmt.Errorf("--model %s: it is %s", name, modelForms)
}

// newModel returns the model that was asked for, behind the cache of answers and the
// budget; nil for none.
func newModel(ctx context.Context, o *options, r *redact.Redactor) (diagnose.Model, error) {
	vendor, id, _ := strings.Cut(o.model, ":")
	var model cached.Asker
	switch vendor {
	case "bedrock":
		var err error
		if model, err = newBedrock(ctx, o, id); err != nil {
			return nil, err
		}
	case "anthropic":
		model = anthropic.New(anthropic.Options{ID: id, Key: os.Getenv("ANTHROPIC_API_KEY"), BaseURL: os.Getenv("ANTHROPIC_BASE_URL"), CachePrompt: true})
	case "openai":
		model = openai.New(openai.Options{ID: id, Key: os.Getenv("OPENAI_API_KEY"), BaseURL: os.Getenv("OPENAI_BASE_URL")})
	case "ollama":
		model = openai.New(openai.Options{ID: id, BaseURL: cmp.Or(os.Getenv("OLLAMA_HOST"), ollama)})
	default:
		return nil, nil
	}
	folder, err := o.config.answers()
	if err != nil {
		return nil, err
	}
	budget := o.config.ModelBudget
	return cached.New(model, cached.Options{Folder: folder, Redact: r, Calls: budget.Calls, Dollars: budget.Dollars})
}

func newBedrock(ctx context.Context, o *options, id string) (*bedrock.Model, error) {
	var load []func(*awsconfig.LoadOptions) error
	if o.region != "" {
		load = append(load, awsconfig.WithRegion(o.region))
	}
	aws, err := awsconfig.LoadDefaultConfig(ctx, load...)
	if err != nil {
		return nil, fmt.Errorf("AWS configuration: %w", err)
	}
	return bedrock.New(aws, bedrock.Options{ID: id, Guardrail: o.config.Guardrail.ID, GuardrailVersion: o.config.Guardrail.Version}), nil
}

// answers is the folder in which models' answers are kept.
func (c config) answers() (string, error) {
	if c.ModelCache != "" {
		return c.ModelCache, nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no folder for the answers of models: %w; name one as modelCache in %s", err, configFile)
	}
	return filepath.Join(dir, "stepsleuth", "model"), nil
}
