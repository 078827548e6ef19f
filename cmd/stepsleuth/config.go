package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/stepsleuth/stepsleuth/internal/lazyregexp"
	"github.com/stepsleuth/stepsleuth/internal/store"
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
	ModelCache  string `yaml:"modelCache"`  // folder; "off": no answer is kept
	ModelPasses int    `yaml:"modelPasses"` // questions for one failure at most: 1, or 2 (default) to have an answer corrected
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
	Policy    struct {
		Lease  time.Duration `yaml:"lease"`  // to examine a failure and tell people; default 3m
		Digest time.Duration `yaml:"digest"` // between notifications of equal failures; default 1h
		Keep   time.Duration `yaml:"keep"`   // after which what was not seen again is forgotten; default 720h
	} `yaml:"incidentPolicy"`
}

// cacheOff is the modelCache that keeps nothing.
const cacheOff = "off"

// check tells what is wrong with values that can be read: the first of it, in the order of
// the file's description.
func (c config) check() error {
	if c.ModelPasses < 0 || c.ModelPasses > 2 {
		return fmt.Errorf("modelPasses: it is 1 or 2, not %d", c.ModelPasses)
	}
	if c.ModelBudget.Calls < 0 || c.ModelBudget.Dollars < 0 {
		return errors.New("modelBudget: calls and dollars are not negative; leave out what is not limited")
	}
	for _, limit := range []struct {
		name  string
		value time.Duration
	}{{"lease", c.Policy.Lease}, {"digest", c.Policy.Digest}, {"keep", c.Policy.Keep}} {
		if limit.value < 0 {
			return fmt.Errorf("incidentPolicy.%s: it is a time like 30m, not %s", limit.name, limit.value)
		}
	}
	return nil
}

// policy says how long things take with incidents.
func (c config) policy() store.Policy {
	return store.Policy{Lease: c.Policy.Lease, Digest: c.Policy.Digest, Keep: c.Policy.Keep}
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
	if err := c.check(); err != nil {
		return c, fmt.Errorf("%s: %w", name, err)
	}
	return c, nil
}

var (
	yamlNoise = lazyregexp.New(`(?s)^yaml: (?:unmarshal errors:\s*)?| in(?:to| type) main\.\w+|\n.*`)
	yamlValue = lazyregexp.New("(?s) `.*?`( into )")
)

// yamlProblem is the first problem on one line, without the names of our types and
// without the value, which may be a secret in the wrong place.
func yamlProblem(err error) string {
	text := yamlNoise.ReplaceAllString(yamlValue.ReplaceAllString(err.Error(), "$1"), "")
	m := yamlType.FindStringSubmatch(text)
	if m == nil {
		return yamlUnknown.ReplaceAllString(text, "$1: there is no setting $2 here")
	}
	return fmt.Sprintf("%s is %s, and has to be %s", m[1], cmp.Or(yamlTags[m[2]], m[2]), cmp.Or(yamlWants[m[3]], "fields, each as name: value"))
}

// What the reader of YAML calls the types of values, and what people do.
var (
	yamlType    = lazyregexp.New(`^(line \d+): cannot unmarshal (!!\w+)(?: into (.+))?$`)
	yamlUnknown = lazyregexp.New(`^(line \d+): field (\S+) not found.*$`)
	yamlTags    = map[string]string{"!!str": "text", "!!seq": "a list", "!!map": "fields", "!!int": "a number", "!!float": "a number", "!!bool": "true or false", "!!null": "empty"}
	// A type of ours has no name here: it is one of fields.
	yamlWants = map[string]string{"string": "text", "[]string": "a list of texts", "int": "a whole number", "float64": "a number", "bool": "true or false", "time.Duration": "a duration such as 30s or 12h"}
)

// redactor makes a redactor of the configuration with a key.
func (c redactConfig) redactor(key []byte) *redact.Redactor {
	r := &redact.Redactor{Key: key, Names: c.Names, Allow: c.Allow}
	for _, p := range c.Patterns {
		r.Patterns = append(r.Patterns, redact.Pattern{Kind: redact.Kind(p.Kind), Expr: p.Expr})
	}
	return r
}
