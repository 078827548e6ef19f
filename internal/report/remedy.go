package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/internal/value"
	"github.com/stepsleuth/stepsleuth/redact"
)

// Operation is one operation of a JSON Patch (RFC 6902).
type Operation struct {
	Op    redact.Text
	Path  redact.Text
	Value *redact.Text // JSON text; nil for remove
}

// MarshalJSON writes the value as the JSON that it is.
func (o Operation) MarshalJSON() ([]byte, error) {
	type bare struct {
		Op    redact.Text      `json:"op"`
		Path  redact.Text      `json:"path"`
		Value *json.RawMessage `json:"value,omitempty"`
	}
	out := bare{Op: o.Op, Path: o.Path}
	if o.Value != nil {
		raw := json.RawMessage(o.Value.String())
		out.Value = &raw
	}
	return json.Marshal(out)
}

func (b *builder) remedies() []Remedy {
	out := []Remedy{}
	for _, r := range b.d.Remedies {
		remedy := Remedy{
			Title:        b.text(r.Title),
			Steps:        b.texts(r.Steps),
			Verification: b.verification(r),
		}
		if source := b.source(); source != nil && len(r.Edits) > 0 {
			b.change(&remedy, source, r.Edits)
		}
		out = append(out, remedy)
	}
	return out
}

// verification is null for a remedy that changes no definition: nothing could be run.
func (b *builder) verification(r diagnose.Remedy) *Verification {
	if r.Verification.Status == "" {
		return nil
	}
	return &Verification{
		Status: b.among(string(r.Verification.Status), string(diagnose.Unverifiable), string(diagnose.Verified),
			string(diagnose.Partial), string(diagnose.Refuted)),
		How: b.text(r.Verification.How),
	}
}

// change adds the diff, and the patch where nothing concealed is touched.
func (b *builder) change(remedy *Remedy, source *asl.Source, edits []asl.Edit) {
	after, err := applied(source.Text, edits)
	if err != nil {
		remedy.LocalOnly = true
		return
	}
	shownBefore, shownAfter := b.json(source.Text), b.json(after)
	diff := unified(source.Name, shownBefore.String(), shownAfter.String())
	text := b.r.Stored(diff)
	remedy.Diff = &text
	if source.Origin != nil {
		remedy.DiffOf = b.opt(source.Name)
	}
	remedy.LocalOnly = changedLines(unified(source.Name, source.Text, after)) != changedLines(diff)
	if !remedy.LocalOnly {
		remedy.Patch = b.patch(source.Text, after)
		remedy.LocalOnly = remedy.Patch == nil
	}
}

// applied returns text with the edits made; spans that overlap or lie outside are errors.
func applied(text string, edits []asl.Edit) (string, error) {
	sorted := slices.Clone(edits)
	slices.SortStableFunc(sorted, func(a, b asl.Edit) int { return a.Span.Start - b.Span.Start })
	var out strings.Builder
	done := 0
	for _, e := range sorted {
		if e.Span.Start < done || e.Span.End < e.Span.Start || e.Span.End > len(text) {
			return "", errors.New("edits overlap or lie outside the definition")
		}
		out.WriteString(text[done:e.Span.Start])
		out.WriteString(e.New)
		done = e.Span.End
	}
	out.WriteString(text[done:])
	return out.String(), nil
}

// patch is nil where a value in it is concealed, or the texts are not JSON.
func (b *builder) patch(before, after string) []Operation {
	v, err := value.Parse(before)
	if err != nil {
		return nil
	}
	w, err := value.Parse(after)
	if err != nil {
		return nil
	}
	ops := []Operation{}
	for _, o := range compare("", v, w, nil) {
		op := Operation{Op: b.text(o.op), Path: b.text(o.path)}
		if op.Path.String() != o.path {
			return nil
		}
		if o.op != "remove" {
			text := o.value.JSON()
			shown := b.json(text)
			if shown.String() != text {
				return nil
			}
			op.Value = &shown
		}
		ops = append(ops, op)
	}
	return ops
}

type change struct {
	op, path string
	value    value.Value
}

// compare appends what turns v into w, in an order in which it can be applied.
func compare(path string, v, w value.Value, ops []change) []change {
	switch {
	case value.Equal(v, w):
		return ops
	case v.Kind() == value.KindObject && w.Kind() == value.KindObject:
		return compareObjects(path, v, w, ops)
	case v.Kind() == value.KindArray && w.Kind() == value.KindArray:
		return compareArrays(path, v, w, ops)
	}
	return append(ops, change{"replace", path, w})
}

func compareObjects(path string, v, w value.Value, ops []change) []change {
	for _, m := range v.Members() {
		if _, ok := w.Get(m.Key); !ok {
			ops = append(ops, change{op: "remove", path: path + "/" + escapeToken(m.Key)})
		}
	}
	for _, m := range w.Members() {
		old, ok := v.Get(m.Key)
		if !ok {
			ops = append(ops, change{"add", path + "/" + escapeToken(m.Key), m.Value})
			continue
		}
		ops = compare(path+"/"+escapeToken(m.Key), old, m.Value, ops)
	}
	return ops
}

// compareArrays keeps what both begin and end with.
func compareArrays(path string, v, w value.Value, ops []change) []change {
	a, b := v.Items(), w.Items()
	start := 0
	for start < len(a) && start < len(b) && value.Equal(a[start], b[start]) {
		start++
	}
	for len(a) > start && len(b) > start && value.Equal(a[len(a)-1], b[len(b)-1]) {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	common := min(len(a), len(b))
	for i := start; i < common; i++ {
		ops = compare(fmt.Sprintf("%s/%d", path, i), a[i], b[i], ops)
	}
	for i := len(a) - 1; i >= common; i-- {
		ops = append(ops, change{op: "remove", path: fmt.Sprintf("%s/%d", path, i)})
	}
	for i := common; i < len(b); i++ {
		ops = append(ops, change{"add", fmt.Sprintf("%s/%d", path, i), b[i]})
	}
	return ops
}

func escapeToken(key string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(key) }
