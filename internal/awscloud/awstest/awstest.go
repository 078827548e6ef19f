// Package awstest stands in for AWS in tests: one http.Handler that AWS's own clients
// talk to, for the few calls that stepsleuth makes. The Step Functions API is handed in.
package awstest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Account is the account of everything here.
const Account = "123456789012"

// Cloud is an account in one region. Its fields must not change while it serves, but
// through its methods.
type Cloud struct {
	States    http.Handler               // the Step Functions API
	Functions map[string]json.RawMessage // by name: what GetFunctionConfiguration answers
	Secrets   map[string]string          // parameters of the parameter store, by name
	Tables    http.Handler               // DynamoDB: a *Table; may be nil
	Models    http.Handler               // Amazon Bedrock; may be nil
	Refuse    func(action string) *Refusal
	Page      int // log events a page; 0: 10,000

	mu     sync.Mutex
	groups map[string][]Line
	calls  map[string]int
	sent   []Message
}

// Refusal is an error that AWS answers with.
type Refusal struct {
	Status        int // 0: 400
	Code, Message string
}

// Denied is what AWS answers to who may not do something.
func Denied(action, resource string) *Refusal {
	return &Refusal{Code: "AccessDeniedException", Message: fmt.Sprintf(
		"User: arn:aws:sts::%s:assumed-role/reader/session is not authorized to perform: %s on resource: %s because no identity-based policy allows the %s action",
		Account, action, resource, action)}
}

// Line is a log event.
type Line struct {
	Stream    string
	Timestamp int64 // milliseconds
	Text      string
}

// Message is what was published to a topic.
type Message struct{ Topic, Subject, Text string }

// Log adds lines to a log group, and makes the group.
func (c *Cloud) Log(group string, lines ...Line) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.groups == nil {
		c.groups = map[string][]Line{}
	}
	all := append(slices.Clone(c.groups[group]), lines...)
	slices.SortStableFunc(all, func(a, b Line) int { return cmp.Compare(a.Timestamp, b.Timestamp) })
	c.groups[group] = all
}

// Calls returns how often an action was asked for: "states:GetExecutionHistory".
func (c *Cloud) Calls(action string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls[action]
}

// Published returns what was published, in order.
func (c *Cloud) Published() []Message {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.sent)
}

var functionPath = regexp.MustCompile(`^/2015-03-31/functions/([^/]+)/configuration$`)

// ServeHTTP answers one request.
func (c *Cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	service, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	function := functionPath.FindStringSubmatch(r.URL.EscapedPath())
	action, serve := "", http.HandlerFunc(nil)
	switch {
	case service == "AWSStepFunctions" && c.States != nil:
		action, serve = "states:"+operation, c.States.ServeHTTP
	case service == "Logs_20140328" && operation == "FilterLogEvents":
		action, serve = "logs:"+operation, c.filterLogEvents
	case service == "AmazonSSM" && operation == "GetParameter":
		action, serve = "ssm:"+operation, c.parameter
	case service == "DynamoDB_20120810" && c.Tables != nil:
		action, serve = "dynamodb:"+operation, c.Tables.ServeHTTP
	case strings.HasPrefix(r.URL.Path, "/model/") && c.Models != nil:
		action, serve = "bedrock:InvokeModel", c.Models.ServeHTTP
	case function != nil:
		action, serve = "lambda:GetFunctionConfiguration", func(w http.ResponseWriter, _ *http.Request) { c.configuration(w, function[1]) }
	case strings.Contains(r.Header.Get("Authorization"), "/sts/aws4_request"):
		action, serve = "sts:GetCallerIdentity", c.identity
	case service == "" && r.URL.Path == "/" && r.Method == http.MethodPost:
		action, serve = "sns:Publish", c.publish
	default:
		refuse(w, &Refusal{Status: http.StatusNotImplemented, Code: "UnknownOperationException", Message: r.Method + " " + r.URL.Path + " " + service + "." + operation})
		return
	}
	c.mu.Lock()
	if c.calls == nil {
		c.calls = map[string]int{}
	}
	c.calls[action]++
	c.mu.Unlock()
	if c.Refuse != nil {
		if refusal := c.Refuse(action); refusal != nil {
			refuse(w, refusal)
			return
		}
	}
	serve(w, r)
}

func refuse(w http.ResponseWriter, r *Refusal) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.Header().Set("X-Amzn-Errortype", r.Code)
	w.WriteHeader(cmp.Or(r.Status, http.StatusBadRequest))
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": r.Code, "message": r.Message})
}

