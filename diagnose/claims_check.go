package diagnose

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stepsleuth/stepsleuth/internal/lazyregexp"
)

// checker holds a model's sentences against what it was shown.
type checker struct {
	shown   map[string]string // normalised text by evidence id
	known   string            // normalised text of all that may be named
	lower   string            // known in lower case
	numbers map[string]bool   // all numbers of known
	orders  map[string]bool   // runs of words of evidence that reads like an order to the reader
	steps   string            // the rules' own steps: what may be told to do
}

func newChecker(q *question, findings []Finding) *checker {
	k := &checker{shown: map[string]string{}, numbers: map[string]bool{}, orders: map[string]bool{}}
	for _, e := range q.shown {
		k.shown[e.id] = normal(e.text.String())
	}
	k.known = normal(q.known)
	k.lower = strings.ToLower(k.known)
	k.learnNumbers()
	k.learnOrders(q.known)
	var steps strings.Builder
	for _, f := range findings {
		for _, r := range f.Remedies {
			steps.WriteString(strings.Join(r.Steps, " ") + " ")
		}
	}
	k.steps = normal(steps.String())
	return k
}

// normal has single spaces for white space, and for the escapes that stand for it in
// JSON; escaped quotes lose their backslashes, as a model quotes either way.
func normal(s string) string {
	s = escapes.Replace(s)
	return strings.Join(strings.Fields(s), " ")
}

