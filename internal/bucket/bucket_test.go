package bucket_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stepsleuth/stepsleuth/asl"
	"github.com/stepsleuth/stepsleuth/engine"
	"github.com/stepsleuth/stepsleuth/history"
	"github.com/stepsleuth/stepsleuth/internal/bucket"
)

// open makes a bucket b of the files.
func open(t *testing.T, files map[string]string) (bucket.Set, string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := bucket.Set{}
	if err := s.Open("b", dir); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, dir
}

// call runs one Task with the parameters.
func call(t *testing.T, s bucket.Set, action, parameters string) (*history.Execution, error) {
	t.Helper()
	text := fmt.Sprintf(`{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"arn:aws:states:::aws-sdk:s3:%s","Parameters":%s,"End":true}}}`, action, parameters)
	m, err := asl.Parse("t", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	e := &engine.Engine{Tasks: s, Clock: engine.VirtualClock(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))}
	return e.Run(context.Background(), m, nil)
}

func result(x *history.Execution) string {
	if x.Error != nil {
		return *x.Error + " " + *x.Cause
	}
	return x.Output.String()
}

func TestAnObjectIsReadWrittenAndListed(t *testing.T) {
	s, dir := open(t, map[string]string{"in/a.txt": "héllo", "in/b.json": "[1]", "other": ""})
	for _, tt := range []struct{ action, parameters, want string }{
		{"getObject", `{"Bucket":"b","Key":"in/a.txt"}`, `"Body":"héllo","ContentLength":6`},
		{"putObject", `{"Bucket":"b","Key":"out/deep/x.json","Body":{"a":[1]}}`, `{"ETag":"\"`},
		{"putObject", `{"Bucket":"b","Key":"out/y.txt","Body":"text"}`, `{"ETag":"\"1cb251ec0d568de6a929b520c4aed8d1\""}`},
		{"getObject", `{"Bucket":"b","Key":"out/deep/x.json"}`, `"Body":"{\"a\":[1]}"`},
		{"listObjectsV2", `{"Bucket":"b","Prefix":"in/"}`, `"Key":"in/a.txt"`},
		{"listObjectsV2", `{"Bucket":"b","MaxKeys":2}`, `"IsTruncated":true,"KeyCount":2,"MaxKeys":2,"Name":"b","NextContinuationToken":"in/b.json"`},
		{"listObjectsV2", `{"Bucket":"b","ContinuationToken":"in/b.json"}`, `"Key":"other"`},
		{"listObjectsV2", `{"Bucket":"b","Prefix":"none"}`, `{"IsTruncated":false,"KeyCount":0`},
	} {
		x, err := call(t, s, tt.action, tt.parameters)
		if err != nil {
			t.Fatal(err)
		}
		if got := result(x); !strings.Contains(got, tt.want) {
			t.Errorf("%s %s: %s, want %s", tt.action, tt.parameters, got, tt.want)
		}
	}
	if text, err := os.ReadFile(filepath.Join(dir, "out/y.txt")); string(text) != "text" {
		t.Errorf("%q %v", text, err)
	}
}

func TestWhatIsNotThereFailsAsOnS3(t *testing.T) {
	s, dir := open(t, map[string]string{"in/a": ""})
	if err := os.Symlink("/etc/hostname", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ action, parameters, want string }{
		{"getObject", `{"Bucket":"c","Key":"k"}`, "S3.NoSuchBucketException The specified bucket does not exist (Service: S3, Status Code: 404, Request ID: "},
		{"getObject", `{"Bucket":"b","Key":"k"}`, "S3.NoSuchKeyException The specified key does not exist. (Service: S3"},
		{"getObject", `{"Bucket":"b","Key":"in"}`, "S3.NoSuchKeyException"},
		{"getObject", `{"Bucket":"b","Key":"../x"}`, "S3.NoSuchKeyException"},
		{"getObject", `{"Bucket":"b","Key":"/etc/hostname"}`, "S3.NoSuchKeyException"},
		{"getObject", `{"Bucket":"b","Key":"link"}`, "S3.NoSuchKeyException"},
		{"putObject", `{"Bucket":"b","Key":"in/../../x","Body":""}`, "S3.NoSuchKeyException"},
		{"getObject", `{"Bucket":"b"}`, "The field 'Key' is required but was missing"},
		{"getObject", `{"Key":"k"}`, "The field 'Bucket' is required but was missing"},
	} {
		x, err := call(t, s, tt.action, tt.parameters)
		if err != nil {
			t.Fatal(err)
		}
		if got := result(x); !strings.Contains(got, tt.want) {
			t.Errorf("%s %s: %s, want %s", tt.action, tt.parameters, got, tt.want)
		}
	}
	if _, err := call(t, s, "deleteObject", `{"Bucket":"b","Key":"in/a"}`); err == nil || !strings.Contains(err.Error(), "no handler for the resource arn:aws:states:::aws-sdk:s3:deleteObject") {
		t.Error(err)
	}
}

func TestPackedObjectsAreUnpackedAndOnlyTextIsPassedOn(t *testing.T) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	fmt.Fprint(w, "packed")
	w.Close()
	s, _ := open(t, map[string]string{"a.gz": b.String(), "image": "\xff\xd8", "broken.gz": "\x1f\x8b"})
	x, err := call(t, s, "getObject", `{"Bucket":"b","Key":"a.gz"}`)
	if err != nil || !strings.Contains(result(x), `"Body":"packed"`) {
		t.Error(err)
	}
	for name, want := range map[string]string{"image": "object image is no text", "broken.gz": "unpack object broken.gz"} {
		if _, err := call(t, s, "getObject", `{"Bucket":"b","Key":"`+name+`"}`); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
