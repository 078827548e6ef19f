package engine

import (
	"encoding/csv"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/stepsleuth/stepsleuth/internal/value"
)

// reading is an ItemReader at work: calls of its resource, one after another, until
// all items are there (Developer Guide, "ItemReader (Map)").
//
//	object ───────────────────────────────► items
//	listing, page by page ─────────────────► items
//	  └─ LOAD_AND_FLATTEN ──► objects ─────► items
//	manifest, of an inventory or Athena's ──► files ──► items
type reading struct {
	m          *distributedMap
	r          *reader
	parameters value.Value
	parse      func(text string) ([]value.Value, error)
	at         file   // being read
	files      []file // still to be read
}

// file is an object that holds items, or without a key a bucket.
type file struct{ bucket, key value.Value }

// uri is the source of the file's items as the Context object has it.
func (f file) uri() string {
	bucket, _ := f.bucket.AsString()
	uri := "S3://" + bucket
	if key, ok := f.key.AsString(); ok {
		uri += "/" + key
	}
	return uri
}

// read has the ItemReader's resource read the items, and then begins.
func (m *distributedMap) read() {
	r := m.t.node.mapPlan.reader
	parameters, f := m.t.env(m.input).eval(r.parameters)
	if f != nil {
		m.fail(f)
		return
	}
	s := &reading{m: m, r: r, parameters: parameters, parse: r.parse}
	s.at.bucket, _ = parameters.Get("Bucket")
	if !r.lists() {
		s.at.key, _ = parameters.Get("Key")
	}
	s.call(r.resource, parameters, s.first)
}

// call calls a resource; the map run fails with what it or take says.
func (s *reading) call(resource string, parameters value.Value, take func(value.Value) error) {
	s.m.t.side(resource, parameters, false, func(v value.Value, err error) {
		if err == nil {
			err = take(v)
		}
		var unsupported *UnsupportedError
		var refused *TaskError
		switch {
		case err == nil:
		case errors.As(err, &unsupported):
			s.m.t.x.giveUp(fmt.Errorf("state %q: %w", s.m.t.node.name, err))
		case errors.As(err, &refused):
			s.m.fail(sideFailure(errItemReader, refused))
		default:
			s.m.fail(newFailure(errItemReader, err.Error()))
		}
	})
}

// sideFailure is the error of a Map whose reader or writer failed; the service's own
// error is told in the cause.
func sideFailure(name string, e *TaskError) *failure {
	if e.Name != nil && strings.HasPrefix(*e.Name, "States.") {
		return e.failure()
	}
	cause := ""
	if e.Cause != nil {
		cause = firstRunes(*e.Cause, maxCause)
	}
	return newFailure(name, cause)
}

// first takes the answer of the first call, and of further pages of a listing.
func (s *reading) first(v value.Value) error {
	switch kind, manifest := s.r.text("InputType"), s.r.text("ManifestType"); {
	case s.r.lists():
		return s.listed(v)
	case manifest == "ATHENA_DATA":
		return s.athena(v)
	case manifest == "S3_INVENTORY" || kind == "MANIFEST":
		return s.inventory(v)
	}
	return s.last(v)
}

// last takes the answer that holds items, or the one that was read last of several.
func (s *reading) last(v value.Value) error {
	items, err := s.itemsOf(v)
	if err != nil {
		return err
	}
	s.add(items)
	return s.next()
}

// add takes in items of the file that is being read.
func (s *reading) add(items []value.Value) { s.m.add(itemsOf(value.Array(items...)), s.at.uri()) }

// enough reports that there are as many items as MaxItems asks for.
func (s *reading) enough() bool {
	return s.m.maxItems > 0 && int64(len(s.m.items)) >= s.m.maxItems
}