var escapes = strings.NewReplacer(`\\n`, " ", `\n`, " ", `\t`, " ", `\r`, " ", `\\\"`, `"`, `\"`, `"`, `\\`, `\`, "’", "'", "‘", "'", "“", `"`, "”", `"`)

// claim judges one claim: dropped where it says what must not be said or names what is
// nowhere, a hypothesis where its evidence does not hold, else kept.
func (k *checker) claim(form claimForm) Claim {
	c := Claim{Text: tidy(form.Text)}
	if c.Text == "" {
		return Claim{Standing: Dropped, Reason: "it is empty"}
	}
	if reason := k.sentence(c.Text); reason != "" {
		c.Standing, c.Reason = Dropped, reason
		return c
	}
	c.Standing = Kept
	if name := k.strayTerm(c.Text); name != "" {
		c.Standing, c.Reason = Demoted, "it names something that does not occur in this case"
	}
	for _, cite := range form.Cites {
		if reason := k.cite(cite); reason != "" {
			c.Standing, c.Reason = Demoted, reason
			continue
		}
		c.Cites = append(c.Cites, Citation{Evidence: tidy(cite.Evidence), Quote: tidy(cite.Quote)})
	}
	if len(form.Cites) == 0 {
		c.Standing, c.Reason = Demoted, "it cites no evidence"
	}
	if c.Standing == Kept {
		if n := k.strayNumber(c.Text); n != "" {
			c.Standing, c.Reason = Demoted, fmt.Sprintf("%s does not stand in the evidence", n)
		}
	}
	return c
}

// minQuote is how long a quote must be to prove anything, unless it is all there is.
const minQuote = 6

func (k *checker) cite(c citeForm) string {
	id := tidy(strings.Trim(c.Evidence, "[]| "))
	text, ok := k.shown[id]
	if !ok {
		return "it cites evidence that does not exist"
	}
	quote := normal(strings.ReplaceAll(c.Quote, id+"| ", ""))
	switch {
	case len(quote) < minQuote && quote != text:
		return "its quote from " + id + " is too short to show anything"
	case !strings.Contains(text, quote):
		return "its quote does not stand in " + id
	}
	return ""
}

// sentence says why a sentence must not be shown; "" where it may.
func (k *checker) sentence(s string) string {
	if reason := k.harm(s); reason != "" {
		return reason
	}
	if k.obeys(s) {
		return "it passes on what the evidence tells its reader to do"
	}
	if name := k.strayName(s, false); name != "" {
		return "it names something that does not exist in this case"
	}
	return ""
}

// strayTerm finds what sentence lets pass: a name that may be one of AWS's, of an
// operation or an action, but does not occur in this case.
func (k *checker) strayTerm(s string) string {
	if name := k.strayName(s, true); name != "" {
		return name
	}
	return k.strayWord(normal(s))
}

// term is the form of names of AWS's operations and IAM's actions.
var term = lazyregexp.New(`^([a-z0-9-]+:)?[A-Z][a-z]+([A-Z]+[a-z0-9]*)+$`)

// A name that is introduced as a state or a function, on either side, is the user's own.
var introduced = []*lazyregexp.Regexp{
	lazyregexp.New(`(?i)\b(?:states?|steps?|tasks?|functions?|lambdas?|tables?|buckets?|queues?|topics?|roles?|fields?|members?|machines?)(?: named| called)? ([\w-]+)`),
	lazyregexp.New(`(?i)\b([\w-]+) (?:state|step|function|table|bucket|queue|topic|field|member)\b`),
}

// isTerm reports a name that may be AWS's: its form is right, and nothing says that it is the user's.
func isTerm(name, sentence string) bool {
	if !term.MatchString(name) {
		return false
	}
	for _, form := range introduced {
		for _, m := range form.FindAllStringSubmatch(sentence, -1) {
			if m[1] == name {
				return false
			}
		}
	}
	return true
}

// wordWithDigit finds ids and names that no other form tells: O-1042, batch42, TICKETS-EU.
var wordWithDigit = lazyregexp.New(`\b(?:[A-Za-z][A-Za-z_-]*\d[\w-]*|[A-Z]{2,}(?:-[A-Z]{2,})+)\b`)

// technical are words with a digit that belong to no case.
var technical = lazyregexp.New(`(?i)^(?:utf|utf-|sha|sha-|aes|aes-|rsa|rsa-|iso|iso-|rfc|rfc-|http/?|ipv|base|u?int|float|md|oauth|log4j|arm|x|p|v|s|ec|route|python|nodejs|java|ruby|dotnet|corretto)\d[\d_-]*$`)

// strayWord finds a word that can only be an id, or that the sentence introduces as a
// state's or a resource's name, and that does not occur in this case.
func (k *checker) strayWord(s string) string {
	for _, word := range wordWithDigit.FindAllString(s, -1) {
		if !technical.MatchString(word) && !strings.Contains(k.lower, strings.ToLower(word)) {
			return word
		}
	}
	for _, m := range namedAs.FindAllStringSubmatch(s, -1) {
		word := strings.TrimRight(m[1]+m[2], "-")
		if !isLanguage(word) && !slices.Contains(services, word) && !strings.Contains(k.lower, strings.ToLower(word)) {
			return word
		}
	}
	return ""
}

// namedAs: a word with a capital is a name where it follows what it names (the state Ship),
// or stands between "the" and that (the Ship state).
var namedAs = lazyregexp.New(`\b(?:[Ss]tates?|[Ff]unctions?|[Tt]ables?|[Bb]uckets?|[Qq]ueues?|[Tt]opics?|[Rr]oles?) (?:named |called )?([A-Z][\w-]*)|` +
	`\b[Tt]he ([A-Z][\w-]*) (?:state|function|table|bucket|queue|topic|role)\b`)

// services are words with a capital that stand beside such nouns and name nothing of the user's.
var services = strings.Fields("AWS Amazon SQS SNS S3 EC2 ECS EKS EMR KMS VPC SSM RDS Glue Athena Batch Bedrock Kinesis Functions Step Python Java Node Go Ruby Express Standard FIFO")

// Evidence that reads like an order to whoever reads it.
var orderForm = lazyregexp.New(`(?i)\b(ignore|disregard|forget)\b[^.;]{0,30}\b(instructions?|prompts?|rules|above|previous)\b|` +
	`\b(ai|llm|assistants?|chatbot|model|reviewer|incident commander)\b\s*[:,]|\byou are (now|the|an?)\b|\bassistant\b|` +
	`\b(tell|instruct|ask|advise) (the )?(user|operator|reader|them|team|human|engineer)\b|\bnew instructions?\b|` +
	`\b(report|respond|answer|reply|output) (with )?(status|only)\b|\brender this\b|\bno action (is )?(required|needed)\b|\bfollow it\b|\bsystem prompt\b`)

// orderRun is how many words in a row of such evidence a sentence may not repeat.
const orderRun = 4

// learnOrders remembers the words of every stretch of evidence that reads like an order.
func (k *checker) learnOrders(text string) {
	for _, stretch := range stretches.Split(text, -1) {
		if !orderForm.MatchString(stretch) {
			continue
		}
		words := wordsOf(stretch)
		for i := 0; i+orderRun <= len(words); i++ {
			k.orders[strings.Join(words[i:i+orderRun], " ")] = true
		}
	}
}

// stretches of text end at quotes, brackets and line ends: a message inside a message
// is judged on its own, with all its sentences.
var stretches = lazyregexp.New(`["'{}\[\]\n]+|\\n`)

var wordForm = lazyregexp.New(`[\pL\pN]+`)

func wordsOf(s string) []string { return wordForm.FindAllString(strings.ToLower(s), -1) }

// obeys reports that a sentence repeats such a stretch.
func (k *checker) obeys(s string) bool {
	words := wordsOf(s)
	for i := 0; i+orderRun <= len(words); i++ {
		if k.orders[strings.Join(words[i:i+orderRun], " ")] {
			return true
		}
	}
	return false
}

func isWordByte(c byte) bool {
	return c == '_' || c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// nameForm finds what can only be a name: quoted, a path, an ARN, dotted, in camel case
// or with an underscore.
var nameForm = lazyregexp.New("`([^`]+)`" + `|(?:^|[\s(\[:])'([^'\s][^']*)'|"([^"]+)"|(\$[$.\w\[\]*@-]*[\w\]])|(arn:[^\s,;]+)|` +
	`\b([A-Za-z][\w-]*(?:\.[A-Za-z][\w-]*)+)|\b([A-Za-z]\w*_\w+|[A-Z]?[a-z0-9]+(?:[A-Z][A-Za-z0-9]*)+)\b`)

// strayName finds a name that is neither in the case nor a word of the states language;
// terms says whether names count that may be AWS's.
func (k *checker) strayName(s string, terms bool) string {
	s = normal(s)
	for _, m := range nameForm.FindAllStringSubmatch(s, -1) {
		name, quoted := "", false
		for i, group := range m[1:] {
			if group != "" {
				name, quoted = group, i < 3
			}
		}
		name = strings.Trim(name, ".,;: ")
		if name == "" || strings.Contains(k.known, name) || strings.Contains(k.lower, strings.ToLower(name)) || isLanguage(name) {
			continue
		}
		if strings.Contains(name, " ") && !looksLikeQuote(name) {
			continue // quoted prose
		}
		if strings.HasPrefix(name, "$") && k.pathKnown(name) || !terms && !quoted && isTerm(name, s) {
			continue
		}
		return name
	}
	return ""
}

func looksLikeQuote(name string) bool { return len(strings.Fields(name)) <= 3 }

// pathKnown: "$.a.b" is a fair way to write what the input has as nested members.
func (k *checker) pathKnown(path string) bool {
	for _, part := range wordForm.FindAllString(path, -1) {
		if !strings.Contains(k.known, part) {
			return false
		}
	}
	return true
}

// isLanguage reports names of the states language, its errors and AWS's services.
func isLanguage(name string) bool {
	if slices.Contains(language, name) || strings.HasPrefix(name, "States.") || strings.HasSuffix(name, ".amazonaws.com") {
		return true
	}
	head, _, dotted := strings.Cut(name, ".")
	return dotted && slices.Contains(language, head)
}

var language = strings.Fields(`JSONPath JSONata StepFunctions CloudWatch CloudTrail DynamoDB EventBridge AppConfig
 ErrorEquals IntervalSeconds MaxAttempts BackoffRate MaxDelaySeconds JitterStrategy ResultPath InputPath OutputPath
 ResultSelector ItemsPath ItemSelector ItemProcessor ItemReader ItemBatcher ResultWriter MaxConcurrency TimeoutSeconds
 TimeoutSecondsPath HeartbeatSeconds ToleratedFailurePercentage ToleratedFailureCount QueryLanguage StartAt IsPresent
 IsNull IsString IsNumeric StringEquals NumericEquals BooleanEquals FunctionName Payload Parameters Arguments Output Assign
 Catch Retry Choice Default Condition Variable Task Map Parallel Pass Wait Succeed Fail Next End Resource Credentials
 InvokeModel waitForTaskToken TaskToken SendTaskSuccess SendTaskFailure SendTaskHeartbeat StartExecution StopExecution
 RequestResponse e.g i.e JavaScript TypeScript NodeJS PowerShell GitHub OpenSearch SageMaker CodeBuild KiB MiB GiB
 PutItem GetItem UpdateItem ConditionExpression Lambda IAM API SDK JSON context`)
