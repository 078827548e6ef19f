package rules

import (
	"fmt"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/internal/lazyregexp"
)

// MapThreshold sees a Map that failed for too many failed items.
var MapThreshold = &diagnose.Rule{
	Name:  "map-threshold",
	Doc:   "More items of a Map failed than its ToleratedFailureCount or ToleratedFailurePercentage allows.",
	Check: one(mapThreshold),
}

func mapThreshold(f *facts) *diagnose.Finding {
	if !f.errorIs("States.ExceedToleratedFailureThreshold") && !f.says("tolerated failure threshold was exceeded") {
		return nil
	}
	d := f.finding(diagnose.MapThreshold, diagnose.Certain, diagnose.Depends)
	limit := "no failure at all, as neither ToleratedFailureCount nor ToleratedFailurePercentage is set"
	if s := f.outerState(); s != nil && s.Map != nil {
		switch m := s.Map; {
		case m.ToleratedFailureCount != nil:
			limit = "ToleratedFailureCount " + seconds(m.ToleratedFailureCount)
		case m.ToleratedFailurePercentage != nil:
			limit = "ToleratedFailurePercentage " + seconds(m.ToleratedFailurePercentage)
		}
	} else {
		limit = "ToleratedFailureCount or ToleratedFailurePercentage (none set means 0)"
	}
	d.Title = "More items of the Map failed than it tolerates"
	d.RootCause = fmt.Sprintf("More child executions (items) of %s failed than its threshold allows (%s).", f.ofState(), limit)
	d.Explanation = "This error only counts: the real errors are in the failed child executions of the Map Run, and they need not all be the same. When the threshold is passed, the rest of the items is stopped."
	if in := f.sub.Within; in != nil {
		d.Explanation += fmt.Sprintf(" In the history of its Map Run, %s failed with %s%s.", "the state "+named(in.State), named(or(deref(in.Error), "no error name")), saying(diagnose.ReadCause(in.Error, in.Cause).Root().Message))
	}
	if items := f.itemsFailed(); items != "" {
		d.Explanation += " " + items
	}
	d.Focus = f.focusField("more items failed than this", "ToleratedFailureCount", "ToleratedFailurePercentage", "ToleratedFailureCountPath", "ToleratedFailurePercentagePath", "ItemProcessor")
	d.Remedies = []diagnose.Remedy{
		{Title: "Look at the failed child executions", Steps: []string{
			"aws stepfunctions list-map-runs --execution-arn EXECUTION_ARN",
			"aws stepfunctions list-executions --map-run-arn MAP_RUN_ARN --status-filter FAILED --max-items 10, then describe-execution for a few of them",
			"With a ResultWriter, FAILED_0.json in the results bucket lists all of them with error and cause.",
		}},
		{Title: "Mend what failed there, then redrive", Steps: []string{"aws stepfunctions redrive-execution --execution-arn EXECUTION_ARN runs only the failed items again."}},
		{Title: "Tolerate single bad items, if that is right", Steps: []string{"Set ToleratedFailurePercentage to what you can live with, and handle the failed items afterwards."}},
	}
	d.Prevention = []string{"Give the states inside the Map their own Retry for passing errors and Catch for expected ones, so that only the unexpected counts."}
	d.Docs = []string{"Setting failure thresholds for Distributed Map states", "Viewing Distributed Map Run executions", "ResultWriter (Map)"}
	return d
}

// ItemReader sees a Distributed Map that cannot read its items.
var ItemReader = &diagnose.Rule{
	Name:  "item-reader",
	Doc:   "A Distributed Map cannot read its items: missing object, access, no list, bad CSV, manifest or size.",
	Check: one(itemReader),
}

var (
	csvTrouble  = lazyregexp.New(`(?i)CSV|header|delimiter|JSONL|parquet|manifest|inventory`)
	notIterable = lazyregexp.New(`(?i)non-iterable|not (?:a |an )?(?:JSON )?(?:array|list)|must be an? (?:array|object)|ItemsPointer|does not contain an array`)
	tooBig      = lazyregexp.New(`(?i)exceed|too large|maximum (?:size|number)|size limit|larger than`)
)

