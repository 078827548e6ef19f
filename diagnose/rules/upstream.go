package rules

import (
	"fmt"
	"strconv"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/internal/lazyregexp"
)

// UpstreamRefused sees an HTTP client in a function that was answered with a status of 4xx.
var UpstreamRefused = &diagnose.Rule{
	Name:  "upstream-refused",
	Doc:   "A function's HTTP client was answered with a status of 400 to 499 by a service that is not AWS's.",
	Check: one(upstreamRefused),
}

// clientStatus are the words of the common HTTP clients: axios, requests, urllib,
// .NET, Java, Go.
var clientStatus = lazyregexp.New(`(?i)(?:request failed with status code|response (?:code|status)(?: code)?(?: does not indicate success)?:?|server (?:returned|responded with)(?: HTTP)?(?: response)?(?: code| status)?:?|status ?code(?: was| is|:|=)?|HTTP error|HTTP status(?: code)?:?|received (?:HTTP )?(?:status )?|responded with(?: status)?(?: code)?|returned HTTP|unexpected status(?: code)?:?) ?\(?(4\d\d)\b|\b(4\d\d) client error\b|^\[?(4\d\d)\]?(?: during \[| (?:Bad Request|Unauthorized|Forbidden|Not Found|Conflict|Gone|Unprocessable|Too Many))`)

// upstream is the status of 4xx with which a function's HTTP client was answered; 0 none.
func (f *facts) upstream() int {
	if !f.lambda() || f.root.Service != "" || f.root.Action != "" {
		return 0
	}
	m := clientStatus.FindStringSubmatch(f.msg)
	if m == nil {
		return 0
	}
	n, _ := strconv.Atoi(firstOf(m[1:]...))
	return n
}

func upstreamRefused(f *facts) *diagnose.Finding {
	status := f.upstream()
	if status == 0 {
		return nil
	}
	category, retryable, why, step := ofStatus(status)
	d := f.finding(category, diagnose.Likely, retryable)
	d.Also = []diagnose.Category{diagnose.LambdaUnhandled}
	d.Title = fmt.Sprintf("The service that %s calls answered HTTP %d", f.functionOr(), status)
	d.RootCause = fmt.Sprintf("The code of %s calls an HTTP service that answered with status %d%s: %s%s.", f.functionOr(), status, inChild(f), why, saying(f.msg))
	d.Explanation = "The call got through; the status is the other side's answer, and the code took it for an error and did not handle it."
	if frame, ok := f.root.OwnFrame(); ok && looksLikeName(short(frame.File)) {
		d.Explanation += fmt.Sprintf(" The call is made at %s:%d.", short(frame.File), frame.Line)
	}
	d.Focus = f.focusField(fmt.Sprintf("the function called here got HTTP %d", status), "Resource", "Parameters")
	d.Remedies = []diagnose.Remedy{{Title: "Mend the request, or the other side", Steps: []string{
		step,
		"Let the code put the address (without query and credentials) and the body of the answer into the error it raises; the log of the invocation may have them: aws logs tail /aws/lambda/" + f.functionArg() + " --since 1h",
	}}}
	if retryable == diagnose.Yes {
		d.Remedies = append(d.Remedies, f.retryRemedy("Retry with back-off and jitter"))
	}
	d.Prevention = []string{"Raise an error of its own type for each status that the workflow should tell apart (too many requests, not found, refused), and retry only 429 and 5xx."}
	d.Docs = []string{"Handling errors in Step Functions workflows"}
	return d
}
