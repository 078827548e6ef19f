package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/internal/llm/anthropic"
	"github.com/stepsleuth/stepsleuth/internal/llm/bedrock"
	"github.com/stepsleuth/stepsleuth/internal/llm/cached"
	"github.com/stepsleuth/stepsleuth/internal/llm/openai"
	"github.com/stepsleuth/stepsleuth/redact"
)

// modelForms is what --model takes.
const modelForms = "none, bedrock[:MODEL-OR-PROFILE-ID], anthropic[:MODEL], openai:MODEL[@URL], or ollama:MODEL[@URL]"

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
		id, url := splitURL(id)
		model = openai.New(openai.Options{ID: id, Key: os.Getenv("OPENAI_API_KEY"), BaseURL: cmp.Or(url, os.Getenv("OPENAI_BASE_URL"))})
	case "ollama":
		id, url := splitURL(id)
		model = openai.New(openai.Options{ID: id, BaseURL: cmp.Or(url, ollamaURL(os.Getenv("OLLAMA_HOST")), openai.Ollama)})
	default:
		return nil, nil
	}
	if limit := o.config.ModelBudget; limit.Dollars > 0 && limit.Calls == 0 && vendor != "ollama" && !priced(model) {
		o.note(o.stderr, "warning: what %s costs is not known here, so modelBudget.dollars bounds nothing; set modelBudget.calls", model.ID())
	}
	return withCache(o, model, r), nil
}

// priced reports that a model knows what its questions cost.
func priced(model cached.Asker) bool {
	m, ok := model.(interface {
		Estimate(diagnose.Prompt) float64
	})
	return ok && m.Estimate(diagnose.Prompt{}) > 0
}

// withCache puts the cache of answers and the budget in front of a model. Where the cache
// cannot be had the model is asked each time; but not where a budget is set, which nobody
// could keep then.
func withCache(o *options, model cached.Asker, r *redact.Redactor) diagnose.Model {
	budget := o.config.ModelBudget
	warn := func(err error) { o.note(o.stderr, "warning: %v", err) }
	opts := cached.Options{Redact: r, Calls: budget.Calls, Dollars: budget.Dollars, Warn: warn}
	limited := budget.Calls > 0 || budget.Dollars > 0
	if o.config.ModelCache == cacheOff {
		if !limited {
			return model
		}
		opts.Keep = -1
	}
	var front *cached.Model
	folder, err := o.config.answers()
	if err == nil {
		opts.Folder = folder
		front, err = cached.New(model, opts)
	}
	switch {
	case err == nil:
		return front
	case limited:
		warn(fmt.Errorf("%w; so the modelBudget cannot be kept, and no model is asked", err))
		return nil
	}
	warn(fmt.Errorf("%w; equal failures are asked about each time", err))
	return model
}

// splitURL parts a model's id from the address behind it. Ids hold colons, and may hold an @.
func splitURL(id string) (name, url string) {
	if i := strings.LastIndex(id, "@http"); i >= 0 {
		return id[:i], id[i+1:]
	}
	return id, ""
}

// ollamaURL is OLLAMA_HOST as a URL: it may be a bare host and port.
func ollamaURL(host string) string {
	if host == "" || strings.Contains(host, "://") {
		return host
	}
	return "http://" + host
}

func newBedrock(ctx context.Context, o *options, id string) (*bedrock.Model, error) {
	aws, err := reachAWS(ctx, o.region)
	if err != nil {
		return nil, err
	}
	return bedrock.New(aws, bedrock.Options{ID: id, CachePrompt: true, Guardrail: o.config.Guardrail.ID, GuardrailVersion: o.config.Guardrail.Version}), nil
}

// answers is the folder in which models' answers are kept.
func (c config) answers() (string, error) {
	if c.ModelCache != "" && c.ModelCache != cacheOff {
		return c.ModelCache, nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no folder for the answers of models: %w; name one as modelCache in %s", err, configFile)
	}
	return filepath.Join(dir, "stepsleuth", "model"), nil
}
