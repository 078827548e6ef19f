package lambdart_test

import (
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestInvokeAPI(t *testing.T) {
	h := hostOf(t, goFunction(t))
	server := httptest.NewServer(h.Handler())
	defer server.Close()
	post := func(path, event string, header ...string) (*http.Response, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+path, strings.NewReader(event))
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		return resp, string(body)
	}
	const at = "/2015-03-31/functions/f/invocations"
	const byARN = "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aeu-west-1%3A123456789012%3Afunction%3Af/invocations"
	for _, c := range []struct {
		name, path, event string
		header            []string
		status            int
		body, failed      string
	}{
		{"answer", at, `{"do":"echo","value":[1]}`, nil, 200, `[1]`, ""},
		{"by ARN", byARN, `{"do":"echo","value":[2]}`, nil, 200, `[2]`, ""},
		{"failure", at, `{"do":"error"}`, nil, 200, `{"errorMessage":"no luck","errorType":"errorString"}`, "Unhandled"},
		{"event", at, `{"do":"log"}`, []string{"X-Amz-Invocation-Type", "Event"}, 202, ``, ""},
		{"dry run", at, `{}`, []string{"X-Amz-Invocation-Type", "DryRun"}, 204, ``, ""},
		{"no function", "/2015-03-31/functions/g/invocations", `{}`, nil, 404, `{"Type":"User","Message":"Function not found: arn:aws:lambda:us-east-1:123456789012:function:g"}`, ""},
		{"not JSON", at, `{`, nil, 400, `{"Type":"User","Message":"Could not parse request body into json"}`, ""},
		{"elsewhere", "/", `{}`, nil, 404, `{"Type":"User","Message":"only POST /2015-03-31/functions/NAME/invocations is served here"}`, ""},
		{"too large", at, `"` + strings.Repeat("x", 6<<20) + `"`, nil, 413, `{"Type":"User","Message":"6291458 byte payload is too large for the RequestResponse invocation type (limit 6291456 bytes)"}`, ""},
		{"a web page", at, `{}`, []string{"Sec-Fetch-Site", "cross-site"}, 403, "cross-origin request detected from Sec-Fetch-Site header\n", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			resp, body := post(c.path, c.event, c.header...)
			if resp.StatusCode != c.status || body != c.body || resp.Header.Get("X-Amz-Function-Error") != c.failed {
				t.Errorf("got %s, %q, %v", resp.Status, body, resp.Header)
			}
		})
	}
	resp, _ := post(at, `{"do":"log"}`, "X-Amz-Log-Type", "Tail")
	tail, err := base64.StdEncoding.DecodeString(resp.Header.Get("X-Amz-Log-Result"))
	if err != nil || !strings.Contains(string(tail), "to stdout\n") || resp.Header.Get("X-Amz-Executed-Version") != "$LATEST" {
		t.Errorf("tail %q, %v, header %v", tail, err, resp.Header)
	}
	if id := resp.Header.Get("X-Amzn-Requestid"); id == "" || len(h.Logs("f", id)) == 0 {
		t.Errorf("no log under the request id %q", id)
	}
}
