package report

import (
	"reflect"

	"github.com/stepsleuth/stepsleuth/redact"
)

// countRedactions counts each concealed value of the document once.
func countRedactions(doc Document, r *redact.Redactor) Redactions {
	seen := map[string]bool{}
	out := Redactions{Kinds: map[redact.Text]int{}}
	eachText(reflect.ValueOf(doc), func(t redact.Text) {
		for _, removal := range t.Receipt().Removals {
			if seen[removal.Placeholder] {
				continue
			}
			seen[removal.Placeholder] = true
			out.Count++
			out.Kinds[r.Text(string(removal.Kind))]++
		}
	})
	return out
}

// eachText visits every text of a document, in the order of its members.
func eachText(v reflect.Value, visit func(redact.Text)) {
	if !v.IsValid() {
		return
	}
	if t, ok := v.Interface().(redact.Text); ok {
		visit(t)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			eachText(v.Elem(), visit)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				eachText(v.Field(i), visit)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			eachText(v.Index(i), visit)
		}
	}
}