func itemReader(f *facts) *diagnose.Finding {
	if !f.errorIs("States.ItemReaderFailed") || numberPath(f) != nil {
		return nil
	}
	s := signalOf(f.root)
	category := diagnose.InvalidParameters
	why := "what it reads is not what the reader's configuration says"
	step := "Look at the object and at ReaderConfig: InputType (CSV, JSON, JSONL, MANIFEST, PARQUET), CSVHeaderLocation, CSVDelimiter."
	var also []diagnose.Category
	switch {
	case s.category == diagnose.Permission:
		category, why = diagnose.Permission, "the state machine's role may not read it"
		bucket, key := f.placeInS3("ItemReader")
		step = `Allow the role: {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": "arn:aws:s3:::` + or(bucket, "BUCKET") + "/" + or(key, "PREFIX*") + `"} and s3:ListBucket on the bucket (for listObjectsV2), and kms:Decrypt where the bucket is encrypted with a customer managed key. S3 says Access Denied for a missing object too, where s3:ListBucket is not allowed.`
		also = []diagnose.Category{diagnose.ResourceNotFound}
	case s.category == diagnose.ResourceNotFound:
		category, why = diagnose.ResourceNotFound, "the bucket or object does not exist"
		bucket, key := f.placeInS3("ItemReader")
		step = "Look whether it is there, in the region of the state machine: aws s3 ls s3://" + or(bucket, "BUCKET") + "/" + or(key, "KEY")
	case s.category == diagnose.Throttling || s.category == diagnose.ServiceError:
		category, why = s.category, "S3 could not serve it at that moment"
		step = "Retry with back-off; the error can be caught and retried by name."
	case notIterable.MatchString(f.msg):
		category, why = diagnose.DataPath, "what it reads is not a list (array) that can be iterated over"
		step = "Let the object be a JSON array, or point to the array in it with ItemsPointer (ReaderConfig); a JSONPath in ItemsPath is applied to what the reader gives."
		also = []diagnose.Category{diagnose.InvalidParameters}
	case csvTrouble.MatchString(f.msg):
		also = []diagnose.Category{diagnose.DefinitionInvalid, diagnose.Configuration}
	case tooBig.MatchString(f.msg) || s.category == diagnose.PayloadSize:
		category, why = diagnose.PayloadSize, "the file or one of its items is larger than the limit"
		step = "An item may have 256 KiB; split the file, or read a manifest of many files."
	}
	d := f.finding(category, diagnose.Certain, retryOf(category))
	d.Also = also
	d.Title = "The Distributed Map could not read its items"
	d.RootCause = fmt.Sprintf("The ItemReader of %s failed, as %s%s.", f.ofState(), why, saying(f.msg))
	d.Explanation = "The items are read before the first child execution starts, so that nothing has been processed yet."
	d.Focus = f.focusField("cannot read its items", "ItemReader")
	d.Remedies = []diagnose.Remedy{{Title: "Mend what the reader reads", Steps: []string{step}}}
	d.Prevention = []string{"Check that the object is there (s3:headObject) in a state before the Map, so that its absence has a branch of its own."}
	d.Docs = []string{"ItemReader (Map)", "IAM policies for using Distributed Map states"}
	return d
}

// ResultWriter sees a Distributed Map that cannot write its results.
var ResultWriter = &diagnose.Rule{
	Name:  "result-writer",
	Doc:   "A Distributed Map cannot write its results to S3.",
	Check: one(resultWriter),
}

func resultWriter(f *facts) *diagnose.Finding {
	if !f.errorIs("States.ResultWriterFailed") {
		return nil
	}
	category, why := diagnose.Configuration, "the destination did not take them"
	also := []diagnose.Category{diagnose.Permission}
	if s := signalOf(f.root); s.category != "" && s.category != diagnose.InvalidParameters {
		category, also = s.category, []diagnose.Category{diagnose.Configuration}
	}
	switch category {
	case diagnose.Permission:
		why = "the state machine's role may not write to the bucket"
	case diagnose.ResourceNotFound:
		why = "the bucket does not exist"
	}
	d := f.finding(category, diagnose.Certain, retryOf(category))
	d.Also = also
	d.Title = "The Distributed Map could not write its results"
	d.RootCause = fmt.Sprintf("The ResultWriter of %s could not write the results to S3, as %s%s.", f.ofState(), why, saying(f.msg))
	d.Explanation = "The child executions have run; only their collected results could not be stored. Writing is tried with a multipart upload into Bucket and Prefix, which have to be in the region of the state machine."
	d.Focus = f.focusField("cannot write here", "ResultWriter")
	bucket, _ := f.placeInS3("ResultWriter")
	d.Remedies = []diagnose.Remedy{{Title: "Let the role write there", Steps: []string{
		`{"Effect": "Allow", "Action": ["s3:PutObject", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:AbortMultipartUpload"], "Resource": "arn:aws:s3:::` + or(bucket, "BUCKET") + `/*"}`,
		"With a customer managed KMS key also kms:GenerateDataKey and kms:Decrypt. Check bucket name, region, and the bucket's policy.",
	}}}
	d.Prevention = []string{"Run the Map with a handful of items after each change of bucket, key or role."}
	d.Docs = []string{"ResultWriter (Map)", "IAM policies for using Distributed Map states"}
	return d
}

// placeInS3 is the bucket and key that a Map's ItemReader or ResultWriter names, as
// they are written down; "" where they come from the input or are not known.
func (f *facts) placeInS3(field string) (bucket, key string) {
	span, ok := f.field(field)
	if !ok || f.state.Machine.Source() == nil {
		return "", ""
	}
	text := f.state.Machine.Source().Text[span.Start:span.End]
	if m := literalBucket.FindStringSubmatch(text); m != nil {
		bucket = m[1]
	}
	if m := literalKey.FindStringSubmatch(text); m != nil && looksLikeName(m[1]) {
		key = m[1]
	}
	return bucket, key
}

var (
	literalBucket = lazyregexp.New(`"Bucket"\s*:\s*"([a-z0-9][a-z0-9.-]+)"`)
	literalKey    = lazyregexp.New(`"Key"\s*:\s*"([^"$]+)"`)
)

// itemsFailed names the items of the Map that failed, as far as the history tells.
func (f *facts) itemsFailed() string {
	var items, errors []string
	for _, o := range f.c.Others {
		if of, i, ok := iterationOf(o.Path); ok && of == f.sub.State {
			items = uniq(append(items, i))
			errors = uniq(append(errors, named(or(deref(o.Error), "an error without a name"))))
		}
	}
	if len(items) == 0 {
		return ""
	}
	more := ""
	if len(items) > 8 {
		more = fmt.Sprintf(" and %d more", len(items)-8)
		items = items[:8]
	}
	return fmt.Sprintf("By the history, the items %s%s failed, with %s.", list(items), more, list(errors[:min(len(errors), 3)]))
}
