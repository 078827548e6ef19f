package engine

import (
	"encoding/csv"
	"strings"

	"github.com/stepsleuth/stepsleuth/internal/value"
)

// items makes items of what an ItemReader's resource answered: of the Contents of
// a listing, of a Body's text as ReaderConfig says, or of an array as it is.
func (r *reader) items(v value.Value) ([]value.Value, error) {
	if contents, ok := v.Get("Contents"); ok {
		return contents.Items(), nil
	}
	body, ok := v.Get("Body")
	if !ok {
		return iterable(v)
	}
	text, isText := body.AsString()
	if !isText {
		return iterable(body)
	}
	switch r.text("InputType") {
	case "CSV":
		return r.csv(text)
	case "JSONL":
		return lines(text)
	case "", "JSON":
	default:
		return nil, &UnsupportedError{Resource: "an ItemReader with InputType " + r.text("InputType")}
	}
	parsed, err := value.Parse(text)
	if err != nil {
		return nil, err
	}
	return iterable(parsed)
}

func iterable(v value.Value) ([]value.Value, error) {
	if v.Kind() != value.KindArray {
		return nil, errNotIterable
	}
	return v.Items(), nil
}

func lines(text string) ([]value.Value, error) {
	var items []value.Value
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		v, err := value.Parse(line)
		if err != nil {
			return nil, err
		}
		items = append(items, v)
	}
	return items, nil
}

var delimiters = map[string]rune{"": ',', "COMMA": ',', "PIPE": '|', "SEMICOLON": ';', "SPACE": ' ', "TAB": '\t'}

// csv reads rows into objects. Fields beyond the headers are dropped, and missing
// ones are empty.
func (r *reader) csv(text string) ([]value.Value, error) {
	c := csv.NewReader(strings.NewReader(text))
	c.Comma = delimiters[r.text("CSVDelimiter")]
	c.FieldsPerRecord, c.LazyQuotes = -1, true
	rows, err := c.ReadAll()
	if err != nil {
		return nil, err
	}
	var headers []string
	if r.text("CSVHeaderLocation") == "GIVEN" {
		given, _ := r.config.Get("CSVHeaders")
		for _, h := range given.Items() {
			s, _ := h.AsString()
			headers = append(headers, s)
		}
	} else {
		if len(rows) == 0 {
			return nil, readError("CSV file is empty.")
		}
		headers, rows = rows[0], rows[1:]
	}
	items := make([]value.Value, len(rows))
	for i, row := range rows {
		var b value.Builder
		for j, h := range headers {
			cell := ""
			if j < len(row) {
				cell = row[j]
			}
			b.Set(h, value.String(cell))
		}
		items[i] = b.Object()
	}
	return items, nil
}
