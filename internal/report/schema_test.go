package report_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/internal/report"
	"github.com/stepsleuth/stepsleuth/redact"
)

var schema = sync.OnceValues(func() (*jsonschema.Resolved, error) {
	var s jsonschema.Schema
	if err := json.Unmarshal(report.Schema, &s); err != nil {
		return nil, err
	}
	return s.Resolve(&jsonschema.ResolveOptions{ValidateDefaults: true})
})

// valid checks a document against the schema; every document made in tests goes through it.
func valid(t *testing.T, doc report.Document) {
	t.Helper()
	if err := validate(t, doc, nil); err != nil {
		t.Error(err)
	}
}

func validate(t *testing.T, doc report.Document, spoil func(map[string]any)) error {
	t.Helper()
	var b bytes.Buffer
	if err := report.JSON(&b, doc); err != nil {
		t.Fatal(err)
	}
	var v map[string]any
	if err := json.Unmarshal(b.Bytes(), &v); err != nil {
		t.Fatal(err)
	}
	if spoil != nil {
		spoil(v)
	}
	s, err := schema()
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(v)
}

func TestSchemaRefusesWhatIsNoDocument(t *testing.T) {
	doc := document(t, missingPath(t), report.Options{})
	for name, spoil := range map[string]func(map[string]any){
		"missing member": func(v map[string]any) { delete(v, "missing") },
		"foreign link": func(v map[string]any) {
			v["links"] = []any{map[string]any{"title": "x", "url": "https://evil.example/"}}
		},
		"confidence": func(v map[string]any) { v["findings"].([]any)[0].(map[string]any)["confidence"] = "0.9" },
		"phase":      func(v map[string]any) { v["phase"] = "later" },
		"retryable":  func(v map[string]any) { v["retryable"] = "maybe" },
		"operation":  func(v map[string]any) { delete(operation(v), "value") },
	} {
		if validate(t, doc, spoil) == nil {
			t.Errorf("%s: the schema lets it pass", name)
		}
	}
	if err := validate(t, doc, func(v map[string]any) { v["added in 2027"] = 1 }); err != nil {
		t.Errorf("a new member: %v", err)
	}
}

// Words that are in no vocabulary, from a rule or a collector of somebody's, leave the document valid.
func TestUnknownWordsLeaveTheDocumentValid(t *testing.T) {
	d := missingPath(t)
	d.Case.Phase, d.Case.Evidence[0].Source = "later", "metric"
	d.Findings[0].Confidence, d.Remedies[0].Verification.Status, d.Retryable, d.Fingerprint = "0.9", "SURE", "maybe", "x"
	doc := document(t, d, report.Options{})
	if got := doc.Remediation[0].Verification.Status.String(); got != "UNVERIFIABLE" {
		t.Errorf("an unknown badge became %s", got)
	}
	if got := doc.Findings[0].Confidence.String(); got != "hypothesis" {
		t.Errorf("an unknown confidence became %s", got)
	}
	document(t, &diagnose.Diagnosis{Case: &diagnose.Case{}}, report.Options{})
	document(t, &diagnose.Diagnosis{Case: diagnose.NewRowCase(diagnose.Row{Error: ptr("E")}), Category: diagnose.Other}, report.Options{})
}

func operation(v map[string]any) map[string]any {
	remedy := v["remediation"].([]any)[0].(map[string]any)
	return remedy["patch"].([]any)[0].(map[string]any)
}

func TestSchemaNamesEveryMember(t *testing.T) {
	var s struct {
		Properties map[string]any
		Required   []string
	}
	if err := json.Unmarshal(report.Schema, &s); err != nil {
		t.Fatal(err)
	}
	doc := reflect.TypeFor[report.Document]()
	members := 0
	for i := range doc.NumField() {
		if !doc.Field(i).IsExported() {
			continue
		}
		members++
		if name := doc.Field(i).Tag.Get("json"); s.Properties[name] == nil {
			t.Errorf("the schema does not know %q", name)
		}
	}
	if len(s.Required) != members {
		t.Errorf("%d members are required, the document has %d", len(s.Required), members)
	}
	for _, c := range diagnose.Categories() {
		if !strings.Contains(string(report.Schema), " "+string(c)+",") && !strings.Contains(string(report.Schema), " "+string(c)+".") {
			t.Errorf("the schema does not name the category %s", c)
		}
	}
}

// Every text of the document is a redact.Text: a string in it would be a way around redaction.
func TestDocumentHoldsNoStrings(t *testing.T) {
	seen := map[reflect.Type]bool{}
	var walk func(path string, typ reflect.Type)
	walk = func(path string, typ reflect.Type) {
		if typ == reflect.TypeFor[redact.Text]() || typ == reflect.TypeFor[time.Time]() || seen[typ] {
			return
		}
		seen[typ] = true
		switch typ.Kind() {
		case reflect.String, reflect.Interface, reflect.Func:
			t.Errorf("%s is a %s", path, typ)
		case reflect.Pointer, reflect.Slice:
			walk(path, typ.Elem())
		case reflect.Map:
			walk(path+" key", typ.Key())
			walk(path, typ.Elem())
		case reflect.Struct:
			for i := range typ.NumField() {
				if f := typ.Field(i); f.IsExported() {
					walk(path+"."+f.Name, f.Type)
				}
			}
		}
	}
	walk("Document", reflect.TypeFor[report.Document]())
}
