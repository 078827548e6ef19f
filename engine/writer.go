package engine

import (
	"errors"
	"fmt"
	"strings"

	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

// writing is a ResultWriter at work (Developer Guide, "ResultWriter (Map)"): it puts
// a file of results for each outcome, and then the manifest that lists them.
type writing struct {
	m        *distributedMap
	w        *writer
	bucket   value.Value
	files    []resultFile // still to be put
	listed   map[history.Status][]value.Value
	manifest string
}

// resultFile is a file of results.
type resultFile struct {
	status history.Status
	key    string
	body   value.Value
}

// write writes the results, or without a resource only forms them.
func (m *distributedMap) write() {
	w := m.t.node.mapPlan.writer
	if w.resource == "" {
		m.complete(value.Array(m.formed(w, history.Succeeded, "COMPACT")...))
		return
	}
	parameters, f := m.t.env(m.input).eval(w.parameters)
	if f != nil {
		m.fail(f)
		return
	}
	s := &writing{m: m, w: w, listed: make(map[history.Status][]value.Value)}
	s.bucket, _ = parameters.Get("Bucket")
	prefix, _ := parameters.Get("Prefix")
	folder := m.arn[strings.LastIndexByte(m.arn, ':')+1:]
	if p, _ := prefix.AsString(); p != "" {
		folder = strings.TrimSuffix(p, "/") + "/" + folder
	}
	s.manifest = folder + "/manifest.json"
	for _, status := range []history.Status{history.Succeeded, history.Failed} {
		if results := m.formed(w, status, "NONE"); len(results) > 0 {
			s.files = append(s.files, w.file(folder, status, results))
		}
	}
	s.next()
}

func (w *writer) text(name string) string {
	v, _ := w.config.Get(name)
	s, _ := v.AsString()
	return s
}

func (w *writer) file(folder string, status history.Status, results []value.Value) resultFile {
	key := fmt.Sprintf("%s/%s_0.", folder, status)
	if w.text("OutputType") != "JSONL" {
		return resultFile{status, key + "json", value.Array(results...)}
	}
	var b strings.Builder
	for _, v := range results {
		b.WriteString(v.JSON())
		b.WriteByte('\n')
	}
	return resultFile{status, key + "jsonl", value.String(b.String())}
}

// next puts the next file, or the manifest.
func (s *writing) next() {
	if len(s.files) == 0 {
		s.put(s.manifest, s.listing(), s.done)
		return
	}
	f := s.files[0]
	s.files = s.files[1:]
	size := f.body.Size()
	if text, ok := f.body.AsString(); ok {
		size = len(text)
	}
	s.listed[f.status] = append(s.listed[f.status], value.Object(
		value.Member{Key: "Key", Value: value.String(f.key)},
		value.Member{Key: "Size", Value: value.Int(int64(size))},
	))
	s.put(f.key, f.body, s.next)
}

// put has the resource write an object.
func (s *writing) put(key string, body value.Value, then func()) {
	input := value.Object(
		value.Member{Key: "Bucket", Value: s.bucket},
		value.Member{Key: "Key", Value: value.String(key)},
		value.Member{Key: "Body", Value: body},
	)
	s.m.t.side(s.w.resource, input, false, func(_ value.Value, err error) {
		var refused *TaskError
		if errors.As(err, &refused) {
			s.m.fail(sideFailure(errResultWriter, refused))
			return
		}
		then()
	})
}

// listing is manifest.json.
func (s *writing) listing() value.Value {
	var files value.Builder
	for _, status := range []history.Status{history.Failed, "PENDING", history.Succeeded} {
		files.Set(string(status), value.Array(s.listed[status]...))
	}
	return value.Object(
		value.Member{Key: "DestinationBucket", Value: s.bucket},
		value.Member{Key: "MapRunArn", Value: value.String(s.m.arn)},
		value.Member{Key: "ResultFiles", Value: files.Object()},
	)
}

func (s *writing) done() {
	s.m.complete(value.Object(
		value.Member{Key: "MapRunArn", Value: value.String(s.m.arn)},
		value.Member{Key: "ResultWriterDetails", Value: value.Object(
			value.Member{Key: "Bucket", Value: s.bucket},
			value.Member{Key: "Key", Value: value.String(s.manifest)},
		)},
	))
}

// formed is what the child executions of a status gave, as Transformation has it.
// Those that failed are told of in full.
func (m *distributedMap) formed(w *writer, status history.Status, usual string) []value.Value {
	how := w.text("Transformation")
	if how == "" {
		how = usual
	}
	var list []value.Value
	for i, info := range m.started {
		switch {
		case (info.Status == history.Succeeded) != (status == history.Succeeded):
		case status != history.Succeeded || how == "NONE":
			list = append(list, resultRecord(info, m.results[i]))
		case how == "FLATTEN" && m.results[i].Kind() == value.KindArray:
			list = append(list, m.results[i].Items()...)
		default:
			list = append(list, m.results[i])
		}
	}
	return list
}

const written = "2006-01-02T15:04:05.000Z"

// resultRecord tells of a child execution as result files do.
func resultRecord(info *history.Execution, output value.Value) value.Value {
	included := value.Object(value.Member{Key: "Included", Value: value.Bool(true)})
	var b value.Builder
	text := func(key, s string) { b.Set(key, value.String(s)) }
	if info.Cause != nil {
		text("Cause", *info.Cause)
	}
	if info.Error != nil {
		text("Error", *info.Error)
	}
	text("ExecutionArn", info.ARN)
	text("Input", info.Input.String())
	b.Set("InputDetails", included)
	text("Name", info.Name)
	redrive := "REDRIVABLE"
	if info.Status == history.Succeeded {
		text("Output", output.JSON())
		b.Set("OutputDetails", included)
		redrive = "NOT_REDRIVABLE"
	}
	b.Set("RedriveCount", value.Int(int64(info.RedriveCount)))
	text("RedriveStatus", redrive)
	if info.Status == history.Succeeded {
		text("RedriveStatusReason", "Execution is SUCCEEDED and cannot be redriven")
	}
	text("StartDate", info.Start.UTC().Format(written))
	text("StateMachineArn", info.StateMachineARN)
	text("Status", string(info.Status))
	text("StopDate", info.Stop.UTC().Format(written))
	return b.Object()
}
