package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/stepsleuth/stepsleuth/internal/lazyregexp"
	"github.com/stepsleuth/stepsleuth/redact"
	"go.yaml.in/yaml/v3"
)

// configFile is read from the working folder where --config names no other.
const configFile = "stepsleuth.yaml"

const maxConfig = 1 << 20

// config is the configuration file. Flags win over the environment, and the
// environment over the file.
type config struct {
	Model       string `yaml:"model"`
	Region      string `yaml:"region"`
	ModelCache  string `yaml:"modelCache"` // folder
	ModelBudget struct {
		Calls   int     `yaml:"calls"` // a day
		Dollars float64 `yaml:"dollars"`
	} `yaml:"modelBudget"`
	Guardrail struct {
		ID      string `yaml:"id"`
		Version string `yaml:"version"`
	} `yaml:"guardrail"` // Amazon Bedrock's
	Redact    redactConfig `yaml:"redact"`
	Notify    notifyConfig `yaml:"notify"`
	Incidents string       `yaml:"incidents"` // file
}

// redactConfig is what is secret here besides what is secret everywhere, and what is not.
type redactConfig struct {
	Patterns []struct {
		Kind string `yaml:"kind"` // LOYALTY_ID
		Expr string `yaml:"expr"` // RE2; of groups, the first is concealed
	} `yaml:"patterns"`
	Names []string `yaml:"names"` // names whose values are concealed
	Allow []string `yaml:"allow"` // RE2; values that match from end to end stay
}

// readConfig reads the file; without a name, the usual one if it is there.
func readConfig(name string) (config, error) {
	var c config
	usual := name == ""
	if usual {
		name = configFile
	}
	text, err := os.ReadFile(name)
	if usual && errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return c, cannotRead(name, "configuration", err)
	}
	if len(text) > maxConfig {
		return c, tooLarge(name, "configuration", maxConfig)
	}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(&c); err != nil && !errors.Is(err, io.EOF) {
		return c, fmt.Errorf("%s: %s", name, yamlProblem(err))
	}
	return c, nil
}

var (
	yamlNoise = lazyregexp.New(`(?s)^yaml: (?:unmarshal errors:\s*)?| in type main\.\w+|\n.*`)
	yamlValue = lazyregexp.New("(?s) `.*?`( into )")
)

// yamlProblem is the first problem on one line, without the names of our types and
// without the value, which may be a secret in the wrong place.
func yamlProblem(err error) string {
	return yamlNoise.ReplaceAllString(yamlValue.ReplaceAllString(err.Error(), "$1"), "")
}

// redactor makes a redactor of the configuration with a key.
func (c redactConfig) redactor(key []byte) *redact.Redactor {
	r := &redact.Redactor{Key: key, Names: c.Names, Allow: c.Allow}
	for _, p := range c.Patterns {
		r.Patterns = append(r.Patterns, redact.Pattern{Kind: redact.Kind(p.Kind), Expr: p.Expr})
	}
	return r
}