// next reads the next file, or begins the iterations.
func (s *reading) next() error {
	if s.enough() {
		s.m.items, s.files = s.m.items[:s.m.maxItems], nil
	}
	if len(s.files) > 0 {
		f := s.files[0]
		s.at, s.files = f, s.files[1:]
		s.call(s.r.object(), value.Object(value.Member{Key: "Bucket", Value: f.bucket}, value.Member{Key: "Key", Value: f.key}), s.last)
		return nil
	}
	s.m.begin()
	return nil
}

// listed takes a page of a listing.
func (s *reading) listed(v value.Value) error {
	contents, ok := v.Get("Contents")
	if !ok && v.Kind() == value.KindArray {
		contents = v
	}
	flatten := s.r.text("Transformation") == "LOAD_AND_FLATTEN"
	bucket, _ := s.parameters.Get("Bucket")
	for _, object := range contents.Items() {
		if !flatten {
			s.add([]value.Value{object})
			continue
		}
		key, _ := object.Get("Key")
		if name, _ := key.AsString(); !strings.HasSuffix(name, "/") { // a folder's own entry
			s.files = append(s.files, file{bucket, key})
		}
	}
	more, _ := v.Get("IsTruncated")
	token, ok := v.Get("NextContinuationToken")
	if truncated, _ := more.AsBool(); truncated && ok && !s.enough() {
		s.call(s.r.resource, s.parameters.With("ContinuationToken", token), s.listed)
		return nil
	}
	return s.next()
}

// inventory takes the manifest.json of an S3 inventory, whose files have no headers:
// the manifest names the columns.
func (s *reading) inventory(v value.Value) error {
	text, _ := bodyText(v)
	manifest, err := value.Parse(text)
	if err != nil {
		return readError("The manifest is not JSON: " + err.Error())
	}
	member := func(name string) string {
		v, _ := manifest.Get(name)
		s, _ := v.AsString()
		return s
	}
	if format := member("fileFormat"); format != "" && format != "CSV" {
		return &UnsupportedError{Resource: "an S3 inventory with fileFormat " + format}
	}
	var columns []string
	for name := range strings.SplitSeq(member("fileSchema"), ",") {
		columns = append(columns, strings.TrimSpace(name))
	}
	s.parse = func(text string) ([]value.Value, error) { return rows(text, ',', columns) }
	bucket, _ := s.parameters.Get("Bucket")
	if arn := member("destinationBucket"); arn != "" {
		bucket = value.String(arn[strings.LastIndexByte(arn, ':')+1:])
	}
	files, ok := manifest.Get("files")
	if !ok {
		return readError("The manifest has no files.")
	}
	for _, f := range files.Items() {
		key, _ := f.Get("key")
		s.files = append(s.files, file{bucket, key})
	}
	return s.next()
}

// athena takes the manifest that an UNLOAD of Athena wrote: a line for each file.
func (s *reading) athena(v value.Value) error {
	if s.r.text("InputType") == "MANIFEST" {
		return &UnsupportedError{Resource: "an ItemReader with ManifestType ATHENA_DATA whose InputType is not that of the data: CSV or JSONL"}
	}
	text, _ := bodyText(v)
	for line := range strings.Lines(text) {
		line = strings.Trim(line, " \t\r\n\"")
		if line == "" {
			continue
		}
		bucket, key, ok := strings.Cut(strings.TrimPrefix(line, "s3://"), "/")
		if !ok || !strings.HasPrefix(line, "s3://") {
			return readError(fmt.Sprintf("The manifest has a line that is no S3 URI: %.200s", line))
		}
		s.files = append(s.files, file{value.String(bucket), value.String(key)})
	}
	return s.next()
}

// itemsOf makes items of an object: of its Body's text as ReaderConfig says, or of
// an array as it is.
func (s *reading) itemsOf(v value.Value) ([]value.Value, error) {
	if text, ok := bodyText(v); ok {
		items, err := s.parse(text)
		var syntax *value.SyntaxError
		if errors.As(err, &syntax) {
			err = readError(s.at.uri() + " is not JSON: " + syntax.Error())
		}
		return items, err
	}
	if body, ok := v.Get("Body"); ok {
		v = body
	}
	return iterable(v)
}

