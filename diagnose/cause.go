package diagnose

import (
	"slices"
	"strconv"
	"strings"

	"github.com/stepsleuth/stepsleuth/internal/lazyregexp"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

// Cause is a failure's error and cause taken apart: what was wrapped is
// unwrapped, trailers and stack traces are read. Causes form a chain from what
// Step Functions recorded to what began it; see Root.
type Cause struct {
	Error   string    // error name as recorded: "Lambda.TooManyRequestsException"
	Text    string    // cause text as it stood in this layer
	Shape   Shape     // what kind of text that is
	Type    string    // errorType of a Lambda runtime, Error Code of a service; "" none
	Message string    // the words without wrapping, trailer and request id
	Frames  []Frame   // stack trace, innermost call first
	Service string    // "AWSLambda" as an AWS SDK names it
	Status  int       // HTTP status; 0 unknown
	Action  string    // operation that a client called: "StartExecution"; "" unknown
	State   string    // state that the text names
	Entered int64     // "(entered at the event id #N)"
	Inner   *Cause    // what this layer only relays; nil: nothing
	doc     jsonValue // of a JSON text
}

// Shape is the kind of text a cause is.
type Shape string

// The shapes of causes.
const (
	PlainCause     Shape = "plain"     // words
	LambdaCause    Shape = "lambda"    // {"errorType", "errorMessage", …}
	ServiceCause   Shape = "service"   // words with the trailer of an AWS SDK, or of a client that quotes one
	ExecutionCause Shape = "execution" // what DescribeExecution says of a nested execution
	JSONCause      Shape = "json"      // another JSON document: a task, a job, a build
	EmptyCause     Shape = "empty"     // none, or an empty one
)

// Frame is one call of a stack trace.
type Frame struct {
	File     string
	Line     int
	Function string
	Own      bool // code of the function's package, not of a runtime or a library
}

type jsonValue = value.Value

// maxLayers bounds how often a cause is unwrapped.
const maxLayers = 8

// ReadCause takes an error name and a cause apart; either may be nil.
func ReadCause(err, cause *string) *Cause {
	return readCause(deref(err), deref(cause), 0)
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// Root is the last layer: what began it.
func (c *Cause) Root() *Cause {
	for c.Inner != nil {
		c = c.Inner
	}
	return c
}

// Nested returns the layer that reports a nested execution, or nil.
func (c *Cause) Nested() *Cause {
	for l := c; l != nil; l = l.Inner {
		if l.Shape == ExecutionCause {
			return l
		}
	}
	return nil
}

// Get returns the text of a member of a JSON cause, "" where it is not there.
// Numbers and the like are given as written; a number in path is an index.
func (c *Cause) Get(path ...string) string {
	return scalarText(descend(c.doc, path))
}

// Len returns how many items the array at path has.
func (c *Cause) Len(path ...string) int { return len(descend(c.doc, path).Items()) }

// Has reports that a JSON cause has the member at path.
func (c *Cause) Has(path ...string) bool { return !descend(c.doc, path).IsAbsent() }

func descend(v value.Value, path []string) value.Value {
	for _, key := range path {
		if items := v.Items(); items != nil {
			i, err := strconv.Atoi(key)
			if err != nil || i < 0 || i >= len(items) {
				return value.Value{}
			}
			v = items[i]
			continue
		}
		v, _ = v.Get(key)
	}
	return v
}

func scalarText(v value.Value) string {
	switch v.Kind() {
	case value.KindString:
		s, _ := v.AsString()
		return s
	case value.KindAbsent, value.KindNull:
		return ""
	}
	return v.JSON()
}

func readCause(err, text string, depth int) *Cause {
	c := &Cause{Error: err, Text: text, Shape: PlainCause, Message: strings.TrimSpace(text)}
	if m := statusName.FindStringSubmatch(err); m != nil {
		c.Status, _ = strconv.Atoi(m[1])
	}
	if m := handlerReturned.FindStringSubmatch(c.Message); m != nil {
		c.Message = m[1]
	}
	c.stateNamed()
	if c.Message == "" {
		c.Shape = EmptyCause
		return c
	}
	if depth >= maxLayers {
		return c
	}
	if doc, ok := jsonIn(c.Message); ok {
		c.document(doc, depth)
		return c
	}
	if payload, ok := strings.CutPrefix(c.Message, unknownType); ok {
		c.Message = strings.TrimSpace(strings.TrimSuffix(unknownType, "Returned payload: "))
		c.Inner = readCause(err, strings.TrimSpace(payload), depth+1)
		return c
	}
	c.trailer()
	return c
}

var (
	statusName = lazyregexp.New(`^\w+(?:\.\w+)*\.([1-5]\d\d)$`) // ApiGateway.403, EKS.404
	// CloudFormation: Resource handler returned message: "…" (RequestToken: …, HandlerErrorCode: …).
	handlerReturned = lazyregexp.New(`(?s)^Resource handler returned message: "(.*)" \(RequestToken: [^)]*\)\.?$`)
)

// unknownType is how Step Functions introduces a Lambda error without a type.
const unknownType = "The cause could not be determined because Lambda did not return an error type. Returned payload: "

var stateNamed = lazyregexp.New(`(?s)^An error occurred while executing the state '(.*?)' \(entered at the event id #(\d+)\)\.\s*(.*)$`)

func (c *Cause) stateNamed() {
	m := stateNamed.FindStringSubmatch(c.Message)
	if m == nil {
		return
	}
	c.State, c.Message = m[1], m[3]
	c.Entered, _ = strconv.ParseInt(m[2], 10, 64)
}

// jsonIn returns the JSON object or array that s is, also where it is quoted as a
// JSON string once or twice.
func jsonIn(s string) (value.Value, bool) {
	for range 3 {
		if s == "" || strings.IndexByte(`{["`, s[0]) < 0 {
			return value.Value{}, false
		}
		v, err := value.Parse(s)
		if err != nil {
			if v, err = value.Parse(closed(s)); err != nil {
				return value.Value{}, false
			}
		}
		text, isText := v.AsString()
		if !isText {
			return v, true
		}
		s = strings.TrimSpace(text)
	}
	return value.Value{}, false
}

// maxOpen bounds the depth of a text that is closed.
const maxOpen = 64

// closed ends a JSON text that was cut off, as causes are that are longer than
// what Step Functions keeps: what was begun last is left out, and the rest closed.
// It returns "" where s is not such a text.
func closed(s string) string {
	var open []byte
	inString, escaped := false, false
	whole := -1 // where the last member or item that is there whole ends
	var openThen []byte
	for i := range len(s) {
		switch b := s[i]; {
		case escaped:
			escaped = false
		case inString && b == '\\':
			escaped = true
		case b == '"':
			inString = !inString
		case inString:
		case b == '{' || b == '[':
			open = append(open, b+2) // the bracket that closes it
			if len(open) > maxOpen {
				return ""
			}
		case b == '}' || b == ']':
			if len(open) == 0 || open[len(open)-1] != b {
				return ""
			}
			open = open[:len(open)-1]
		case b == ',':
			whole, openThen = i, append(openThen[:0], open...)
		}
	}
	if len(open) == 0 {
		return ""
	}
	if inString && whole < 0 || inString && cutValue(s, whole) {
		return strings.TrimSuffix(strings.ToValidUTF8(s, ""), `\`) + `"` + reversed(open)
	}
	if whole < 0 {
		return ""
	}
	return s[:whole] + reversed(openThen)
}

// cutValue reports that the text was cut in a member's value: a text that has begun is worth keeping.
func cutValue(s string, whole int) bool {
	return strings.Contains(s[whole+1:], `":`)
}

func reversed(b []byte) string {
	b = slices.Clone(b)
	slices.Reverse(b)
	return string(b)
}

func (c *Cause) document(doc value.Value, depth int) {
	c.doc, c.Shape = doc, JSONCause
	switch {
	case c.Has("ExecutionArn") && (c.Has("Status") || c.Has("Error") || c.Has("Cause")):
		c.Shape = ExecutionCause
		c.Message = c.Get("Cause")
		c.Inner = readCause(c.Get("Error"), c.Get("Cause"), depth+1)
	case c.Has("errorMessage") || c.Has("errorType"):
		c.lambda(depth)
	case c.Get("kind") == "Status" && c.Has("message"): // Kubernetes' answer to eks:call and eks:runJob
		c.Shape, c.Type, c.Message = ServiceCause, c.Get("reason"), c.Get("message")
		if status, err := strconv.Atoi(c.Get("code")); err == nil {
			c.Status = status
		}
	case c.Has("Error") && c.Has("Cause"): // a catcher's output, sent on
		c.Message = c.Get("Cause")
		c.Inner = readCause(c.Get("Error"), c.Get("Cause"), depth+1)
	}
}

func (c *Cause) lambda(depth int) {
	c.Shape = LambdaCause
	c.Type, c.Message = c.Get("errorType"), strings.TrimSpace(c.Get("errorMessage"))
	if inner, ok := strings.CutPrefix(c.Type, "Function<"); ok { // Ruby
		c.Type = strings.TrimSuffix(inner, ">")
	}
	c.Frames = readFrames(c)
	if _, ok := jsonIn(c.Message); ok && strings.HasPrefix(strings.TrimLeft(c.Message, `"\`), "{") {
		inner := readCause(c.Type, c.Message, depth+1)
		if inner.Shape == LambdaCause || inner.Shape == ExecutionCause || inner.Inner != nil {
			inner.Frames = append(inner.Frames, c.Frames...)
			c.Inner = inner
			return
		}
		if words := inner.words(); words != "" { // a message of the function's own making
			c.Message = words
		}
	}
	if inner := c.raisedFrom(depth); inner != nil {
		c.Inner = inner
		return
	}
	if m := pythonTuple.FindStringSubmatch(c.Message); m != nil { // the arguments of an exception, as Python prints them
		c.Message = m[1] + ": " + m[2]
	}
	words := &Cause{Message: c.Message, Type: c.Type}
	words.trailer()
	c.Message, c.Service, c.Status, c.Action = words.Message, words.Service, words.Status, words.Action
	if words.Type != "" {
		c.Type = words.Type
	}
}

// raisedFrom is the exception that c was raised from, as Java and .NET report it in a
// member cause; nil: none. It says what c says in front of its own words, and keeps the
// name by which Step Functions knows the error.
func (c *Cause) raisedFrom(depth int) *Cause {
	doc, ok := c.doc.Get("cause")
	if !ok || doc.Kind() != value.KindObject || depth >= maxLayers {
		return nil
	}
	inner := &Cause{Error: c.Error}
	inner.document(doc, depth+1)
	root := inner.Root()
	if inner.Shape != LambdaCause || root.Message == "" && root.Type == "" {
		return nil
	}
	switch {
	case c.Message == "" || strings.Contains(root.Message, c.Message):
	case strings.Contains(c.Message, root.Message):
		root.Message = c.Message
	default:
		root.Message = c.Message + ": " + root.Message
	}
	root.Frames = append(root.Frames, c.Frames...)
	return inner
}

// words is what a JSON document says in its own words, as far as it has a member for that.
func (c *Cause) words() string {
	for _, name := range []string{"message", "Message", "errorMessage", "Cause", "cause", "error", "Error", "detail", "reason", "description"} {
		if s, ok := descend(c.doc, []string{name}).AsString(); ok && s != "" {
			return s
		}
	}
	return ""
}

var (
	// AWS SDK for Java 1: "(Service: AWSLambda; Status Code: 429; Error Code: X; Request ID: …; Proxy: null)".
	// AWS SDK for Java 2: "(Service: Lambda, Status Code: 403, Request ID: …)" and "(SDK Attempt Count: 1)".
	sdkTrailer = lazyregexp.New(`(?s)\s*\(Service: ([^;,()]+)[;,] Status Code: (\d+)(?:[;,] Error Code: ([^;,()]+))?(?:[;,][^()]*)?\)(?:\s*\((?:SDK Attempt Count|SDK Diagnostics)[^)]*\))?`)
	// botocore and the AWS CLI: "An error occurred (X) when calling the Y operation (reached max retries: 4): …".
	botocore = lazyregexp.New(`(?s)An error occurred \(([\w.:-]+)\) when calling the (\w+) operation(?: \(reached max retries: \d+\))?: ?(.*)`)
	// AWS SDK for Go 2: "operation error DynamoDB: GetItem, https response error StatusCode: 400, RequestID: …, api error X: …".
	goSDK = lazyregexp.New(`(?s)operation error ([\w ]+): (\w+), .*?StatusCode: (\d+), RequestID: [^,]*(?:, HostID: [^,]*)?, (?:api error )?(\w+)?:? ?(.*)`)
	// AWS SDK for Go 1: "X: …\n\tstatus code: 400, request id: …".
	goSDK1 = lazyregexp.New(`(?s)(?:^|: )([A-Z]\w+): ([^\n]*?)\s+status code: (\d{3}), request id: [\w-]+`)
	// Java's and .NET's way to quote another exception: "com.example.XException: …".
	quotedType  = lazyregexp.New(`^(?:[\w$]+[.$])*([A-Z]\w+(?:Exception|Error|Fault)): `)
	pythonTuple = lazyregexp.New(`(?s)^\((-?\d+), ['"](.*)['"]\)$`)
	requestID   = lazyregexp.New(`^(?:RequestId: [\w-]+ |\d{4}-\d\d-\d\dT[\d:.]+Z [\w-]+ )(?:Error: )?`)
	sdkAttempts = lazyregexp.New(`\s*\(SDK Attempt Count: \d+\)`)
)

// Of a long message the beginning and the end are read: what failed stands in
// front, and what AWS's clients add behind. What is between would cost seconds and
// says nothing more; Text has it all.
const (
	messageHead = 6 << 10
	messageTail = 2 << 10
)

func excerpt(s string) string {
	if len(s) <= messageHead+messageTail {
		return s
	}
	return strings.ToValidUTF8(s[:messageHead], "") + " … " + strings.ToValidUTF8(s[len(s)-messageTail:], "")
}

// trailer takes what AWS's clients add to an error's words off Message.
func (c *Cause) trailer() {
	c.Message = excerpt(c.Message)
	c.Message = requestID.ReplaceAllString(c.Message, "")
	if m := botocore.FindStringSubmatch(c.Message); m != nil {
		c.Shape, c.Type, c.Action, c.Message = ServiceCause, m[1], m[2], m[3]
		if status, err := strconv.Atoi(m[1]); err == nil { // HeadObject has no body, and so no code but its status
			c.Status = status
		}
	} else if m := goSDK.FindStringSubmatch(c.Message); m != nil {
		c.Shape, c.Service, c.Action, c.Type, c.Message = ServiceCause, m[1], m[2], m[4], m[5]
		c.Status, _ = strconv.Atoi(m[3])
	}
	if m := goSDK1.FindStringSubmatch(c.Message); m != nil && c.Action == "" {
		c.Shape, c.Type, c.Message = ServiceCause, m[1], m[2]
		c.Status, _ = strconv.Atoi(m[3])
	}
	if m := sdkTrailer.FindStringSubmatchIndex(c.Message); m != nil {
		group := func(i int) string {
			if m[2*i] < 0 {
				return ""
			}
			return c.Message[m[2*i]:m[2*i+1]]
		}
		c.Shape, c.Service = ServiceCause, group(1)
		c.Status, _ = strconv.Atoi(group(2))
		if code := group(3); code != "" {
			c.Type = code
		} else if m := quotedType.FindStringSubmatch(c.Message); m != nil {
			c.Type = m[1]
		}
		c.Message = c.Message[:m[0]] + c.Message[m[1]:]
	}
	c.Message = strings.TrimSpace(sdkAttempts.ReplaceAllString(c.Message, ""))
}

var (
	pythonFrame = lazyregexp.New(`File "([^"]+)", line (\d+), in ([\w<>.]+)`)
	nodeFrame   = lazyregexp.New(`^\s*at (?:(?:async )?([\w$.<>\[\] ]+?) )?\(?((?:file://)?/[^():]+|node:[\w/]+):(\d+)(?::\d+)?\)?$`)
	javaFrame   = lazyregexp.New(`^\s*(?:at )?([\w.$<>/]+)\(([\w$]+\.(?:java|kt|scala)|Unknown Source|Native Method)(?::(\d+))?\)$`)
	dotnetFrame = lazyregexp.New(`^\s*at (.+?\)) in (.+?):line (\d+)$`)
	rubyFrame   = lazyregexp.New(`^(/[^:]+):(\d+):in [` + "`'" + `]([^']+)'$`)
)

func readFrames(c *Cause) []Frame {
	var frames []Frame
	python := false
	for _, member := range []string{"stackTrace", "trace", "stack"} {
		for _, line := range traceLines(descend(c.doc, []string{member})) {
			f, isPython := readFrame(line)
			if f.File == "" && f.Function == "" {
				continue
			}
			python = python || isPython
			frames = append(frames, f)
		}
		if frames != nil {
			break
		}
	}
	if python { // outermost first
		for i, j := 0, len(frames)-1; i < j; i, j = i+1, j-1 {
			frames[i], frames[j] = frames[j], frames[i]
		}
	}
	return frames
}

func traceLines(v value.Value) []string {
	if s, ok := v.AsString(); ok {
		return strings.Split(s, "\n")
	}
	var lines []string
	for _, item := range v.Items() {
		if s, ok := item.AsString(); ok {
			lines = append(lines, s)
			continue
		}
		if path, ok := item.Get("path"); ok { // Go: {"path", "line", "label"}
			label, _ := item.Get("label")
			line, _ := item.Get("line")
			lines = append(lines, `File "`+scalarText(path)+`", line `+scalarText(line)+`, in `+goLabel(scalarText(label)))
			continue
		}
		if parts := item.Items(); len(parts) >= 3 { // Python 2.7: [file, line, function, source]
			lines = append(lines, `File "`+scalarText(parts[0])+`", line `+scalarText(parts[1])+`, in `+scalarText(parts[2]))
		}
	}
	return lines
}

func goLabel(s string) string {
	if i := strings.LastIndexByte(s, '/'); i >= 0 {
		s = s[i+1:]
	}
	return strings.NewReplacer("(*", "", ")", "").Replace(s)
}

func readFrame(line string) (f Frame, python bool) {
	if m := pythonFrame.FindStringSubmatch(line); m != nil {
		return newFrame(m[1], m[2], m[3]), !strings.HasSuffix(m[1], ".go")
	}
	line = strings.TrimRight(line, " \r\n")
	if m := dotnetFrame.FindStringSubmatch(line); m != nil {
		return newFrame(m[2], m[3], m[1]), false
	}
	if m := nodeFrame.FindStringSubmatch(line); m != nil {
		return newFrame(strings.TrimPrefix(m[2], "file://"), m[3], m[1]), false
	}
	if m := javaFrame.FindStringSubmatch(line); m != nil {
		return newFrame(m[2], m[3], m[1]), false
	}
	if m := rubyFrame.FindStringSubmatch(line); m != nil {
		return newFrame(m[1], m[2], m[3]), false
	}
	return Frame{}, false
}

func newFrame(file, line, function string) Frame {
	n, _ := strconv.Atoi(line)
	f := Frame{File: file, Line: n, Function: strings.TrimSpace(function)}
	f.Own = ownCode(f)
	return f
}

// foreign are the places of code that the function's author did not write.
var foreign = []string{
	"/var/runtime/", "/var/lang/", "/opt/", "node_modules/", "site-packages/", "dist-packages/", "/gems/", "node:",
	"aws-lambda-go", "/usr/lib", "/usr/local/lib", "awslambdaric", "<frozen", "importlib",
}

var foreignFunctions = []string{
	"java.", "javax.", "jdk.", "sun.", "com.amazonaws.services.lambda.runtime.", "software.amazon.", "com.amazonaws.", "lambdainternal.",
	"com.fasterxml.", "org.springframework.", "System.", "Amazon.", "lambda_method", "runtime.", "lambda.", "reflect.",
}

func ownCode(f Frame) bool {
	for _, part := range foreign {
		if strings.Contains(f.File, part) {
			return false
		}
	}
	for _, prefix := range foreignFunctions {
		if strings.HasPrefix(f.Function, prefix) && !strings.HasPrefix(f.File, "/var/task") {
			return false
		}
	}
	return f.File != "Unknown Source" && f.File != "Native Method"
}

// OwnFrame is the innermost call in the function's own code, as far as the trace
// tells; ok is false where there is none.
func (c *Cause) OwnFrame() (f Frame, ok bool) {
	for _, f := range c.Frames {
		if f.Own {
			return f, true
		}
	}
	return Frame{}, false
}
