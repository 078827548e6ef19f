package redact_test

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stepsleuth/stepsleuth/redact"
)

// logLines is text as CloudWatch has it: JSON events of an execution, application
// logs, a stack trace, and a secret in every seventh line or so.
func logLines(size int) string {
	lines := []string{
		`{"timestamp":1716242622123,"type":"TaskStateEntered","id":%d,"previousEventId":4,"details":{"input":"{\"orderId\":\"O-1842\",\"items\":[{\"sku\":\"A-1\",\"qty\":2}],\"total\":42.5}","name":"ChargeCard"},"execution_arn":"arn:aws:states:us-east-1:111122223333:execution:orders:7f1c9a52-3d1e-4f0a-9b64-0c5d2f8e1a77"}`,
		`2026-11-01T10:15:00.123Z	9d02c377-4445-8d54-0c4d-292cf6312de7	INFO	processing batch %d of 25 from s3://orders-archive/in/2026/11/01/part-0007.parquet`,
		`START RequestId: d548d393-c5f9-6e75-c454-fa23d827923c Version: $LATEST %d`,
		`REPORT RequestId: d548d393-c5f9-6e75-c454-fa23d827923c	Duration: %d.34 ms	Billed Duration: 103 ms	Memory Size: 128 MB	Max Memory Used: 77 MB`,
		`[ERROR] 2026-11-01T10:15:01.456Z KeyError: 'total' (attempt %d)\n  File \"/var/task/app.py\", line 42, in handler\n    return order['total'] * rate`,
		`{"level":"info","service":"checkout","msg":"charged","durationMs":%d,"customer":{"id":"c-77","name":"Jordan Example","email":"jordan@example.com"},"traceId":"1-67891233-abcdef012345678912345678"}`,
		`10.0.12.7 - - [01/Nov/2026:10:15:02 +0000] "GET /v1/orders/%d?expand=items&limit=20 HTTP/1.1" 200 5316 "-" "aws-sdk-go-v2/1.30.0 os/linux lang/go#1.22.4"`,
	}
	var b strings.Builder
	for i := 0; b.Len() < size; i++ {
		fmt.Fprintf(&b, lines[i%len(lines)]+"\n", i)
	}
	return b.String()
}

func BenchmarkStream(b *testing.B) {
	text := logLines(16 << 20)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		var r redact.Redactor
		if err := r.Stream(io.Discard, strings.NewReader(text)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkText(b *testing.B) {
	text := logLines(4 << 10)
	var r redact.Redactor
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		r.Text(text)
	}
}

func BenchmarkJSON(b *testing.B) {
	doc := []byte(`[` + strings.TrimSuffix(strings.Repeat(`{"orderId":"O-1","card":{"number":"4242 4242 4242 4242"},"log":"a \"b\" c","n":1716242622123},`, 200), ",") + `]`)
	var r redact.Redactor
	b.SetBytes(int64(len(doc)))
	for b.Loop() {
		r.JSON(doc)
	}
}