func bodyText(v value.Value) (string, bool) {
	body, _ := v.Get("Body")
	return body.AsString()
}

func (r *reader) text(name string) string {
	v, _ := r.config.Get(name)
	s, _ := v.AsString()
	return s
}

// lists reports that the resource lists objects instead of reading one.
func (r *reader) lists() bool { return strings.HasSuffix(r.resource, ":listObjectsV2") }

// object is the resource that reads an object.
func (r *reader) object() string {
	if service, ok := strings.CutSuffix(r.resource, ":listObjectsV2"); ok {
		return service + ":getObject"
	}
	return r.resource
}

// readError is why items could not be read, in AWS's words.
type readError string

func (e readError) Error() string { return string(e) }

const errNotIterable readError = "Attempting to map over non-iterable node."

// parse makes items of an object's text.
func (r *reader) parse(text string) ([]value.Value, error) {
	switch kind := r.text("InputType"); kind {
	case "CSV":
		return r.csv(text)
	case "JSONL":
		return lines(text)
	case "", "JSON":
		return r.json(text)
	default:
		return nil, &UnsupportedError{Resource: "an ItemReader with InputType " + kind}
	}
}

// json reads a JSON document: an array, or one that ItemsPointer points to.
func (r *reader) json(text string) ([]value.Value, error) {
	v, err := value.Parse(text)
	if err != nil {
		return nil, err
	}
	pointer := r.text("ItemsPointer")
	if pointer == "" {
		return iterable(v)
	}
	v, ok := point(v, pointer)
	if !ok {
		return nil, readError(fmt.Sprintf("ItemsPointer '%s' points to nothing in the file.", pointer))
	}
	return iterable(v)
}

// point follows a JSON Pointer (RFC 6901).
func point(v value.Value, pointer string) (value.Value, bool) {
	if !strings.HasPrefix(pointer, "/") {
		return v, false
	}
	for token := range strings.SplitSeq(pointer[1:], "/") {
		token = strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")
		if v.Kind() == value.KindArray {
			i, err := strconv.Atoi(token)
			if err != nil || i < 0 || i >= v.Len() {
				return v, false
			}
			v = v.Items()[i]
			continue
		}
		var ok bool
		if v, ok = v.Get(token); !ok {
			return v, false
		}
	}
	return v, true
}

func iterable(v value.Value) ([]value.Value, error) {
	if v.Kind() != value.KindArray {
		return nil, errNotIterable
	}
	return v.Items(), nil
}

func lines(text string) ([]value.Value, error) {
	var items []value.Value
	n := 0
	for line := range strings.Lines(text) {
		n++
		if strings.TrimSpace(line) == "" {
			continue
		}
		v, err := value.Parse(line)
		var syntax *value.SyntaxError
		if errors.As(err, &syntax) {
			syntax.Line = n
		}
		if err != nil {
			return nil, err
		}
		items = append(items, v)
	}
	return items, nil
}

var delimiters = map[string]rune{"": ',', "COMMA": ',', "PIPE": '|', "SEMICOLON": ';', "SPACE": ' ', "TAB": '\t'}

func (r *reader) csv(text string) ([]value.Value, error) {
	var headers []string
	if r.text("CSVHeaderLocation") == "GIVEN" {
		given, _ := r.config.Get("CSVHeaders")
		for _, h := range given.Items() {
			s, _ := h.AsString()
			headers = append(headers, s)
		}
	}
	return rows(text, delimiters[r.text("CSVDelimiter")], headers)
}

// rows reads the rows of a CSV file into objects; without headers the first row has
// them. Fields beyond the headers are dropped, and missing ones are empty.
func rows(text string, delimiter rune, headers []string) ([]value.Value, error) {
	c := csv.NewReader(strings.NewReader(text))
	c.Comma = delimiter
	c.FieldsPerRecord, c.LazyQuotes = -1, true
	rows, err := c.ReadAll()
	if err != nil {
		return nil, err
	}
	if headers == nil {
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
