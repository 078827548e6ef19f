package report

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/stepsleuth/stepsleuth/internal/lazyregexp"
	"github.com/stepsleuth/stepsleuth/internal/value"
	"github.com/stepsleuth/stepsleuth/redact"
)

// console is the host of the AWS console in each partition whose console AWS documents.
// For others (aws-eusc, aws-iso and its kin) no link is better than one that leads nowhere.
var console = map[string]string{
	"aws":        "console.aws.amazon.com",
	"aws-cn":     "console.amazonaws.cn",
	"aws-us-gov": "console.amazonaws-us-gov.com",
}

// consoleOf is the host of the console of a region: "" where that is not in the partition,
// or not known.
func consoleOf(partition, region string) string {
	if !regionForm.MatchString(region) || partitionOf(region) != partition || console[partition] == "" {
		return ""
	}
	return region + "." + console[partition]
}

// partitionOf tells the partition by how AWS names its regions: us-gov-west-1, cn-north-1.
// It is "" for those that are apart from the internet: us-iso-east-1, eu-isoe-west-1.
func partitionOf(region string) string {
	parts := strings.Split(region, "-")
	switch {
	case parts[0] == "cn":
		return "aws-cn"
	case parts[1] == "gov":
		return "aws-us-gov"
	case strings.HasPrefix(parts[1], "iso"):
		return ""
	}
	return "aws"
}

var (
	regionForm   = lazyregexp.New(`^[a-z]{2}(-[a-z]+)+-[0-9]{1,2}$`)
	accountForm  = lazyregexp.New(`^[0-9]{12}$`)
	functionForm = lazyregexp.New(`^[A-Za-z0-9_-]{1,140}$`)
	lambdaARN    = lazyregexp.New(`^arn:(aws|aws-cn|aws-us-gov):lambda:([a-z0-9-]+):[0-9]{12}:function:([A-Za-z0-9_-]{1,140})(:[A-Za-z0-9_$-]+)?$`)
)

// links are built from ARNs alone, part by part: no address of the input is passed on.
func (b *builder) links() []Link {
	out := []Link{}
	if x := b.c.Execution; x != nil && !b.opts.Local {
		out = b.link(out, redact.Static("execution in the AWS console"), executionURL(x.ARN, b.startMillis()))
		if name, partition, region := b.function(); name != "" {
			out = b.link(out, redact.Static("log group of the function"), logURL(partition, region, "/aws/lambda/"+name))
		}
	}
	return out
}

// link drops an address in which something had to be concealed.
func (b *builder) link(links []Link, title redact.Text, address string) []Link {
	shown := b.text(address)
	if address == "" || shown.String() != address {
		return links
	}
	return append(links, Link{Title: title, URL: shown})
}

func (b *builder) startMillis() int64 {
	if t := b.c.Execution.Start; !t.IsZero() {
		return t.UnixMilli()
	}
	return 0
}

// executionURL is "" for what is no ARN of an execution in a partition that is known.
func executionURL(arn string, start int64) string {
	p := strings.Split(arn, ":")
	if len(p) < 8 || p[0] != "arn" || p[2] != "states" || !accountForm.MatchString(p[4]) {
		return ""
	}
	host := consoleOf(p[1], p[3])
	if host == "" {
		return ""
	}
	page := "v2/executions/details/" + escapeFragment(arn)
	switch p[5] {
	case "execution":
	case "express":
		page = fmt.Sprintf("express-executions/details/%s?startDate=%d", escapeFragment(arn), start)
	default:
		return ""
	}
	return fmt.Sprintf("https://%s/states/home?region=%s#/%s", host, p[3], page)
}

// escapeFragment leaves the colons of an ARN readable.
func escapeFragment(s string) string { return strings.ReplaceAll(url.PathEscape(s), "%3A", ":") }

// logURL is the page of a log group. The console escapes a name twice, with "$" for "%".
func logURL(partition, region, group string) string {
	host := consoleOf(partition, region)
	if host == "" {
		return ""
	}
	name := strings.ReplaceAll(url.QueryEscape(url.QueryEscape(group)), "%", "$")
	return fmt.Sprintf("https://%s/cloudwatch/home?region=%s#logsV2:log-groups/log-group/%s", host, region, name)
}

// function is the Lambda function that the failing task called, where its name is known.
func (b *builder) function() (name, partition, region string) {
	f := b.c.Subject()
	if f == nil {
		return "", "", ""
	}
	if m := lambdaARN.FindStringSubmatch(f.Resource); m != nil {
		return m[3], m[1], m[2]
	}
	p := strings.Split(b.c.Execution.ARN, ":")
	if len(p) < 8 || !strings.Contains(f.Resource, "lambda:invoke") && f.Resource != "invoke" {
		return "", "", ""
	}
	given := b.functionGiven()
	if m := lambdaARN.FindStringSubmatch(given); m != nil {
		return m[3], m[1], m[2]
	}
	given, _, _ = strings.Cut(given, ":")
	if !functionForm.MatchString(given) {
		return "", "", ""
	}
	return given, p[1], p[3]
}

// functionGiven is the FunctionName of the recorded parameters.
func (b *builder) functionGiven() string {
	v, err := value.Parse(b.c.Subject().Parameters.String())
	if err != nil {
		return ""
	}
	name, _ := v.Get("FunctionName")
	s, _ := name.AsString()
	return s
}
