package report

import _ "embed"

// Schema is the JSON Schema (draft 2020-12) of the document.
//
//go:embed schema/diagnosis-v1.schema.json
var Schema []byte