func answer(w http.ResponseWriter, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		refuse(w, &Refusal{Status: http.StatusInternalServerError, Code: "InternalFailure", Message: err.Error()})
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.Header().Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(text)), 10)) // DynamoDB's clients check it
	_, _ = w.Write(text)
}

func (c *Cloud) configuration(w http.ResponseWriter, escaped string) {
	name, _ := url.PathUnescape(escaped)
	if _, after, ok := strings.Cut(name, ":function:"); ok {
		name, _, _ = strings.Cut(after, ":")
	}
	text, ok := c.Functions[name]
	if !ok {
		refuse(w, &Refusal{Status: http.StatusNotFound, Code: "ResourceNotFoundException", Message: "Function not found: " + name})
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(text)
}

func (c *Cloud) parameter(w http.ResponseWriter, r *http.Request) {
	var in struct{ Name string }
	_ = json.NewDecoder(r.Body).Decode(&in)
	text, ok := c.Secrets[in.Name]
	if !ok {
		refuse(w, &Refusal{Code: "ParameterNotFound"})
		return
	}
	answer(w, map[string]any{"Parameter": map[string]string{"Name": in.Name, "Type": "SecureString", "Value": text}})
}

func (c *Cloud) filterLogEvents(w http.ResponseWriter, r *http.Request) {
	var in struct {
		LogGroupName, FilterPattern, NextToken string
		LogStreamNames                         []string
		StartTime, EndTime                     int64
		StartFromHead                          *bool
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		refuse(w, &Refusal{Code: "InvalidParameterException", Message: err.Error()})
		return
	}
	c.mu.Lock()
	lines, ok := c.groups[in.LogGroupName]
	lines = slices.Clone(lines)
	c.mu.Unlock()
	if !ok {
		refuse(w, &Refusal{Code: "ResourceNotFoundException", Message: "The specified log group does not exist."})
		return
	}
	lines = slices.DeleteFunc(lines, func(l Line) bool {
		return l.Timestamp < in.StartTime || l.Timestamp > in.EndTime || !matches(in.FilterPattern, l.Text) ||
			len(in.LogStreamNames) > 0 && !slices.Contains(in.LogStreamNames, l.Stream)
	})
	if in.StartFromHead != nil && !*in.StartFromHead {
		slices.Reverse(lines)
	}
	from, _ := strconv.Atoi(in.NextToken)
	to := min(from+cmp.Or(c.Page, 10_000), len(lines))
	out := map[string]any{"searchedLogStreams": []string{}}
	events := []map[string]any{}
	for i, l := range lines[min(from, to):to] {
		events = append(events, map[string]any{"logStreamName": l.Stream, "timestamp": l.Timestamp, "ingestionTime": l.Timestamp, "message": l.Text, "eventId": strconv.Itoa(from + i)})
	}
	if out["events"] = events; to < len(lines) {
		out["nextToken"] = strconv.Itoa(to)
	}
	answer(w, out)
}

// condition is one of a JSON pattern: only equality is understood, and || between.
var condition = regexp.MustCompile(`\$\.(\w+) = "([^"]*)"`)

func matches(pattern, text string) bool {
	switch {
	case pattern == "":
		return true
	case !strings.HasPrefix(pattern, "{"):
		term, err := strconv.Unquote(pattern)
		return err == nil && strings.Contains(text, term)
	}
	var members map[string]any
	if json.Unmarshal([]byte(text), &members) != nil {
		return false
	}
	return slices.ContainsFunc(condition.FindAllStringSubmatch(pattern, -1), func(found []string) bool { return members[found[1]] == found[2] })
}

// Caller is who asks here.
const Caller = "arn:aws:sts::" + Account + ":assumed-role/oncall/dana"

func (c *Cloud) identity(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/xml")
	fmt.Fprintf(w, `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Arn>%s</Arn><Account>%s</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`, Caller, Account)
}

func (c *Cloud) publish(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	form, err := url.ParseQuery(string(body))
	if err != nil || form.Get("Action") != "Publish" {
		refuse(w, &Refusal{Code: "InvalidAction", Message: string(body)})
		return
	}
	c.mu.Lock()
	c.sent = append(c.sent, Message{form.Get("TopicArn"), form.Get("Subject"), form.Get("Message")})
	n := len(c.sent)
	c.mu.Unlock()
	w.Header().Set("Content-Type", "text/xml")
	fmt.Fprintf(w, `<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>m-%d</MessageId></PublishResult></PublishResponse>`, n)
}
