package asl

import (
	"strings"
	"unicode/utf8"
)

// Limits of Step Functions on Map states.
const (
	maxLabel       = 40
	maxBatchBytes  = 262144
	maxConcurrency = 99999999
	maxItems       = 100000000
)

// mapState reads what only a Map has.
func (d *decoder) mapState(s *State, n *node) {
	f := &MapFields{Processor: d.itemProcessor(s, n)}
	s.Map = f
	f.Distributed = f.Processor != nil && f.Processor.Processor != nil && f.Processor.Processor.Mode == distributed
	f.ItemsPath = d.pathField(n, "ItemsPath", referencePath)
	d.items(s, n)
	d.selector(s, n)
	f.MaxConcurrency = d.amount(n, "MaxConcurrency", s.QueryLanguage, 0, maxConcurrency)
	f.ToleratedFailureCount = d.amount(n, "ToleratedFailureCount", s.QueryLanguage, 0, maxItems)
	f.ToleratedFailurePercentage = d.amount(n, "ToleratedFailurePercentage", s.QueryLanguage, 0, 100)
	if v := n.get("ItemReader"); v != nil && d.wants(v, "object") {
		f.Reader = d.itemReader(v, s.QueryLanguage)
	}
	if v := n.get("ItemBatcher"); v != nil && d.wants(v, "object") {
		f.Batcher = d.itemBatcher(v, s.QueryLanguage)
	}
	if v := n.get("ResultWriter"); v != nil && d.wants(v, "object") {
		f.Writer = d.resultWriter(v, s.QueryLanguage)
	}
	if v := n.get("Label"); v != nil {
		f.Label = d.label(v)
	}
	d.distributedOnly(s, n)
}

// items reads Items: an array, or an expression that gives one.
func (d *decoder) items(s *State, n *node) {
	s.Map.Items = d.template(n, "Items", s.QueryLanguage)
	v := n.get("Items")
	if v == nil || s.Map.Items == nil || v.is("array") || v.is("object") || s.Map.Items.Root.Expr != nil {
		return
	}
	d.schemaf(v, "Items must be an array, an object or an expression between {%% and %%}").
		saying("Field must be an array or a JSONata string enclosed by {%% %%}")
}

func (d *decoder) selector(s *State, n *node) {
	s.Map.Selector = d.template(n, "ItemSelector", s.QueryLanguage)
	old := n.get("Parameters")
	if old == nil {
		return
	}
	if s.Map.Selector != nil {
		d.keyProblemf(old, codeSchema, "a Map has ItemSelector or the older Parameters, not both").
			saying("There should only be one of the following fields: [ItemSelector, Parameters]").at(n)
		return
	}
	s.Map.Selector = d.template(n, "Parameters", s.QueryLanguage)
}

// distributedOnly reports what an inline Map does not have. The tolerated failures
// are not among it: Step Functions takes them there too.
func (d *decoder) distributedOnly(s *State, n *node) {
	if s.Map.Distributed || s.Map.Processor == nil {
		return
	}
	for _, key := range []string{"ItemReader", "ItemBatcher", "ResultWriter", "Label"} {
		if v := n.get(key); v != nil {
			d.keyProblemf(v, codeSchema, `%s needs "ProcessorConfig": {"Mode": "DISTRIBUTED", …}; this Map is inline`, key).
				saying("Field '%s' is not supported", key).at(n)
		}
	}
}

func (d *decoder) label(v *node) string {
	if !d.wants(v, "string") {
		return ""
	}
	if length := utf8.RuneCountInString(v.text); length > maxLabel {
		d.problemf(v, codeLabelName, "a label has at most %d characters; this has %d", maxLabel, length).
			saying("Label cannot exceed %d characters", maxLabel)
	}
	if i := strings.IndexFunc(v.text, badInLabel); i >= 0 {
		r, _ := utf8.DecodeRuneInString(v.text[i:])
		d.problemf(v, codeLabelName, "a label cannot contain %q", r).saying("Label contains invalid character: '%c'", r)
	}
	return v.text
}

// badInLabel tells characters that a label cannot have: white space, wildcards,
// brackets, special and control characters.
func badInLabel(r rune) bool {
	return r <= ' ' || r >= 0x7f && r <= 0x9f || strings.ContainsRune(`?*<>{}[]:;,\|^~$#%&`+"`\"", r)
}

func (d *decoder) itemReader(n *node, q QueryLanguage) *ItemReader {
	r := &ItemReader{Span: n.span, Resource: d.ioResource(n), Parameters: d.ioArguments(n, q)}
	if v := n.get("ReaderConfig"); v != nil && d.wants(v, "object") {
		r.Config = Value(v.value(d.src.Text))
		r.MaxItems = d.amount(v, "MaxItems", q, 0, maxItems)
		d.readerConfig(v, q)
	}
	d.onlyFields(n, "ItemReader", "Resource", "Parameters", "Arguments", "ReaderConfig", "Comment")
	return r
}

// readerConfig checks ReaderConfig: input types and CSV headers.
func (d *decoder) readerConfig(v *node, q QueryLanguage) {
	input := ""
	if t := v.get("InputType"); t != nil {
		input = d.oneOf(t, "CSV", "JSON", "JSONL", "MANIFEST", "PARQUET")
	}
	location := v.get("CSVHeaderLocation")
	if location != nil {
		d.oneOf(location, "FIRST_ROW", "GIVEN")
	} else if input == "CSV" {
		d.missingf(v, "CSVHeaderLocation is missing: with CSV it says where the column names are").
			saying("These fields are required: [CSVHeaderLocation]")
	}
	if location != nil && location.text == "GIVEN" && v.get("CSVHeaders") == nil {
		d.missingf(v, "CSVHeaders is missing: CSVHeaderLocation is GIVEN").saying("These fields are required: [CSVHeaders]")
	}
	if h := v.get("CSVHeaders"); h != nil && !(q == JSONata && h.is("string")) && d.wants(h, "array") {
		for _, kid := range h.kids {
			d.wants(kid, "string")
		}
	}
	if m := v.get("ManifestType"); m != nil {
		d.oneOf(m, "S3_INVENTORY", "ATHENA_DATA")
	}
	if c := v.get("CSVDelimiter"); c != nil {
		d.oneOf(c, "COMMA", "PIPE", "SEMICOLON", "SPACE", "TAB")
	}
	if t := v.get("Transformation"); t != nil {
		d.oneOf(t, "NONE", "LOAD_AND_FLATTEN")
	}
	if q == JSONata {
		d.wrongLanguage(v, "MaxItemsPath", q)
	}
	d.onlyFields(v, "ReaderConfig", "InputType", "CSVHeaderLocation", "CSVHeaders", "CSVDelimiter", "MaxItems", "MaxItemsPath",
		"ManifestType", "Transformation", "ItemsPointer", "ExpectedBucketOwner")
}

// ioArguments reads Arguments (JSONata) or Parameters (JSONPath).
func (d *decoder) ioArguments(n *node, q QueryLanguage) *Template {
	name, other := "Parameters", "Arguments"
	if q == JSONata {
		name, other = other, name
	}
	d.wrongLanguage(n, other, q)
	return d.template(n, name, q)
}

func (d *decoder) ioResource(n *node) string {
	v := n.get("Resource")
	if v == nil || !d.wants(v, "string") {
		return ""
	}
	return v.text
}

func (d *decoder) itemBatcher(n *node, q QueryLanguage) *ItemBatcher {
	b := &ItemBatcher{
		Span:          n.span,
		BatchInput:    d.template(n, "BatchInput", q),
		MaxItems:      d.amount(n, "MaxItemsPerBatch", q, 1, maxItems),
		MaxInputBytes: d.amount(n, "MaxInputBytesPerBatch", q, 1, maxBatchBytes),
	}
	if q == JSONata {
		d.wrongLanguage(n, "MaxItemsPerBatchPath", q)
		d.wrongLanguage(n, "MaxInputBytesPerBatchPath", q)
	}
	if b.MaxItems == nil && b.MaxInputBytes == nil {
		d.missingf(n, "ItemBatcher needs MaxItemsPerBatch or MaxInputBytesPerBatch, or both").
			saying("At least one of the following fields is required: [MaxItemsPerBatch, MaxItemsPerBatchPath, MaxInputBytesPerBatch, MaxInputBytesPerBatchPath]")
	}
	d.onlyFields(n, "ItemBatcher", "BatchInput", "MaxItemsPerBatch", "MaxItemsPerBatchPath", "MaxInputBytesPerBatch", "MaxInputBytesPerBatchPath", "Comment")
	return b
}

func (d *decoder) resultWriter(n *node, q QueryLanguage) *ResultWriter {
	w := &ResultWriter{Span: n.span, Resource: d.ioResource(n), Parameters: d.ioArguments(n, q)}
	if v := n.get("WriterConfig"); v != nil && d.wants(v, "object") {
		w.Config = Value(v.value(d.src.Text))
		if t := v.get("Transformation"); t != nil {
			d.oneOf(t, "NONE", "COMPACT", "FLATTEN")
		}
		if t := v.get("OutputType"); t != nil {
			d.oneOf(t, "JSON", "JSONL")
		}
		d.onlyFields(v, "WriterConfig", "Transformation", "OutputType")
	}
	d.onlyFields(n, "ResultWriter", "Resource", "Parameters", "Arguments", "WriterConfig", "Comment")
	return w
}
